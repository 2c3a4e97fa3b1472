/**
 * One worker at a time has a name in a data directory: it empties the folders of that name when it starts and when it ends
 * (`node-folders.ts`), and a second one would do so while the first one's queries read them. The locks of its folders of blocks are not
 * enough: it may have none, or none that works.
 */

import path from 'node:path';
import type { Clock } from '../common/clock.ts';
import { DiskLockError } from '../common/disk.ts';
import type { Disk, DiskLock } from '../common/disk.ts';
import { makeFolders } from '../common/files.ts';
import { lockFolder } from '../common/folder-lock.ts';
import { folderInUse } from '../filestore/datanode/folder-errors.ts';
import { takeInTime } from './folders-in-use.ts';
import type { Patience } from './folders-in-use.ts';

export type WorkerLockOptions = {
  readonly disk: Disk;
  readonly dataDirectory: string;
  readonly nodeId: string;
  readonly clock: Clock;
  readonly patience?: Patience;
  readonly log: (message: string) => void;
};

/**
 * Undefined where locks do not work: queries are answered there all the same. Throws DataFolderError when another process has the name, and
 * errors of the disk.
 */
export async function lockWorker(options: WorkerLockOptions): Promise<DiskLock | undefined> {
  const { disk, dataDirectory, nodeId, clock, patience, log } = options;
  // Not in a folder that is emptied: who removes a lock's file lets others have another one of its name.
  const folder = path.join(dataDirectory, 'workers', nodeId);
  try {
    await makeFolders(disk, folder);
    return await takeInTime(() => take(disk, folder), clock, patience);
  } catch (problem) {
    if (!(problem instanceof DiskLockError)) throw problem;
    log(`nothing keeps another worker from the name ${nodeId}: ${problem.message}`);
    return undefined;
  }
}

async function take(disk: Disk, folder: string): Promise<DiskLock> {
  const locked = await lockFolder(disk, folder);
  if (locked.kind === 'locked') return locked.lock;
  throw folderInUse(folder, locked.by);
}
