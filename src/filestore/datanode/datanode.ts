/**
 * A DataNode: keeps replicas of blocks on local disks, passes them along pipelines, serves verified bytes, and tells every namenode what
 * it has. It lives in a worker, whose kernel opens blocks by their paths (`localReplica`) and writes files that become blocks (`adopt`).
 */

import { setMaxListeners } from 'node:events';
import { assert } from '../../common/assert.ts';
import { NetworkError } from '../network.ts';
import type { Address, Bytes, Operations, StoreNetwork } from '../network.ts';
import type {
  AdoptBlock,
  BlockTarget,
  DatanodeId,
  DropStaged,
  Heartbeat,
  LocalReplica,
  LocalReplicaReply,
  ReadBlock,
  ReadBlockReply,
  RegisterReply,
  Replica,
  SessionId,
  StageBlock,
  StageBlockReply,
  WriteBlock,
  WriteBlockReply,
} from '../protocol.ts';
import { BlockStore } from './block-store.ts';
import type { BlockStoreOptions, ReplicaChange } from './block-store.ts';
import { Commands } from './commands.ts';
import { DataFolderError } from './folder-errors.ts';
import { NamenodeSession } from './namenode-session.ts';
import { SCRUB_DEFAULTS, scrubForever } from './scrubber.ts';
import type { ScrubOptions } from './scrubber.ts';
import type { StoredReplica } from './incoming-replica.ts';
import { sendToAll } from './send-block.ts';
import { StagedWrites } from './staged-writes.ts';
import { Throttle } from './throttle.ts';
import { writeThrough } from './write-pipeline.ts';
import type { WriteOptions } from './write-pipeline.ts';

export type DataNodeOptions = Omit<BlockStoreOptions, 'onChange' | 'newNode' | 'logger'> &
  Partial<DataNodeLimits> & {
    readonly network: StoreNetwork;
    readonly logger: Logger;
    /** Where others reach this datanode. */
    readonly address: Address;
    readonly rack: string;
    readonly host: string;
    /** The leader and its standbys: each is told everything. */
    readonly namenodes: readonly Address[];
    /** Makes ids that nobody else makes. */
    readonly newId: () => string;
    /** 0 ≤ x < 1 */
    readonly random: () => number;
    /** The datanode cannot go on: its blocks belong to another store. */
    readonly fatal: (error: Error) => void;
  };

type Logger = BlockStoreOptions['logger'] & { readonly info: BlockStoreOptions['logger']['warn'] };

export type DataNodeLimits = ScrubOptions & {
  readonly heartbeatMs: number;
  /** For a namenode's answer. */
  readonly namenodeTimeoutMs: number;
  /** How long another datanode may take no bytes. */
  readonly stallTimeoutMs: number;
  /** How long a writer may be silent in the middle of a block. */
  readonly writerTimeoutMs: number;
  /** What copies that a namenode orders may take of the network, together. */
  readonly copyBytesPerSecond: number;
};

export const DATANODE_DEFAULTS: DataNodeLimits = {
  ...SCRUB_DEFAULTS,
  heartbeatMs: 1_000,
  namenodeTimeoutMs: 5_000,
  stallTimeoutMs: 10_000,
  writerTimeoutMs: 60_000,
  // A gigabyte on one datanode is copied well within the minute in which a loss is to be made good.
  copyBytesPerSecond: 100 * 1024 * 1024,
};

export class DataNode {
  readonly operations: Operations;
  readonly #options: DataNodeOptions & DataNodeLimits;
  readonly #store: BlockStore;
  readonly #incarnation: string;
  readonly #sessions: readonly NamenodeSession[];
  readonly #commands: Commands;
  readonly #writing: WriteOptions;
  readonly #staged: StagedWrites;
  readonly #stop = new AbortController();
  /** What has to end before the folders are let go. */
  readonly #running = new Set<Promise<unknown>>();
  #writes = 0;

  /** Takes the folders into service; throws DataFolderError. Nobody is told before `start`. */
  static async open(options: DataNodeOptions): Promise<DataNode> {
    const nodes: DataNode[] = [];
    const onChange = (change: ReplicaChange): void => {
      for (const node of nodes) node.#changed(change);
    };
    const store = await BlockStore.open({ ...options, newNode: options.newId, onChange });
    const node = new DataNode({ ...DATANODE_DEFAULTS, ...options }, store);
    nodes.push(node);
    return node;
  }

  private constructor(options: DataNodeOptions & DataNodeLimits, store: BlockStore) {
    const { clock, network, logger, stallTimeoutMs, writerTimeoutMs } = options;
    const signal = this.#stop.signal;
    // As many as there are blocks under way.
    setMaxListeners(0, signal);
    this.#options = options;
    this.#store = store;
    this.#incarnation = options.newId();
    const onProblem = (target: BlockTarget, error: unknown): void =>
      logger.warn({ error, target }, 'a datanode is left out of a pipeline');
    const sending = { network, clock, stallTimeoutMs, signal };
    this.#writing = { ...sending, store, writerTimeoutMs, onProblem };
    this.#staged = new StagedWrites({ store, clock, writerTimeoutMs });
    const bandwidth = new Throttle(clock, options.copyBytesPerSecond);
    this.#commands = new Commands({ ...sending, store, logger, bandwidth });
    this.#sessions = options.namenodes.map((namenode) => this.#session(namenode));
    this.operations = {
      writeBlock: async (message: WriteBlock, body: Bytes) => ({ answer: await this.write(message, body) }),
      stageBlock: async (message: StageBlock) => ({ answer: await this.#stage(message) }),
      adoptBlock: async (message: AdoptBlock) => ({ answer: await this.#adoptStaged(message) }),
      dropStaged: async ({ path }: DropStaged) => {
        await this.#counted(this.#staged.drop(path));
        return { answer: {} };
      },
      readBlock: (message: ReadBlock) => this.#read(message),
      localReplica: async (message: LocalReplica) => ({ answer: await this.localReplica(message) }),
    };
  }

  #session(namenode: Address): NamenodeSession {
    const { clock, network, logger, heartbeatMs, namenodeTimeoutMs, address, rack, host } = this.#options;
    const [node, incarnation] = [this.id, this.#incarnation];
    const session: NamenodeSession = new NamenodeSession({
      clock,
      network,
      logger,
      namenode,
      heartbeatMs,
      timeoutMs: namenodeTimeoutMs,
      registration: () => ({ node, store: this.#store.store, address, rack, host, incarnation }),
      heartbeat: (id) => this.#heartbeat(id),
      replicas: () => this.#store.replicas(),
      find: (replica) => this.#store.find(replica),
      onRegistered: (reply) => this.#bind(reply),
      onReply: (reply) => this.#commands.obey(reply, session),
      signal: this.#stop.signal,
    });
    return session;
  }

  get id(): DatanodeId {
    return this.#store.node;
  }

  start(): void {
    for (const session of this.#sessions) session.start();
    const { clock, logger, random, scrubIntervalMs, scrubBytesPerSecond } = this.#options;
    const [store, signal] = [this.#store, this.#stop.signal];
    const scrubbing = { store, clock, logger, random, signal, scrubIntervalMs, scrubBytesPerSecond };
    void this.#counted(scrubForever(scrubbing)).catch((error: unknown) => this.#options.fatal(error as Error));
  }

  /** Ends what is under way; what was acknowledged stays. */
  async close(): Promise<void> {
    this.#stop.abort(new NetworkError(`datanode ${this.id} is being stopped`));
    for (const session of this.#sessions) session.stop();
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
    await this.#commands.ended();
    await this.#staged.close();
    await this.#store.close();
  }

  async write(message: WriteBlock, body: Bytes): Promise<WriteBlockReply> {
    this.#writes += 1;
    try {
      return await this.#counted(writeThrough(this.#writing, message, body));
    } finally {
      this.#writes -= 1;
    }
  }

  /**
   * A file that was written beside the datanode becomes a block here, and goes to the others in the pipeline. The file may be removed
   * after; it must not be written to any more.
   */
  async adopt(
    replica: Omit<Replica, 'length'>,
    path: string,
    pipeline: readonly BlockTarget[] = [],
  ): Promise<WriteBlockReply> {
    return this.#counted(this.#store.adopt(replica, path).then((stored) => this.#sendOn(stored, pipeline)));
  }

  /** What a writer on this machine fills, and then lets `adoptBlock` take over. */
  async #stage(message: StageBlock): Promise<StageBlockReply> {
    const file = await this.#counted(this.#staged.stage(message));
    const { inode } = await this.#options.disk.stat(file.path);
    return { path: file.path, inode, chunkBytes: file.options.chunkBytes };
  }

  #adoptStaged(message: AdoptBlock): Promise<WriteBlockReply> {
    return this.#counted(this.#staged.adopt(message).then((stored) => this.#sendOn(stored, message.pipeline)));
  }

  /** A block that came whole goes to the rest of its pipeline. */
  async #sendOn(stored: StoredReplica, pipeline: readonly BlockTarget[]): Promise<WriteBlockReply> {
    const { length, crc32c } = stored;
    const open = async (): Promise<Bytes> => (await this.#store.read(stored, 0, length)).body;
    const message = { bytesMax: length, ...stored };
    const others = await sendToAll(this.#writing, message, pipeline, open, this.#writing.onProblem);
    return { length, crc32c, stored: [this.id, ...others] };
  }

  /** For readers on this machine, which open the block's file themselves. */
  async localReplica({ verify, ...replica }: LocalReplica): Promise<LocalReplicaReply> {
    const { path, inode, checksums } = await this.#counted(this.#store.file(replica, verify));
    const { length, chunkBytes, chunks } = checksums;
    return { path, inode, length, chunkBytes, chunks: [...chunks] };
  }

  async #read({ block, generation, offset, length }: ReadBlock): Promise<{ answer: ReadBlockReply; body: Bytes }> {
    const read = await this.#counted(this.#store.read({ block, generation }, offset, length));
    return { answer: { length: read.length }, body: read.body };
  }

  #changed(change: ReplicaChange): void {
    for (const session of this.#sessions) session.add(change);
  }

  async #bind({ store }: RegisterReply): Promise<void> {
    try {
      await this.#store.bind(store);
    } catch (error) {
      if (error instanceof DataFolderError) {
        this.#stop.abort(error);
        this.#options.fatal(error);
      }
      throw error;
    }
  }

  async #heartbeat(session: SessionId): Promise<Heartbeat> {
    await this.#staged.measure();
    const { capacityBytes, usedBytes, freeBytes, failedFolders } = await this.#store.figures();
    assert(freeBytes <= capacityBytes, 'what is free is part of the capacity');
    const transfers = this.#writes + this.#staged.size + this.#commands.copies;
    return {
      node: this.id,
      session,
      capacityBytes,
      usedBytes,
      freeBytes,
      transfers,
      failedFolders,
      failedCopies: this.#commands.takeFailedCopies(),
    };
  }

  #counted<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    const forget = (): void => void this.#running.delete(work);
    work.then(forget, forget);
    return work;
  }
}
