/** Turns subqueries into joins, and leaves those that cannot be turned exactly as they were written. */

import type { PlanNode, PlanNodeId } from '../nodes.ts';
import { sourcesOf, withSources } from '../nodes.ts';
import type { Rule } from '../rule.ts';
import { runRules } from '../run-rules.ts';
import { applyByCounting } from './apply-by-counting.ts';
import { applyOfAggregation } from './apply-of-aggregation.ts';
import { applyOfNothingOutside } from './apply-of-nothing-outside.ts';
import { applyOfOneRow } from './apply-of-one-row.ts';
import { applyOfRows } from './apply-of-rows.ts';
import { filterOverApply } from './filter-over-apply.ts';

/** Subqueries whose rows or value are wanted; those that are only asked a question come last. */
const VALUED: readonly Rule[] = [
  filterOverApply,
  applyOfNothingOutside,
  applyOfOneRow,
  applyOfAggregation,
  applyOfRows,
];

const STEPS: readonly (readonly Rule[])[] = [
  // EXISTS and IN that only filter are joins; as values, which the next steps make of them, they cost more.
  [filterOverApply],
  // A subquery in a subquery must be gone before the outer one can be, and may then still be a filter.
  VALUED,
  [...VALUED, applyByCounting],
];

/**
 * Works on the whole plan at once, since a subquery that stays for the kernel must not have lost its own subqueries to
 * joins: the kernel has correlated subqueries, but not semi joins, and few outer joins, within them.
 */
export const decorrelate: Rule = {
  name: 'decorrelate',
  apply: (node, context) => {
    if (node.kind !== 'Output') return undefined;
    const subqueries = new Map<PlanNodeId, PlanNode>();
    note(node, subqueries);
    if (subqueries.size === 0) return undefined;
    const joined = STEPS.reduce((plan, rules) => runRules(plan, rules, context), node);
    return restored(joined, subqueries);
  },
};

/** The subquery of every Apply. */
function note(node: PlanNode, subqueries: Map<PlanNodeId, PlanNode>): void {
  if (node.kind === 'Apply') subqueries.set(node.id, node.subquery);
  for (const source of sourcesOf(node)) note(source, subqueries);
}

function restored(node: PlanNode, subqueries: ReadonlyMap<PlanNodeId, PlanNode>): PlanNode {
  if (node.kind !== 'Apply') {
    return withSources(
      node,
      sourcesOf(node).map((source) => restored(source, subqueries)),
    );
  }
  return { ...node, source: restored(node.source, subqueries), subquery: subqueries.get(node.id) ?? node.subquery };
}
