/** A file is saved as its pieces come, while buffers take turns and the disk is slow, and no failure is lost. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Disk, type DiskFile, localDisk } from '../../src/common/disk.ts';
import { filePieces, LENT_BYTES } from '../../src/filestore/lent-buffers.ts';
import { saveFile } from '../../src/filestore/save-file.ts';

let folder = '';
const at = (name: string): string => path.join(folder, name);

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tutti-save-'));
});
afterEach(() => rm(folder, { recursive: true }));

const later = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

/** The local disk with other calls of its files. */
const diskWith = (change: (file: DiskFile) => Partial<DiskFile>): Disk => ({
  ...localDisk,
  open: async (name, mode) => {
    const file = await localDisk.open(name, mode);
    return { ...file, ...change(file) };
  },
});

test('a slow disk gets the bytes of each piece, not of the one that took its buffer', async () => {
  const content = Buffer.alloc(7 * LENT_BYTES + 17);
  for (let i = 0; i + 4 <= content.length; i += 4) content.writeUInt32LE(i, i);
  await writeFile(at('source'), content);
  const slow = diskWith(({ write }) => ({
    write: async (offset, bytes) => {
      await later(30);
      await write(offset, bytes);
    },
  }));
  const source = await localDisk.open(at('source'), 'read');
  await saveFile(slow, at('copy'), filePieces(source));
  await source.close();
  expect((await readFile(at('copy'))).equals(content)).toBe(true);
});

async function* pieces(count: number, failure?: Error): AsyncGenerator<Uint8Array, void, undefined> {
  for (let i = 0; i < count; i++) yield Buffer.alloc(1000, i);
  if (failure) throw failure;
}

/** Counts what is still going on when a file is closed. */
function watched(change: Partial<Record<'write' | 'sync', (call: number) => void>>): {
  disk: Disk;
  atClose: () => number | undefined;
} {
  let running = 0;
  let left: number | undefined;
  const calls = { write: 0, sync: 0 };
  const during = async (what: 'write' | 'sync', work: () => Promise<void>): Promise<void> => {
    running += 1;
    calls[what] += 1;
    const call = calls[what];
    try {
      await later(5);
      change[what]?.(call);
      await work();
    } finally {
      running -= 1;
    }
  };
  const disk = diskWith((file) => ({
    write: (offset, bytes) => during('write', () => file.write(offset, bytes)),
    sync: () => during('sync', file.sync),
    close: () => {
      left = running;
      return file.close();
    },
  }));
  return { disk, atClose: () => left };
}

test.each([1, 2, 3])('write %i fails', async (failing) => {
  const { disk, atClose } = watched({
    write: (call) => {
      if (call === failing) throw new Error('no room');
    },
  });
  await expect(saveFile(disk, at('copy'), pieces(3))).rejects.toThrow('no room');
  expect(atClose()).toBe(0);
});

test('the last sync fails', async () => {
  const { disk, atClose } = watched({
    sync: () => {
      throw new Error('bad sector');
    },
  });
  await expect(saveFile(disk, at('copy'), pieces(3))).rejects.toThrow('bad sector');
  expect(atClose()).toBe(0);
});

test('the bytes end in an error while one of them is still being written', async () => {
  const { disk, atClose } = watched({});
  await expect(saveFile(disk, at('copy'), pieces(3, new Error('no replica')))).rejects.toThrow('no replica');
  expect(atClose()).toBe(0);
});
