/** Questions to the file system that many rooms ask. */

import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { diskErrorCode } from './disk.ts';
import type { Disk } from './disk.ts';

/**
 * Bytes; undefined when there is no such file. Other failures of the disk are thrown. Not asynchronous: the files are this
 * node's own, and through the thread pool the question takes thirty times as long, which a task asks of dozens of files.
 */
export const sizeOfFile = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.size;

/**
 * The folder and those above it, unless they are there. Not Node's recursive mkdir, which never ends where a file system answers ENOENT
 * for a name in a folder that is there, as /proc does. The names of those that it makes are durable. Throws the error of the disk.
 */
export async function makeFolders(disk: Pick<Disk, 'mkdir' | 'stat' | 'syncFolder'>, folder: string): Promise<void> {
  const parent = path.dirname(folder);
  try {
    await disk.mkdir(folder);
  } catch (problem) {
    if (diskErrorCode(problem) !== 'ENOENT' || parent === folder) {
      if (await isFolder(disk, folder)) return;
      throw problem;
    }
    await makeFolders(disk, parent);
    await disk.mkdir(folder).catch(ignoreExisting);
  }
  await disk.syncFolder(parent);
}

/** The same for what starts before anything else can run. */
export function makeFoldersSync(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (problem) {
    const parent = path.dirname(folder);
    if (diskErrorCode(problem) === 'ENOENT' && parent !== folder) {
      makeFoldersSync(parent);
      try {
        mkdirSync(folder);
      } catch (again) {
        ignoreExisting(again);
      }
    } else if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw problem;
  }
}

/** Somebody was faster. */
function ignoreExisting(problem: unknown): void {
  if (diskErrorCode(problem) !== 'EEXIST') throw problem;
}

const isFolder = (disk: Pick<Disk, 'stat'>, path: string): Promise<boolean> =>
  disk.stat(path).then(
    ({ kind }) => kind === 'folder',
    () => false,
  );
