/** The same on the real disk: names, links, locks and times are the system's. */

import { mkdtemp, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/common/clock.ts';
import { crc32c } from '../../../src/common/crc32c.ts';
import { localDisk } from '../../../src/common/disk.ts';
import type { Disk } from '../../../src/common/disk.ts';
import { CHUNK_BYTES } from '../../../src/filestore/datanode/checksum-file.ts';
import { contentOf, openStore, readReplica, writeReplica } from './stores.ts';
import type { TestStore } from './stores.ts';

const REPLICA = { block: 16_500, generation: 3, length: 3 * CHUNK_BYTES + 77 };

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'datanode-'));
  folder = path.join(root, 'data');
});
afterEach(() => rm(root, { recursive: true }));

const open = (): Promise<TestStore> =>
  openStore(localDisk, { folders: [folder], clock: systemClock, chunkBytes: CHUNK_BYTES });

test('written, read, found again, deleted', async () => {
  const first = await open();
  const content = contentOf(REPLICA);
  expect(await writeReplica(first.store, REPLICA)).toEqual({ ...REPLICA, crc32c: crc32c(content) });
  const file = await first.store.verifiedPath(REPLICA);
  expect((await readFile(file)).equals(content)).toBe(true);
  await expect(open()).rejects.toThrow('another process');
  await first.store.close();
  const { store } = await open();
  expect(store.replicas()).toEqual({ sound: [REPLICA], corrupt: [] });
  expect((await readReplica(store, REPLICA)).equals(content)).toBe(true);
  expect(
    (await readReplica(store, REPLICA, CHUNK_BYTES - 5, 10)).equals(content.subarray(CHUNK_BYTES - 5, CHUNK_BYTES + 5)),
  ).toBe(true);
  expect((await store.figures()).freeBytes).toBeGreaterThan(0);
  await store.delete(REPLICA);
  await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
  await store.close();
});

test('a file that the kernel wrote is the block itself, also when its name is gone', async () => {
  const { store } = await open();
  const written = path.join(root, 'rows.parquet');
  await writeFile(written, contentOf(REPLICA));
  const { ino } = await stat(written);
  await store.adopt(REPLICA, written);
  await rm(written);
  const file = await store.verifiedPath(REPLICA);
  expect(await stat(file)).toMatchObject({ ino, nlink: 1 });
  expect((await readReplica(store, REPLICA)).equals(contentOf(REPLICA))).toBe(true);
  await store.close();
});

test('a change of the file is seen by its time', async () => {
  const { store } = await open();
  await writeReplica(store, REPLICA);
  const file = await store.verifiedPath(REPLICA);
  const { atime, mtime } = await stat(file);
  await writeFile(file, damaged());
  await utimes(file, atime, new Date(mtime.getTime() + 1_000));
  await expect(store.verifiedPath(REPLICA)).rejects.toMatchObject({ name: 'ChecksumException' });
  await store.close();
  const next = await open();
  expect(next.store.replicas()).toEqual({ sound: [], corrupt: [REPLICA] });
  await next.store.close();
});

test('another file that took the name is seen, though its time and length are the same', async () => {
  const { store } = await open();
  await writeReplica(store, REPLICA);
  const file = await store.verifiedPath(REPLICA);
  const time = new Date(1_700_000_000_000);
  await utimes(file, time, time);
  expect(await store.verifiedPath(REPLICA)).toBe(file);
  const other = path.join(root, 'other');
  await writeFile(other, damaged());
  await utimes(other, time, time);
  await rename(other, file);
  await expect(store.verifiedPath(REPLICA)).rejects.toMatchObject({ name: 'ChecksumException' });
  await store.close();
});

function damaged(): Uint8Array {
  const bytes = contentOf(REPLICA).slice();
  bytes[2 * CHUNK_BYTES]! ^= 4;
  return bytes;
}

test('a body that nobody reads to its end leaves no file open', async () => {
  let files = 0;
  const counting: Disk = {
    ...localDisk,
    open: async (name, mode) => {
      const file = await localDisk.open(name, mode);
      files += 1;
      return { ...file, close: () => ((files -= 1), file.close()) };
    },
  };
  const { store } = await openStore(counting, { folders: [folder], chunkBytes: CHUNK_BYTES });
  await writeReplica(store, REPLICA);
  for (let i = 0; i < 6; i++) {
    const { body } = await store.read(REPLICA, 0, REPLICA.length);
    const iterator = body[Symbol.asyncIterator]();
    if (i % 2 === 0) await iterator.next();
    expect(files).toBe(1);
    await iterator.return?.();
    expect(files).toBe(0);
  }
  await store.close();
});
