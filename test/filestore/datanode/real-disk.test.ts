/** The same on the real disk: names, links, locks and times are the system's. */

import { mkdtemp, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
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

test('a folder in use is an error that says who has it, by whatever path, and nothing in it or in the others is touched', async () => {
  const holder = await open();
  await writeFile(path.join(folder, 'incoming', '1_1.1'), 'a block on its way');
  const [link, other] = [path.join(root, 'link'), path.join(root, 'other')];
  await symlink(folder, link);
  const before = new Set(await readdir(folder, { recursive: true }));
  for (const held of [folder, link]) {
    // Two disks of the holder's are no reason to go on with one.
    await expect(openStore(localDisk, { folders: [other, held], newNode: () => 'second' })).rejects.toMatchObject({
      name: 'DataFolderError',
      code: 'FOLDER_IN_USE',
      category: 'USER_ERROR',
      message: expect.stringContaining(`${held} is in use by process ${process.pid} on ${hostname()}; stop`) as string,
    });
  }
  expect(new Set(await readdir(folder, { recursive: true }))).toEqual(before);
  expect(await readdir(other)).toEqual(['lock']);
  await holder.store.close();
  const next = await openStore(localDisk, { folders: [other, folder] });
  expect(next.store.node).toBe(holder.store.node);
  expect(await readdir(path.join(folder, 'incoming'))).toEqual([]);
  await next.store.close();
});

test('a folder that is named twice is refused, also through a link, and is free again', async () => {
  await (await open()).store.close();
  const link = path.join(root, 'link');
  await symlink(folder, link);
  for (const [second, message] of [
    [folder, `${folder} is named twice;`],
    [`${root}/./data`, `${folder} and ${root}/./data are one folder;`],
    [link, `${folder} and ${link} are one folder;`],
  ] as const) {
    const opening = openStore(localDisk, { folders: [folder, path.join(root, 'other'), second] });
    await expect(opening).rejects.toMatchObject({ code: 'FOLDER_REPEATED' });
    await expect(opening).rejects.toThrow(message);
  }
  await (await open()).store.close();
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
