/** Takes a datanode's folders into service: locked, read for whose they are, and looked through. Those that fail are left out. */

import { diskErrorCode, DiskLockError } from '../../common/disk.ts';
import type { Disk, DiskLock } from '../../common/disk.ts';
import type { DatanodeId } from '../protocol.ts';
import { commonIdentity, DataFolderError, lockFolder, readIdentity } from './folder-identity.ts';
import type { FolderIdentity } from './folder-identity.ts';

export type OpenedFolder = {
  readonly path: string;
  /** What stands in it; undefined when it is new. */
  readonly found: FolderIdentity | undefined;
  /** Why it cannot be served. */
  readonly problem: Error | undefined;
  /** There is nothing, and nothing can be made there: it holds no id either. */
  readonly isMissing: boolean;
};

export type OpenedFolders = {
  readonly folders: readonly OpenedFolder[];
  readonly locks: readonly DiskLock[];
  readonly identity: FolderIdentity;
};

/** Throws DataFolderError when the folders are not ours, or when none tells whose they are though one is there that cannot be read. */
export async function openFolders(
  disk: Disk,
  paths: readonly string[],
  newNode: () => DatanodeId,
): Promise<OpenedFolders> {
  const locks: DiskLock[] = [];
  try {
    const folders: OpenedFolder[] = [];
    for (const path of paths) folders.push(await openFolder(disk, path, locks));
    const working = folders.filter(({ problem }) => !problem);
    const failed = folders.find(({ problem }) => problem);
    const told = working.some(({ found }) => found);
    const unread = folders.find(({ problem, isMissing }) => problem && !isMissing);
    if (working.length === 0 || (unread && !told)) {
      // A new id in the others would make strangers of them and of the one that may come back.
      const { path, problem } = unread ?? failed ?? { path: 'no data folder', problem: undefined };
      throw new DataFolderError(`${path} cannot be used: ${problem?.message ?? 'none is named'}`);
    }
    return { folders, locks, identity: commonIdentity(working, newNode) };
  } catch (error) {
    for (const lock of locks) await lock.release();
    throw error;
  }
}

async function openFolder(disk: Disk, path: string, locks: DiskLock[]): Promise<OpenedFolder> {
  try {
    locks.push(await lockFolder(disk, path));
    return { path, found: await readIdentity(disk, path), problem: undefined, isMissing: false };
  } catch (error) {
    if (error instanceof DataFolderError || error instanceof DiskLockError || !(error instanceof Error)) throw error;
    return { path, found: undefined, problem: error, isMissing: await isMissing(disk, path) };
  }
}

const isMissing = (disk: Disk, path: string): Promise<boolean> =>
  disk.stat(path).then(
    () => false,
    (error: unknown) => ['ENOENT', 'ENOTDIR'].includes(diskErrorCode(error) ?? ''),
  );
