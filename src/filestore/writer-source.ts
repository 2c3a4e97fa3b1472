/**
 * The content of a file on its way into blocks: cut at their ends, and given again while a block is not stored. What was given is kept in
 * memory, if that is not too much, or by a taker that has it on a disk.
 */

import type { Content } from './file-system.ts';
import type { Bytes } from './network.ts';

/** A block that was sent so far can be sent again, to other datanodes, while it is not longer. */
const KEPT_BYTES_MAX = 8 * 1024 * 1024;

/** Who has what he was given of a block, in its order. */
export type Keeper = { readonly bytes: () => Bytes; readonly close: () => Promise<void> };

type Queue = {
  readonly pieces: AsyncIterator<Uint8Array>;
  /** Taken from `pieces`, and not given yet. The last one stays as it is until the next one is asked for. */
  ahead: Uint8Array[];
  isOver: boolean;
  reading: Promise<void> | undefined;
};

export class WriterSource {
  readonly #content: Queue;
  /** What the keeper has, once more: it comes before the content. */
  #again: Queue | undefined;
  #keeper: Keeper | undefined;
  #keeperBytes = 0;
  #isKeeping = false;
  /** Given behind what the keeper has; undefined when it was too much. */
  #kept: Uint8Array[] | undefined = [];
  #keptBytes = 0;
  #givenBytes = 0;
  #problem: unknown;
  /** That are over. What still sends one of them, which nobody awaits, must not take pieces of the next one. */
  #tries = 0;

  constructor(content: Content) {
    this.#content = queueOf(content instanceof Uint8Array ? once(content) : content);
  }

  async isAtEnd(): Promise<boolean> {
    return (await this.#front()) === undefined;
  }

  /** Whether so many bytes are still to come; they are in memory then. Not after a rewind to what a keeper has. */
  async has(bytes: number): Promise<boolean> {
    const queue = this.#content;
    let ahead = queue.ahead.reduce((sum, piece) => sum + piece.length, 0);
    while (ahead < bytes && !queue.isOver) {
      // The others are copies already.
      const last = queue.ahead.pop();
      if (last) queue.ahead.push(copyOf(last));
      const count = queue.ahead.length;
      await this.#read(queue);
      if (queue.ahead.length > count) ahead += queue.ahead.at(-1)!.length;
    }
    return ahead >= bytes;
  }

  /** The next bytes, at most so many. Pieces belong to the taker, unless he keeps them: then each stays as it is until the next one. */
  async *block(bytesMax: number): Bytes {
    const tries = this.#tries;
    for (let left = bytesMax; left > 0;) {
      const queue = await this.#front();
      if (!queue || this.#tries !== tries) return;
      const piece = queue.ahead.shift()!;
      const now = piece.subarray(0, left);
      if (now.length < piece.length) queue.ahead.unshift(piece.subarray(now.length));
      left -= now.length;
      yield this.#give(now);
    }
  }

  /** What this try is given from here on is with the keeper, who is closed when the block is stored. Once for a block. */
  keepWith(keeper: Keeper): void {
    this.#keeper = keeper;
    this.#isKeeping = true;
  }

  /** A block that has a keeper is sent from there. */
  get hasKeeper(): boolean {
    return this.#keeper !== undefined;
  }

  /** The end of what the keeper was given, which he does not have. */
  giveBack(piece: Uint8Array): void {
    this.#keeperBytes -= piece.length;
    this.#givenBytes -= piece.length;
    this.#content.ahead.unshift(piece);
  }

  /** The block is stored, or nobody wants it any more. */
  async taken(): Promise<void> {
    const keeper = this.#keeper;
    this.#begin();
    this.#keeper = undefined;
    this.#keeperBytes = 0;
    this.#again = undefined;
    await keeper?.close();
  }

  /** Goes back to the block's beginning; false when that is gone. */
  rewind(): boolean {
    if (!this.#kept) return false;
    this.#content.ahead = [...this.#kept, ...this.#content.ahead];
    this.#begin();
    this.#again = this.#keeper && queueOf(this.#keeper.bytes());
    return true;
  }

  /** Of the block so far. */
  get sentBytes(): number {
    return this.#givenBytes;
  }

  /** What it holds open is closed, unless it is being waited for: then it ends by itself. */
  async leave(): Promise<void> {
    await this.taken();
    const { isOver, reading, pieces } = this.#content;
    if (!isOver && !reading && this.#problem === undefined) await pieces.return?.();
  }

  throwIfFailed(): void {
    if (this.#problem !== undefined) throw this.#problem;
  }

  #begin(): void {
    this.#tries += 1;
    this.#isKeeping = false;
    this.#kept = [];
    this.#keptBytes = 0;
    this.#givenBytes = 0;
  }

  #give(piece: Uint8Array): Uint8Array {
    const isWithKeeper = this.#isKeeping || this.#givenBytes < this.#keeperBytes;
    this.#givenBytes += piece.length;
    if (this.#isKeeping) this.#keeperBytes += piece.length;
    if (isWithKeeper) return piece;
    const own = copyOf(piece);
    this.#keptBytes += own.length;
    if (this.#keptBytes > KEPT_BYTES_MAX) this.#kept = undefined;
    this.#kept?.push(own);
    return own;
  }

  /** The queue that has the next piece ready. */
  async #front(): Promise<Queue | undefined> {
    for (;;) {
      const queue = this.#again ?? this.#content;
      if (queue.ahead.length > 0) return queue;
      if (!queue.isOver) await this.#read(queue);
      else if (queue === this.#content) return undefined;
      else if (queue === this.#again) this.#again = undefined;
    }
  }

  /** One piece at a time, whoever asks. */
  #read(queue: Queue): Promise<void> {
    queue.reading ??= this.#readPiece(queue).finally(() => {
      queue.reading = undefined;
    });
    return queue.reading;
  }

  async #readPiece(queue: Queue): Promise<void> {
    try {
      const { done, value } = await queue.pieces.next();
      if (done === true) queue.isOver = true;
      else if (value.length > 0) queue.ahead.push(value);
    } catch (problem) {
      this.#problem = problem;
      throw problem;
    }
  }
}

const queueOf = (bytes: Bytes): Queue => ({
  pieces: bytes[Symbol.asyncIterator](),
  ahead: [],
  isOver: false,
  reading: undefined,
});

/** A slice of a Buffer would be the same bytes. */
const copyOf = (piece: Uint8Array): Uint8Array => Uint8Array.from(piece);

async function* once(bytes: Uint8Array): Bytes {
  yield bytes;
}
