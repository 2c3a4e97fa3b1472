/**
 * Answers that take longer than a caller waits for one: it is told that the work goes on, and asks again under the same name. Without
 * that, each time it asked the walk would begin anew, beside those that still go.
 */

import type { Clock } from '../../common/clock.ts';

/** Well within what a client waits for an answer. */
const SIGN_OF_LIFE_MS = 5_000;
/** An answer that was on its way when the caller asked again is kept so long. */
const KEPT_MS = 60_000;

export type StillAtWork = { readonly stillAtWork: true };

type Known = { readonly answer: Promise<object>; isAwaited: boolean };

export class LongAnswers {
  readonly #clock: Clock;
  readonly #answers = new Map<string, Known>();
  /** When those ended that are kept, the earliest first. */
  readonly #endedMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `name`: of this request, and no other. */
  async answer(name: string, work: () => Promise<object>): Promise<object> {
    this.#forgetOld();
    const known = this.#answers.get(name) ?? this.#begin(name, work);
    let callOff: (() => void) | undefined;
    const stillAtWork = new Promise<StillAtWork>((resolve) => {
      callOff = this.#clock.after(SIGN_OF_LIFE_MS, () => {
        known.isAwaited = true;
        resolve({ stillAtWork: true });
      });
    });
    try {
      return await Promise.race([known.answer, stillAtWork]);
    } finally {
      callOff?.();
    }
  }

  #begin(name: string, work: () => Promise<object>): Known {
    const known: Known = { answer: work(), isAwaited: false };
    const end = (): void => {
      // Nobody was told to ask again: one whose answer was lost begins anew, which is as soon done.
      if (known.isAwaited) this.#endedMs.set(name, this.#clock.elapsedMs());
      else this.#answers.delete(name);
    };
    known.answer.then(end, end);
    this.#answers.set(name, known);
    return known;
  }

  #forgetOld(): void {
    const before = this.#clock.elapsedMs() - KEPT_MS;
    for (const [name, endedMs] of this.#endedMs) {
      if (endedMs >= before) return;
      this.#endedMs.delete(name);
      this.#answers.delete(name);
    }
  }
}
