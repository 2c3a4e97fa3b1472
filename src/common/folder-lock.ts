/**
 * One process at a time has a folder: the journal's, and each of a datanode's. The lock stands on a file in it and ends with its process,
 * however that dies; the file stays, and says nothing by being there.
 */

import path from 'node:path';
import { diskErrorCode } from './disk.ts';
import type { Disk, DiskLock } from './disk.ts';

/** `by`: who holds it, in words. */
export type FolderLock =
  | { readonly kind: 'locked'; readonly lock: DiskLock }
  | { readonly kind: 'held'; readonly by: string };

export const LOCK_FILE = 'lock';

/** What is read of the file: more than a holder writes. */
const HOLDER_BYTES = 512;

/** The folder is there; nothing but the file is made in it. Throws errors of the disk, and DiskLockError. */
export async function lockFolder(disk: Disk, folder: string): Promise<FolderLock> {
  const file = path.join(folder, LOCK_FILE);
  const lock = await disk.lock(file);
  return lock ? { kind: 'locked', lock } : { kind: 'held', by: await holderOf(disk, file) };
}

/** None stays because another one could not be let go. Throws the first error. */
export async function releaseAll(locks: readonly DiskLock[]): Promise<void> {
  const released = await Promise.allSettled(locks.map(async (lock) => lock.release()));
  const failed = released.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

async function holderOf(disk: Disk, file: string): Promise<string> {
  try {
    const handle = await disk.open(file, 'read');
    try {
      const buffer = Buffer.alloc(HOLDER_BYTES);
      const text = buffer.toString('utf8', 0, await handle.read(0, buffer));
      // It may have been written by anything.
      return /^process \d+ on [\w.-]+$/.exec(text.trim())?.[0] ?? 'another process';
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (diskErrorCode(error) === undefined) throw error;
    return 'another process';
  }
}
