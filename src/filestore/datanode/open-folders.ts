/** Takes a datanode's folders into service: locked, and read for whose they are. Those that fail are left out. */

import { diskErrorCode, DiskLockError } from '../../common/disk.ts';
import type { Disk, DiskLock } from '../../common/disk.ts';
import { makeFolders } from '../../common/files.ts';
import { lockFolder, releaseAll } from '../../common/folder-lock.ts';
import type { DatanodeId } from '../protocol.ts';
import { DataFolderError, folderInUse } from './folder-errors.ts';
import { commonIdentity, readIdentity } from './folder-identity.ts';
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
  readonly identity: FolderIdentity;
  /** Lets others have them. */
  readonly release: () => Promise<void>;
};

type Locked = { readonly path: string; readonly lock: DiskLock };

/**
 * Nothing is changed in a folder before it is locked. Throws DataFolderError when another process has one, when the folders are not ours,
 * or when none tells whose they are though one is there that cannot be read.
 */
export async function openFolders(
  disk: Disk,
  paths: readonly string[],
  newNode: () => DatanodeId,
): Promise<OpenedFolders> {
  const locked: Locked[] = [];
  const release = (): Promise<void> => releaseAll(locked.splice(0).map(({ lock }) => lock));
  try {
    const folders: OpenedFolder[] = [];
    for (const folder of paths) folders.push(await openFolder(disk, folder, locked));
    const working = folders.filter(({ problem }) => !problem);
    const failed = folders.find(({ problem }) => problem);
    const told = working.some(({ found }) => found);
    const unread = folders.find(({ problem, isMissing }) => problem && !isMissing);
    if (working.length === 0 || (unread && !told)) {
      // A new id in the others would make strangers of them and of the one that may come back.
      const { path: folder, problem } = unread ?? failed ?? { path: 'no data folder', problem: undefined };
      throw new DataFolderError(
        'FOLDER_FAILED',
        `${folder} cannot be used: ${problem?.message ?? 'none is named'}; mend it, or name another one`,
      );
    }
    return { folders, identity: commonIdentity(working, newNode), release };
  } catch (error) {
    // What went wrong first is what the person has to know.
    await release().catch(() => undefined);
    throw error;
  }
}

async function openFolder(disk: Disk, folder: string, locked: Locked[]): Promise<OpenedFolder> {
  try {
    await makeFolders(disk, folder);
    locked.push({ path: folder, lock: await take(disk, folder, locked) });
    return { path: folder, found: await readIdentity(disk, folder), problem: undefined, isMissing: false };
  } catch (error) {
    if (error instanceof DataFolderError || error instanceof DiskLockError || !(error instanceof Error)) throw error;
    return { path: folder, found: undefined, problem: error, isMissing: await isMissing(disk, folder) };
  }
}

async function take(disk: Disk, folder: string, locked: readonly Locked[]): Promise<DiskLock> {
  const result = await lockFolder(disk, folder);
  if (result.kind === 'locked') return result.lock;
  // A lock shuts out also the process that has it, by whatever path it comes.
  const real = await realPath(disk, folder);
  for (const { path: other } of locked) {
    if ((await realPath(disk, other)) !== real) continue;
    const paths = other === folder ? `${folder} is named twice` : `${other} and ${folder} are one folder`;
    throw new DataFolderError('FOLDER_REPEATED', `${paths}; name each folder once, best one on each disk`);
  }
  throw folderInUse(folder, result.by);
}

/** The path itself where a disk fails now: who has the lock is known all the same. */
const realPath = (disk: Disk, folder: string): Promise<string> => disk.realPath(folder).catch(() => folder);

const isMissing = (disk: Disk, folder: string): Promise<boolean> =>
  disk.stat(folder).then(
    () => false,
    (error: unknown) => ['ENOENT', 'ENOTDIR'].includes(diskErrorCode(error) ?? ''),
  );
