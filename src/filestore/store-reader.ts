/** Reads a file of the store: each range from the nearest replica, from the next one when that fails. */

import type { OpenFile } from './file-system.ts';
import type { InodeId } from './namespace/state.ts';
import { type Bytes, NetworkError, StoreError } from './network.ts';
import type { BlockLocation, ReadBlock } from './protocol.ts';
import type { StoreClient } from './store-client.ts';

/** A block file on this machine, verified; undefined when this machine has none. */
export type LocalBlocks = (
  block: Pick<BlockLocation, 'block' | 'generation' | 'length'>,
) => Promise<string | undefined>;

type Located = { readonly id: InodeId; readonly length: number; readonly blocks: readonly BlockLocation[] };

const READ_TIMEOUT_MS = 10_000;
/** Rounds through the replicas of a block, with locations asked anew before each but the first. */
const ROUNDS = 3;
const ROUND_PAUSE_MS = 500;

export async function openFile(client: StoreClient, path: string, localBlocks?: LocalBlocks): Promise<OpenFile> {
  let located = await client.read<Located>('locate', { path });
  const { id, length } = located;

  /** Replicas move; the file stays the same, or is gone. */
  async function locateAgain(): Promise<void> {
    const now = await client.read<Located>('locate', { path });
    if (now.id !== id) throw new StoreError('IOException', `${path} was deleted while it was read`);
    located = now;
  }

  async function* stream(offset = 0, count = Infinity): Bytes {
    const end = Math.min(length, offset + count);
    for (let at = offset; at < end;) {
      const index = located.blocks.findIndex((block) => at >= block.offset && at < block.offset + block.length);
      const block = located.blocks[index]!;
      const last = Math.min(end, block.offset + block.length);
      for await (const piece of blockBytes(index, at - block.offset, last - at)) {
        at += piece.length;
        yield piece;
      }
    }
  }

  /** Goes on where a replica failed. */
  async function* blockBytes(index: number, from: number, count: number): Bytes {
    let done = 0;
    let why: Error | undefined;
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 0) {
        await new Promise<void>((resolve) => void client.options.clock.after(ROUND_PAUSE_MS, resolve));
        await locateAgain();
      }
      const { block, generation, replicas } = located.blocks[index]!;
      for (const { address } of replicas) {
        const message: ReadBlock = { block, generation, offset: from + done, length: count - done };
        try {
          const { body } = await client.options.network.fetch(address, 'readBlock', message, {
            timeoutMs: READ_TIMEOUT_MS,
          });
          for await (const piece of body) {
            done += piece.length;
            yield piece;
          }
          if (done === count) return;
          why = new NetworkError(`${done} of ${count} bytes came`);
        } catch (problem) {
          if (!(problem instanceof NetworkError || problem instanceof StoreError)) throw problem;
          why = problem;
        }
      }
    }
    const say = why ? why.message : 'no datanode that lives has it';
    throw new StoreError('IOException', `${path}: block ${index} cannot be read: ${say}`, { cause: why });
  }

  return {
    length,
    stream,
    read: async (offset, count) => Buffer.concat(await collect(stream(offset, count))),
    localPath: async () => {
      const [block] = located.blocks;
      return block && located.blocks.length === 1 ? localBlocks?.(block) : undefined;
    },
    close: () => Promise.resolve(),
  };
}

async function collect(bytes: Bytes): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return pieces;
}
