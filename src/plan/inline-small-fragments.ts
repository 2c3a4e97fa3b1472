/**
 * A fragment of one task that only combines a few written rows needs no stage: each of its readers' tasks combines them for
 * itself. So the last step of a global aggregation, which every task of the next stage is waiting for, costs no round trip.
 */

import { type FragmentResult, fragmentOf, hasOneReader, mapRemotes, takenIn } from './fragment-edits.ts';
import type { PlanNode } from './nodes.ts';
import { sourcesOf } from './nodes.ts';
import type { DistributedPlan, Fragment } from './fragment.ts';

/** Rows that every task of the reader reads again. */
const INLINED_ROWS_MAX = 1_000;

/** The fragment with such inputs inside. */
export function withSmallInputsInside(
  plan: DistributedPlan,
  id: number,
  finished: ReadonlyMap<number, FragmentResult>,
  isOpen: (id: number) => boolean,
): DistributedPlan {
  let current = plan;
  for (;;) {
    const reader: Fragment | undefined = fragmentOf(current, id);
    const inner = reader?.inputs
      .map((input) => fragmentOf(current, input))
      .find((input) => input && isOpen(input.id) && canStandInside(input, current, finished));
    if (!reader || !inner) return current;
    // Every task sees all of the written rows, whichever it shares otherwise.
    const body = mapRemotes(inner.root, (remote) => ({ ...remote, scope: { kind: 'broadcast' } }));
    current = takenIn(current, reader, inner.id, body);
  }
}

function canStandInside(
  fragment: Fragment,
  plan: DistributedPlan,
  finished: ReadonlyMap<number, FragmentResult>,
): boolean {
  const { output, inputs, root, partitioning } = fragment;
  if (partitioning !== 'single' || output?.kind !== 'broadcast' || inputs.length === 0) return false;
  if (readsTables(root)) return false;
  // Tasks that combine the rows each for itself must come to the same.
  if (!fragment.deterministic || !hasOneReader(plan, fragment.id)) return false;
  const rows = inputs.reduce((sum, input) => sum + (finished.get(input)?.rows ?? Infinity), 0);
  return rows <= INLINED_ROWS_MAX;
}

const readsTables = (node: PlanNode): boolean => node.kind === 'TableScan' || sourcesOf(node).some(readsTables);
