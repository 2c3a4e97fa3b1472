/** A walk of the namenode to its end, with nothing in between. */

import type { Steps } from '../../../src/filestore/namenode/turns.ts';

export function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
