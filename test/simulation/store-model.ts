/** What may stand in the part of a store that one client changes: contents by number, `undefined` for nothing. */

import { Random } from './random.ts';

export const BLOCK_BYTES = 2_000;

/** One entry = it is known. */
export type Possible = ReadonlySet<number | undefined>;

export const NOTHING: Possible = new Set([undefined]);

/** What a change leads to at each path it touches. */
export type Outcome = ReadonlyMap<string, Possible>;

/** What was asked may still be on its way: messages are late by some seconds, and so are their repetitions. */
export const DOUBT_MS = 15_000;

export const isKnown = (possible: Possible, one: number | undefined): boolean =>
  possible.size === 1 && possible.has(one);

export class StoreModel {
  readonly #paths = new Map<string, Possible>();
  /** Until when something that was asked may still be on its way. */
  readonly #doubtful = new Map<string, number>();
  /** Told what may stand at a path from now on. */
  onChange: (path: string, possible: Possible) => void = () => undefined;

  at(path: string): Possible {
    return this.#paths.get(path) ?? NOTHING;
  }

  set(path: string, possible: Possible): void {
    this.#paths.set(path, possible);
    this.onChange(path, possible);
  }

  /** Nobody knows whether a change was made. Leave the path alone until then. */
  doubt(path: string, perhaps: Possible, untilMs: number): void {
    this.set(path, new Set([...this.at(path), ...perhaps]));
    this.#doubtful.set(path, untilMs);
  }

  isDoubtful(path: string, nowMs: number): boolean {
    return (this.#doubtful.get(path) ?? -Infinity) > nowMs;
  }

  /** That something may stand at, or may have stood. */
  paths(): readonly string[] {
    return [...this.#paths.keys()];
  }
}

/** A content is a function of its number. */
export class Contents {
  readonly #bytes = new Map<number, Buffer>();
  #last = 0;

  next(): number {
    return (this.#last += 1);
  }

  bytesOf(content: number): Buffer {
    let bytes = this.#bytes.get(content);
    if (!bytes) {
      const random = new Random(content);
      const length = random.pick([0, 1, 500, BLOCK_BYTES, BLOCK_BYTES + 1, 2 * BLOCK_BYTES + 700]);
      bytes = Buffer.from(random.bytes(length));
      this.#bytes.set(content, bytes);
    }
    return bytes;
  }

  /** Which of the possible ones it may be: short ones are alike. */
  alike(possible: Possible, bytes: Buffer): readonly number[] {
    return [...possible].flatMap((one) => (one !== undefined && this.bytesOf(one).equals(bytes) ? one : []));
  }
}
