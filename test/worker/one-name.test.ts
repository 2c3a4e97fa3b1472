/** Two workers of one name: the second never touches what the first one's queries read, whatever became of its blocks. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/common/clock.ts';
import { DiskLockError, localDisk } from '../../src/common/disk.ts';
import { lockWorker } from '../../src/worker/worker-lock.ts';
import { startWorker, type Worker, type WorkerOptions } from '../../src/worker/worker.ts';
import { openStore } from '../filestore/datanode/stores.ts';

let folder: string;
let problems: string[];
const workers: Worker[] = [];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tutti-one-name-'));
  problems = [];
});
afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.stop();
  rmSync(folder, { recursive: true });
});

const logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: ({ problem }: { readonly problem?: string }) => problems.push(String(problem)),
};

/** Of the name w, with blocks in `disk`, or with none. */
async function start(data: string, disk?: string, options: Partial<WorkerOptions> = {}): Promise<Worker> {
  const worker = await startWorker({
    // Nobody listens: it is about folders.
    coordinatorUrl: 'http://127.0.0.1:9',
    dataDirectory: path.join(folder, data),
    version: 'test',
    nodeId: 'w',
    threads: 1,
    memoryBytes: 2 ** 28,
    secret: 'a secret for tests alone',
    scanProviders: {},
    ...(disk !== undefined && { store: { rack: '/r', logger, directories: [path.join(folder, disk)] } }),
    ...options,
  });
  workers.push(worker);
  return worker;
}

test('one data directory: the second is refused also without blocks, and begins when the first has ended', async () => {
  const first = await start('data');
  const file = path.join(folder, 'data', 'exchange', 'w', 'rows');
  writeFileSync(file, 'in use');
  for (const disk of [undefined, 'disk']) {
    await expect(start('data', disk)).rejects.toMatchObject({ code: 'FOLDER_IN_USE' });
  }
  expect([existsSync(file), existsSync(path.join(folder, 'disk'))]).toEqual([true, false]);
  let waits = 0;
  const second = start('data', undefined, { patience: { ms: 60_000, waits: () => (waits += 1) } });
  await expect.poll(() => waits, { timeout: 30_000 }).toBe(1);
  expect(existsSync(file)).toBe(true);
  await first.stop();
  workers.splice(0, 1);
  await second;
  expect(existsSync(file)).toBe(false);
});

test.each(['', '.', '..', '../../data/kept', 'kept/', 'a b', 'ü', '-a', 'links', 'x'.repeat(101)])(
  'a name that is none of a folder is refused before anything is touched: %j',
  async (nodeId) => {
    const file = path.join(folder, 'data', 'kept', 'file');
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, 'precious');
    await expect(start('data', 'data', { nodeId })).rejects.toMatchObject({
      code: 'GENERIC_USER_ERROR',
      message: expect.stringContaining(`not "${nodeId}"`),
    });
    expect(readdirSync(folder, { recursive: true })).toEqual(['data', 'data/kept', 'data/kept/file']);
  },
);

test('what stands among the folders of workers and is none keeps nobody from starting', async () => {
  const file = path.join(folder, 'data', 'exchange', 'owner.json');
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, '{}');
  await start('data');
  expect(existsSync(file)).toBe(true);
});

test('one disk: a worker whose datanode does not start keeps the lock of its folder of blocks, and its links', async () => {
  const blocks = path.join(folder, 'disk', 'w');
  await (await openStore(localDisk, { folders: [blocks] })).store.close();
  rmSync(path.join(blocks, 'blocks'), { recursive: true });
  writeFileSync(path.join(blocks, 'blocks'), 'no folder');
  await start('one', 'disk');
  await expect.poll(() => problems.at(-1), { timeout: 30_000 }).toMatch(/^no data folder works/);
  const link = path.join(folder, 'disk', 'links', 'w', 'link');
  writeFileSync(link, 'in use');
  await expect(start('two', 'disk')).rejects.toMatchObject({ code: 'FOLDER_IN_USE' });
  expect(existsSync(link)).toBe(true);
  // What was refused keeps nothing: its name in its own data directory is free.
  await start('two', 'another');
});

test('links beside a folder of blocks that it could not take are not its own', async () => {
  const link = path.join(folder, 'disk', 'links', 'w', 'link');
  for (const file of [link, path.join(folder, 'disk', 'w', 'strange')]) {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, 'of another');
  }
  const worker = await start('data', 'disk');
  expect(problems).toMatchObject([expect.stringContaining('is no data folder')]);
  await worker.stop();
  workers.splice(0);
  expect(existsSync(link)).toBe(true);
});

test('where locks do not work a worker begins all the same, and says so', async () => {
  const disk = { ...localDisk, lock: () => Promise.reject(new DiskLockError('no locks here')) };
  const said: string[] = [];
  const place = { disk, dataDirectory: folder, nodeId: 'w', clock: systemClock };
  expect(await lockWorker({ ...place, log: (message) => said.push(message) })).toBe(undefined);
  expect(said).toEqual(['nothing keeps another worker from the name w: no locks here']);
});
