/** Questions to the file system that many rooms ask. */

import { closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import path from 'node:path';
import { diskErrorCode } from './disk.ts';
import type { Disk, DiskStat } from './disk.ts';

/**
 * Bytes; undefined when there is no such file. Other failures of the disk are thrown. Not asynchronous: the files are this
 * node's own, and through the thread pool the question takes thirty times as long, which a task asks of dozens of files.
 */
export const sizeOfFile = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.size;

/**
 * The folder and those above it, unless they are there. Not Node's recursive mkdir, which never ends where a file system answers ENOENT
 * for a name in a folder that is there, as /proc does. Their names are durable: each is synced before anything is made below it, also the
 * one that is there already, as who made it may have been killed in between. Throws the error of the disk.
 */
export async function makeFolders(disk: Pick<Disk, 'mkdir' | 'stat' | 'syncFolder'>, folder: string): Promise<void> {
  const parent = path.dirname(folder);
  const kind = await disk.stat(folder).then(kindOf, missing);
  if (kind !== 'folder') {
    if (kind === 'nothing' && parent !== folder) await makeFolders(disk, parent);
    await disk.mkdir(folder).catch(async (problem: unknown) => {
      // Somebody was faster.
      if ((await disk.stat(folder).then(kindOf, missing)) !== 'folder') throw problem;
    });
  }
  await disk.syncFolder(parent).catch(ignoreForbidden);
}

const kindOf = ({ kind }: Pick<DiskStat, 'kind'>): DiskStat['kind'] => kind;

/** ENOENT; what else keeps one from looking, keeps one from making too. */
const missing = (problem: unknown): 'nothing' | 'unknown' =>
  diskErrorCode(problem) === 'ENOENT' ? 'nothing' : 'unknown';

/** The same for what starts before anything else can run. */
export function makeFoldersSync(folder: string): void {
  const parent = path.dirname(folder);
  if (!isFolderSync(folder)) {
    if (parent !== folder) makeFoldersSync(parent);
    try {
      mkdirSync(folder);
    } catch (problem) {
      if (!isFolderSync(folder)) throw problem;
    }
  }
  try {
    syncFolderSync(parent);
  } catch (problem) {
    ignoreForbidden(problem);
  }
}

const isFolderSync = (folder: string): boolean => statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;

function syncFolderSync(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** A folder that one may write to or go through, but not read, as /home often is, cannot be synced: its owner sees to it. */
function ignoreForbidden(problem: unknown): void {
  if (diskErrorCode(problem) !== 'EACCES') throw problem;
}
