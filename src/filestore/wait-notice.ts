/** Tells who waits for bytes, once, that none have come for a while, and why: a person would take the silence for a program that hangs. */

import type { Clock } from '../common/clock.ts';
import { StoreError } from './network.ts';

/** A restart is over within so long, and nobody needs to hear of it. */
export const NOTICE_AFTER_MS = 2_000;

export class WaitNotice {
  readonly #clock: Clock;
  readonly #onWait: ((problem: Error) => void) | undefined;
  #callOff: (() => void) | undefined;
  #isTold = false;
  #why = '';

  constructor(clock: Clock, onWait: ((problem: Error) => void) | undefined) {
    this.#clock = clock;
    this.#onWait = onWait;
  }

  /** Nothing comes; called again, for that reason. */
  waits(why: string): void {
    this.#why = why;
    if (!this.#onWait || this.#isTold || this.#callOff) return;
    this.#callOff = this.#clock.after(NOTICE_AFTER_MS, () => {
      this.#isTold = true;
      this.#onWait!(new StoreError('IOException', this.#why));
    });
  }

  /** Bytes come, or nobody waits any more. */
  ends(): void {
    this.#callOff?.();
    this.#callOff = undefined;
  }
}
