/** A clock that moves only when a test says so. */

import type { Clock } from '../../src/common/clock.ts';

export class SimulatedClock implements Clock {
  #now = 1_000_000;
  #next = 0;
  readonly #timers = new Map<number, { readonly at: number; readonly work: () => void }>();

  readonly wallMs = (): number => this.#now;
  readonly elapsedMs = (): number => this.#now;
  readonly after = (ms: number, work: () => void): (() => void) => {
    const id = (this.#next += 1);
    this.#timers.set(id, { at: this.#now + ms, work });
    return () => void this.#timers.delete(id);
  };

  /** The process stands still: time passes, nothing runs until `advance`. */
  freeze(ms: number): void {
    this.#now += ms;
  }

  /** Runs what is due within `ms`, each at its time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let due = this.#due(end); due; due = this.#due(end)) {
      this.#timers.delete(due.id);
      this.#now = Math.max(this.#now, due.at);
      due.work();
    }
    this.#now = end;
  }

  /** Jumps to the next timer and runs it; false when there is none. */
  step(): boolean {
    const due = this.#due(Infinity);
    if (!due) return false;
    this.#timers.delete(due.id);
    this.#now = Math.max(this.#now, due.at);
    due.work();
    return true;
  }

  #due(end: number): { readonly id: number; readonly at: number; readonly work: () => void } | undefined {
    let first: { id: number; at: number; work: () => void } | undefined;
    for (const [id, { at, work }] of this.#timers) {
      if (at <= end && (!first || at < first.at)) first = { id, at, work };
    }
    return first;
  }
}
