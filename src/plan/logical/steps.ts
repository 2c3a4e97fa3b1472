/** Nodes that several parts of the logical planner put above a plan. */

import type { Expression } from '../../sql/expression.ts';
import { outputsOf, type PlanNode } from '../nodes.ts';
import type { PlannerContext } from './context.ts';
import { planSubqueries } from './plan-subqueries.ts';

export function filter(context: PlannerContext, source: PlanNode, predicate: Expression): PlanNode {
  const plan = planSubqueries(context, source, [predicate]);
  return { kind: 'Filter', id: context.newId(), source: plan, predicate };
}

/** Each row once. */
export function distinct(context: PlannerContext, source: PlanNode): PlanNode {
  return { kind: 'Aggregation', id: context.newId(), source, keys: outputsOf(source), aggregations: [] };
}
