/**
 * What a NameNode knows that must outlive it, as one immutable value: folders, files, their blocks, leases, snapshots. Where
 * the replicas of a block are is not part of it: datanodes report that.
 *
 * Files, folders, blocks and snapshots take their ids from one counter, so that an id also tells time: what has a smaller id
 * than a snapshot was there before it.
 */

import { emptyMap } from './ordered-map.ts';
import type { OrderedMap } from './ordered-map.ts';

/** Of files and folders, stable over renames. */
export type InodeId = number;
export type BlockId = number;
export type SnapshotId = number;

/** Milliseconds since 1970. */
export type Time = number;

/** As HDFS counts from; smaller ids are reserved. */
export const ROOT_ID: InodeId = 16_385;

export type Block = {
  readonly id: BlockId;
  readonly file: InodeId;
  /** Bytes; of a block that is being written `undefined`. Only the last block of a file that is being written is. */
  readonly length: number | undefined;
  /** Of the replicas that count; others are of another history. */
  readonly generation: number;
  readonly replication: number;
};

/** What many files have in common, kept once: it makes a file half as large. */
export type Attributes = {
  readonly owner: string;
  readonly group: string;
  /** Nine permission bits and, for folders, the sticky bit. */
  readonly mode: number;
  /** 0 for folders. */
  readonly replication: number;
  /** Bytes; 0 for folders. */
  readonly blockSize: number;
};

export type FileNode = {
  readonly kind: 'file';
  readonly id: InodeId;
  readonly attributes: Attributes;
  readonly mtime: Time;
  readonly atime: Time;
  readonly blocks: readonly Block[];
  /** Who writes it; undefined once it is complete. */
  readonly client: string | undefined;
};

export type FolderNode = {
  readonly kind: 'folder';
  readonly id: InodeId;
  readonly attributes: Attributes;
  readonly mtime: Time;
  readonly quota: Quota;
  readonly children: OrderedMap<string, Inode>;
  /** Sums over everything below, the folder itself not counted. */
  readonly files: number;
  readonly folders: number;
  /** Bytes of files. */
  readonly length: number;
  /** Bytes with replication; a block that is being written counts as a full one. */
  readonly space: number;
};

export type Inode = FileNode | FolderNode;

/** Undefined: no limit. */
export type Quota = {
  /** Files and folders, the folder itself included. */
  readonly names: number | undefined;
  /** Bytes with replication. */
  readonly space: number | undefined;
};

export const NO_QUOTA: Quota = { names: undefined, space: undefined };

/** Where an inode stands in the live tree. */
export type Place = { readonly parent: InodeId; readonly name: string };

/** What a client writes, and when it last began a file. That it still lives, the namenode hears by itself (`namenode/leases.ts`). */
export type Lease = { readonly renewedAt: Time; readonly files: OrderedMap<InodeId, true> };

export type Snapshot = {
  readonly id: SnapshotId;
  readonly name: string;
  readonly time: Time;
  /** The folder as it was. */
  readonly root: FolderNode;
};

/** By ascending id. A folder that may have snapshots but has none has an empty list. */
export type Snapshots = readonly Snapshot[];

/** The snapshots of `folder` with ids from `from` to below `to`. Something held by them is found in each. */
export type Span = { readonly folder: InodeId; readonly from: number; readonly to: number };

/** Since when an inode stands where it stands, and which snapshots saw it elsewhere. Kept only where a snapshot may ask. */
export type Move = { readonly since: number; readonly held: readonly Span[] };

/**
 * What has left the live tree, or lost a snapshot, and waits for `reap` to find out which of its blocks nobody names any more.
 * A tree of a million files leaves in one record; it is reaped in small ones.
 */
export type Retired =
  | {
      readonly kind: 'tree';
      readonly inode: Inode;
      readonly held: readonly Span[];
      /** Of a folder: the children up to this name are done. */
      readonly after: string | undefined;
    }
  | { readonly kind: 'block'; readonly block: BlockId; readonly held: readonly Span[] }
  | {
      readonly kind: 'snapshot';
      readonly blocks: OrderedMap<BlockId, readonly Span[]>;
      readonly after: BlockId | undefined;
    };

/**
 * What an administrator wants of a datanode. `decommissioning`: its blocks are copied elsewhere, then it may go for good:
 * `decommissioned`, which is for the namenode to say. `maintenance`: it goes for a while, and its replicas count meanwhile.
 */
export type Service = 'normal' | 'decommissioning' | 'decommissioned' | 'maintenance';

/** Of a datanode that is not `normal`. */
export type Assignment = {
  readonly service: Exclude<Service, 'normal'>;
  /** Where it was then: people know it by that. */
  readonly address: string;
};

export type Namespace = {
  readonly nextId: number;
  readonly root: FolderNode;
  /** Of every inode but the root; descendants of retired trees are still in it, their uppermost folder is not. */
  readonly places: OrderedMap<InodeId, Place>;
  /** Every block that a file, a snapshot or something retired names. */
  readonly blocks: OrderedMap<BlockId, Block>;
  /** By client. */
  readonly leases: OrderedMap<string, Lease>;
  /** By folder: those that may have snapshots. */
  readonly snapshots: OrderedMap<InodeId, Snapshots>;
  /** The newest snapshot ever taken; 0 while there are none. */
  readonly lastSnapshot: SnapshotId;
  readonly moves: OrderedMap<InodeId, Move>;
  /** Blocks that only snapshots name, each under one of the snapshots that hold it. */
  readonly retained: OrderedMap<SnapshotId, OrderedMap<BlockId, readonly Span[]>>;
  /** In the order in which they are reaped. */
  readonly retired: OrderedMap<number, Retired>;
  /** By the datanode's id; the others are `normal`. */
  readonly services: OrderedMap<string, Assignment>;
  /** Attributes in use, or once in use, by their text. */
  readonly attributes: OrderedMap<string, Attributes>;
};

/**
 * The state with some of its parts replaced. One literal, since a spread of so many properties takes the engine thirty times as long, and
 * every record makes several.
 */
export const changed = (state: Namespace, parts: Partial<Namespace>): Namespace => ({
  nextId: parts.nextId ?? state.nextId,
  root: parts.root ?? state.root,
  places: parts.places ?? state.places,
  blocks: parts.blocks ?? state.blocks,
  leases: parts.leases ?? state.leases,
  snapshots: parts.snapshots ?? state.snapshots,
  lastSnapshot: parts.lastSnapshot ?? state.lastSnapshot,
  moves: parts.moves ?? state.moves,
  retained: parts.retained ?? state.retained,
  retired: parts.retired ?? state.retired,
  attributes: parts.attributes ?? state.attributes,
  services: parts.services ?? state.services,
});

/** The namespace of a new store: a root that belongs to `owner` and lets everybody read. */
export function newNamespace(root: { owner: string; group: string; mode?: number; time?: Time }): Namespace {
  const { owner, group, mode = 0o755, time = 0 } = root;
  return {
    nextId: ROOT_ID + 1,
    root: newFolder(ROOT_ID, { owner, group, mode, replication: 0, blockSize: 0 }, time),
    places: emptyMap(),
    blocks: emptyMap(),
    leases: emptyMap(),
    snapshots: emptyMap(),
    lastSnapshot: 0,
    moves: emptyMap(),
    retained: emptyMap(),
    retired: emptyMap(),
    services: emptyMap(),
    attributes: emptyMap(),
  };
}

export const newFolder = (id: InodeId, attributes: Attributes, mtime: Time): FolderNode => ({
  kind: 'folder',
  id,
  attributes,
  mtime,
  quota: NO_QUOTA,
  children: emptyMap(),
  files: 0,
  folders: 0,
  length: 0,
  space: 0,
});
