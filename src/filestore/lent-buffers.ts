/**
 * Three buffers that take turns: one may still be with whoever reads the pieces, one is his next, the last is being filled. New buffers for each
 * piece would be memory that the process has never touched, which the system clears first, and the host of a virtual machine may have to give.
 */

import { assert } from '../common/assert.ts';
import type { DiskFile } from '../common/disk.ts';
import type { Bytes } from './network.ts';

export const LENT_BYTES = 2 * 1024 * 1024;

export class LentBuffers {
  readonly #buffers: Buffer[] = [];
  /** Where the piece is that was lent last; it is looked at until the next but one is asked for. */
  #lent = -1;
  #filling = -1;

  /** At most LENT_BYTES, to fill. What it returned before may be written to from here on, but for what was lent last. */
  next(bytes: number): Buffer {
    assert(bytes <= LENT_BYTES, 'a piece fits into its buffer');
    this.#filling = [0, 1, 2].find((i) => i !== this.#lent && i !== this.#filling)!;
    const buffer = (this.#buffers[this.#filling] ??= Buffer.allocUnsafeSlow(LENT_BYTES));
    return buffer.subarray(0, bytes);
  }

  /** Part of what `next` returned goes to the reader. */
  lend(piece: Buffer): Buffer {
    this.#lent = this.#buffers.findIndex((buffer) => buffer.buffer === piece.buffer);
    return piece;
  }
}

/** All of a file as it is while it is read. Each piece stays as it is until the next but one is asked for. */
export async function* filePieces(file: DiskFile): Bytes {
  const buffers = new LentBuffers();
  const read = async (at: number): Promise<Buffer> => {
    const buffer = buffers.next(LENT_BYTES);
    return buffer.subarray(0, await file.read(at, buffer));
  };
  let ahead = read(0);
  try {
    for (let at = 0; ;) {
      const piece = await ahead;
      if (piece.length === 0) return;
      at += piece.length;
      ahead = read(at);
      ahead.catch(() => undefined);
      yield buffers.lend(piece);
    }
  } finally {
    await ahead.catch(() => undefined);
  }
}
