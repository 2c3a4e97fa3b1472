/**
 * What namenode, datanodes and clients say to each other (`StoreNetwork`).
 *
 * | to | operation | message → answer |
 * |---|---|---|
 * | namenode | `register` | DatanodeRegistration → RegisterReply; a datanode's first word, and again after UnregisteredNodeException |
 * | namenode | `heartbeat` | Heartbeat, every second → HeartbeatReply |
 * | namenode | `blockReport` | BlockReport: replicas that a datanode has, or those that came and went → `{}` |
 * | namenode | a name of `CHANGES` or `READS` (`namenode/operations.ts`) | ClientMessage with the request → its result |
 * | namenode | `holders` | HoldersRequest → HoldersReply: who has a block that could not be read, or had it |
 * | namenode | `snapshotDiff` | SnapshotDiffPageRequest → SnapshotDiffPage (`namenode/snapshot-diffs.ts`) |
 * | namenode | `addBlock` | ClientMessage with AddBlock → BlockToWrite |
 * | namenode | `publish` | ClientMessage with Publish → PublishReply; the file is seen from here on |
 * | namenode | `balance` | BalanceRequest → BalanceReply; of a superuser |
 * | datanode | `writeBlock` | WriteBlock, bytes behind it → WriteBlockReply, once every replica it names is synced |
 * | datanode | `stageBlock` | StageBlock → StageBlockReply: a file that a writer on the datanode's machine fills |
 * | datanode | `adoptBlock` | AdoptBlock → WriteBlockReply: that file is the block, and goes to the rest of the pipeline |
 * | datanode | `dropStaged` | DropStaged → `{}`: nobody fills it any more |
 * | datanode | `readBlock` | ReadBlock → ReadBlockReply, bytes behind it, every one of them verified |
 * | datanode | `localReplica` | LocalReplica → LocalReplicaReply: the block's own file, for a reader on the datanode's machine |
 *
 * A replica is on a datanode wholly or not at all, and a file is seen when it is complete: a writer that dies leaves a file that nobody
 * saw, which the namenode removes when its lease is over. So no block is ever recovered from replicas of different lengths.
 */

import type { Written } from './namespace/decide-writes.ts';
import type { Caller } from './namespace/permissions.ts';
import type { BlockId, InodeId } from './namespace/state.ts';
import type { Address } from './network.ts';

/** Made once for a datanode's folders and kept in them: addresses change, the blocks stay. */
export type DatanodeId = string;

/** Made once for a namespace and kept in its journal: blocks of one store mean nothing in another. */
export type StoreId = string;

/** One replica that is complete on a datanode's disk. */
export type Replica = { readonly block: BlockId; readonly generation: number; readonly length: number };

export type DatanodeRegistration = {
  readonly node: DatanodeId;
  /** The store that its blocks belong to; undefined while its folders are new. The namenode of another store refuses it. */
  readonly store: StoreId | undefined;
  readonly address: Address;
  /** Such as `/rack1`; `/default-rack` when nobody said. */
  readonly rack: string;
  /** Equal for processes that see the same local files: the kernel of a worker there opens blocks by path. */
  readonly host: string;
  /** New at every start of the datanode. */
  readonly incarnation: string;
};

/**
 * Names what the namenode knows of a datanode since it last began to know it. What comes under another name was said before that, however
 * late it arrives: a report that the network repeats would be believed for good, since the datanode has no reason to say it was otherwise.
 */
export type SessionId = string;

export type RegisterReply = HeartbeatReply & { readonly store: StoreId; readonly session: SessionId };

export type Heartbeat = {
  readonly node: DatanodeId;
  readonly session: SessionId;
  readonly capacityBytes: number;
  readonly usedBytes: number;
  /** What it can still take, what is reserved for blocks that are being written taken off. */
  readonly freeBytes: number;
  /** Blocks on their way in or out. */
  readonly transfers: number;
  readonly failedFolders: number;
  /** Copies that it was told to make and could not, since the last time: they are ordered elsewhere, and need not run out of time. */
  readonly failedCopies: readonly FailedCopy[];
};

export type FailedCopy = { readonly block: BlockId; readonly target: DatanodeId };

/** What a datanode is told in answer to a heartbeat. Repeated until a report shows that it was done. */
export type DatanodeCommand =
  | { readonly kind: 'copy'; readonly replica: Replica; readonly targets: readonly BlockTarget[] }
  | { readonly kind: 'delete'; readonly replicas: readonly DeletionOrder[] }
  /** Tell all replicas anew: the namenode has reason to doubt what it knows. */
  | { readonly kind: 'report' };

/**
 * Holds for the replica that the namenode had heard of: one that the datanode announced (in a report of any kind) in a report after
 * `knownTo` is another one, or was looked at anew, and stays. Orders are repeated until they are seen to be done, so a late one may
 * meet a replica that was copied there since.
 */
export type DeletionOrder = {
  readonly block: BlockId;
  readonly generation: number;
  /** The sequence of the last report that the namenode had taken from this datanode. */
  readonly knownTo: number;
};

export type HeartbeatReply = {
  /** Of the namenode that speaks: once a datanode has heard a greater one, what this one commands is not done any more. */
  readonly epoch: number;
  readonly commands: readonly DatanodeCommand[];
};

export type BlockReport = {
  readonly node: DatanodeId;
  readonly session: SessionId;
  /** Grows with every report of a datanode since it started, sent again or not: an older one that comes late says nothing. */
  readonly sequence: number;
  /**
   * All that it has with ids `from ≤ id < to`, so that no message lists a million replicas: what is not in it is not there. The first
   * slice begins at 0, each goes on where the one before ended, and the last has no `to`. Or, beside that, what came, what went, and
   * what was found damaged. Later words replace earlier ones, replica by replica.
   */
  readonly change:
    | {
        readonly kind: 'full';
        readonly from: BlockId;
        readonly to: BlockId | undefined;
        readonly replicas: readonly Replica[];
        /** There, but never served: kept until the namenode orders their removal. Not in `replicas`. */
        readonly corrupt: readonly Replica[];
      }
    | {
        readonly kind: 'incremental';
        readonly received: readonly Replica[];
        readonly deleted: readonly { readonly block: BlockId; readonly generation: number }[];
        readonly corrupt: readonly Replica[];
      };
};

/** Where a replica goes. */
export type BlockTarget = { readonly node: DatanodeId; readonly address: Address };

export type WriteBlock = {
  readonly block: BlockId;
  readonly generation: number;
  /** Room to reserve: the block's bytes at most. */
  readonly bytesMax: number;
  /** The rest of the pipeline, nearest first: this datanode passes the bytes on while it writes them. */
  readonly pipeline: readonly BlockTarget[];
};

/** Datanodes that have the whole block on their disks, synced. One that fails on the way is left out, and the others go on. */
export type WriteBlockReply = {
  readonly length: number;
  readonly stored: readonly DatanodeId[];
  /** CRC-32C of the whole block. */
  readonly crc32c: number;
};

export type StageBlock = Omit<WriteBlock, 'pipeline'>;

/** The file is empty. It goes when nothing was added for a minute; a writer who has it open still reads what he wrote. */
export type StageBlockReply = { readonly path: string; readonly inode: number; readonly chunkBytes: number };

/** The file is written, and is not written to any more. */
export type AdoptBlock = Omit<WriteBlock, 'bytesMax'> & {
  readonly path: string;
  readonly length: number;
  readonly chunkBytes: number;
  /** CRC-32C of each chunk, as its bytes came to the writer. */
  readonly chunks: readonly number[];
};

export type DropStaged = { readonly path: string };

export type ReadBlock = {
  readonly block: BlockId;
  readonly generation: number;
  readonly offset: number;
  readonly length: number;
};

export type ReadBlockReply = { readonly length: number };

export type LocalReplica = {
  readonly block: BlockId;
  readonly generation: number;
  /**
   * What the datanode compares before it answers: nothing, since the reader compares every chunk himself; what is due by its own rule,
   * for readers that compare nothing; or everything anew, since the reader found what does not fit.
   */
  readonly verify: 'none' | 'due' | 'anew';
};

/** The file must only be read. It may be gone at any time; who has it open reads on. */
export type LocalReplicaReply = {
  readonly path: string;
  /** Tells the file from another one that has its path where the reader looks. */
  readonly inode: number;
  readonly length: number;
  readonly chunkBytes: number;
  /** CRC-32C of each chunk. */
  readonly chunks: readonly number[];
};

/**
 * What every message of a client carries. A call that comes again is answered as the first time, while the same namenode leads;
 * with another `epoch` it is refused, since nobody remembers then whether it was carried out.
 */
export type ClientMessage = {
  readonly caller: Caller;
  readonly client: string;
  /** Grows with every call of the client, not with its repetitions. */
  readonly number: number;
  /** Grows with every repetition of the call. */
  readonly attempt?: number;
  readonly epoch: number;
};

/** A block as its writer knows it, with those who said that they stored it. */
export type StoredBlock = Written & { readonly stored: readonly DatanodeId[] };

export type AddBlock = {
  readonly file: InodeId;
  readonly previous?: StoredBlock;
  /** Bytes that the block will have at most. */
  readonly bytes: number;
  /** The writer's machine. */
  readonly host?: string;
  /** Datanodes that failed the writer. */
  readonly excluded: readonly DatanodeId[];
};

export type BlockToWrite = {
  readonly block: BlockId;
  readonly generation: number;
  /** At least one; in the order of the pipeline. */
  readonly targets: readonly (BlockTarget & { readonly host: string })[];
};

/** The file is whole and gets its name; what it was written under is nobody's business. */
export type Publish = {
  readonly file: InodeId;
  readonly last?: StoredBlock;
  readonly path: string;
  readonly overwrite: boolean;
};

/** False: the name is taken, and the file is gone. */
export type PublishReply = { readonly published: boolean };

/** A block of a file and who has it, nearest to the reader first. */
export type BlockLocation = Replica & { readonly offset: number; readonly replicas: readonly ReplicaLocation[] };

export type ReplicaLocation = BlockTarget & { readonly host: string; readonly rack: string };

export type HoldersRequest = {
  readonly caller: Caller;
  readonly path: string;
  readonly block: BlockId;
  /** Where it begins in the file. */
  readonly offset: number;
};

export type HoldersReply = {
  readonly holders: readonly BlockHolder[];
  /** Somebody who may have it too has not said yet what they have. */
  readonly isAwaited: boolean;
};

/** As the namenode last knew it; of one that is dead, when it was last heard of. */
export type BlockHolder = {
  readonly node: DatanodeId;
  readonly address: Address;
  readonly isAlive: boolean;
  /** Its replica is. */
  readonly isDamaged: boolean;
  /** Since its last word. */
  readonly silentMs: number;
};

/** `start` while it runs changes what it goes by; it goes on by itself until the namenode or somebody stops. */
export type BalanceRequest = {
  readonly caller: Caller;
  readonly action: 'start' | 'stop' | 'status';
  /** Points of percent by which the share of a datanode's room that is used may differ from the average. HDFS's default: 10. */
  readonly threshold?: number;
  /** That a datanode sends, and that it takes, on average. HDFS's default: 100 MiB. */
  readonly bytesPerSecond?: number;
};

export type BalanceReply = {
  /**
   * `idle`: not asked for since the namenode started. Three ends: `balanced`, `stopped`, and `stuck`: some datanodes are still too full or
   * too empty, and no block can go from one to another without harm to racks or without making another one so.
   */
  readonly state: 'idle' | 'running' | 'balanced' | 'stuck' | 'stopped';
  readonly threshold: number;
  readonly bytesPerSecond: number;
  /** Since the start; stands still at the end. */
  readonly elapsedMs: number;
  readonly movedBlocks: number;
  readonly movedBytes: number;
  readonly movingBlocks: number;
  /** Of its room that the store uses, in percent: of all that take part, and of each. */
  readonly average: number;
  readonly datanodes: readonly { readonly node: DatanodeId; readonly utilisation: number }[];
  /** That have still to leave datanodes that are too full, or to come to those that are too empty: what is more. */
  readonly leftBytes: number;
};
