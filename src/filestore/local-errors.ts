/** The disk's errors, as every file system names them. */

import { diskErrorCode } from '../common/disk.ts';
import { ContentError } from './content.ts';
import type { FileSystemErrorName } from './file-system.ts';
import { StoreError } from './network.ts';

const NAMES: Readonly<Record<string, readonly [FileSystemErrorName, string]>> = {
  EACCES: ['AccessControlException', 'permission denied'],
  EDQUOT: ['DiskOutOfSpaceException', 'the disk quota is used up'],
  EEXIST: ['FileAlreadyExistsException', 'it exists already'],
  EISDIR: ['FileNotFoundException', 'it is a folder'],
  ELOOP: ['FileNotFoundException', 'its symbolic links go in a circle'],
  ENAMETOOLONG: ['PathComponentTooLongException', 'its name is too long'],
  ENOENT: ['FileNotFoundException', 'it does not exist'],
  ENOSPC: ['DiskOutOfSpaceException', 'the disk is full'],
  ENOTDIR: ['ParentNotDirectoryException', 'a part of its path is a file'],
  ENOTEMPTY: ['PathIsNotEmptyDirectoryException', 'it is not empty'],
  EPERM: ['AccessControlException', 'permission denied'],
  EROFS: ['AccessControlException', 'the disk is read-only'],
};

/** Runs `work` on what is at `path`, with the disk's errors as StoreError. */
export async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (problem) {
    if (problem instanceof ContentError) throw problem.cause;
    const code = diskErrorCode(problem);
    // Node's own codes (ERR_…) say that we called it wrongly.
    if (code === undefined || !/^E[A-Z0-9]+$/.test(code)) throw problem;
    const [name, why] = NAMES[code] ?? ['IOException', (problem as Error).message];
    throw new StoreError(name, `${path}: ${why}`, { cause: problem });
  }
}

/** What `work` finds; undefined when it is not there, or behind symbolic links that go in a circle. */
export async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (problem) {
    if (diskErrorCode(problem) === 'ENOENT' || diskErrorCode(problem) === 'ELOOP') return undefined;
    throw problem;
  }
}
