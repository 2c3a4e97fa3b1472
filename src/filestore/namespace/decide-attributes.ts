/** Changes of what is known of a file or folder: permissions, owner, times, replication, quotas. */

import { change, unchanged } from './decision.ts';
import type { Decision } from './decision.ts';
import { checkOwner, checkSuperuser, checkTarget, checkTraverse, STICKY, WRITE } from './permissions.ts';
import type { Caller } from './permissions.ts';
import { checkQuota } from './quota.ts';
import { checkTexts, REPLICATION_MAX } from './decide-writes.ts';
import { refuse } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { resolveLive, targetOf } from './resolve.ts';
import type { Resolved } from './resolve.ts';
import type { FolderNode, Inode, Namespace, Time } from './state.ts';
import { spaceOf } from './tree.ts';

type Existing = { readonly kind: 'existing'; readonly at: Resolved; readonly inode: Inode };

/** What the path names, when it is there and `check` lets the caller at it. */
function existing(
  state: Namespace,
  path: string,
  caller: Caller,
  check: (at: Resolved) => Refusal | undefined,
): Existing | Refusal {
  const at = resolveLive(state, path);
  if (at.kind === 'refused') return at;
  const denied = checkTraverse(at, caller);
  if (denied) return denied;
  const inode = targetOf(at);
  if (!inode) return refuse('FileNotFoundException', `File does not exist: ${at.path}`);
  return check(at) ?? { kind: 'existing', at, inode };
}

export function decideSetPermission(
  state: Namespace,
  { path, caller, mode }: { path: string; caller: Caller; mode: number },
): Decision<true> {
  const found = existing(state, path, caller, (at) => checkOwner(at, caller));
  if (found.kind === 'refused') return found;
  const { inode } = found;
  // The sticky bit means nothing on a file.
  const bits = mode & (inode.kind === 'folder' ? 0o777 | STICKY : 0o777);
  if (inode.attributes.mode === bits) return unchanged(true);
  return change({ kind: 'setAttributes', inode: inode.id, mode: bits }, true);
}

export type SetOwnerRequest = {
  readonly path: string;
  readonly caller: Caller;
  readonly owner?: string | undefined;
  readonly group?: string | undefined;
};

export function decideSetOwner(state: Namespace, { path, caller, owner, group }: SetOwnerRequest): Decision<true> {
  const found = existing(state, path, caller, (at) => checkOwner(at, caller) ?? checkTexts(owner, group));
  if (found.kind === 'refused') return found;
  if (!caller.superuser && owner !== undefined && owner !== caller.user) {
    return refuse(
      'AccessControlException',
      `User ${caller.user} is not a super user (non-super user cannot change owner).`,
    );
  }
  if (!caller.superuser && group !== undefined && !caller.groups.includes(group)) {
    return refuse('AccessControlException', `User ${caller.user} does not belong to ${group}`);
  }
  if (owner === undefined && group === undefined) return unchanged(true);
  return change(
    {
      kind: 'setAttributes',
      inode: found.inode.id,
      ...(owner !== undefined && { owner }),
      ...(group !== undefined && { group }),
    },
    true,
  );
}

export type SetTimesRequest = {
  readonly path: string;
  readonly caller: Caller;
  readonly mtime?: Time | undefined;
  readonly atime?: Time | undefined;
};

export function decideSetTimes(state: Namespace, { path, caller, mtime, atime }: SetTimesRequest): Decision<true> {
  const found = existing(state, path, caller, (at) => checkTarget(at, caller, WRITE));
  if (found.kind === 'refused') return found;
  if (mtime === undefined && atime === undefined) return unchanged(true);
  return change(
    {
      kind: 'setTimes',
      inode: found.inode.id,
      ...(mtime !== undefined && { mtime }),
      ...(atime !== undefined && { atime }),
    },
    true,
  );
}

/** `false`: it is a folder, or not there. */
export function decideSetReplication(
  state: Namespace,
  { path, caller, replication }: { path: string; caller: Caller; replication: number },
): Decision<boolean> {
  if (!Number.isInteger(replication) || replication < 1 || replication > REPLICATION_MAX) {
    return refuse(
      'IOException',
      `Requested replication factor of ${replication} is not within 1 and ${REPLICATION_MAX}`,
    );
  }
  const at = resolveLive(state, path);
  if (at.kind === 'refused') return at;
  const denied = checkTraverse(at, caller) ?? checkTarget(at, caller, WRITE);
  if (denied) return denied;
  const file = targetOf(at);
  if (file?.kind !== 'file') return unchanged(false);
  const { replication: before } = file.attributes;
  if (before === replication) return unchanged(true);
  const over = checkQuota(at, 0, (spaceOf(file) / before) * (replication - before));
  if (over) return over;
  return change({ kind: 'setAttributes', inode: file.id, replication }, true);
}

export type SetQuotaRequest = {
  readonly path: string;
  readonly caller: Caller;
  /** `null` clears it, undefined leaves it. */
  readonly names?: number | null | undefined;
  readonly space?: number | null | undefined;
};

export function decideSetQuota(state: Namespace, { path, caller, names, space }: SetQuotaRequest): Decision<true> {
  const folder = superusersFolder(state, path, caller);
  if (folder.kind === 'refused') return folder;
  for (const limit of [names, space]) {
    if (typeof limit === 'number' && (!Number.isSafeInteger(limit) || limit < 0)) {
      return refuse('IllegalArgumentException', `Illegal value for a quota: ${limit}`);
    }
  }
  const quota = { names: limitAfter(names, folder.quota.names), space: limitAfter(space, folder.quota.space) };
  if (quota.names === folder.quota.names && quota.space === folder.quota.space) return unchanged(true);
  return change({ kind: 'setQuota', folder: folder.id, ...quota }, true);
}

const limitAfter = (wanted: number | null | undefined, before: number | undefined): number | undefined =>
  wanted === null ? undefined : (wanted ?? before);

/** The folder at a path, for what only a superuser does. */
export function superusersFolder(state: Namespace, path: string, caller: Caller): FolderNode | Refusal {
  const found = existing(state, path, caller, () => checkSuperuser(caller));
  if (found.kind === 'refused') return found;
  if (found.inode.kind === 'folder') return found.inode;
  return refuse('PathIsNotDirectoryException', `Path is not a directory: ${found.at.path}`);
}

/** The folder at a path, for what its owner does. */
export function ownersFolder(state: Namespace, path: string, caller: Caller): FolderNode | Refusal {
  const found = existing(state, path, caller, (at) => checkOwner(at, caller));
  if (found.kind === 'refused') return found;
  if (found.inode.kind === 'folder') return found.inode;
  return refuse('PathIsNotDirectoryException', `Path is not a directory: ${found.at.path}`);
}
