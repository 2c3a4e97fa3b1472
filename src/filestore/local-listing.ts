/** The names in a folder of a disk, in the order of every file system, and without what is on its way in or out. */

import type { Clock } from '../common/clock.ts';
import { diskErrorCode } from '../common/disk.ts';
import type { Disk, DiskName } from '../common/disk.ts';
import { pathsBelow } from './listing.ts';
import { unlessMissing } from './local-errors.ts';
import { pathBelow, TEMPORARY_PREFIX } from './store-path.ts';

/**
 * A temporary file that was not written to for so long belongs to nobody. Should its writer live after all, its file is not created and
 * it hears so.
 */
export const TEMPORARY_AGE_MAX_MS = 24 * 3600 * 1000;

/** See `pathsBelow`. */
export async function* namesBelow(
  disk: Disk,
  clock: Clock,
  folder: string,
  options: { readonly recursive: boolean; readonly after: string | undefined },
): AsyncGenerator<string, void, undefined> {
  const names = pathsBelow(folder, (below) => visibleNames(disk, clock, below), options);
  for await (const { path } of names) yield path;
}

/** Removes what processes that died have left. A folder that is gone meanwhile has no names. */
export async function visibleNames(disk: Disk, clock: Clock, folder: string): Promise<readonly DiskName[]> {
  const names = (await unlessMissing(disk.list(folder))) ?? [];
  const temporary = names.filter(({ name }) => name.startsWith(TEMPORARY_PREFIX));
  if (temporary.length === 0) return names;
  for (const { name, kind } of temporary) {
    try {
      await removeAbandoned(disk, clock, pathBelow(folder, name), kind);
    } catch (problem) {
      // A disk that may only be read, or another process that removes it too: nobody asked for it here.
      if (diskErrorCode(problem) === undefined) throw problem;
    }
  }
  return names.filter(({ name }) => !name.startsWith(TEMPORARY_PREFIX));
}

async function removeAbandoned(disk: Disk, clock: Clock, local: string, kind: DiskName['kind']): Promise<void> {
  // A folder has such a name when it is being removed.
  if (kind === 'folder') return removeTree(disk, local);
  const { modifiedMs } = await disk.stat(local);
  if (clock.wallMs() - modifiedMs > TEMPORARY_AGE_MAX_MS) await disk.remove(local);
}

/** A folder with all that is in it; what somebody else removes at the same time is gone as well. */
export async function removeTree(disk: Disk, folder: string): Promise<void> {
  for (const { name, kind } of (await unlessMissing(disk.list(folder))) ?? []) {
    const local = pathBelow(folder, name);
    if (kind === 'folder') await removeTree(disk, local);
    else await unlessMissing(disk.remove(local));
  }
  await unlessMissing(disk.removeFolder(folder));
}
