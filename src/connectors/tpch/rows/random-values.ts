/** The kinds of random values that dbgen draws, each over streams of its own. */
import type { TextColumn, Words } from '../columns.ts';
import { wordsOf } from '../columns.ts';
import type { Distribution } from '../distributions.ts';
import { RandomStream } from '../random-stream.ts';
import { TEXT_POOL_BYTES } from '../text-pool.ts';

export class RandomInteger {
  private readonly stream: RandomStream;
  private readonly low: number;
  private readonly high: number;

  constructor(seed: number, low: number, high: number, first: number, usesPerRow = 1) {
    this.stream = new RandomStream(seed, usesPerRow, first);
    this.low = low;
    this.high = high;
  }

  next(): number {
    return this.stream.next(this.low, this.high);
  }

  endRow(): void {
    this.stream.endRow();
  }
}

export class RandomWord {
  private readonly stream: RandomStream;
  private readonly draws: Uint8Array;
  private readonly words: Words;

  constructor(seed: number, from: Distribution, first: number, usesPerRow = 1) {
    this.stream = new RandomStream(seed, usesPerRow, first);
    this.draws = from.draws;
    this.words = wordsOf(from.values);
  }

  addTo(column: TextColumn): void {
    column.addWord(this.words, this.draws[this.stream.next(0, this.draws.length - 1)]!);
  }

  endRow(): void {
    this.stream.endRow();
  }
}

/** Lengths vary from 0.4 to 1.6 times the average. */
const LENGTH_LOW = 0.4;
const LENGTH_HIGH = 1.6;

/** A piece of the text pool. */
export class RandomText {
  private readonly stream: RandomStream;
  private readonly text: DataView;
  private readonly lengthMin: number;
  private readonly lengthMax: number;

  constructor(seed: number, text: DataView, lengthAverage: number, first: number, textsPerRow = 1) {
    this.stream = new RandomStream(seed, 2 * textsPerRow, first);
    this.text = text;
    this.lengthMin = Math.floor(lengthAverage * LENGTH_LOW);
    this.lengthMax = Math.floor(lengthAverage * LENGTH_HIGH);
  }

  /** Returns the length of what was added. */
  addTo(column: TextColumn): number {
    const offset = this.stream.next(0, TEXT_POOL_BYTES - this.lengthMax);
    const length = this.stream.next(this.lengthMin, this.lengthMax);
    column.add(this.text, offset, length);
    return length;
  }

  endRow(): void {
    this.stream.endRow();
  }
}

/** Random characters, five from every random number. */
export class RandomAddress {
  private readonly stream: RandomStream;

  constructor(seed: number, first: number) {
    this.stream = new RandomStream(seed, 9, first);
  }

  addTo(column: TextColumn): void {
    const length = this.stream.next(ADDRESS_MIN, ADDRESS_MAX);
    let bits = 0;
    for (let i = 0; i < length; i++) {
      if (i % 5 === 0) bits = this.stream.next(0, 2147483647);
      column.addByte(ADDRESS_CHARACTERS[bits & 63]!);
      bits >>= 6;
    }
  }

  endRow(): void {
    this.stream.endRow();
  }
}

const ADDRESS_AVERAGE = 25;
const ADDRESS_MIN = Math.floor(ADDRESS_AVERAGE * LENGTH_LOW);
const ADDRESS_MAX = Math.floor(ADDRESS_AVERAGE * LENGTH_HIGH);
const ADDRESS_CHARACTERS = Buffer.from('0123456789abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ,', 'latin1');

/** A phone number whose first two digits tell the nation. */
export class RandomPhone {
  private readonly stream: RandomStream;

  constructor(seed: number, first: number) {
    this.stream = new RandomStream(seed, 3, first);
  }

  addTo(column: TextColumn, nationKey: number): void {
    column.addDigits(10 + nationKey, 2);
    column.addByte(DASH);
    column.addDigits(this.stream.next(100, 999), 3);
    column.addByte(DASH);
    column.addDigits(this.stream.next(100, 999), 3);
    column.addByte(DASH);
    column.addDigits(this.stream.next(1000, 9999), 4);
  }

  endRow(): void {
    this.stream.endRow();
  }
}

const DASH = '-'.charCodeAt(0);
