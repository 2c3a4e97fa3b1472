/** Counts the rows of a file of record batches while its bytes pass by, in blocks cut anywhere. */

import { batchSize, HEAD_START_BYTES, headLength } from './framing.ts';

export class BatchCounter {
  /** Of all batches whose heads have passed; the last one's body may be missing. */
  rows = 0;
  /** Bytes of the current batch that are yet to come behind its head. */
  #body = 0;
  /** Of the current head. */
  #head: Buffer = Buffer.alloc(0);

  /** Throws REMOTE_TASK_ERROR on what is no record batch. */
  pass(block: Buffer): void {
    let rest = block;
    while (rest.length > 0) {
      const skipped = Math.min(this.#body, rest.length);
      this.#body -= skipped;
      rest = rest.subarray(skipped);
      if (rest.length > 0) rest = this.#readHead(rest);
    }
  }

  /** Whether the bytes so far end with a batch. */
  get isWhole(): boolean {
    return this.#body === 0 && this.#head.length === 0;
  }

  /** What of `rest` is behind the head; nothing when the head goes on in the next block. */
  #readHead(rest: Buffer): Buffer {
    const before = this.#head.length;
    const wanted = before < HEAD_START_BYTES ? HEAD_START_BYTES : headLength(this.#head);
    const taken = rest.subarray(0, wanted - before);
    this.#head = before === 0 ? taken : Buffer.concat([this.#head, taken]);
    if (this.#head.length >= HEAD_START_BYTES && this.#head.length === headLength(this.#head)) {
      const { rows, bodyBytes } = batchSize(this.#head);
      this.rows += rows;
      this.#body = bodyBytes;
      this.#head = Buffer.alloc(0);
    }
    return rest.subarray(taken.length);
  }
}
