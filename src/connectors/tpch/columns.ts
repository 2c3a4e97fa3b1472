/**
 * Columns being filled, each also a `GeneratedColumn` for the kernel's appender: cells are stored as bytes, no JavaScript
 * value is made per cell. Their memory is used again for every batch of a generator.
 */
import type { GeneratedColumn } from '../connector.ts';
import { TEXT_SLACK_BYTES } from './text-pool.ts';

export type WritableColumn = GeneratedColumn & { clear?(): void };

/** Rows of one batch: eight of the kernel's vectors, small enough to stay in a processor's cache. */
export const BATCH_ROWS = 8 * 2048;

export class IntegerColumn {
  readonly kind: 'integer' | 'date';
  readonly values = new Int32Array(BATCH_ROWS);

  constructor(kind: 'integer' | 'date') {
    this.kind = kind;
  }

  set(row: number, value: number): void {
    this.values[row] = value;
  }
}

export class BigintColumn {
  readonly kind = 'bigint';
  readonly values = new BigInt64Array(BATCH_ROWS);
  private readonly halves = new Int32Array(this.values.buffer);

  set(row: number, value: number): void {
    store(this.halves, row, value);
  }
}

/** Amounts in cents, as DECIMAL(12,2) has them. */
export class MoneyColumn {
  readonly kind = 'decimal';
  readonly precision = 12;
  readonly scale = 2;
  readonly values = new BigInt64Array(BATCH_ROWS);
  private readonly halves = new Int32Array(this.values.buffer);

  set(row: number, cents: number): void {
    store(this.halves, row, cents);
  }
}

/** Two 32-bit stores, low half first as on every machine the kernel is built for: no BigInt is made. */
function store(halves: Int32Array, row: number, value: number): void {
  halves[2 * row] = value | 0;
  halves[2 * row + 1] = Math.floor(value / 4294967296);
}

/** Texts are appended in row order: any number of `add…` calls, then one `end`. */
export class TextColumn {
  readonly kind = 'varchar';
  readonly bytes: Buffer;
  readonly offsets = new Uint32Array(BATCH_ROWS + 1);
  private readonly target: DataView;
  private length = 0;

  constructor(bytesPerRowMax: number) {
    this.bytes = Buffer.allocUnsafeSlow(BATCH_ROWS * bytesPerRowMax + TEXT_SLACK_BYTES);
    this.target = viewOf(this.bytes);
  }

  /** Forgets the batch before. */
  clear(): void {
    this.length = 0;
  }

  end(row: number): void {
    this.offsets[row + 1] = this.length;
  }

  /** Copies by 8 bytes: up to 7 more than asked for are read and written, and overwritten by what follows. */
  add(source: DataView, start: number, bytes: number): void {
    // ASCII bytes never spell a NaN, so doubles carry them unchanged.
    for (let i = 0; i < bytes; i += 8) {
      this.target.setFloat64(this.length + i, source.getFloat64(start + i, true), true);
    }
    this.length += bytes;
  }

  addWord(words: Words, index: number): void {
    this.add(words.view, index * WORD_BYTES, words.lengths[index]!);
  }

  addByte(byte: number): void {
    this.bytes[this.length++] = byte;
  }

  /** The decimal digits of `value`, with zeros in front up to `digits`. */
  addDigits(value: number, digits: number): void {
    let width = digits;
    for (let limit = 10 ** width; value >= limit; limit *= 10) width += 1;
    let rest = value;
    for (let i = this.length + width - 1; i >= this.length; i--) {
      const tenth = Math.floor(rest / 10);
      this.bytes[i] = ZERO + (rest - tenth * 10);
      rest = tenth;
    }
    this.length += width;
  }

  /** Overwrites part of the row that was added last and not yet ended. */
  replace(row: number, offset: number, text: string): void {
    this.bytes.write(text, this.offsets[row]! + offset, 'latin1');
  }
}

const ZERO = '0'.charCodeAt(0);

/** A fixed set of words, each at a multiple of `WORD_BYTES`. */
export type Words = { readonly view: DataView; readonly lengths: Uint8Array };

/** The longest one ("DELIVER IN PERSON", "STANDARD BURNISHED NICKEL") and slack for copying by 8. */
const WORD_BYTES = 32;

export function wordsOf(texts: readonly string[]): Words {
  const buffer = Buffer.alloc(texts.length * WORD_BYTES + TEXT_SLACK_BYTES);
  texts.forEach((text, index) => buffer.write(text, index * WORD_BYTES, WORD_BYTES, 'latin1'));
  return { view: viewOf(buffer), lengths: Uint8Array.from(texts, (text) => text.length) };
}

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
