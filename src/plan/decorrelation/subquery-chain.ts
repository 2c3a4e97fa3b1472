/** The projections and filters on top of a subquery, and how they are done again beside the columns of the row outside. */

import type { Expression } from '../../sql/expression.ts';
import { reference } from '../../sql/expression.ts';
import { addColumns, identity } from '../columns.ts';
import { and, substitute } from '../expressions.ts';
import type { Assignment, FilterNode, PlanNode, ProjectNode } from '../nodes.ts';
import { outputsOf } from '../nodes.ts';
import type { Allocator } from '../symbols.ts';

/** `steps` from the top down. */
export type Chain = { readonly steps: readonly (ProjectNode | FilterNode)[]; readonly base: PlanNode };

export function chainOf(subquery: PlanNode): Chain {
  const steps: (ProjectNode | FilterNode)[] = [];
  let base = subquery;
  while (base.kind === 'Project' || base.kind === 'Filter') {
    steps.push(base);
    base = base.source;
  }
  return { steps, base };
}

/** The projections alone that stand on top. */
export function projectionsOf(subquery: PlanNode): Chain {
  const { steps } = chainOf(subquery);
  const filter = steps.findIndex((step) => step.kind === 'Filter');
  if (filter < 0) return chainOf(subquery);
  return { steps: steps.slice(0, filter), base: steps[filter]! };
}

/** The steps over `plan`, whose other columns stay: filters are not applied but returned. */
export function redo(
  allocator: Allocator,
  plan: PlanNode,
  steps: Chain['steps'],
): { readonly plan: PlanNode; readonly conditions: readonly Expression[] } {
  let current = plan;
  const conditions: Expression[] = [];
  for (const step of steps.toReversed()) {
    if (step.kind === 'Filter') conditions.push(step.predicate);
    else current = addColumns(allocator, current, step.assignments);
  }
  return { plan: current, conditions };
}

/** The columns of a plan that is one row of expressions, such as SELECT without FROM; undefined for any other. */
export function singleRow(node: PlanNode): ReadonlyMap<string, Expression> | undefined {
  if (node.kind === 'Values') {
    const [row] = node.rows;
    if (!row || node.rows.length !== 1) return undefined;
    return new Map(node.symbols.map((symbol, i) => [symbol.name, row[i]!]));
  }
  if (node.kind !== 'Project') return undefined;
  const below = singleRow(node.source);
  return (
    below && new Map(node.assignments.map(({ symbol, expression }) => [symbol.name, substitute(expression, below)]))
  );
}

/** `plan` with the symbols of `subquery` NULL where `conditions` do not hold. */
export function nulledUnless(
  allocator: Allocator,
  plan: PlanNode,
  subquery: PlanNode,
  conditions: readonly Expression[],
): PlanNode {
  if (conditions.length === 0) return plan;
  const own = new Set(outputsOf(subquery).map((symbol) => symbol.name));
  const assignments = identity(outputsOf(plan)).map((assignment): Assignment => {
    const { symbol } = assignment;
    if (!own.has(symbol.name)) return assignment;
    const branches = [{ when: and(conditions), result: reference(symbol) }];
    const otherwise: Expression = { kind: 'Constant', type: symbol.type, value: null };
    return { symbol, expression: { kind: 'Case', type: symbol.type, branches, otherwise } };
  });
  return { kind: 'Project', id: allocator.newId(), source: plan, assignments };
}

/** Exactly one row, whatever the data. */
export function isOneRow(node: PlanNode): boolean {
  if (node.kind === 'Values') return node.rows.length === 1;
  if (node.kind === 'Aggregation') return node.keys.length === 0 && node.groupingSets === undefined;
  return node.kind === 'EnforceSingleRow' || (node.kind === 'Project' && isOneRow(node.source));
}
