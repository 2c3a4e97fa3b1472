/** The REPL as a person meets it: keys go in, and what the terminal would show comes out. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connect } from '../../src/client/connect.ts';
import { runRepl } from '../../src/client/repl/repl.ts';
import { type FakeConsole, fakeConsole } from './fake-console.ts';
import { type FakeAnswer, type FakeServer, fakeServer } from './fake-server.ts';
import { TerminalScreen } from './terminal-screen.ts';

const column = (name: string, type: string) => ({ name, type, typeSignature: { rawType: type, arguments: [] } });
const names = (...values: string[]): FakeAnswer => ({
  page: { columns: [column('Name', 'varchar')], data: values.map((value) => [value]) },
});

function answers(what: string): FakeAnswer {
  const sql = what.replace('POST /v1/statement ', '');
  if (sql === 'SHOW CATALOGS') return names('demo', 'system', 'tpch');
  if (sql === 'SHOW SCHEMAS FROM "demo"') return names('air', 'information_schema');
  if (sql === 'SHOW TABLES FROM "demo"."air"') return names('airports', 'flights');
  if (sql === 'SHOW COLUMNS FROM "demo"."air"."flights"') return names('delay', 'destination', 'origin');
  if (sql === 'SHOW COLUMNS FROM "demo"."air"."airports"') return names('iata', 'city');
  if (sql === 'SHOW FUNCTIONS') return names('date_trunc', 'upper');
  if (sql.startsWith('USE ')) {
    return { page: { updateType: 'USE' }, headers: { 'x-trino-set-catalog': 'demo', 'x-trino-set-schema': 'air' } };
  }
  if (sql.includes('wrong')) {
    return {
      page: {
        error: {
          message: "line 1:8: column 'wrong' cannot be resolved",
          errorName: 'COLUMN_NOT_FOUND',
          errorLocation: { lineNumber: 1, columnNumber: 8 },
        },
      },
    };
  }
  if (sql.includes('many')) {
    return { page: { columns: [column('n', 'bigint')], data: Array.from({ length: 100 }, (_, index) => [index]) } };
  }
  return { page: { columns: [column('n', 'bigint')], data: [[1]], stats: { state: 'FINISHED', processedRows: 3 } } };
}

let folder: string;
let server: FakeServer;
let console: FakeConsole;
let ended: Promise<void>;

async function start(answer: (what: string) => FakeAnswer = answers): Promise<void> {
  server = await fakeServer(answer);
  const plain = fakeConsole({ columns: 60, rows: 24 });
  console = {
    ...plain,
    environment: { ...plain.environment, TUTTI_HISTORY: path.join(folder, 'h', 'history'), PAGER: '' },
  };
  const client = connect(server.url, { user: 'ada' });
  ended = runRepl(client, console, { banner: ['Welcome'] }).finally(() => client.close());
}

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'tutti-repl-'));
});

afterEach(async () => {
  console.input.end();
  await ended;
  await server.close();
  rmSync(folder, { recursive: true });
});

/** Sends keys, and waits until the screen shows `until`. */
async function type(keys: string, until: string | RegExp): Promise<string> {
  console.input.write(keys);
  return shows(until);
}

async function shows(wanted: string | RegExp): Promise<string> {
  for (let waited = 0; waited < 4000; waited += 5) {
    const text = screen();
    if (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text)) return text;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(screen()).toContain(String(wanted));
  return '';
}

const screen = (): string => new TerminalScreen(60, 1000).write(console.out()).text();

const statements = (): string[] =>
  server.log.filter((what) => what.startsWith('POST')).map((what) => what.replace('POST /v1/statement ', ''));

test('a statement of several lines is answered with a table and a line of facts', async () => {
  await start();
  await type('SELECT n\r', '   -> ');
  const text = await type('FROM t;\r', '1 row · 3 rows read');
  expect(text).toContain('Welcome\ntutti> SELECT n\n    -> FROM t;\n n\n───\n 1\n1 row · 3 rows read · 0.');
  expect(statements()).toEqual(['SELECT n\nFROM t']);
});

test('the cursor edits in the middle of several lines', async () => {
  await start();
  // Up into the first line, to its end, and a word more; then down again.
  await type('SELECT 1\rFROM t;', 'FROM t;');
  await type('\u001b[A\u0005 + 2\u001b[B\u0005\r', '1 row ·');
  expect(statements()).toEqual(['SELECT 1 + 2\nFROM t']);
});

test('keys delete, undo and bring back', async () => {
  await start();
  await type('SELECT one two\u0017\u0017\u0019\u001a1;\r', '1 row ·');
  expect(statements()).toEqual(['SELECT 1']);
});

test('long lines wrap and stay editable', async () => {
  await start();
  const long = `SELECT '${'x'.repeat(120)}'`;
  await type(`${long};\u0001\u001b[C\r`, '1 row ·');
  expect(statements()).toEqual([long]);
  expect(screen()).toContain(
    `tutti> SELECT '${'x'.repeat(44)}\n       ${'x'.repeat(52)}\n       ${'x'.repeat(24)}';\n`,
  );
});

test('pasted statements wait for Enter, then run one after another until one fails', async () => {
  await start();
  await type('\u001b[200~SELECT 1;\rSELECT wrong;\rSELECT 3;\u001b[201~', 'SELECT 3;');
  expect(statements()).toEqual([]);
  await type('\r', '1 more not run');
  expect(statements()).toEqual(['SELECT 1', 'SELECT wrong']);
  expect(console.err()).toContain(
    "error: line 1:8: column 'wrong' cannot be resolved (COLUMN_NOT_FOUND)\n   1 │ SELECT wrong\n     │        ^",
  );
});

test('history is kept between runs in a file of its owner', async () => {
  await start();
  await type('SELECT 1,\r2;\r', '1 row ·');
  await type('SELECT 5;\r', /SELECT 5;\n(?:.*\n)*1 row ·/);
  console.input.end();
  await ended;
  const file = path.join(folder, 'h', 'history');
  expect(readFileSync(file, 'utf8')).toBe('SELECT 1,\\n2;\nSELECT 5;\n');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await server.close();
  await start();
  await type('\u001b[A\u001b[A\u001b[A', '    -> 2;');
  await type('\u001b[B\u001b[B', 'tutti> SELECT 5;');
  await type('\r', '1 row ·');
  await type('\u00121,', 'history: 1,');
  await type('\r', /2;$/);
  await type('\r', /2;\n(?:.*\n)*1 row ·/);
  expect(statements()).toEqual(['SELECT 5', 'SELECT 1,\n2']);
});

test('Tab completes keywords, catalogs, schemas, tables and columns', async () => {
  await start();
  await type('sel\t', 'tutti> select ');
  await type('* from d\t', 'from demo ');
  await type('.\t', /air +information_schema/);
  await type('a\t', 'from demo.air ');
  await type('.f\t', 'from demo.air.flights ');
  await type('f where f.de\t', /delay +destination/);
  await type('\t\t', 'f.destination');
  await type(' = upp\t', '= upper(');
  await type("'x');\r", '1 row ·');
  expect(statements().at(-1)).toBe("select * from demo.air.flights f where f.destination = upper('x')");
});

test('before FROM is written, Tab knows the columns of the schema that is used', async () => {
  await start();
  await type('SELECT orig\t', /SELECT orig$/);
  await type('\u0003\\use demo.air\r', 'tutti:demo.air>');
  await type('SELECT orig\t', 'SELECT origin ');
  await type(', \t', /city +delay +destination +iata\n +origin/);
  // Once a table is named, only its columns fit.
  await type('\u0003SELECT cit FROM airports\u0001\u001bf\u001bf\t', 'SELECT city FROM airports');
  const text = await type('\u0003SELECT orig FROM airports\u0001\u001bf\u001bf\t!', '! FROM airports');
  expect(text).toContain('SELECT orig! FROM airports');
});

test('Ctrl-C while Tab waits for names clears what was typed', async () => {
  let answer: (() => void) | undefined;
  const after = new Promise<void>((resolve) => {
    answer = resolve;
  });
  await start((what) => (what.includes('SHOW FUNCTIONS') ? { ...answers(what), after } : answers(what)));
  await type('SELECT upp\t', 'SELECT upp');
  while (!server.log.some((what) => what.includes('SHOW FUNCTIONS'))) await new Promise((go) => setTimeout(go, 5));
  console.input.write('\u0003SELECT 2;\r');
  answer!();
  await shows('1 row ·');
  expect(statements().at(-1)).toBe('SELECT 2');
});

test('commands begin with a backslash', async () => {
  await start();
  await type('\\?\r', 'list catalogs');
  await type('\\use demo.air\r', 'tutti:demo.air>');
  await type('\\l\r', ' tpch\n');
  await type('\\x\r', 'each row is a block of lines');
  await type('SELECT 1;\r', ' n │ 1');
  await type('\\format json\r', 'results are shown as json');
  await type('\\timing\r', 'timing is off');
  await type('SELECT 1;\r', '{"n":1}\ntutti:demo.air>');
  await type('\\histery\r', 'tutti:demo.air> \\histery');
  await type('\\q\r', '\\q');
  await ended;
  expect(console.err()).toContain('there is no command \\histery; did you mean \\history? \\? lists them.');
});

test('a command in a line of its own is obeyed in the middle of a statement, which goes on', async () => {
  await start();
  await type('SELECT 1\r\\x\r', 'each row is a block of lines\ntutti> SELECT 1\n    -> ');
  await type('+ 2;\r', ' n │ 1');
  expect(statements()).toEqual(['SELECT 1\n+ 2']);
  await type("SELECT 'a\r\\x\rb';\r", /b';\n(?:.*\n)*1 row ·/);
  expect(statements().at(-1)).toBe("SELECT 'a\n\\x\nb'");
  await type('SELECT 3;\u001b[200~\r  \\timing;\rSELECT 4\u001b[201~ + 5;\r', /timing is off\n.*row 1.*\n n │ 1\n/);
  expect(statements().slice(-2)).toEqual(['SELECT 3', 'SELECT 4 + 5']);
  await type('SELECT 6\r\\nonsense\r', '-> \\nonsense\ntutti> SELECT 6\n');
  await type('\\q\r', '-> \\q');
  await ended;
  expect(statements().at(-1)).toBe('SELECT 4 + 5');
  expect(console.err()).toContain('there is no command \\nonsense');
});

test('what stands below a statement that failed is not run, commands neither', async () => {
  await start();
  await type('\u001b[200~SELECT wrong;\r\\timing\rSELECT 7;\u001b[201~\r', /SELECT 7;\n+tutti> $/);
  expect(statements()).toEqual(['SELECT wrong']);
  expect(screen()).not.toContain('timing is');
});

test('Ctrl-C clears what is typed, cancels what runs, and never leaves', async () => {
  const never = new Promise(() => undefined);
  await start((what) => {
    if (what.includes('forever')) return { page: { nextUri: 'ORIGIN/page/1' } };
    return what.startsWith('GET') ? { after: never } : answers(what);
  });
  await type('SELECT nonsense\u0003SELECT forever;\r', 'SELECT forever;');
  while (!server.log.includes('GET /page/1')) await new Promise((resolve) => setTimeout(resolve, 5));
  await type('\u0003', /forever;\n+tutti> $/);
  expect(console.err()).toContain('error: Query was canceled');
  await type('SELECT 1;\r', '1 row ·');
  expect(statements()).toEqual(['SELECT forever', 'SELECT 1']);
  expect(server.log).toContain('DELETE /page/1');
  await type('\u0004', /tutti> $/);
  await ended;
});

test('what is typed ahead runs afterwards', async () => {
  await start();
  await type('SELECT 1;\rSELECT 2;\r', /SELECT 2;\n(?:.*\n)*1 row ·/);
  expect(statements()).toEqual(['SELECT 1', 'SELECT 2']);
});
