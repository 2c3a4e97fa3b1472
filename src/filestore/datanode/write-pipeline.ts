/**
 * A block comes in and goes on while it comes: every piece to the disk here and to the next datanode. Whoever fails is left out, and
 * the others go on; the answer comes when all that are left have it synced, so the last one's word is part of it. If the next datanode
 * fails, those behind it get the block from here once it is whole.
 */

import { StoreError } from '../network.ts';
import type { Bytes } from '../network.ts';
import type { BlockTarget, DatanodeId, WriteBlock, WriteBlockReply } from '../protocol.ts';
import type { BlockStore } from './block-store.ts';
import type { StoredReplica } from './incoming-replica.ts';
import { PieceChannel } from './piece-channel.ts';
import type { ReplicaSink } from './replica-writer.ts';
import { assertSame, sendBlock, sendToAll } from './send-block.ts';
import type { Sending } from './send-block.ts';

export type WriteOptions = Sending & {
  readonly store: BlockStore;
  /** How long a writer may be silent in the middle of a block. */
  readonly writerTimeoutMs: number;
  readonly onProblem: (target: BlockTarget, problem: unknown) => void;
};

/** Throws what failed here when nobody has the block, and what `body` fails with: then no replica of it is made anywhere. */
export async function writeThrough(options: WriteOptions, message: WriteBlock, body: Bytes): Promise<WriteBlockReply> {
  const { store, onProblem } = options;
  const { pipeline, ...block } = message;
  const here = new Here(await store.create(block, block.bytesMax).catch((problem: unknown) => ({ problem })));
  let next = pipeline.length > 0 ? new Next(options, block, pipeline) : undefined;
  const loseNext = (problem: unknown): void => {
    next?.end(asError(problem));
    next = undefined;
    onProblem(pipeline[0]!, problem);
  };
  try {
    for await (const piece of timed(body, options)) {
      await Promise.all([here.write(piece), next?.write(piece).catch(loseNext)]);
      if (here.failed && !next) throw here.problem;
    }
  } catch (error) {
    next?.end(asError(error));
    await here.abort();
    throw error;
  }
  const there = next?.finish().catch((problem: unknown) => {
    loseNext(problem);
    return undefined;
  });
  const [stored, reply] = await Promise.all([here.commit(), there]);
  if (!stored) {
    if (!reply) throw here.problem;
    return reply;
  }
  const { length, crc32c } = stored;
  const behind = await storedBehind(options, Object.assign({}, block, { length, crc32c }), pipeline, reply);
  return { length, crc32c, stored: [store.node, ...behind] };
}

async function storedBehind(
  options: WriteOptions,
  block: Omit<WriteBlock, 'pipeline'> & { readonly length: number; readonly crc32c: number },
  pipeline: readonly BlockTarget[],
  reply: WriteBlockReply | undefined,
): Promise<readonly DatanodeId[]> {
  if (reply) {
    try {
      assertSame(reply, block);
      return reply.stored;
    } catch (error) {
      options.onProblem(pipeline[0]!, error);
    }
  }
  const open = async (): Promise<Bytes> => (await options.store.read(block, 0, block.length)).body;
  try {
    return await sendToAll(options, block, pipeline.slice(1), open, options.onProblem);
  } catch (error) {
    // It cannot be read any more, though it was written.
    options.onProblem(pipeline[1]!, error);
    return [];
  }
}

/** The replica on this datanode; a failure is kept until somebody asks, since the others may go on. */
class Here {
  problem: unknown;
  #sink: ReplicaSink | undefined;

  constructor(opened: ReplicaSink | { readonly problem: unknown }) {
    if ('problem' in opened) this.problem = opened.problem;
    else this.#sink = opened;
  }

  get failed(): boolean {
    return this.#sink === undefined;
  }

  async write(piece: Uint8Array): Promise<void> {
    await this.#try((sink) => sink.write(piece));
  }

  commit(): Promise<StoredReplica | undefined> {
    return this.#try((sink) => sink.commit());
  }

  async abort(): Promise<void> {
    await this.#sink?.abort();
    this.#sink = undefined;
  }

  async #try<T>(work: (sink: ReplicaSink) => Promise<T>): Promise<T | undefined> {
    if (!this.#sink) return undefined;
    try {
      return await work(this.#sink);
    } catch (error) {
      this.problem = error;
      await this.abort();
      return undefined;
    }
  }
}

/** The way to the next datanode. */
class Next {
  readonly #channel = new PieceChannel();
  readonly #answer: Promise<WriteBlockReply>;

  constructor(options: WriteOptions, block: Omit<WriteBlock, 'pipeline'>, pipeline: readonly BlockTarget[]) {
    this.#answer = sendBlock(options, block, pipeline, this.#channel);
    this.#answer.catch((problem: unknown) => this.#channel.close(asError(problem)));
  }

  write(piece: Uint8Array): Promise<void> {
    return this.#channel.push(piece);
  }

  finish(): Promise<WriteBlockReply> {
    this.#channel.end();
    return this.#answer;
  }

  end(problem: Error): void {
    this.#channel.end(problem);
  }
}

/** The pieces, each within the time a writer has. */
async function* timed(body: Bytes, { clock, writerTimeoutMs, signal }: WriteOptions): AsyncGenerator<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  let fail: ((problem: Error) => void) | undefined;
  const stop = (): void => fail?.(signal.reason as Error);
  signal.addEventListener('abort', stop);
  let ended = false;
  try {
    for (;;) {
      signal.throwIfAborted();
      const callOff = clock.after(writerTimeoutMs, () =>
        fail?.(new StoreError('IOException', `the writer of a block was silent for ${writerTimeoutMs} ms`)),
      );
      // A promise of its own for each piece: in a race with one for the whole block, that one would keep all pieces until it is settled.
      const result = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        fail = reject;
        iterator.next().then(resolve, reject);
      }).finally(callOff);
      if (result.done) {
        ended = true;
        return;
      }
      yield result.value;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    // Not waited for: one that is silent does not hear it either.
    if (!ended) void iterator.return?.().catch(() => undefined);
  }
}

const asError = (problem: unknown): Error => (problem instanceof Error ? problem : new Error(String(problem)));
