/** Numbers from one seed (sfc32), so that a run can be repeated by it. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d = 1;

  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / 2 ** 32) | 0;
    this.#c = 0x9e3779b9;
    for (let i = 0; i < 12; i++) this.next();
  }

  /** 0 ≤ x < 1 */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  }

  /** 0 ≤ x < bound */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** from ≤ x ≤ to */
  between(from: number, to: number): number {
    return from + this.below(to - from + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let i = 0, four = 0; i < count; i++, four >>>= 8) {
      if (i % 4 === 0) four = this.below(2 ** 32);
      bytes[i] = four;
    }
    return bytes;
  }

  /** Numbers of their own for a part of the run, so that what one part draws does not shift the others. */
  fork(): Random {
    return new Random(this.below(2 ** 32));
  }
}
