/** The projections and filters on top of a subquery, and how they are done again beside the columns of the row outside. */

import type { Expression, Symbol } from '../../sql/expression.ts';
import { reference } from '../../sql/expression.ts';
import { addColumns } from '../columns.ts';
import { and, substitute } from '../expressions.ts';
import type { FilterNode, PlanNode, ProjectNode } from '../nodes.ts';
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

/**
 * The steps over `plan`, with what they make NULL where `mark` or their filters do not hold. Undefined where the subquery
 * hands out columns that the steps did not make although a filter may refuse the row.
 */
export function redoOrNull(
  allocator: Allocator,
  plan: PlanNode,
  { steps }: Pick<Chain, 'steps'>,
  subquery: PlanNode,
  mark?: Expression,
): PlanNode | undefined {
  if (!mark && steps.every((step) => step.kind === 'Project')) return redo(allocator, plan, steps).plan;
  const conditions: Expression[] = mark ? [mark] : [];
  const raw = new Map<string, Expression>();
  const made: Symbol[] = [];
  let current = plan;
  let filtered = false;
  for (const step of steps.toReversed()) {
    if (step.kind === 'Filter') {
      conditions.push(substitute(step.predicate, raw));
      filtered = true;
      continue;
    }
    const assigned = step.assignments.filter(
      ({ symbol, expression }) => expression.kind !== 'Reference' || expression.name !== symbol.name,
    );
    // A column keeps one meaning in a plan: what is not NULL yet has a name of its own.
    const named = assigned.map(({ symbol, expression }) => ({
      of: symbol,
      symbol: allocator.newSymbol(symbol.name, symbol.type),
      expression: substitute(expression, raw),
    }));
    current = addColumns(allocator, current, named);
    for (const { of, symbol } of named) {
      raw.set(of.name, reference(symbol));
      made.push(of);
    }
  }
  if (filtered && outputsOf(subquery).some((symbol) => !raw.has(symbol.name))) return undefined;
  return addColumns(
    allocator,
    current,
    made.map((symbol) => ({ symbol, expression: orNull(conditions, raw.get(symbol.name)!) })),
  );
}

function orNull(conditions: readonly Expression[], result: Expression): Expression {
  if (conditions.length === 0) return result;
  const otherwise: Expression = { kind: 'Constant', type: result.type, value: null };
  return { kind: 'Case', type: result.type, branches: [{ when: and(conditions), result }], otherwise };
}

/** Exactly one row, whatever the data. */
export function isOneRow(node: PlanNode): boolean {
  if (node.kind === 'Values') return node.rows.length === 1;
  if (node.kind === 'Aggregation') return node.keys.length === 0 && node.groupingSets === undefined;
  return node.kind === 'EnforceSingleRow' || (node.kind === 'Project' && isOneRow(node.source));
}
