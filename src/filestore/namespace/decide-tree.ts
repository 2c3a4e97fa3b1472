/** Folders, moves and removals. */

import { change, unchanged } from './decision.ts';
import type { Decision } from './decision.ts';
import { checkTexts } from './decide-writes.ts';
import { entries, visit } from './ordered-map.ts';
import { checkAncestor, checkBelow, checkRemoval, checkTraverse, EXECUTE, READ, STICKY, WRITE } from './permissions.ts';
import type { Caller, PassedFolders } from './permissions.ts';
import { checkQuota } from './quota.ts';
import { refuse } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { DEPTH_MAX, pathOf, resolveLive, targetOf } from './resolve.ts';
import type { Resolved } from './resolve.ts';
import type { Inode, InodeId, Namespace, Time } from './state.ts';
import { namesOf, namesTo, usageOf } from './tree.ts';

export type MkdirsRequest = {
  readonly path: string;
  readonly caller: Caller;
  readonly mode: number;
  /** Makes missing folders above it too; true when left out. */
  readonly createParent?: boolean;
  readonly now: Time;
};

export function decideMkdirs(state: Namespace, request: MkdirsRequest): Decision<true> {
  const { path, caller, mode, createParent = true, now } = request;
  const at = resolveLive(state, path);
  if (at.kind === 'refused') return at;
  const denied = checkTraverse(at, caller) ?? checkTexts(caller.user);
  if (denied) return denied;
  const old = targetOf(at);
  if (old?.kind === 'file') return refuse('FileAlreadyExistsException', `Path is not a directory: ${at.path}`);
  if (old) return unchanged(true);
  const names = at.names.slice(at.chain.length - 1);
  if (names.length > 1 && !createParent) {
    return refuse('FileNotFoundException', `Parent directory doesn't exist: ${pathOf(at.names.slice(0, -1))}`);
  }
  const refused = checkAncestor(at, caller) ?? checkQuota(at, names.length, 0);
  if (refused) return refused;
  const parent = at.chain.at(-1)!;
  return change(
    {
      kind: 'mkdirs',
      parent: parent.id,
      names,
      firstId: state.nextId,
      owner: caller.user,
      group: parent.attributes.group,
      mode: mode & (0o777 | STICKY),
      // As HDFS: folders made on the way are like the last one, and their owner can work in them.
      parentMode: (mode & 0o777) | 0o300,
      time: now,
    },
    true,
  );
}

export type DeleteRequest = {
  readonly path: string;
  readonly caller: Caller;
  readonly recursive: boolean;
  readonly now: Time;
  /** Where the caller is known to have the access that deleting wants. */
  readonly passed?: PassedFolders | undefined;
};

/** All of it: what is below a folder goes too. */
export const ACCESS_TO_DELETE = READ | WRITE | EXECUTE;

/** `false`: nothing was there. */
export function decideDelete(state: Namespace, request: DeleteRequest): Decision<boolean> {
  const { path, caller, recursive, now, passed } = request;
  const at = resolveLive(state, path);
  if (at.kind === 'refused') return at;
  const denied = checkTraverse(at, caller);
  if (denied) return denied;
  const inode = targetOf(at);
  if (!inode) return unchanged(false);
  if (inode.kind === 'folder' && inode.children.size > 0 && !recursive) {
    return refuse('PathIsNotEmptyDirectoryException', `${at.path} is non empty`);
  }
  // As HDFS: the root stays, whatever is asked.
  if (at.names.length === 0) return unchanged(false);
  const refused =
    checkRemoval(at, caller) ??
    (inode.kind === 'folder' ? checkBelow(inode, at.path, caller, ACCESS_TO_DELETE, passed) : undefined) ??
    checkNoSnapshots(state, inode);
  if (refused) return refused;
  return change({ kind: 'delete', inode: inode.id, time: now }, true);
}

/** A folder with snapshots stays where it is, and so do the folders above it. */
function checkNoSnapshots(state: Namespace, inode: Inode): Refusal | undefined {
  if (inode.kind === 'file' || state.lastSnapshot === 0) return undefined;
  for (const [folder, snapshots] of entries(state.snapshots)) {
    if (snapshots.length > 0 && isBelow(state, folder, inode.id)) {
      const path = pathOf(namesTo(state, folder)!);
      return refuse(
        'SnapshotException',
        `The directory ${path} cannot be deleted since ${path} is snapshottable and already has snapshots: delete those first (tutti fs -deleteSnapshot)`,
      );
    }
  }
  return undefined;
}

function isBelow(state: Namespace, id: InodeId, folder: InodeId): boolean {
  if (folder === state.root.id) return true;
  const names = namesTo(state, folder)!;
  const path = namesTo(state, id)!;
  return names.length <= path.length && names.every((name, i) => name === path[i]);
}

export type RenameRequest = {
  readonly source: string;
  readonly target: string;
  readonly caller: Caller;
  /**
   * `move` is HDFS's first rename: into the target when that is a folder. The others are its second one: to exactly this path,
   * which must be free, or (`overwrite`) a file for a file, an empty folder for a folder.
   */
  readonly how: 'move' | 'exact' | 'overwrite';
  readonly now: Time;
};

export function decideRename(state: Namespace, { source: path, ...request }: RenameRequest): Decision<true> {
  const source = resolveLive(state, path);
  return source.kind === 'refused' ? source : decideMove(state, source, request);
}

export function decideMove(state: Namespace, source: Resolved, request: Omit<RenameRequest, 'source'>): Decision<true> {
  const { caller, how, now } = request;
  const target = targetPath(state, source, request);
  if (target.kind === 'refused') return target;
  const denied =
    checkTraverse(source, caller) ??
    checkTraverse(target, caller) ??
    checkRemoval(source, caller) ??
    checkAncestor(target, caller);
  if (denied) return denied;
  const inode = targetOf(source);
  if (!inode) return refuse('FileNotFoundException', `rename source ${source.path} is not found.`);
  if (source.names.length === 0) return refuse('IOException', 'rename source cannot be the root');
  const pinned = checkNoSnapshots(state, inode);
  if (pinned) return pinned;
  if (target.path === source.path) {
    if (how === 'move') return unchanged(true);
    return refuse(
      'FileAlreadyExistsException',
      `The source ${source.path} and destination ${target.path} are the same`,
    );
  }
  if (target.path.startsWith(`${source.path}/`)) {
    return refuse(
      'IOException',
      `Rename destination ${target.path} is a directory or file under source ${source.path}`,
    );
  }
  if (target.names.length === 0) return refuse('IOException', 'rename destination cannot be the root');
  const old = targetOf(target);
  const taken = old && (checkOverwrite(inode, old, source, target, how) ?? checkRemoval(target, caller));
  if (taken) return taken;
  if (old) {
    const oldPinned = checkNoSnapshots(state, old);
    if (oldPinned) return oldPinned;
  }
  const parent = target.chain[target.names.length - 1];
  if (!parent) return refuse('FileNotFoundException', `rename destination parent ${target.path} not found.`);
  if (target.names.length > source.names.length && isDeeper(inode, DEPTH_MAX + 1 - target.names.length)) {
    return refuse(
      'InvalidPathException',
      `What is below ${source.path} would be deeper than ${DEPTH_MAX} folders below ${target.path}`,
    );
  }
  const over = checkMoveQuota(source, target, inode, old);
  if (over) return over;
  return change({ kind: 'rename', inode: inode.id, parent: parent.id, name: target.names.at(-1)!, time: now }, true);
}

/** That it has more levels, itself counted: no path would lead there. Folders without folders below them are not walked. */
function isDeeper(inode: Inode, levels: number): boolean {
  if (levels < 1) return true;
  if (inode.kind === 'file' || inode.children.size === 0 || inode.folders + 2 <= levels) return false;
  if (inode.folders === 0) return levels < 2;
  return !visit(inode.children, undefined, (_name, child) => !isDeeper(child, levels - 1));
}

function targetPath(
  state: Namespace,
  source: Resolved,
  { target: path, how }: Pick<RenameRequest, 'target' | 'how'>,
): Resolved | Refusal {
  const target = resolveLive(state, path);
  const name = source.names.at(-1);
  if (target.kind === 'refused' || how !== 'move' || name === undefined || targetOf(target)?.kind !== 'folder') {
    return target;
  }
  return resolveLive(state, pathOf([...target.names, name]));
}

function checkOverwrite(
  inode: Inode,
  old: Inode,
  source: Resolved,
  target: Resolved,
  how: RenameRequest['how'],
): Refusal | undefined {
  if (inode.kind !== old.kind) {
    return refuse('IOException', `Source ${source.path} and destination ${target.path} must both be directories`);
  }
  if (how !== 'overwrite') {
    return refuse('FileAlreadyExistsException', `rename destination ${target.path} already exists`);
  }
  if (old.kind === 'folder' && old.children.size > 0) {
    return refuse('IOException', `rename destination directory is not empty: ${target.path}`);
  }
  return undefined;
}

/** Folders above both source and target hold as much after as before. */
function checkMoveQuota(source: Resolved, target: Resolved, inode: Inode, old: Inode | undefined): Refusal | undefined {
  let common = 0;
  while (source.chain[common] === target.chain[common]) common++;
  const usage = usageOf(inode);
  const replaced = old && usageOf(old);
  const names = namesOf(usage) - (replaced ? namesOf(replaced) : 0);
  const space = usage.space - (replaced?.space ?? 0);
  const above = { chain: target.chain.slice(0, target.names.length), names: target.names };
  return checkQuota(above, names, space, common);
}
