/**
 * Reads a file of the store: each range from the nearest replica, from its own file where that is on this machine, and from the next one
 * when that fails.
 */

import type { Disk } from '../common/disk.ts';
import type { OpenFile, StreamOptions } from './file-system.ts';
import { LocalBlocks } from './local-blocks.ts';
import { LentBuffers } from './lent-buffers.ts';
import type { InodeId } from './namespace/state.ts';
import { type Bytes, NetworkError, StoreError } from './network.ts';
import type { BlockLocation, DatanodeId, HoldersReply, ReadBlock, ReplicaLocation } from './protocol.ts';
import type { StoreClient } from './store-client.ts';
import { blockText, isHeld, unreadableBlock } from './unreadable-block.ts';
import { WaitNotice } from './wait-notice.ts';

/** Since when no byte came. */
type Failing = { sinceMs: number | undefined };

type Located = { readonly id: InodeId; readonly length: number; readonly blocks: readonly BlockLocation[] };

type Piece = { readonly piece: Uint8Array; readonly isLocal: boolean };

const READ_TIMEOUT_MS = 10_000;
/**
 * Before each round through the replicas of a block: a datanode that is started again is back within seconds. All the waiting for one is
 * done here; who asks for a read that failed does not ask again for the same reason (`coordinator/failure-policy.ts`).
 */
const ROUND_PAUSES_MS = [0, 500, 1_000, 2_000, 4_000];
/** A datanode that was taken for dead, and lives, has registered anew by then: at its next heartbeat. */
const LOST_FROM_ROUND = 2;
/** Where somebody gives no answer, each round takes long by itself: there are only as many more as begin so long after the first failed. */
const PATIENCE_MS = ROUND_PAUSES_MS.reduce((sum, pauseMs) => sum + pauseMs);

/** `disk`: of the client's machine. */
export async function openFile(client: StoreClient, path: string, disk?: Disk): Promise<OpenFile> {
  let located = await client.read<Located>('locate', { path });
  const { id, length } = located;
  const { network, clock, host } = client.options;
  const localBlocks = disk && host !== undefined ? new LocalBlocks(network, disk, host) : undefined;
  /** Gave no answer when they were asked last: others come first, lest every read of the file waits for them. */
  const silent = new Set<DatanodeId>();
  const notice = new WaitNotice(clock, client.options.onWait);

  /** Replicas move; the file stays the same, or is gone. */
  async function locateAgain(): Promise<void> {
    const now = await client.read<Located>('locate', { path });
    if (now.id !== id) throw new StoreError('IOException', `${path} was deleted while it was read`);
    located = now;
  }

  async function* stream(offset = 0, count = Infinity, { lent = false, onLocal }: StreamOptions = {}): Bytes {
    const buffers = lent ? new LentBuffers() : undefined;
    const end = Math.min(length, offset + count);
    for (let at = offset; at < end;) {
      const index = located.blocks.findIndex((block) => at >= block.offset && at < block.offset + block.length);
      const block = located.blocks[index]!;
      const last = Math.min(end, block.offset + block.length);
      for await (const { piece, isLocal } of blockBytes(index, at - block.offset, last - at, buffers)) {
        if (isLocal) onLocal?.([at, at + piece.length]);
        at += piece.length;
        yield piece;
      }
    }
  }

  /** Goes on where a replica failed. */
  async function* blockBytes(
    index: number,
    from: number,
    count: number,
    buffers?: LentBuffers,
  ): AsyncGenerator<Piece, void, undefined> {
    let done = 0;
    let why: Error | undefined;
    const failing: Failing = { sinceMs: undefined };
    const waits = (): void => {
      const problem = why?.message ?? 'its datanodes have not answered yet';
      notice.waits(`block ${blockText(located.blocks[index]!)} of ${path}: ${problem}; trying for some seconds`);
    };
    waits();
    try {
      for await (const block of rounds(index, failing)) {
        const unheard = new Set<DatanodeId>();
        for (const { node, read, isLocal } of inOrder(block.replicas).flatMap((replica) =>
          waysTo(replica, block, buffers),
        )) {
          if (unheard.has(node)) continue;
          try {
            for await (const piece of read(from + done, count - done)) {
              notice.ends();
              failing.sinceMs = undefined;
              done += piece.length;
              yield { piece, isLocal };
            }
            silent.delete(node);
            if (done === count) return;
            why = new NetworkError(`${done} of ${count} bytes came`);
          } catch (problem) {
            if (!(problem instanceof NetworkError || problem instanceof StoreError)) throw problem;
            if (problem instanceof NetworkError) [silent, unheard].forEach((nodes) => nodes.add(node));
            why = problem;
          }
          failing.sinceMs ??= clock.elapsedMs();
          waits();
        }
      }
    } finally {
      notice.ends();
    }
    throw unreadableBlock(path, located.blocks[index]!, await holdersOf(index), why);
  }

  /** Where the block is each time that it is worth asking for. */
  async function* rounds(index: number, failing: Failing): AsyncGenerator<BlockLocation, void> {
    for (const [round, pauseMs] of ROUND_PAUSES_MS.entries()) {
      if (failing.sinceMs !== undefined && clock.elapsedMs() - failing.sinceMs >= PATIENCE_MS) return;
      if (round > 0) {
        await new Promise<void>((resolve) => void clock.after(pauseMs, resolve));
        await locateAgain();
      }
      if (round >= LOST_FROM_ROUND && (await isLost(index))) return;
      yield located.blocks[index]!;
    }
  }

  /** Waiting brings nothing: nobody who lives has it, and everybody has said what they have. */
  async function isLost(index: number): Promise<boolean> {
    if (located.blocks[index]!.replicas.length > 0) return false;
    const { holders, isAwaited } = await holdersOf(index);
    return !isAwaited && !isHeld(holders);
  }

  function holdersOf(index: number): Promise<HoldersReply> {
    const { block, offset } = located.blocks[index]!;
    return client.read<HoldersReply>('holders', { path, block, offset });
  }

  const inOrder = (replicas: readonly ReplicaLocation[]): readonly ReplicaLocation[] =>
    replicas.toSorted((a, b) => Number(silent.has(a.node)) - Number(silent.has(b.node)));

  type Way = {
    readonly node: DatanodeId;
    readonly isLocal: boolean;
    readonly read: (offset: number, count: number) => Bytes;
  };

  /** Where the file cannot be opened, its datanode still serves it, if it answers. */
  function waysTo(replica: ReplicaLocation, block: BlockLocation, buffers?: LentBuffers): readonly Way[] {
    const { node } = replica;
    const remote: Way = { node, isLocal: false, read: (offset, count) => readRemote(replica, block, offset, count) };
    if (!localBlocks?.isHere(replica)) return [remote];
    const local: Way = {
      node,
      isLocal: true,
      read: (offset, count) => localBlocks.read(replica, block, offset, count, buffers),
    };
    return [local, remote];
  }

  async function* readRemote(
    { address }: ReplicaLocation,
    { block, generation }: BlockLocation,
    offset: number,
    count: number,
  ): Bytes {
    const message: ReadBlock = { block, generation, offset, length: count };
    const { body } = await network.fetch(address, 'readBlock', message, { timeoutMs: READ_TIMEOUT_MS });
    yield* body;
  }

  return {
    id: String(id),
    length,
    stream,
    read: async (offset, count) => Buffer.concat(await collect(stream(offset, count))),
    localPath: async () => {
      const [block, ...more] = located.blocks;
      return block && more.length === 0 ? localBlocks?.verifiedPath(block) : undefined;
    },
    close: () => Promise.resolve(),
  };
}

async function collect(bytes: Bytes): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return pieces;
}
