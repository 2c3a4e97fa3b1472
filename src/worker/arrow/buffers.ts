/** Memory that a batch of rows is gathered in, used again for the next batch. */

/** Bytes that are appended to. */
export class ByteBuffer {
  /** Of which the first `length` are taken. */
  bytes = new Uint8Array(1024);
  length = 0;

  /** Makes room for `more` bytes behind `length`, which the caller fills. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  append(part: Uint8Array): void {
    this.reserve(part.length);
    this.bytes.set(part, this.length);
    this.length += part.length;
  }

  taken(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** A batch of unusual size does not hold its memory for ever. */
  clear(): void {
    if (this.bytes.length > KEPT_BYTES_MAX) this.bytes = new Uint8Array(1024);
    this.length = 0;
  }
}

const KEPT_BYTES_MAX = 32 * 1024 * 1024;

/** One bit a value, lowest first. */
export class BitBuffer {
  length = 0;
  #bits: Uint8Array;
  readonly #initial: 0 | 0xff;

  /** What bits are until they are changed. */
  constructor(initial: boolean) {
    this.#initial = initial ? 0xff : 0;
    this.#bits = new Uint8Array(1024).fill(this.#initial);
  }

  extend(count: number): void {
    const needed = Math.ceil((this.length + count) / 8);
    if (needed > this.#bits.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bits.length * 2)).fill(this.#initial);
      grown.set(this.#bits);
      this.#bits = grown;
    }
    this.length += count;
  }

  set(index: number): void {
    this.#bits[index >> 3]! |= 1 << (index & 7);
  }

  unset(index: number): void {
    this.#bits[index >> 3]! &= ~(1 << (index & 7));
  }

  taken(): Uint8Array {
    return this.#bits.subarray(0, Math.ceil(this.length / 8));
  }

  clear(): void {
    this.taken().fill(this.#initial);
    this.length = 0;
  }
}

export const isSet = (bits: Uint8Array, index: number): boolean => (bits[index >> 3]! & (1 << (index & 7))) !== 0;

/** The places of unset bits among `count` bits from `start`, counted from `start`. */
export function unsetAmong(bits: Uint8Array | undefined, start: number, count: number): readonly number[] {
  if (!bits) return NONE;
  const places: number[] = [];
  for (let i = 0; i < count;) {
    const at = start + i;
    if ((at & 7) === 0 && bits[at >> 3] === 0xff) {
      i += 8;
      continue;
    }
    if (!isSet(bits, at)) places.push(i);
    i += 1;
  }
  return places;
}

const NONE: readonly number[] = [];
