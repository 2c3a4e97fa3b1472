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
import type { Logger } from '../observe/logger.ts';

export type StoreFoldersOptions = {
  readonly dataDirectory: string;
  /** Each best on a disk of its own; one may fail. Absent = one below the data directory. */
  readonly directories?: readonly string[];
  /** Of the worker, when it has the same one at each start. */
  readonly nodeId?: string;
  /** How long another process may take to let them go; 0 when not said. */
  readonly patienceMs?: number;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn'>;
};

/** Workers without a name that share a data directory, at most. */
const FOLDERS_MAX = 64;

/** How often folders are tried that another process has. */
const RETRY_MS = 50;

/** Throws DataFolderError, DiskLockError, or an error of the disk. */
export async function takeStoreFolders(options: StoreFoldersOptions): Promise<OpenedFolders> {
  if (options.nodeId !== undefined) return takeNamed(options, options.nodeId);
  // A worker whose name is new at every start finds the blocks of one that ended.
  for (let number = 1; number < FOLDERS_MAX; number++) {
    const taken = await unlessInUse(take(options, `node-${number}`));
    if (!(taken instanceof DataFolderError)) return taken;
  }
  return take(options, `node-${FOLDERS_MAX}`);
}

async function takeNamed(options: StoreFoldersOptions, name: string): Promise<OpenedFolders> {
  const { clock, logger, patienceMs = 0 } = options;
  const untilMs = clock.elapsedMs() + patienceMs;
  for (let isWaiting = false; clock.elapsedMs() < untilMs; isWaiting = true) {
    const taken = await unlessInUse(take(options, name));
    if (!(taken instanceof DataFolderError)) return taken;
    if (!isWaiting)
      logger.warn({ problem: taken.message }, 'the worker waits for another process to let its folders go');
    await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
  }
  return take(options, name);
}

function take({ dataDirectory, directories }: StoreFoldersOptions, name: string): Promise<OpenedFolders> {
  const parents = directories ?? [path.join(dataDirectory, 'blocks')];
  return openFolders(
    localDisk,
    parents.map((parent) => path.join(parent, name)),
    randomUUID,
  );
}

/** The error when another process has one of them. */
async function unlessInUse(taking: Promise<OpenedFolders>): Promise<OpenedFolders | DataFolderError> {
  try {
    return await taking;
  } catch (problem) {
    if (problem instanceof DataFolderError && problem.code === 'FOLDER_IN_USE') return problem;
    throw problem;
  }
}
