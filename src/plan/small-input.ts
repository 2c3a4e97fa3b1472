/** Tells the parts of a plan that one worker makes faster than many: their whole input is small. */

import { sessionProperty } from '../sql/session-properties.ts';
import { isDeterministic } from './determinism.ts';
import type { PlanNode } from './nodes.ts';
import { sourcesOf } from './nodes.ts';
import type { RuleContext } from './rule.ts';
import { describeRows } from './join-distribution.ts';
import type { Estimator } from './statistics.ts';

/**
 * Rows of input that one worker works through in about the time that one more stage costs (some tens of milliseconds).
 */
export const SMALL_INPUT_ROWS = 300_000;
export const SMALL_INPUT_BYTES = 4 * 1024 * 1024;

/** Within a larger plan a stage of one task keeps the others waiting, so less input is worth one. */
const SMALL_PART_ROWS = 60_000;
/** Rows that every task reads again rather than wait for a stage that reads them once. */
const REPEATED_ROWS = 20_000;

export type Smallness = {
  /** Why one task should make the node with all below it, or undefined. */
  readonly ofWhole: (node: PlanNode) => string | undefined;
  /** The same for a part of a plan that does not run whole in one task. */
  readonly ofPart: (node: PlanNode) => string | undefined;
  readonly isRepeatable: (node: PlanNode) => boolean;
};

export function smallness(context: RuleContext, estimator: Estimator): Smallness {
  const distribution = sessionProperty(context.session.properties, 'distribution');
  if (distribution === 'NONE') return always('distribution = NONE');
  if (distribution === 'AUTOMATIC' && context.cluster.workers <= 1) return always('there is one worker');
  const inputRows = rowsRead(estimator);
  const isRepeatable = (node: PlanNode): boolean =>
    (inputRows(node) ?? Infinity) <= REPEATED_ROWS && isDeterministic(node);
  if (distribution === 'FORCED') {
    const readsNothing = (node: PlanNode): boolean => inputRows(node) === 0 && isDeterministic(node);
    return { ofWhole: () => undefined, ofPart: () => undefined, isRepeatable: readsNothing };
  }
  const below = (limit: number) => (node: PlanNode) => {
    const rows = inputRows(node);
    return rows !== undefined && rows <= limit ? `the input is ${describeRows(rows)}` : undefined;
  };
  return { ofWhole: below(SMALL_INPUT_ROWS), ofPart: below(SMALL_PART_ROWS), isRepeatable };
}

const always = (reason: string): Smallness => ({
  ofWhole: () => reason,
  ofPart: () => reason,
  isRepeatable: () => false,
});

/** Rows of the tables below a node; undefined where a table's are unknown. */
function rowsRead(estimator: Estimator): (node: PlanNode) => number | undefined {
  const known = new WeakMap<PlanNode, { readonly rows: number | undefined }>();
  const count = (node: PlanNode): number | undefined => {
    if (node.kind === 'TableScan') return estimator.rows(node);
    let sum = 0;
    for (const source of sourcesOf(node)) {
      const rows = read(source);
      if (rows === undefined) return undefined;
      sum += rows;
    }
    return sum;
  };
  const read = (node: PlanNode): number | undefined => {
    const before = known.get(node) ?? { rows: count(node) };
    known.set(node, before);
    return before.rows;
  };
  return read;
}
