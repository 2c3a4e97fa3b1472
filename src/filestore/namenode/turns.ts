/** Long walks, between whose steps others are served. What they find may change from one step to the next. */

import type { Clock } from '../../common/clock.ts';

/** Each step takes some milliseconds at most. */
export type Steps<Result> = Generator<void, Result, void>;

export async function inTurns<Result>(clock: Clock, steps: Steps<Result>): Promise<Result> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await new Promise<void>((resolve) => void clock.after(0, resolve));
  }
}

/** A step for each slice, in which things may have changed since it was cut. False: a visit has ended it. */
export function* eachSlice<T>(slices: Iterable<T>, visit: (slice: T) => boolean): Steps<boolean> {
  let isFirst = true;
  for (const slice of slices) {
    if (!isFirst) yield;
    isFirst = false;
    if (!visit(slice)) return false;
  }
  return true;
}
