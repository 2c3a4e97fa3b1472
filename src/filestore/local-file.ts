/** A file of a disk, open for reading: by its inode, so that it stays what it was whoever takes its name. */

import type { Disk, DiskFile } from '../common/disk.ts';
import { assert } from '../common/assert.ts';
import type { OpenFile } from './file-system.ts';
import { onDisk, unlessMissing } from './local-errors.ts';
import type { Bytes } from './network.ts';
import { StoreError } from './network.ts';

/** Bytes that a stream reads at a time: enough for the disk to be busy, little enough for many streams. */
const PIECE_BYTES = 256 * 1024;

/** `path` is what the caller calls it, `local` where the disk has it. */
export async function openLocalFile(disk: Disk, path: string, local: string): Promise<OpenFile> {
  const { file, inode, length } = await opened(disk, path, local);
  const read = (offset: number, bytes: number): Promise<Uint8Array> =>
    onDisk(path, () => readExactly(file, path, offset, Math.max(0, Math.min(bytes, length - offset))));
  return {
    id: String(inode),
    length,
    read: (offset, bytes) => {
      assert(offset >= 0 && bytes >= 0, 'a range of a file begins in it');
      return read(offset, bytes);
    },
    async *stream(offset = 0, bytes = length - offset): Bytes {
      assert(offset >= 0, 'a range of a file begins in it');
      const end = Math.min(length, offset + bytes);
      for (let at = offset; at < end; at += PIECE_BYTES) yield await read(at, Math.min(PIECE_BYTES, end - at));
    },
    localPath: () =>
      onDisk(path, async () => {
        const now = await unlessMissing(disk.stat(local));
        return now?.inode === inode && now.bytes === length ? local : undefined;
      }),
    close: () => onDisk(path, () => file.close()),
  };
}

type Opened = { readonly file: DiskFile; readonly inode: number; readonly length: number };

async function opened(disk: Disk, path: string, local: string): Promise<Opened> {
  for (;;) {
    // Asked first: to open a pipe would wait for its writer.
    const { kind, inode } = await disk.stat(local);
    if (kind !== 'file') throw new StoreError('FileNotFoundException', `${path}: it is no file`);
    const file = await disk.open(local, 'read');
    try {
      const length = await file.bytes();
      // Another may have taken the name before it was opened, and must not be read under the id of the first.
      if ((await unlessMissing(disk.stat(local)))?.inode === inode) return { file, inode, length };
    } catch (problem) {
      await file.close();
      throw problem;
    }
    await file.close();
  }
}

async function readExactly(file: DiskFile, path: string, offset: number, bytes: number): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(bytes);
  const read = await file.read(offset, buffer);
  if (read === bytes) return buffer;
  throw new StoreError('IOException', `${path}: it became shorter while it was read`);
}
