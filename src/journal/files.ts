/** Files of a journal folder: written wholly or not at all, copied, removed. */

import path from 'node:path';
import type { Disk, DiskFile } from '../common/disk.ts';
import { parseName } from './segment.ts';

/** A file that is being written. One that is found at a start is left over from a crash. */
const UNFINISHED = '.tmp';

/** Writes a file and gives it its name when it is durable; the name is durable once the folder is synced. */
export async function publish(disk: Disk, file: string, write: (file: DiskFile) => Promise<void>): Promise<void> {
  const unfinished = `${file}${UNFINISHED}`;
  try {
    const target = await disk.open(unfinished, 'create');
    try {
      await write(target);
      await target.sync();
    } finally {
      await target.close();
    }
    await disk.rename(unfinished, file);
  } catch (error) {
    // A full disk needs its space back. What cannot be removed now is removed by the next start.
    await disk.remove(unfinished).catch(() => undefined);
    throw error;
  }
}

const COPY_BYTES = 2 ** 20;

export async function copyFile(disk: Disk, from: string, to: string): Promise<void> {
  const source = await disk.open(from, 'read');
  try {
    const bytes = await source.bytes();
    const buffer = Buffer.allocUnsafe(Math.min(COPY_BYTES, bytes));
    await publish(disk, to, async (target) => {
      for (let at = 0; at < bytes; at += buffer.length) {
        await target.write(at, buffer.subarray(0, await source.read(at, buffer)));
      }
    });
  } finally {
    await source.close();
  }
}

/** Of segments and checkpoints. */
export async function removeFiles(disk: Disk, folder: string, chosen: (name: string) => boolean): Promise<void> {
  const names = (await disk.list(folder)).map(({ name }) => name).filter((name) => parseName(name) && chosen(name));
  for (const name of names) await disk.remove(path.join(folder, name));
  if (names.length > 0) await disk.syncFolder(folder);
}

export async function removeUnfinished(disk: Disk, folder: string): Promise<void> {
  for (const { name } of await disk.list(folder)) {
    if (name.endsWith(UNFINISHED)) await disk.remove(path.join(folder, name));
  }
}

export async function readWhole(disk: Disk, path: string): Promise<Buffer> {
  const file = await disk.open(path, 'read');
  try {
    const bytes = Buffer.allocUnsafe(await file.bytes());
    return bytes.subarray(0, await file.read(0, bytes));
  } finally {
    await file.close();
  }
}
