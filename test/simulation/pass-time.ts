/** Lets simulated time pass until some work is done: everything that can happen now happens before the clock goes on. */

import type { SimulatedClock } from '../cluster/simulated-clock.ts';

/** Steps of the clock in one turn of Node's event loop, which costs more than they do. Promises settle after each of them. */
const STEPS_PER_TURN = 100;

/** `check`: called at each step, may throw. */
export async function passTime<T>(clock: SimulatedClock, work: Promise<T>, check: () => void): Promise<T> {
  let isOver = false;
  let problem: unknown;
  const end = work.finally(() => (isOver = true));
  end.catch(() => undefined);
  const step = (): void => {
    if (isOver) return;
    try {
      check();
      if (!clock.step()) throw new Error('nothing happens any more');
    } catch (error) {
      isOver = true;
      problem = error;
    }
  };
  const turn = (): Promise<boolean> => {
    // Node lets all promises settle between two immediates.
    for (let i = 0; i < STEPS_PER_TURN; i++) setImmediate(step);
    return new Promise((resolve) => setImmediate(() => resolve(isOver)));
  };
  while (!(await turn()));
  if (problem !== undefined) throw problem;
  return end;
}
