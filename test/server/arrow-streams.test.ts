/** Arrow streams from a real server with its workers, whole and broken off. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';
import { runStatement } from '../support/trino.ts';

const ARROW = 'application/vnd.apache.arrow.stream';
const run = promisify(execFile);
let server: TestServer;

beforeAll(async () => {
  server = await startServer({ workers: 2 });
});

afterAll(() => server.stop());

const ask = (sql: string, session = ''): Promise<Response> =>
  fetch(`${server.url}/v1/statement`, {
    method: 'POST',
    body: sql,
    headers: { 'X-Trino-User': 'test', 'X-Trino-Session': session, Accept: ARROW },
  });

/** Large enough that most of it waits for a client that does not read. */
const LARGE = 'SELECT origin, destination, delay, distance, date FROM demo.air.flights';

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

test('rows of several tasks arrive once each, typed, as the pages of JSON have them', async () => {
  const response = await ask(LARGE, 'distribution=FORCED,split_bytes_max=4000000');
  expect([response.status, response.headers.get('content-type')]).toEqual([200, ARROW]);
  const table = tableFromIPC(new Uint8Array(await response.arrayBuffer()));
  const [expected] = (
    await runStatement(server.url, 'SELECT count(*), sum(distance), count(delay), sum(delay) FROM demo.air.flights')
  ).rows;
  const distances = [...table.getChild('distance')!].map(Number);
  const delays = [...table.getChild('delay')!].filter((delay) => delay !== null).map(Number);
  expect([table.numRows, sum(distances), delays.length, sum(delays)]).toEqual(expected);
});

test('the order asked for is the order of the stream', async () => {
  const sql = 'SELECT orderkey, linenumber, comment FROM tpch.tiny.lineitem ORDER BY comment, orderkey, linenumber';
  const expected = await runStatement(server.url, sql);
  const response = await ask(sql, 'distribution=FORCED');
  const table = tableFromIPC(new Uint8Array(await response.arrayBuffer()));
  const rows = table.toArray().map((row) => [Number(row.orderkey), row.linenumber, row.comment]);
  expect(rows).toEqual(expected.rows);
});

test('the command line passes the stream on', async () => {
  const cli = path.resolve(import.meta.dirname, '../../dist/cli.js');
  const args = [cli, 'query', '--url', server.url, '--format', 'arrow', 'SELECT 1 AS a, NULL AS b'];
  const { stdout } = await run(process.execPath, args, { encoding: 'buffer' });
  expect(tableFromIPC(stdout).toArray().map(String)).toEqual(['{"a": 1, "b": null}']);
});

test('what fails before the first row is answered as JSON', async () => {
  const answers = await Promise.all(
    [
      'SELECT nowhere',
      'SELECT 1 / (orderkey - orderkey) FROM tpch.tiny.orders',
      'SET SESSION adaptive = false',
      'EXPLAIN SELECT 1',
    ].map(async (sql) => {
      const response = await ask(sql);
      const { error } = (await response.json()) as { error: { errorName: string; message: string } };
      return [response.status, error.errorName, error.message];
    }),
  );
  const noRows = 'This statement has no rows to stream as Arrow: ask for JSON';
  expect(answers).toEqual([
    [422, 'COLUMN_NOT_FOUND', "line 1:8: Column 'nowhere' cannot be resolved"],
    [422, 'DIVISION_BY_ZERO', 'Division by zero'],
    [422, 'NOT_SUPPORTED', noRows],
    [422, 'NOT_SUPPORTED', noRows],
  ]);
});

/** Waits until `seen` gives what is wanted, which it must within the time that cancellation may take, and some. */
async function eventually<T>(seen: () => T | Promise<T>, wanted: T): Promise<void> {
  const until = Date.now() + 10_000;
  while ((await seen()) !== wanted && Date.now() < until) await sleep(50);
  expect(await seen()).toBe(wanted);
}

const filesLeft = (): number =>
  readdirSync(path.join(server.dataDirectory, 'exchange'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.arrow'),
  ).length;

async function stateOf(sql: string): Promise<unknown> {
  const literal = sql.replaceAll("'", "''");
  const find = `SELECT state, error_code FROM system.runtime.queries WHERE query = '${literal}' ORDER BY created DESC LIMIT 1`;
  return String((await runStatement(server.url, find)).rows[0]);
}

test('a client that leaves cancels its query, whose files go', async () => {
  const sql = `${LARGE} WHERE distance > 1`;
  const { body } = await ask(sql);
  const reader = body!.getReader();
  await reader.read();
  expect(filesLeft()).toBeGreaterThan(0);
  await reader.cancel();
  await eventually(() => stateOf(sql), 'FAILED,USER_CANCELED');
  await eventually(filesLeft, 0);
});

test('a result whose workers die breaks off, and is not taken for whole', async () => {
  const sql = `${LARGE} WHERE distance > 2`;
  const response = await ask(sql);
  const reader = response.body!.getReader();
  await reader.read();
  const { stdout } = await run('pgrep', ['-P', String(server.process.pid), '-f', 'worker']);
  for (const worker of stdout.trim().split('\n')) process.kill(Number(worker), 'SIGKILL');
  const rest = async (): Promise<void> => {
    while (!(await reader.read()).done);
  };
  await expect(rest()).rejects.toThrow('terminated');
  await eventually(() => stateOf(sql), 'FAILED,REMOTE_TASK_ERROR');
  await eventually(filesLeft, 0);
});
