/** Tables whose files are in the cluster's own store: read beside their replicas, whoever dies, and never a mixture of files. */
import { randomUUID } from 'node:crypto';
import { createReadStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hostId } from '../../src/cluster/host-id.ts';
import { systemClock } from '../../src/common/clock.ts';
import { HttpNetwork } from '../../src/filestore/http-network.ts';
import type { FsckReport } from '../../src/filestore/namenode/administration.ts';
import { StoreFileSystem } from '../../src/filestore/store-file-system.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { type Answer, runStatement } from '../support/trino.ts';
import { CAN_SEE_PROCESSES } from './process-tree.ts';

const WORKERS = 4;
const DATA = path.resolve(import.meta.dirname, '../../node_modules/vega-datasets/data');
const FLIGHTS = path.join(DATA, 'flights-3m.parquet');

let folder: string;
let server: TestServer;
let network: HttpNetwork;

const storeOf = (replication: number, blockSize: number): StoreFileSystem =>
  new StoreFileSystem({
    network,
    clock: systemClock,
    namenode: server.url,
    caller: { user: 'tester', groups: [], superuser: true },
    client: `test-${randomUUID()}`,
    host: hostId(),
    attributes: { replication, blockSize },
  });

const put = (fs: StoreFileSystem, from: string, to: string): Promise<void> =>
  fs.create(to, createReadStream(from), { overwrite: true });

const ask = (sql: string): Promise<Answer> =>
  runStatement(server.url, sql, { 'x-trino-session': 'distribution=FORCED' });

const rowsOf = async (sql: string): Promise<readonly unknown[][]> => (await ask(sql)).rows;

/** Of `store.<schema>` and of the very same files in a local folder. */
async function same(schema: string, sql: (table: string) => string): Promise<void> {
  const [found, right] = [await rowsOf(sql(`store.${schema}`)), await rowsOf(sql('near.air'))];
  expect(found).toEqual(right);
}

const BY_ORIGIN = (schema: string): string =>
  `SELECT origin, count(*), sum(delay), max(distance) FROM ${schema}.flights GROUP BY 1 ORDER BY 1`;

const JOINED = (schema: string): string =>
  `SELECT a.state, count(*), sum(f.delay) FROM ${schema}.flights f JOIN ${schema}.airports a ON f.origin = a.iata
   WHERE f.distance > 500 GROUP BY 1 ORDER BY 1`;

/** It runs for long enough to be hit. */
const LONG = (table: string): string =>
  `SELECT count(*), count(DISTINCT f.delay * 1000 + n), sum(length(f.origin || f.destination)) FROM ${table}.flights f
       CROSS JOIN (VALUES 1, 2, 3, 4, 5, 6) v(n)`;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tutti-stored-'));
  const catalogs = path.join(folder, 'catalog');
  mkdirSync(catalogs);
  const catalog = (name: string, roots: readonly string[], schemas: object): void =>
    writeFileSync(path.join(catalogs, `${name}.json`), JSON.stringify({ connector: 'files', roots, schemas }));
  catalog('near', [DATA], {
    air: { tables: { flights: { path: FLIGHTS }, airports: { path: path.join(DATA, 'airports.csv') } } },
  });
  catalog('store', ['tutti:///'], {
    air: { folder: 'tutti:///air' },
    blocks: { folder: 'tutti:///blocks' },
    missing: { folder: 'tutti:///missing' },
    globbed: { tables: { both: { path: 'tutti:///parts/**/*.csv' } } },
  });
  catalog('mixed', [DATA, 'tutti:///air'], {
    air: { tables: { flights: { path: 'tutti:///air/flights.parquet' }, airports: { path: `${DATA}/airports.csv` } } },
    outside: { tables: { t: { path: 'tutti:///blocks/flights.parquet' } } },
  });
  server = await startServer({
    workers: WORKERS,
    dataDirectory: path.join(folder, 'data'),
    arguments: ['--threads', '1', '--catalogs', catalogs, '--webhdfs'],
  });
  network = new HttpNetwork(readFileSync(path.join(folder, 'data', 'secret'), 'utf8').trim(), systemClock);
  // Datanodes join a moment after the server is ready.
  while (Number((await rowsOf('SELECT count(*) FROM system.filestore.nodes'))[0]![0]) < WORKERS) await sleep(50);
  const [whole, cut] = [storeOf(2, 128 * 1024 * 1024), storeOf(2, 1024 * 1024)];
  for (const [fs, to] of [
    [whole, '/air'],
    [cut, '/blocks'],
  ] as const) {
    await put(fs, FLIGHTS, `${to}/flights.parquet`);
    await put(fs, path.join(DATA, 'airports.csv'), `${to}/airports.csv`);
  }
});

afterAll(async () => {
  network.close();
  await server.stop();
  await rm(folder, { recursive: true });
});

test('files of one block are read by their replicas on the machine, and EXPLAIN ANALYZE and metrics say so', async () => {
  await same('air', BY_ORIGIN);
  await same('air', JOINED);
  expect(await rowsOf(`SELECT DISTINCT "$path" FROM store.air.airports`)).toEqual([['tutti:///air/airports.csv']]);
  const [[plan]] = (await rowsOf(`EXPLAIN ANALYZE ${BY_ORIGIN('store.air')}`)) as [[string]];
  expect(plan).toMatch(/local reads of store\.air\.flights: (\d+) of \1 splits, (\S+ MB) of \2 \(100 %\)/);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toMatch(/tutti_scanned_bytes_total\{from="local"\} [1-9]\d{6}/);
});

test('files of many blocks are read by copies of what the splits need', async () => {
  await same('blocks', BY_ORIGIN);
  await same('blocks', JOINED);
  await same(
    'blocks',
    (schema) => `SELECT count(*), min(delay) FROM ${schema}.flights WHERE origin = 'SFO' AND delay > 300`,
  );
  const [[plan]] = (await rowsOf(`EXPLAIN ANALYZE ${BY_ORIGIN('store.blocks')}`)) as [[string]];
  // Copied, but from this machine's own replicas.
  expect(plan).toMatch(/local reads of store\.blocks\.flights: (\d+) of \1 splits, (\S+ MB) of \2 \(100 %\)/);
  expect(plan).not.toContain('from other machines');
});

test('a folder in which nothing is yet has no tables; a file that is not there is named', async () => {
  expect(await rowsOf('SHOW TABLES FROM store.missing')).toEqual([]);
  await expect(ask('SELECT * FROM store.globbed.both')).rejects.toThrow(
    'FILE_NOT_FOUND: No file at tutti:///parts/**/*.csv',
  );
});

test('globs, partitions and text', async () => {
  const fs = storeOf(2, 128 * 1024 * 1024);
  await fs.create('/parts/day=1/a.csv', Buffer.from('id,name\n1,one\n2,two\n'));
  await fs.create('/parts/day=2/b.csv', Buffer.from('id,name\n3,three\n'));
  await fs.create('/parts/day=2/_SUCCESS', Buffer.from(''));
  const sql = `SELECT id, name, day, "$path" FROM store.globbed.both ORDER BY 1`;
  expect(await rowsOf(sql)).toEqual([
    [1, 'one', 1, 'tutti:///parts/day=1/a.csv'],
    [2, 'two', 1, 'tutti:///parts/day=1/a.csv'],
    [3, 'three', 2, 'tutti:///parts/day=2/b.csv'],
  ]);
  // Another file under the same name is another table at once.
  await fs.create('/parts/day=2/b.csv', Buffer.from('id,name\n4,other\n'), { overwrite: true });
  expect((await rowsOf(sql)).at(-1)).toEqual([4, 'other', 2, 'tutti:///parts/day=2/b.csv']);
  await fs.create('/parts/day=2/b.csv', Buffer.from('id,name\nx"y,damaged\n"'), { overwrite: true });
  const error = await ask(sql).then(
    () => 'no error',
    (problem: unknown) => (problem as Error).message,
  );
  expect(error).toContain('tutti:///parts/day=2/b.csv');
  expect(error).not.toContain(folder);
  await fs.delete('/parts', { recursive: true });
});

test('a catalog of local folders and folders of the store reads both, and nothing beside them', async () => {
  expect(await rowsOf(JOINED('mixed.air'))).toEqual(await rowsOf(JOINED('near.air')));
  await expect(ask('SELECT * FROM mixed.outside.t')).rejects.toThrow(
    /PERMISSION_DENIED: tutti:\/\/\/blocks\/flights.parquet lies outside of the folders that its catalog allows/,
  );
});

test('another cluster reads the same files over WebHDFS', async () => {
  const catalogs = path.join(folder, 'hdfs-catalog');
  mkdirSync(catalogs);
  const location = `webhdfs://${new URL(server.url).host}/air`;
  const catalog = { connector: 'files', roots: [location], schemas: { air: { folder: location } } };
  writeFileSync(path.join(catalogs, 'hdfs.json'), JSON.stringify(catalog));
  const other = await startServer({ workers: 2, arguments: ['--catalogs', catalogs, '--no-store'] });
  try {
    const there = (sql: string): Promise<readonly unknown[][]> =>
      runStatement(other.url, sql, { 'x-trino-session': 'distribution=FORCED' }).then(({ rows }) => rows);
    expect(await there(BY_ORIGIN('hdfs.air'))).toEqual(await rowsOf(BY_ORIGIN('near.air')));
    expect(await there(JOINED('hdfs.air'))).toEqual(await rowsOf(JOINED('near.air')));
    const [[plan]] = (await there(`EXPLAIN ANALYZE ${BY_ORIGIN('hdfs.air')}`)) as [[string]];
    expect(plan).toMatch(/local reads of hdfs\.air\.flights: 0 of \d+ splits/);
  } finally {
    await other.stop();
  }
});

describe.runIf(CAN_SEE_PROCESSES)('workers die', () => {
  test('the worker that reads its own replica is killed in mid-query: the rows are right', async () => {
    const right = await rowsOf(LONG('near.air'));
    let struck = 0;
    for (let round = 0; struck < 3; round++) {
      expect(round, 'always too late').toBeLessThan(20);
      await whole();
      const running = rowsOf(LONG('store.air'));
      const nodes = await nodesThatScan();
      const victim = nodes[round % Math.max(1, nodes.length)];
      // Otherwise it ended before it was seen.
      if (victim !== undefined) process.kill(processOf(victim), 'SIGKILL');
      expect(await running).toEqual(right);
      struck += victim === undefined ? 0 : 1;
    }
  }, 240_000);

  test('a datanode that dies while copies are made from it: another replica is read', async () => {
    const right = await rowsOf(BY_ORIGIN('near.air'));
    await whole();
    const running = Array.from({ length: 6 }, () => rowsOf(BY_ORIGIN('store.blocks')));
    await sleep(20);
    process.kill(processOf('worker-2'), 'SIGKILL');
    for (const rows of await Promise.all(running)) expect(rows).toEqual(right);
    await whole();
  }, 120_000);
});

/** All workers are there, and the blocks of the dead are copied. */
async function whole(): Promise<void> {
  await expect
    .poll(async () => rowsOf(`SELECT count(*) FROM system.runtime.nodes WHERE NOT coordinator AND state = 'active'`), {
      timeout: 30_000,
    })
    .toEqual([[WORKERS]]);
  await expect
    .poll(async () => (await storeOf(2, 1).client.read<FsckReport>('fsck', { path: '/' })).problems.length, {
      timeout: 60_000,
    })
    .toBe(0);
}

const processOf = (nodeId: string): number =>
  (
    JSON.parse(readFileSync(path.join(folder, 'data', 'exchange', nodeId, 'owner.json'), 'utf8')) as {
      processId: number;
    }
  ).processId;

/** Of the query that runs; none when it has ended before. */
async function nodesThatScan(): Promise<readonly string[]> {
  for (let tries = 0; tries < 200; tries++) {
    const tasks = await runStatement(
      server.url,
      `SELECT t.node_id FROM system.runtime.tasks t JOIN system.runtime.queries q ON t.query_id = q.query_id
       WHERE t.state = 'RUNNING' AND t.splits > 0 AND q.query LIKE '%store.air.flights f%' AND q.query NOT LIKE '%runtime%' ORDER BY 1`,
    );
    if (tasks.rows.length > 0) return tasks.rows.map(([node]) => String(node));
  }
  return [];
}
