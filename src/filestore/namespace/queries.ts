/** What is read of a namespace: one state answers consistently, however long the reading takes. */

import { compareNames } from '../compare-names.ts';
import { countAfter, entries, get, visit } from './ordered-map.ts';
import { checkBelow, checkTarget, checkTraverse, EXECUTE, READ } from './permissions.ts';
import type { Caller } from './permissions.ts';
import { refuse } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { pathOf, resolve, SNAPSHOT_FOLDER, targetOf } from './resolve.ts';
import type { Resolved } from './resolve.ts';
import type { Block, BlockId, FileNode, FolderNode, Inode, InodeId, Namespace, Quota, Time } from './state.ts';
import { inodeOf, lengthOf, namesTo, usageOf } from './tree.ts';

/** One file or folder, as a listing shows it. */
export type Status = {
  readonly kind: 'file' | 'folder';
  readonly id: InodeId;
  /** Within its folder; empty of what a request named itself. */
  readonly name: string;
  readonly owner: string;
  readonly group: string;
  readonly mode: number;
  readonly mtime: Time;
  readonly atime: Time;
  /** Bytes; 0 of a folder. */
  readonly length: number;
  readonly replication: number;
  readonly blockSize: number;
  /** Of a folder: what stands in it. */
  readonly children: number;
  /** Of a file: it is still being written. */
  readonly open: boolean;
  /** Of a folder: snapshots may be taken of it. */
  readonly snapshottable: boolean;
};

type Found<Value> = { readonly kind: 'found' } & Value;

/** The status of what is at a path; undefined where nothing is. */
export function stat(state: Namespace, path: string, caller: Caller): Found<{ status: Status | undefined }> | Refusal {
  const at = visible(state, path, caller);
  if (at.kind === 'refused') return at;
  const inode = targetOf(at);
  return { kind: 'found', status: inode && statusOf(state, at, '', inode) };
}

export type Page = Found<{
  readonly entries: readonly Status[];
  /** Entries after this page. */
  readonly remaining: number;
}>;

/** A page of a folder in the order of names, or the one entry that a file is. */
export function list(
  state: Namespace,
  path: string,
  caller: Caller,
  { after, limit }: { after?: string | undefined; limit: number },
): Page | Refusal {
  const at = existing(state, path, caller);
  if (at.kind === 'refused') return at;
  const inode = targetOf(at)!;
  if (inode.kind === 'file') return { kind: 'found', entries: [statusOf(state, at, '', inode)], remaining: 0 };
  const denied = checkTarget(at, caller, READ | EXECUTE);
  if (denied) return denied;
  if (at.view === 'snapshots') return snapshotPage(state, at, inode, after, limit);
  const page: Status[] = [];
  visit(inode.children, after, (name, child) => {
    if (page.length >= limit) return false;
    page.push(statusOf(state, at, name, child));
    return true;
  });
  const last = page.at(-1)?.name ?? after;
  const total = last === undefined ? inode.children.size : countAfter(inode.children, last);
  return { kind: 'found', entries: page, remaining: total };
}

function snapshotPage(
  state: Namespace,
  at: Resolved,
  folder: FolderNode,
  after: string | undefined,
  limit: number,
): Page {
  const snapshots = get(state.snapshots, folder.id) ?? [];
  const rest = snapshots
    .filter(({ name }) => after === undefined || compareNames(name, after) > 0)
    .toSorted((a, b) => compareNames(a.name, b.name));
  const page = rest.slice(0, limit).map((one) => ({ ...statusOf(state, at, one.name, one.root), mtime: one.time }));
  return { kind: 'found', entries: page, remaining: rest.length - page.length };
}

export type SnapshotList = Found<{
  /** By ascending age; `status` has the snapshot's name and time. */
  readonly snapshots: readonly { readonly id: number; readonly path: string; readonly status: Status }[];
}>;

/** The snapshots of a folder, for a caller who may read it. */
export function snapshotsOf(state: Namespace, path: string, caller: Caller): SnapshotList | Refusal {
  const at = existing(state, path, caller);
  if (at.kind === 'refused') return at;
  const folder = targetOf(at)!;
  const snapshots = at.view === 'live' ? get(state.snapshots, folder.id) : undefined;
  if (!snapshots) return refuse('SnapshotException', `Directory is not a snapshottable directory: ${path}`);
  const denied = checkTarget(at, caller, READ);
  if (denied) return denied;
  const list = snapshots.map(({ id, name, time, root }) => ({
    id,
    path: pathOf([...at.names, SNAPSHOT_FOLDER, name]),
    status: { ...statusOf(state, at, name, root), mtime: time },
  }));
  return { kind: 'found', snapshots: list };
}

export type SnapshotFolders = Found<{
  readonly folders: readonly { readonly parent: string; readonly status: Status; readonly snapshots: number }[];
}>;

/** The folders that may have snapshots: all for the superuser, for anybody else their own. In the order of their paths. */
export function snapshottableFolders(state: Namespace, caller: Caller): SnapshotFolders {
  const folders = [...entries(state.snapshots)].flatMap(([id, { length: snapshots }]) => {
    const [folder, names] = [inodeOf(state, id), namesTo(state, id)];
    if (!folder || !names || (!caller.superuser && folder.attributes.owner !== caller.user)) return [];
    const status = statusOf(state, { view: 'live' }, names.at(-1) ?? '', folder);
    return [{ path: pathOf(names), parent: pathOf(names.slice(0, -1)), status, snapshots }];
  });
  return { kind: 'found', folders: folders.toSorted((a, b) => compareNames(a.path, b.path)) };
}

/** Refused unless the caller has this access (bits of READ, WRITE, EXECUTE) to what is at the path. */
export function checkAccessTo(state: Namespace, path: string, caller: Caller, access: number): Found<object> | Refusal {
  const at = existing(state, path, caller);
  return at.kind === 'refused' ? at : (checkTarget(at, caller, access) ?? { kind: 'found' });
}

function statusOf(state: Namespace, { view }: Pick<Resolved, 'view'>, name: string, inode: Inode): Status {
  const { owner, group, mode, replication, blockSize } = inode.attributes;
  const file = inode.kind === 'file' ? inode : undefined;
  return {
    kind: inode.kind,
    id: inode.id,
    name,
    owner,
    group,
    mode,
    mtime: inode.mtime,
    atime: file?.atime ?? 0,
    length: file ? lengthOf(file) : 0,
    replication,
    blockSize,
    children: inode.kind === 'folder' ? inode.children.size : 0,
    open: file?.client !== undefined,
    snapshottable: view === 'live' && get(state.snapshots, inode.id) !== undefined,
  };
}

export type ContentSummary = Found<{
  readonly files: number;
  /** The folder itself counts. */
  readonly folders: number;
  readonly length: number;
  readonly space: number;
  readonly quota: Quota;
}>;

/** Sums over a tree. They are kept with every folder, so a large tree costs no more than a small one. */
export function contentSummary(state: Namespace, path: string, caller: Caller): ContentSummary | Refusal {
  const at = existing(state, path, caller);
  if (at.kind === 'refused') return at;
  const inode = targetOf(at)!;
  const denied = inode.kind === 'folder' ? checkBelow(inode, at.path, caller, READ | EXECUTE) : undefined;
  if (denied) return denied;
  const quota = inode.kind === 'folder' ? inode.quota : { names: undefined, space: undefined };
  return { kind: 'found', ...usageOf(inode), quota };
}

export type LocatedBlock = { readonly offset: number; readonly block: Block };

export type Located = Found<{
  readonly file: FileNode;
  readonly length: number;
  /** Blocks that hold bytes of the range, in order. A block that is being written has no bytes yet. */
  readonly blocks: readonly LocatedBlock[];
}>;

/** The blocks of a file that hold the bytes from `start` to below `end`, for a caller who may read it. */
export function locateBlocks(
  state: Namespace,
  path: string,
  caller: Caller,
  { start = 0, end = Infinity }: { start?: number; end?: number } = {},
): Located | Refusal {
  const at = existing(state, path, caller);
  if (at.kind === 'refused') return at;
  const file = targetOf(at)!;
  if (file.kind === 'folder') return refuse('FileNotFoundException', `Path is not a file: ${at.path}`);
  const denied = checkTarget(at, caller, READ);
  if (denied) return denied;
  const blocks: LocatedBlock[] = [];
  let offset = 0;
  for (const block of file.blocks) {
    const length = block.length ?? 0;
    if (offset < end && offset + length > start) blocks.push({ offset, block });
    offset += length;
  }
  return { kind: 'found', file, length: offset, blocks };
}

/** What is known of a block that some file, snapshot or tree not yet reaped names. */
export const blockOf = (state: Namespace, id: BlockId): Block | undefined => get(state.blocks, id);

/**
 * As `blockOf`, for one that somebody reads or will read. Where a file was given up, a snapshot may still name the block that was being
 * written then: of that nobody will ever say how long it is.
 */
export function blockInUse(state: Namespace, id: BlockId): Block | undefined {
  const block = get(state.blocks, id);
  return block?.length !== undefined || fileOfBlock(state, id) ? block : undefined;
}

/** Every block, by ascending id. Lazy, and of this one state, however long the walk takes. */
export function* allBlocks(state: Namespace, after?: BlockId): Generator<Block, void, undefined> {
  for (const [, block] of entries(state.blocks, after)) yield block;
}

/** The live file that a block belongs to; undefined when only snapshots name it, or nobody any more. */
export function fileOfBlock(
  state: Namespace,
  id: BlockId,
): { readonly path: string; readonly file: FileNode } | undefined {
  const block = get(state.blocks, id);
  const names = block && namesTo(state, block.file);
  const file = names && inodeOf(state, block.file);
  if (file?.kind !== 'file' || !file.blocks.some((one) => one.id === id)) return undefined;
  return { path: pathOf(names!), file };
}

/** The path of an inode of the live tree. */
export function pathOfInode(state: Namespace, id: InodeId): string | undefined {
  const names = namesTo(state, id);
  return names && pathOf(names);
}

/** The path as resolved, when the caller may pass the folders above it. */
function visible(state: Namespace, path: string, caller: Caller): Resolved | Refusal {
  const at = resolve(state, path);
  if (at.kind === 'refused') return at;
  return checkTraverse(at, caller) ?? at;
}

function existing(state: Namespace, path: string, caller: Caller): Resolved | Refusal {
  const at = visible(state, path, caller);
  if (at.kind === 'refused' || targetOf(at)) return at;
  return refuse('FileNotFoundException', `File does not exist: ${at.path}`);
}
