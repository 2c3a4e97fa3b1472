/** Which folders a worker takes for its blocks, and until when nobody else gets them. */

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/common/clock.ts';
import { localDisk } from '../../src/common/disk.ts';
import type { OpenedFolders } from '../../src/filestore/datanode/open-folders.ts';
import { takeStoreFolders, type StoreFoldersOptions } from '../../src/worker/store-folders.ts';
import { openStore } from '../filestore/datanode/stores.ts';

let dataDirectory: string;
let waits: number;
beforeEach(async () => {
  dataDirectory = await mkdtemp(path.join(tmpdir(), 'tutti-store-folders-'));
  waits = 0;
});
afterEach(() => rm(dataDirectory, { recursive: true }));

const take = (options: Partial<StoreFoldersOptions> = {}): Promise<OpenedFolders> =>
  takeStoreFolders({ dataDirectory, clock: systemClock, ...options });

const namesOf = ({ folders }: OpenedFolders): readonly string[] =>
  folders.map((folder) => path.relative(dataDirectory, folder.path));

test('workers without a name have a folder each, the first that nobody has', async () => {
  const [first, second] = [await take(), await take()];
  expect([first, second].map(namesOf)).toEqual([['blocks/node-1'], ['blocks/node-2']]);
  await first.release();
  const third = await take();
  expect(namesOf(third)).toEqual(['blocks/node-1']);
  for (const taken of [second, third]) await taken.release();
});

test('a folder that is named twice is no reason to look for others', async () => {
  const disk = path.join(dataDirectory, 'disk');
  await expect(take({ directories: [disk, disk] })).rejects.toMatchObject({ code: 'FOLDER_REPEATED' });
  expect(await readdir(disk)).toEqual(['node-1']);
});

test('a name has one worker, which keeps its folders until it lets them go, also when its datanode has ended', async () => {
  const first = await take({ nodeId: 'w' });
  const { store } = await openStore(localDisk, { folders: first });
  await store.close();
  await expect(take({ nodeId: 'w' })).rejects.toMatchObject({ code: 'FOLDER_IN_USE' });
  const waiting = take({ nodeId: 'w', patience: { ms: 60_000, waits: () => (waits += 1) } });
  await expect.poll(() => waits).toBe(1);
  await first.release();
  expect(namesOf(await waiting)).toEqual(['blocks/w']);
  await (await waiting).release();
});
