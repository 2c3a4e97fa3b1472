/** Tells the parts of a plan that one worker makes faster than many: their whole input is small. */

import { sessionProperty } from '../sql/session-properties.ts';
import type { PlanNode } from './nodes.ts';
import { sourcesOf } from './nodes.ts';
import type { RuleContext } from './rule.ts';
import { describeRows } from './join-distribution.ts';
import type { Estimator } from './statistics.ts';

/**
 * Rows of input that one worker works through in about the time that one more stage costs (some tens of milliseconds).
 */
export const SMALL_INPUT_ROWS = 300_000;
export const SMALL_INPUT_BYTES = 16 * 1024 * 1024;

/** Says why one task should make the node with all below it, or undefined. */
export function smallness(context: RuleContext, estimator: Estimator): (node: PlanNode) => string | undefined {
  const distribution = sessionProperty(context.session.properties, 'distribution');
  if (distribution === 'NONE') return () => 'distribution = NONE';
  if (distribution === 'FORCED') return () => undefined;
  if (context.cluster.workers <= 1) return () => 'there is one worker';
  const inputRows = (node: PlanNode): number | undefined => {
    if (node.kind === 'TableScan') return estimator.rows(node);
    let sum = 0;
    for (const source of sourcesOf(node)) {
      const rows = inputRows(source);
      if (rows === undefined) return undefined;
      sum += rows;
    }
    return sum;
  };
  return (node) => {
    const rows = inputRows(node);
    return rows !== undefined && rows <= SMALL_INPUT_ROWS ? `the input is ${describeRows(rows)}` : undefined;
  };
}
