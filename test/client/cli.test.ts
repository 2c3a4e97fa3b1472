/** The command line as a person uses it: the built program, real processes. */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkDemoFiles } from '../../src/server/demo-files.ts';
import { startServer, type TestServer } from '../support/server.ts';

const CLI = path.resolve(import.meta.dirname, '../../dist/cli.js');
const TOP_STATES = `SELECT a.state, count(*) n, round(avg(f.delay), 4) d FROM demo.air.flights f
  JOIN demo.air.airports a ON f.origin = a.iata GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5`;
/** As plain DuckDB computes it from the same files. */
const TOP_STATES_CSV = `state,n,d
CA,370248,7.361
TX,355905,6.2369
FL,202119,7.3236
IL,194306,8.8079
NY,134069,6.2749
`;

type Ended = { readonly code: number | null; readonly out: Buffer; readonly err: string };
type Options = { readonly input?: string; readonly interruptOn?: RegExp; readonly preload?: string };

let folder: string;
let server: TestServer;

/** Runs `tutti …` to its end. With `interruptOn`, Ctrl-C is pressed once its stderr matches. `preload` runs before it. */
function tutti(args: readonly string[], { input = '', interruptOn, preload }: Options = {}): Promise<Ended> {
  const imported = preload === undefined ? [] : ['--import', `data:text/javascript,${encodeURIComponent(preload)}`];
  const environment = { ...process.env, TUTTI_DATA: folder, HOME: folder, NO_COLOR: '1' };
  const child = spawn(process.execPath, [...imported, CLI, ...args], { env: environment });
  const out: Buffer[] = [];
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
    if (interruptOn?.test(err)) child.kill('SIGINT');
  });
  child.stdin.end(input);
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, out: Buffer.concat(out), err }));
  });
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'tutti-cli-'));
  server = await startServer({ workers: 1, dataDirectory: folder });
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

test('a query on a cluster of its own, which is gone afterwards', async () => {
  const { code, out, err } = await tutti(['query', '--format', 'csv', TOP_STATES]);
  expect({ code, out: out.toString(), err }).toEqual({ code: 0, out: TOP_STATES_CSV, err: '' });
  // The test's server has the first names; those of the query's cluster are free again.
  expect(readdirSync(path.join(folder, 'clusters'))).toEqual(['1']);
  // A worker's folder keeps who owned it last; no query leaves anything there.
  expect(
    readdirSync(path.join(folder, 'exchange')).flatMap((name) =>
      readdirSync(path.join(folder, 'exchange', name)).filter((file) => file !== 'owner.json'),
    ),
  ).toEqual([]);
});

test('the cluster of its own takes the options of a server', async () => {
  const catalogs = path.join(folder, 'catalogs');
  mkdirSync(catalogs);
  writeFileSync(path.join(catalogs, 'mine.json'), '{"connector": "tpch"}');
  const data = path.join(folder, 'elsewhere');
  const sql = 'SHOW CATALOGS; SELECT count(*) FROM system.runtime.nodes WHERE NOT coordinator';
  const options = ['--catalogs', catalogs, '--data', data, '--workers', '2', '--threads', '1', '--memory', '1GB'];
  const { code, out, err } = await tutti(['query', '--format', 'csv', ...options, sql]);
  expect({ code, out: out.toString(), err }).toEqual({ code: 0, out: 'Catalog\nmine\nsystem\n_col0\n2\n', err: '' });
  expect(readdirSync(data)).toContain('secret');
});

test('what the build makes is a program, as npx and npm link need it', async () => {
  const child = spawn(CLI, ['--version'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const pieces = await child.stdout.toArray();
  expect(Buffer.concat(pieces).toString()).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('every command explains its options', async () => {
  for (const command of ['repl', 'query', 'demo', 'server', 'coordinator', 'worker', 'tpch']) {
    const { code, out } = await tutti([command, '--help']);
    expect([command, code, out.toString()]).toEqual([
      command,
      0,
      expect.stringMatching(/^Usage: .*Options:.*--data </s),
    ]);
  }
});

test('the demo without its data says where to get it, before a cluster starts', async () => {
  const catalogs = path.join(folder, 'package', 'catalog');
  mkdirSync(catalogs, { recursive: true });
  const demo = readFileSync(path.resolve(import.meta.dirname, '../../catalog/demo.json'), 'utf8');
  writeFileSync(path.join(catalogs, 'demo.json'), demo);
  const get = 'get it with: npm install --no-save vega-datasets@';
  expect(() => checkDemoFiles(catalogs)).toThrow(get);
  expect(() => checkDemoFiles(catalogs)).toThrow(`(in ${path.dirname(catalogs)})`);
  expect(() => checkDemoFiles()).not.toThrow();
});

test('statements from stdin keep their session; the first failure ends them with exit code 1', async () => {
  const input = 'USE tpch.tiny; SELECT count(*) AS n FROM nation;\nSELECT nme FROM nation; SELECT 1';
  const { code, out, err } = await tutti(['query', '--url', server.url, '--format', 'json'], { input });
  expect(code).toBe(1);
  expect(out.toString()).toBe('{"n":25}\n');
  expect(err).toContain('USE\nerror: line 1:8: ');
  expect(err).toContain('(COLUMN_NOT_FOUND)\n   1 │ SELECT nme FROM nation\n     │        ^\n');
});

test('what fails after the last answer is no success', async () => {
  const preload = `import http from 'node:http';
    http.Agent.prototype.destroy = () => { throw new Error('the end went wrong'); };`;
  const { code, out, err } = await tutti(['query', '--url', server.url, '--format', 'csv', 'SELECT 1 AS n'], {
    preload,
  });
  expect({ code, out: out.toString(), err }).toEqual({ code: 1, out: 'n\n1\n', err: 'error: the end went wrong\n' });
});

test('numbers of 19 and of 38 digits arrive whole, in text and in Arrow', async () => {
  const sql = `SELECT 9223372036854775807 AS big, DECIMAL '12345678901234567890123456789012345678' AS dec, 1e300 AS d`;
  const csv = await tutti(['query', '--url', server.url, '--format', 'csv', sql]);
  expect(csv.out.toString()).toBe('big,dec,d\n9223372036854775807,12345678901234567890123456789012345678,1.0E300\n');
  const arrow = await tutti(['query', '--url', server.url, '--format', 'arrow', `${sql}, 'x' AS s`]);
  expect(arrow.err).toBe('');
  const [row] = tableFromIPC(arrow.out).toArray() as { big: bigint; s: string }[];
  expect([row?.big, row?.s]).toEqual([9223372036854775807n, 'x']);
});

test('a failure in Arrow leaves stdout empty', async () => {
  const { code, out, err } = await tutti(['query', '--url', server.url, '--format', 'arrow', 'SELECT nothing']);
  expect({ code, out: out.length }).toEqual({ code: 1, out: 0 });
  expect(err).toContain('(COLUMN_NOT_FOUND)');
});

test('usage errors are one line, exit code 1', async () => {
  const { port } = new URL(server.url);
  const cases: [string[], string][] = [
    [['server', '--port', port], `Port ${port} of 127.0.0.1 is taken: choose another with --port`],
    [['server', '--port', '99999'], '--port takes a port from 0 to 65535, not 99999'],
    [['server', '--host', '0.0.0.0'], 'Listening on 0.0.0.0 would let anyone'],
    [['query', '--format', 'tabel', 'SELECT 1'], 'did you mean table?'],
    [['query', '--file', '/nowhere/x.sql'], 'does not exist'],
    [['tpch', '--sf', 'x', '--out', folder], 'Scale factor'],
    [['serv'], 'did you mean server?'],
    [['worker', '--coordinator', 'first'], '--coordinator takes an address such as http://first:8081, not "first"'],
    [['query', '--url', server.url, '--catalogs', folder, 'SELECT 1'], '--catalogs is for the cluster that starts'],
    [['query', '--workers', '0', 'SELECT 1'], '--workers takes a whole number from 1'],
    [['query', '--catalogs', '/nowhere', 'SELECT 1'], 'The catalog folder /nowhere cannot be read'],
  ];
  for (const [args, message] of cases) {
    const { code, out, err } = await tutti(args);
    expect({ args, code, out: out.toString() }).toEqual({ args, code: 1, out: '' });
    expect(err).toContain(message);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
  }
});

test('tpch writes every table once, with the specification’s names', async () => {
  const out = path.join(folder, 'tpch-out');
  const made = await tutti(['tpch', '--sf', '0.001', '--out', out]);
  expect(made).toMatchObject({ code: 0, err: '' });
  expect(readdirSync(out).sort()).toEqual('customer lineitem nation orders part partsupp region supplier'.split(' '));
  expect(
    readFileSync(path.join(out, 'nation', '00000.parquet'))
      .subarray(0, 4)
      .toString(),
  ).toBe('PAR1');
  expect(await tutti(['tpch', '--sf', '0.002', '--out', out])).toMatchObject({ code: 1 });
});

test('the demo answers its four questions and ends where there is no terminal', async () => {
  const { code, out, err } = await tutti(['demo']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out.toString().match(/▸ \d+ stages · \d+ tasks on 3 workers · .* scanned · .* shuffled · /g)).toHaveLength(4);
  expect(out.toString()).toContain(' Denver         │ CO    │   66923 │         11.1\n');
}, 60_000);
