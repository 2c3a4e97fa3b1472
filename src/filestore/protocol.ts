/**
 * What namenode, datanodes and clients say to each other (`StoreNetwork`).
 *
 * | to | operation | message → answer |
 * |---|---|---|
 * | namenode | `register` | DatanodeRegistration → `{ commands }`; a datanode's first word, and again after UnregisteredNodeException |
 * | namenode | `heartbeat` | Heartbeat, every second → HeartbeatReply |
 * | namenode | `blockReport` | BlockReport: all replicas of a datanode, or those that came and went → `{}` |
 * | datanode | `writeBlock` | WriteBlock, bytes behind it → WriteBlockReply, once every replica it names is synced |
 * | datanode | `readBlock` | ReadBlock → ReadBlockReply, bytes behind it, every one of them verified |
 *
 * A replica is on a datanode wholly or not at all, and a file is seen when it is complete: a writer that dies leaves a file that nobody
 * saw, which the namenode removes when its lease is over. So no block is ever recovered from replicas of different lengths.
 */

import type { Address } from './network.ts';
import type { BlockId } from './namespace/state.ts';

/** Made once for a datanode's folders and kept in them: addresses change, the blocks stay. */
export type DatanodeId = string;

/** One replica that is complete on a datanode's disk. */
export type Replica = { readonly block: BlockId; readonly generation: number; readonly length: number };

export type DatanodeRegistration = {
  readonly node: DatanodeId;
  readonly address: Address;
  /** Such as `/rack1`; `/default-rack` when nobody said. */
  readonly rack: string;
  /** Equal for processes that see the same local files: the kernel of a worker there opens blocks by path. */
  readonly host: string;
  /** New at every start of the datanode. */
  readonly incarnation: string;
};

export type Heartbeat = {
  readonly node: DatanodeId;
  readonly incarnation: string;
  readonly capacityBytes: number;
  readonly usedBytes: number;
  /** What it can still take, what is reserved for blocks that are being written taken off. */
  readonly freeBytes: number;
  /** Blocks on their way in or out. */
  readonly transfers: number;
  readonly failedFolders: number;
};

/** What a datanode is told in answer to a heartbeat. Repeated until a report shows that it was done. */
export type DatanodeCommand =
  | { readonly kind: 'copy'; readonly replica: Replica; readonly targets: readonly BlockTarget[] }
  | { readonly kind: 'delete'; readonly replicas: readonly { readonly block: BlockId; readonly generation: number }[] }
  /** Tell all replicas anew: the namenode has reason to doubt what it knows. */
  | { readonly kind: 'report' };

export type HeartbeatReply = { readonly commands: readonly DatanodeCommand[] };

export type BlockReport = {
  readonly node: DatanodeId;
  readonly incarnation: string;
  /** Grows with every report of an incarnation: an older one that comes late says nothing. */
  readonly sequence: number;
  /** All that it has; or, since the report before, what came, what went, and what was found damaged. */
  readonly change:
    | { readonly kind: 'full'; readonly replicas: readonly Replica[] }
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

export type ReadBlock = {
  readonly block: BlockId;
  readonly generation: number;
  readonly offset: number;
  readonly length: number;
};

export type ReadBlockReply = { readonly length: number };
