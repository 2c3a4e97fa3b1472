/** The background work of the namespace, decided like any request. */

import { change, unchanged } from './decision.ts';
import type { Decision } from './decision.ts';
import { reap } from './reap.ts';
import type { BlockId, Namespace } from './state.ts';

/** Inodes and blocks a record takes: some milliseconds, and a record of some kilobytes. */
export const REAP_STEPS = 1_000;

/** The next piece of what waits to be reaped; the result are the blocks that are free once the record is durable. */
export function decideReap(state: Namespace, steps = REAP_STEPS): Decision<readonly BlockId[]> {
  if (state.retired.size === 0) return unchanged([]);
  const { freed } = reap(state, steps);
  return change({ kind: 'reap', steps, freed }, freed);
}
