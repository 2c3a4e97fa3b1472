import { afterEach, expect, test } from 'vitest';
import { connect } from '../../src/client/connect.ts';
import { formatNamed } from '../../src/client/formats/formats.ts';
import type { ProtocolClient } from '../../src/client/protocol-client.ts';
import { runQueries } from '../../src/client/query.ts';
import { type FakeConsole, fakeConsole } from './fake-console.ts';
import { type FakeAnswer, type FakeServer, fakeServer } from './fake-server.ts';

const NUMBER = { name: 'n', type: 'bigint', typeSignature: { rawType: 'bigint', arguments: [] } };

let server: FakeServer | undefined;
let client: ProtocolClient | undefined;

afterEach(async () => {
  client?.close();
  await server?.close();
});

async function run(
  sql: string,
  format: string,
  answer: (what: string) => FakeAnswer,
  console: FakeConsole = fakeConsole(),
): Promise<{ code: number; out: string; err: string }> {
  server = await fakeServer(answer);
  client = connect(server.url, { user: 'ada' });
  const code = await runQueries(client, sql, formatNamed(format), console);
  return { code, out: console.out(), err: console.err() };
}

const answers = (what: string): FakeAnswer => {
  if (what.endsWith('SELECT 1')) return { page: { columns: [NUMBER], data: [[1]] } };
  if (what.endsWith("SELECT ';'")) return { page: { columns: [NUMBER], data: [[2], [null]] } };
  if (what.endsWith('USE tpch.tiny')) {
    return { page: { updateType: 'USE' }, headers: { 'x-trino-set-catalog': 'tpch', 'x-trino-set-schema': 'tiny' } };
  }
  if (what.includes('INSERT'))
    return { page: { updateType: 'INSERT', updateCount: 1234, columns: [NUMBER], data: [[1234]] } };
  return {
    page: {
      error: {
        message: "line 2:8: column 'x' cannot be resolved",
        errorName: 'COLUMN_NOT_FOUND',
        errorLocation: { lineNumber: 2, columnNumber: 8 },
      },
    },
  };
};

test('statements run one after another, results to stdout and reports to stderr', async () => {
  const result = await run("USE tpch.tiny; SELECT 1;\nINSERT INTO t VALUES 1; SELECT ';' -- ;\n;", 'table', answers);
  expect(result).toEqual({
    code: 0,
    out: ' n\n───\n 1\n(1 row)\n    n\n──────\n    2\n NULL\n(2 rows)\n',
    err: 'USE\nINSERT: 1,234 rows\n',
  });
  expect(server!.headers[1]).toMatchObject({ 'x-trino-catalog': 'tpch', 'x-trino-schema': 'tiny' });
});

test('the first failure ends the run, with its place under a caret', async () => {
  const result = await run('SELECT 1; SELECT\n\t1, x FROM t; SELECT 1', 'csv', answers);
  expect(result.code).toBe(1);
  expect(result.out).toBe('n\n1\n');
  expect(result.err).toBe(
    [
      "error: line 2:8: column 'x' cannot be resolved (COLUMN_NOT_FOUND)",
      '   2 │   1, x FROM t',
      '     │         ^',
      '',
    ].join('\n'),
  );
  expect(server!.log).toHaveLength(2);
});

test('a caret in a long line stands below its place', async () => {
  const place = 300;
  const long = `${'a'.repeat(place)}東X${'b'.repeat(300)}`;
  const { err } = await run(long, 'csv', () => ({
    page: { error: { message: 'no', errorName: 'E', errorLocation: { lineNumber: 1, columnNumber: place + 2 } } },
  }));
  const [, line = '', caret = ''] = err.split('\n');
  // The wide character before the place takes two columns and one place in the text.
  expect(line[caret.indexOf('^') - 1]).toBe('X');
  expect(line.length).toBeLessThan(125);
});

test('Ctrl-C cancels the query and not the program; twice quickly ends it', async () => {
  const console = fakeConsole({ columns: 80, rows: 24 });
  const never = new Promise(() => undefined);
  const answered = run(
    'SELECT 1',
    'csv',
    (what) => {
      if (what.startsWith('POST')) return { page: { nextUri: 'ORIGIN/page/1' } };
      console.interrupt();
      console.interrupt();
      return { after: never };
    },
    console,
  );
  expect(await answered).toMatchObject({ code: 1, err: 'error: Query was canceled (USER_CANCELED)\n' });
  expect(server!.log.at(-1)).toBe('DELETE /page/1');
  expect(console.exits).toEqual([130]);
  expect(console.interrupt()).toBe(false);
});

test('Arrow streams pass through untouched, failures are told', async () => {
  const arrow = { 'content-type': 'application/vnd.apache.arrow.stream' };
  expect(await run('SELECT 1', 'arrow', () => ({ headers: arrow, page: 'ARROW1' }))).toEqual({
    code: 0,
    out: 'ARROW1',
    err: '',
  });
  expect(server!.headers[0]).toMatchObject({ accept: 'application/vnd.apache.arrow.stream' });
  client!.close();
  await server!.close();
  expect(await run('SELECT\n  1, x', 'arrow', answers)).toMatchObject({ code: 1, out: '' });
});

test('an Arrow stream holds one result: more are refused before anything runs', async () => {
  const arrow = { 'content-type': 'application/vnd.apache.arrow.stream' };
  await expect(run('SELECT 1; -- and\nSELECT 2', 'arrow', () => ({ headers: arrow, page: 'A' }))).rejects.toThrow(
    'An Arrow stream holds one result, and there are 2',
  );
  expect(server!.log).toEqual([]);
});

test('what cannot be done is said before anything runs', () => {
  expect(() => formatNamed('tabel')).toThrow('did you mean table?');
  expect(() => connect('localhost', { schema: 'tiny' })).toThrow('a schema needs its catalog');
  expect(() => connect('ftp://x')).toThrow('is no address of a server');
  expect(() => connect('localhost', { properties: ['x'] })).toThrow('name=value');
  expect(connect('localhost').url.href).toBe('http://localhost:8080/');
  expect(connect('localhost:80').url.href).toBe('http://localhost/');
  expect(connect('[::1]').url.href).toBe('http://[::1]:8080/');
  expect(connect('https://me:pw@db.example/tutti').url.href).toBe('https://db.example/tutti/');
});
