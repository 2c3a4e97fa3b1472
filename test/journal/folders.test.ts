/** A journal in two folders: either is enough, neither is believed against the other. */

import { cp, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { diskError, diskWith, filesIn, open, read, records, temporaryFolder, write } from './support.ts';

async function twoFolders(): Promise<{ a: string; b: string; old: string }> {
  const parent = await temporaryFolder();
  return { a: path.join(parent, 'a'), b: path.join(parent, 'b'), old: path.join(parent, 'old') };
}

/** Names and contents of the journal's files. */
async function contentOf(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).toSorted();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(path.join(folder, name), 'latin1')])),
  ) as Record<string, string>;
}

test('both folders hold the same, and each opens alone', async () => {
  const { a, b } = await twoFolders();
  await write([a, b], records(1, 50));
  expect(await contentOf(a)).toEqual(await contentOf(b));
  expect(await read([b])).toEqual(records(1, 50));
  // The other missed one epoch without records, and is brought up.
  expect(await read([a, b])).toEqual(records(1, 50));
  expect(await contentOf(a)).toEqual(await contentOf(b));
});

test('an acknowledgement waits for both', async () => {
  const { a, b } = await twoFolders();
  const synced: string[] = [];
  const disk = diskWith({}, (of, file) => ({
    write: async (offset, bytes) => {
      if (of.startsWith(b)) await new Promise((resolve) => setTimeout(resolve, 30));
      await file.write(offset, bytes);
      synced.push(path.dirname(of));
    },
  }));
  const { journal } = await open([a, b], { disk });
  synced.length = 0;
  await journal.append('x');
  expect(synced).toEqual([a, b]);
  await journal.close();
});

test.each(['a', 'b'] as const)(
  'folder %s is behind: the longer one is taken, and the other brought up',
  async (behind) => {
    const { a, b, old } = await twoFolders();
    const folder = { a, b }[behind];
    await write([a, b], records(1, 10));
    const { journal } = await open([a, b]);
    await cp(folder, old, { recursive: true });
    await journal.append('r11');
    await journal.close();
    await rm(folder, { recursive: true });
    await cp(old, folder, { recursive: true });
    const again = await open([a, b]);
    expect(again.journal.durable).toEqual(records(1, 11));
    expect(again.warnings.join()).toContain(folder);
    await again.journal.close();
    expect(await contentOf(a)).toEqual(await contentOf(b));
  },
);

test.each(['a', 'b'] as const)('folder %s is empty: it is filled, with checkpoint and all', async (lost) => {
  const { a, b } = await twoFolders();
  const { journal } = await open([a, b]);
  for (const record of records(1, 50)) {
    await journal.append(record);
    if (record === 'r30') await journal.checkpoint();
  }
  await journal.close();
  const folder = { a, b }[lost];
  await rm(folder, { recursive: true });
  expect(await read([a, b])).toEqual(records(1, 50));
  expect(await filesIn(folder, 'checkpoint')).toHaveLength(1);
  expect(await read([folder])).toEqual(records(1, 50));
});

test('an error of one folder is fatal, and the other is enough', async () => {
  const { a, b } = await twoFolders();
  await write([a, b], records(1, 3));
  let failing = false;
  const disk = diskWith({}, (of, file) => ({
    write: (offset, bytes) =>
      failing && of.startsWith(a) ? Promise.reject(diskError('EIO')) : file.write(offset, bytes),
  }));
  const { journal, failures } = await open([a, b], { disk });
  failing = true;
  await expect(journal.append('unknown')).rejects.toMatchObject({ code: 'JOURNAL_FAILED' });
  expect(failures).toHaveLength(1);
  await journal.close();
  expect(await read([b])).toEqual([...records(1, 3), 'unknown']);
});

test('folders that were written apart are not brought together', async () => {
  const { a, b } = await twoFolders();
  await write([a, b], records(1, 3));
  await write([a], ['of a']);
  await write([b], ['of b']);
  await write([b], ['more of b']);
  await expect(open([a, b])).rejects.toMatchObject({ code: 'JOURNAL_MISMATCH' });
  expect(await read([a])).toEqual([...records(1, 3), 'of a']);
});

test('a group that only one folder got is given up where the journal went on without it', async () => {
  const { a, b } = await twoFolders();
  await write([a, b], records(1, 3));
  let failing = false;
  const disk = diskWith({}, (of, file) => ({
    write: (offset, bytes) =>
      failing && of.startsWith(b) ? Promise.reject(diskError('EIO')) : file.write(offset, bytes),
  }));
  const { journal } = await open([a, b], { disk });
  failing = true;
  await expect(journal.append('only in a')).rejects.toMatchObject({ code: 'JOURNAL_FAILED' });
  await journal.close();
  await write([b], ['r4']);
  expect(await read([a, b])).toEqual(records(1, 4));
  expect(await read([a])).toEqual(records(1, 4));
});

test('folders of two journals are refused', async () => {
  const { a, b } = await twoFolders();
  await write([a], ['a']);
  await write([b], ['b']);
  await expect(open([a, b])).rejects.toMatchObject({ code: 'JOURNAL_MISMATCH', category: 'USER_ERROR' });
});

test('a damaged folder that was ahead before its damage is not given up for one that fell behind', async () => {
  const { a, b } = await twoFolders();
  await write([a, b], records(1, 10));
  await write([b], records(11, 60));
  // The end of its last but one segment says that another follows: that one is gone, and nothing stands behind the damage.
  await rm((await filesIn(b, 'segment')).at(-1)!);
  await expect(open([a, b])).rejects.toMatchObject({ code: 'JOURNAL_DAMAGED', file: expect.stringContaining(b) });
  expect(await read([a])).toEqual(records(1, 10));
});
