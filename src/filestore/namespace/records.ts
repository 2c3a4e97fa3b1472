/**
 * What the journal keeps of the namespace: each record is one decided change, in terms of ids, so that applying it needs no
 * judgement. Ids that a record allocates begin at the `nextId` of the state it was decided on.
 */

import type { BlockId, InodeId, Service, SnapshotId, Time } from './state.ts';

export type NamespaceRecord =
  | MkdirsRecord
  | CreateRecord
  | AddBlockRecord
  | AbandonBlockRecord
  | CompleteRecord
  | PublishRecord
  | RenameRecord
  | DeleteRecord
  | SetAttributesRecord
  | SetTimesRecord
  | SetQuotaRecord
  | AllowSnapshotRecord
  | CreateSnapshotRecord
  | DeleteSnapshotRecord
  | RenameSnapshotRecord
  | SetServiceRecord
  | ReapRecord;

/** New folders, each below the one before, the first in `parent`. */
export type MkdirsRecord = {
  readonly kind: 'mkdirs';
  readonly parent: InodeId;
  readonly names: readonly string[];
  readonly firstId: InodeId;
  readonly owner: string;
  readonly group: string;
  readonly mode: number;
  /** Of all but the last: one must be able to make the next in them. */
  readonly parentMode: number;
  readonly time: Time;
};

/** A file to be written by `client`, with the missing folders above it. What stood there (a file) is gone with the same record. */
export type CreateRecord = {
  readonly kind: 'create';
  readonly parent: InodeId;
  readonly folders: readonly string[];
  readonly name: string;
  /** Of the first new folder; the file has the last. */
  readonly firstId: InodeId;
  readonly owner: string;
  readonly group: string;
  readonly mode: number;
  readonly folderMode: number;
  readonly replication: number;
  readonly blockSize: number;
  readonly client: string;
  readonly time: Time;
};

/** The block before is complete with this length; a new one begins. */
export type AddBlockRecord = {
  readonly kind: 'addBlock';
  readonly file: InodeId;
  readonly block: BlockId;
  readonly previousLength: number | undefined;
  readonly time: Time;
};

/** The last block, of which nothing was written. */
export type AbandonBlockRecord = { readonly kind: 'abandonBlock'; readonly file: InodeId; readonly time: Time };

/** Closes the file. `length` is that of the last block when it was open; 0 drops a block that holds nothing. */
export type CompleteRecord = {
  readonly kind: 'complete';
  readonly file: InodeId;
  readonly length: number | undefined;
  readonly time: Time;
};

/** Closes the file and moves it: `complete` and `rename` in one. */
export type PublishRecord = Omit<CompleteRecord, 'kind'> & {
  readonly kind: 'publish';
  readonly parent: InodeId;
  readonly name: string;
};

/** What stood at the target (a file, or an empty folder) is gone with the same record. */
export type RenameRecord = {
  readonly kind: 'rename';
  readonly inode: InodeId;
  readonly parent: InodeId;
  readonly name: string;
  readonly time: Time;
};

export type DeleteRecord = { readonly kind: 'delete'; readonly inode: InodeId; readonly time: Time };

export type SetAttributesRecord = {
  readonly kind: 'setAttributes';
  readonly inode: InodeId;
  readonly owner?: string;
  readonly group?: string;
  readonly mode?: number;
  readonly replication?: number;
};

export type SetTimesRecord = {
  readonly kind: 'setTimes';
  readonly inode: InodeId;
  readonly mtime?: Time;
  readonly atime?: Time;
};

export type SetQuotaRecord = {
  readonly kind: 'setQuota';
  readonly folder: InodeId;
  readonly names: number | undefined;
  readonly space: number | undefined;
};

export type AllowSnapshotRecord = {
  readonly kind: 'allowSnapshot';
  readonly folder: InodeId;
  readonly allowed: boolean;
};

export type CreateSnapshotRecord = {
  readonly kind: 'createSnapshot';
  readonly folder: InodeId;
  readonly id: SnapshotId;
  readonly name: string;
  readonly time: Time;
};

export type DeleteSnapshotRecord = {
  readonly kind: 'deleteSnapshot';
  readonly folder: InodeId;
  readonly id: SnapshotId;
};

export type RenameSnapshotRecord = {
  readonly kind: 'renameSnapshot';
  readonly folder: InodeId;
  readonly id: SnapshotId;
  readonly name: string;
};

export type SetServiceRecord = {
  readonly kind: 'setService';
  readonly node: string;
  readonly address: string;
  readonly service: Service;
};

/** The only record that frees blocks, by name: whoever reads it (the block map, a standby) need not work them out. */
export type ReapRecord = { readonly kind: 'reap'; readonly steps: number; readonly freed: readonly BlockId[] };
