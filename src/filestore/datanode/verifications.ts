/**
 * What was found to fit its checksums, and when. A chunk is verified on its first use after the start, when its file changed, and again
 * when the interval is over; in between its bytes are believed. The memory is bounded: what it forgets is verified once more.
 */

import type { DiskStat } from '../../common/disk.ts';

/** Times that are kept: 16 MB, the chunks of 1 TB. */
const TIMES_MAX = 2_000_000;

export class Verifications {
  readonly #intervalMs: number;
  readonly #timesMax: number;
  /** The one that was used last stands last. */
  readonly #known = new Map<string, Verification>();
  #times = 0;

  constructor(intervalMs: number, timesMax = TIMES_MAX) {
    this.#intervalMs = intervalMs;
    this.#timesMax = timesMax;
  }

  /** Of the file as `stat` shows it now: another content, another verification. */
  of(key: string, stat: DiskStat, chunks: number): Verification {
    const fingerprint = `${stat.inode}:${stat.modifiedMs}:${stat.bytes}`;
    let found = this.#known.get(key);
    if (found?.fingerprint !== fingerprint) {
      this.forget(key);
      found = new Verification(fingerprint, chunks, this.#intervalMs);
      this.#times += chunks;
    }
    this.#known.delete(key);
    this.#known.set(key, found);
    for (const oldest of this.#known.keys()) {
      if (this.#times <= this.#timesMax || oldest === key) break;
      this.forget(oldest);
    }
    return found;
  }

  forget(key: string): void {
    const found = this.#known.get(key);
    if (!found) return;
    this.#known.delete(key);
    this.#times -= found.chunks;
  }
}

export class Verification {
  readonly fingerprint: string;
  readonly #intervalMs: number;
  /** When each chunk was last verified; -Infinity: never. */
  readonly #times: Float64Array;

  constructor(fingerprint: string, chunks: number, intervalMs: number) {
    this.fingerprint = fingerprint;
    this.#intervalMs = intervalMs;
    this.#times = new Float64Array(chunks).fill(-Infinity);
  }

  get chunks(): number {
    return this.#times.length;
  }

  holds(chunk: number, now: number): boolean {
    return now - this.#times[chunk]! < this.#intervalMs;
  }

  verifiedSince(chunk: number, since: number): boolean {
    return this.#times[chunk]! >= since;
  }

  /** `at`: before the bytes were read. */
  mark(chunk: number, at: number): void {
    this.#times[chunk] = at;
  }
}
