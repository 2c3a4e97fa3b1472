/**
 * In which report a namenode was last told of each replica. An order to delete holds for what the namenode knew when it was given; what
 * was announced since is another replica, or counted anew. The memory is bounded: of what it forgets it only knows that it was announced
 * no later than the last that was forgotten, so an older order has to be given again.
 */

import type { BlockReport, Replica } from '../protocol.ts';

/** Single announcements that are remembered: some 10 MB. */
const NAMES_MAX = 100_000;

export class Announcements {
  readonly #namesMax: number;
  /** The one that was announced last stands last. */
  readonly #names = new Map<string, number>();
  /** Slices of full reports. */
  #slices: { readonly from: number; readonly to: number; readonly sequence: number }[] = [];
  /** Of the last name that was forgotten. */
  #forgotten = -1;

  constructor(namesMax = NAMES_MAX) {
    this.#namesMax = namesMax;
  }

  /** Before the report is sent: that nobody answered does not mean that nobody heard. */
  announce({ sequence, change }: BlockReport): void {
    if (change.kind === 'full') {
      const { from, to = Infinity } = change;
      this.#slices = this.#slices.filter((slice) => slice.from < from || slice.to > to);
      this.#slices.push({ from, to, sequence });
      return;
    }
    for (const replica of [...change.received, ...change.corrupt]) {
      this.#names.delete(nameOf(replica));
      this.#names.set(nameOf(replica), sequence);
    }
    for (const [name, last] of this.#names) {
      if (this.#names.size <= this.#namesMax) break;
      this.#names.delete(name);
      this.#forgotten = last;
    }
  }

  /** The sequence of the last report that named the replica; perhaps a later one, never an earlier one. */
  of(replica: Omit<Replica, 'length'>): number {
    const inSlices = this.#slices
      .filter(({ from, to }) => replica.block >= from && replica.block < to)
      .map(({ sequence }) => sequence);
    return Math.max(this.#names.get(nameOf(replica)) ?? this.#forgotten, ...inSlices);
  }
}

const nameOf = ({ block, generation }: Omit<Replica, 'length'>): string => `${block}_${generation}`;
