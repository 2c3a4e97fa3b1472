/** Quotas of folders: names and bytes below them may not grow beyond. Shrinking is always allowed, also above the quota. */

import { refuse } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { pathOf } from './resolve.ts';
import type { Resolved } from './resolve.ts';
import type { Inode } from './state.ts';

/** That these many names and bytes (with replication) more fit below each folder of the chain from `first` on. */
export function checkQuota(
  { chain, names: path }: Pick<Resolved, 'chain' | 'names'>,
  names: number,
  space: number,
  first = 0,
): Refusal | undefined {
  for (let i = first; i < chain.length; i++) {
    const folder: Inode = chain[i]!;
    if (folder.kind !== 'folder') break;
    const { quota } = folder;
    const namesAfter = folder.files + folder.folders + 1 + names;
    if (quota.names !== undefined && names > 0 && namesAfter > quota.names) {
      return refuse(
        'NSQuotaExceededException',
        `The NameSpace quota (directories and files) of directory ${pathOf(path.slice(0, i))} is exceeded: quota=${quota.names} file count=${namesAfter}`,
      );
    }
    if (quota.space !== undefined && space > 0 && folder.space + space > quota.space) {
      return refuse(
        'DSQuotaExceededException',
        `The DiskSpace quota of ${pathOf(path.slice(0, i))} is exceeded: quota = ${quota.space} B but diskspace consumed = ${folder.space + space} B (a file that is being written counts with a whole block for each of its replicas)`,
      );
    }
  }
  return undefined;
}
