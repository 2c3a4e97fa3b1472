/**
 * The datanode's folders of a worker: below the data directory, or on the disks that it is given. They are locked before the worker touches
 * anything that another one of its name may be using, and let go when it has removed its own.
 */

import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { Clock } from '../common/clock.ts';
import { localDisk } from '../common/disk.ts';
import { DataFolderError } from '../filestore/datanode/folder-errors.ts';
import { openFolders } from '../filestore/datanode/open-folders.ts';
import type { OpenedFolders } from '../filestore/datanode/open-folders.ts';
import { takeInTime, unlessInUse } from './folders-in-use.ts';
import type { Patience } from './folders-in-use.ts';

export type StoreFoldersOptions = {
  readonly dataDirectory: string;
  /** Each best on a disk of its own; one may fail. Absent = one below the data directory. */
  readonly directories?: readonly string[];
  /** Of the worker, when it has the same one at each start. */
  readonly nodeId?: string;
  /** With a worker of the same name that still ends; of no use without a name. */
  readonly patience?: Patience;
  readonly clock: Clock;
};

/** Workers without a name that share a data directory, at most. */
const FOLDERS_MAX = 64;

/** Throws DataFolderError, DiskLockError, or an error of the disk. */
export async function takeStoreFolders(options: StoreFoldersOptions): Promise<OpenedFolders> {
  const { nodeId, clock, patience } = options;
  if (nodeId !== undefined) return takeInTime(() => take(options, nodeId), clock, patience);
  // A worker whose name is new at every start finds the blocks of one that ended.
  for (let number = 1; number < FOLDERS_MAX; number++) {
    const taken = await unlessInUse(take(options, `node-${number}`));
    if (!(taken instanceof DataFolderError)) return taken;
  }
  return take(options, `node-${FOLDERS_MAX}`);
}

function take({ dataDirectory, directories }: StoreFoldersOptions, name: string): Promise<OpenedFolders> {
  const parents = directories ?? [path.join(dataDirectory, 'blocks')];
  return openFolders(
    localDisk,
    parents.map((parent) => path.join(parent, name)),
    randomUUID,
  );
}
