/**
 * How a checkpoint holds a namespace: slices, each a JSON array of items. Trees are written node by node from below, and a
 * node that a snapshot shares with the live tree is written once, so sharing outlives a restart. Nodes and attributes are
 * numbered in the order in which they come, and meant by their numbers.
 */

import type { Assignment, Block, BlockId, FolderNode, InodeId, SnapshotId, Span, Time } from './state.ts';

/** Version 1 had no services. */
export const CHECKPOINT_VERSION = 2;

export type Item =
  | readonly [tag: 'version', version: number]
  | readonly [tag: 'attributes', owner: string, group: string, mode: number, replication: number, blockSize: number]
  /** A part of a list of blocks too long for its file's entry. */
  | readonly [tag: 'blocks', list: number, blocks: readonly BlockText[]]
  | readonly [tag: 'leaf', names: readonly string[], inodes: readonly InodeText[]]
  | readonly [tag: 'branch', bounds: readonly string[], children: readonly number[]]
  | readonly [tag: 'root', root: FolderText, nextId: number, lastSnapshot: SnapshotId]
  | readonly [tag: 'snapshottable', folder: InodeId]
  /** Of the `snapshottable` before. */
  | readonly [tag: 'snapshot', id: SnapshotId, name: string, time: Time, root: FolderText]
  | BesideItem;

/** What stands beside the trees. */
export type BesideItem =
  | readonly [tag: 'move', inode: InodeId, since: number, held: readonly SpanText[]]
  | readonly [tag: 'retained', snapshot: SnapshotId, block: KeptText]
  | readonly [tag: 'retiredTree', key: number, inode: InodeText, held: readonly SpanText[], after: string | null]
  | readonly [tag: 'retiredBlock', key: number, block: KeptText]
  /** A block of a snapshot that was deleted; those of one key belong together. */
  | readonly [tag: 'retiredSnapshot', key: number, block: KeptText]
  | readonly [tag: 'lease', client: string, renewedAt: Time, files: readonly InodeId[]]
  | readonly [tag: 'service', node: string, service: Assignment['service'], address: string];

export type BlockText = readonly [id: BlockId, length: number | null, generation: number];

export type SpanText = readonly [folder: InodeId, from: number, to: number];

export type FileText = readonly [
  sort: 0,
  id: InodeId,
  attributes: number,
  mtime: Time,
  atime: Time,
  client: string | null,
  blocks: readonly BlockText[] | number,
];

export type FolderText = readonly [
  sort: 1,
  id: InodeId,
  attributes: number,
  mtime: Time,
  children: number,
  files: number,
  folders: number,
  length: number,
  space: number,
  namesQuota: number | null,
  spaceQuota: number | null,
];

export type InodeText = FileText | FolderText;

/** A block outside the live tree, with the snapshots that hold it. */
export type KeptText = readonly [
  id: BlockId,
  file: InodeId,
  length: number | null,
  generation: number,
  replication: number,
  held: readonly SpanText[],
];

export const spanText = ({ folder, from, to }: Span): SpanText => [folder, from, to];

export const spanOf = ([folder, from, to]: SpanText): Span => ({ folder, from, to });

export const blockText = ({ id, length, generation }: Block): BlockText => [id, length ?? null, generation];

export const folderText = (folder: FolderNode, attributes: number, children: number): FolderText => [
  1,
  folder.id,
  attributes,
  folder.mtime,
  children,
  folder.files,
  folder.folders,
  folder.length,
  folder.space,
  folder.quota.names ?? null,
  folder.quota.space ?? null,
];
