/** A clock that moves only when a test says so. */

import type { Clock } from '../../src/common/clock.ts';

/** `work` undefined: called off. */
type Timer = { readonly at: number; readonly id: number; work: (() => void) | undefined };

export class SimulatedClock implements Clock {
  #now = 1_000_000;
  #next = 0;
  /** A heap: none stands before its parent at (i - 1) / 2. */
  readonly #timers: Timer[] = [];

  readonly wallMs = (): number => this.#now;
  readonly elapsedMs = (): number => this.#now;
  readonly after = (ms: number, work: () => void): (() => void) => {
    const timer: Timer = { at: this.#now + ms, id: (this.#next += 1), work };
    this.#add(timer);
    return () => void (timer.work = undefined);
  };

  /** The process stands still: time passes, nothing runs until `advance`. */
  freeze(ms: number): void {
    this.#now += ms;
  }

  /** Runs what is due within `ms`, each at its time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    while (this.#runFirst(end));
    this.#now = end;
  }

  /** Jumps to the next timer and runs it; false when there is none. */
  step(): boolean {
    return this.#runFirst(Infinity);
  }

  #runFirst(end: number): boolean {
    for (let first = this.#timers[0]; first && first.at <= end; first = this.#timers[0]) {
      this.#removeFirst();
      if (!first.work) continue;
      this.#now = Math.max(this.#now, first.at);
      first.work();
      return true;
    }
    return false;
  }

  #add(timer: Timer): void {
    const timers = this.#timers;
    let i = timers.push(timer) - 1;
    for (let parent = (i - 1) >> 1; i > 0 && isBefore(timer, timers[parent]!); parent = (i - 1) >> 1) {
      timers[i] = timers[parent]!;
      i = parent;
    }
    timers[i] = timer;
  }

  #removeFirst(): void {
    const timers = this.#timers;
    const last = timers.pop()!;
    if (timers.length === 0) return;
    let i = 0;
    for (let child = 1; child < timers.length; child = 2 * i + 1) {
      if (child + 1 < timers.length && isBefore(timers[child + 1]!, timers[child]!)) child += 1;
      if (!isBefore(timers[child]!, last)) break;
      timers[i] = timers[child]!;
      i = child;
    }
    timers[i] = last;
  }
}

/** Those of the same time in the order in which they were asked for. */
const isBefore = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.id < b.id);
