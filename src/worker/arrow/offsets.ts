/** Where each string or list of a column ends, the first one beginning at 0. */

import { ByteBuffer } from './buffers.ts';

export const OFFSET_BYTES = 4;

/** Arrow's offsets are signed. */
const OFFSET_MAX = 2 ** 31 - 1;

export class Offsets {
  readonly #bytes = new ByteBuffer();
  #end = 0;

  constructor() {
    this.clear();
  }

  /** Of the last value. */
  get end(): number {
    return this.#end;
  }

  set end(end: number) {
    if (end > OFFSET_MAX) throw new Error(`Out of Range Error: a value of ${end} bytes is too long for Arrow`);
    this.#end = end;
  }

  /** Room for the ends of `count` values more, which the caller writes. */
  extend(count: number): Int32Array {
    this.#bytes.reserve(count * OFFSET_BYTES);
    const room = new Int32Array(this.#bytes.bytes.buffer, this.#bytes.length, count);
    this.#bytes.length += room.byteLength;
    return room;
  }

  taken(): Uint8Array {
    return this.#bytes.taken();
  }

  clear(): void {
    this.#bytes.clear();
    this.#bytes.append(new Uint8Array(OFFSET_BYTES));
    this.#end = 0;
  }
}
