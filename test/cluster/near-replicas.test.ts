/**
 * Workers on machines of their own, as far as one machine can have them: each with another view of the mounts, so that none may open
 * another's files by path. Tables are read where their replicas are.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createReadStream, mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/common/clock.ts';
import { HttpNetwork } from '../../src/filestore/http-network.ts';
import { StoreFileSystem } from '../../src/filestore/store-file-system.ts';
import { runStatement } from '../support/trino.ts';

const WORKERS = 3;
const FILES = 6;
const SECRET = 'the secret of a cluster of several machines';
const cli = path.resolve(import.meta.dirname, '../../dist/cli.js');
const FLIGHTS = path.resolve(import.meta.dirname, '../../node_modules/vega-datasets/data/flights-3m.parquet');

/** Not everywhere may a process have mounts of its own. */
const CAN_UNSHARE = ((): boolean => {
  try {
    execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

const started: ChildProcess[] = [];
let folder: string;
let url: string;
let network: HttpNetwork;

function start(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, {
    env: { ...process.env, TUTTI_SECRET: SECRET },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  return child;
}

const ask = async (sql: string): Promise<readonly unknown[][]> => (await runStatement(url, sql)).rows;

describe.runIf(CAN_UNSHARE)('on machines of their own', () => {
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'tutti-machines-'));
    const catalogs = path.join(folder, 'catalog');
    mkdirSync(catalogs);
    const catalog = { connector: 'files', roots: ['tutti:///t'], schemas: { t: { folder: 'tutti:///t' } } };
    writeFileSync(path.join(catalogs, 'store.json'), JSON.stringify(catalog));
    const args = ['coordinator', '--port', '0', '--data', path.join(folder, 'first'), '--catalogs', catalogs];
    const coordinator = start(process.execPath, [cli, ...args]);
    let said = '';
    coordinator.stdout!.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    while (!said.includes('ready at')) await sleep(20);
    url = /ready at (http:\/\/[^\s,]+)/.exec(said)![1]!;
    for (let i = 0; i < WORKERS; i++) {
      const data = path.join(folder, `worker-${i}`);
      // On a disk of its own, as it might be.
      const store = path.join(folder, `disk-${i}`);
      const more = ['--coordinator', url, '--data', data, '--store-dir', store, '--node-id', `w${i}`, '--threads', '2'];
      start('unshare', ['-m', process.execPath, cli, 'worker', ...more, '--memory', '500MB']);
    }
    network = new HttpNetwork(SECRET, systemClock);
    while (Number((await ask('SELECT count(*) FROM system.filestore.nodes'))[0]![0]) < WORKERS) await sleep(50);
    const fs = new StoreFileSystem({
      network,
      clock: systemClock,
      namenode: url,
      caller: { user: 'tester', groups: [], superuser: true },
      client: `test-${randomUUID()}`,
      attributes: { replication: 1, blockSize: 128 * 1024 * 1024 },
    });
    for (let i = 0; i < FILES; i++) await fs.create(`/t/flights${i}.parquet`, createReadStream(FLIGHTS));
  }, 60_000);

  afterAll(async () => {
    network.close();
    await Promise.all(
      started.map(
        (child) =>
          new Promise((resolve) => {
            child.once('exit', resolve);
            child.kill('SIGTERM');
          }),
      ),
    );
    await rm(folder, { recursive: true, force: true });
  });

  test('tasks go to the one machine that has the block, which reads it in place', async () => {
    const right = [[3_000_000, 20_003_603]];
    for (let i = 0; i < FILES; i++) {
      const sql = `SELECT count(*), sum(delay) FROM store.t.flights${i}`;
      // The first time its columns are counted, by any worker.
      expect(await ask(sql)).toEqual(right);
      const [[plan]] = (await ask(`EXPLAIN ANALYZE ${sql}`)) as [[string]];
      expect(plan).toMatch(/local reads of \S+: (\d+) of \1 splits?, (\S+ MB) of \2 \(100 %\)/);
    }
  });

  test('what has no replica there is copied: one task over the files of all machines', async () => {
    const all = Array.from({ length: FILES }, (_, i) => `SELECT origin, delay FROM store.t.flights${i}`);
    const sql = `SELECT count(*), sum(delay), count(DISTINCT origin) FROM (${all.join(' UNION ALL ')})`;
    const one = { 'x-trino-session': 'distribution=NONE' };
    const [[airports] = []] = await ask('SELECT count(DISTINCT origin) FROM store.t.flights0');
    const { rows } = await runStatement(url, sql, one);
    expect(rows).toEqual([[FILES * 3_000_000, FILES * 20_003_603, airports]]);
    // Blocks are on several of the machines, and the task was on one.
    const holders = await ask('SELECT count(*) FROM system.filestore.nodes WHERE blocks > 0');
    expect(Number(holders[0]![0])).toBeGreaterThan(1);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toMatch(/tutti_scanned_bytes_total\{from="remote"\} [1-9]/);
  });
});
