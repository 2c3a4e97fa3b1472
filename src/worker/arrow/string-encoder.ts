/** Texts and byte strings. Long ones that the kernel keeps behind each other are copied together. */

import type { FieldNode } from '../../exchange/arrow/framing.ts';
import type { Vector } from '../kernel/vector.ts';
import { ByteBuffer, isSet } from './buffers.ts';
import type { ColumnEncoder } from './column-encoder.ts';
import { Offsets, OFFSET_BYTES } from './offsets.ts';
import { Validity } from './validity.ts';

/*
 * A string of the kernel: 4 bytes length; up to 12 bytes stand behind it, longer ones as 4 bytes of them and a pointer.
 */
const STRING_BYTES = 16;
const STRING_WORDS = 4;
const INLINE_BYTES_MAX = 12;
const INLINE_AT = 4;
const POINTER_AT = 8;

/** Below it a loop is faster than a call. */
const LOOP_BYTES_MAX = 32;

export class StringEncoder implements ColumnEncoder {
  readonly #validity = new Validity();
  readonly #offsets = new Offsets();
  readonly #bytes = new ByteBuffer();

  measure(vector: Vector, start: number, count: number): number {
    const words = wordsOf(vector);
    const { validity } = vector;
    let bytes = count * OFFSET_BYTES;
    for (let i = start; i < start + count; i++) {
      if (!validity || isSet(validity, i)) bytes += words[i * STRING_WORDS]!;
    }
    return bytes;
  }

  append(vector: Vector, start: number, count: number): void {
    this.#validity.append(vector, start, count);
    const data = vector.data(STRING_BYTES);
    const words = wordsOf(vector);
    const { validity } = vector;
    const first = this.#offsets.end;
    this.#offsets.end = first + this.measure(vector, start, count) - count * OFFSET_BYTES;
    this.#bytes.reserve(this.#offsets.end - first);
    const out = this.#bytes.bytes;
    const offsets = this.#offsets.extend(count);

    let at = first;
    // Bytes of a run of long strings, of which some may be taken already.
    let run: Uint8Array = NO_RUN;
    let runAt = 0;
    for (let i = 0; i < count; i++) {
      const row = start + i;
      if (!validity || isSet(validity, row)) {
        const length = words[row * STRING_WORDS]!;
        if (length <= INLINE_BYTES_MAX) {
          copy(data, row * STRING_BYTES + INLINE_AT, length, out, at);
        } else {
          if (runAt === run.length) {
            run = vector.pointee(row * STRING_BYTES + POINTER_AT, runLength(words, validity, row, start + count));
            runAt = 0;
          }
          copy(run, runAt, length, out, at);
          runAt += length;
        }
        at += length;
      }
      offsets[i] = at;
    }
    this.#bytes.length = at;
  }

  collect(nodes: FieldNode[], buffers: Uint8Array[]): void {
    this.#validity.collect(nodes, buffers);
    buffers.push(this.#offsets.taken(), this.#bytes.taken());
  }

  clear(): void {
    this.#validity.clear();
    this.#offsets.clear();
    this.#bytes.clear();
  }
}

const NO_RUN = new Uint8Array(0);

function wordsOf(vector: Vector): Uint32Array {
  const data = vector.data(STRING_BYTES);
  return new Uint32Array(data.buffer, data.byteOffset, data.length / 4);
}

/** Bytes from the long string at `row` on, as far as each long string begins where the one before it ends. */
function runLength(words: Uint32Array, validity: Uint8Array | undefined, row: number, end: number): number {
  const begin = pointer(words, row);
  let length = 0;
  for (let i = row; i < end; i++) {
    if (validity && !isSet(validity, i)) continue;
    const bytes = words[i * STRING_WORDS]!;
    if (bytes <= INLINE_BYTES_MAX) continue;
    if (pointer(words, i) !== begin + length) break;
    length += bytes;
  }
  return length;
}

/** Addresses have fewer bits than a double keeps exactly. */
const pointer = (words: Uint32Array, row: number): number =>
  words[row * STRING_WORDS + 3]! * 2 ** 32 + words[row * STRING_WORDS + 2]!;

function copy(from: Uint8Array, start: number, length: number, to: Uint8Array, at: number): void {
  if (length > LOOP_BYTES_MAX) {
    to.set(from.subarray(start, start + length), at);
    return;
  }
  for (let i = 0; i < length; i++) to[at + i] = from[start + i]!;
}
