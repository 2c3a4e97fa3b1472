/** Bytes from one who writes them to one who reads them, a few pieces in between: a slow reader slows the writer. */

import type { Bytes } from '../network.ts';

/** Bytes that wait for their reader: enough that neither side stands still while the other is at its disk. */
const QUEUED_BYTES_MAX = 1024 * 1024;

export class PieceChannel implements Bytes {
  readonly #pieces: Uint8Array[] = [];
  #queuedBytes = 0;
  #end: { readonly problem: Error | undefined } | undefined;
  /** The reader is gone, and why. */
  #closed: Error | undefined;
  #waiting: Promise<void> | undefined;
  #wake: () => void = () => undefined;

  /** Returns once there is room for more. Rejects when the reader is gone. */
  async push(piece: Uint8Array): Promise<void> {
    if (this.#closed) throw this.#closed;
    this.#pieces.push(piece);
    this.#queuedBytes += piece.length;
    this.#change();
    while (this.#queuedBytes > QUEUED_BYTES_MAX) {
      await this.#changed();
      if (this.#closed) throw this.#closed;
    }
  }

  /** No more pieces; with a problem the reader fails instead of taking what came for the whole. */
  end(problem?: Error): void {
    this.#end ??= { problem };
    this.#change();
  }

  close(problem: Error): void {
    this.#closed ??= problem;
    this.#pieces.length = 0;
    this.#queuedBytes = 0;
    this.#change();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, void> {
    return {
      next: async () => {
        for (;;) {
          // Not an end: whoever reads on after that must not take what came for the whole.
          if (this.#closed) throw this.#closed;
          if (this.#end?.problem) throw this.#end.problem;
          const piece = this.#pieces.shift();
          if (piece) {
            this.#queuedBytes -= piece.length;
            this.#change();
            return { done: false, value: piece };
          }
          if (this.#end) return { done: true, value: undefined };
          await this.#changed();
        }
      },
      return: () => {
        this.close(new Error('nobody reads on'));
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  #changed(): Promise<void> {
    this.#waiting ??= new Promise((resolve) => (this.#wake = resolve));
    return this.#waiting;
  }

  #change(): void {
    this.#waiting = undefined;
    this.#wake();
  }
}
