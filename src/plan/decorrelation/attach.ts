/**
 * The general way to do without a correlated subquery: every row of the source gets a number and, beside it, the rows of
 * its subquery; what the subquery is asked for is then an aggregate over the rows of one number.
 */

import type { AggregateCall, Expression, Symbol } from '../../sql/expression.ts';
import { reference } from '../../sql/expression.ts';
import { BIGINT, BOOLEAN } from '../../types/type.ts';
import { addColumns, identity, joinOn } from '../columns.ts';
import { and, TRUE } from '../expressions.ts';
import { FUNCTIONS } from '../../sql/functions/registry.ts';
import { symbolNames } from '../node-expressions.ts';
import type { PlanNode, UnnestNode } from '../nodes.ts';
import { outputsOf } from '../nodes.ts';
import type { Allocator } from '../symbols.ts';
import { EXACT, pullUp } from './pull-up.ts';
import { chainOf, redo, singleRow } from './subquery-chain.ts';

export type Attached = {
  /** A source row without rows of its subquery stands there once all the same. */
  readonly plan: PlanNode;
  /** True for rows of the subquery. */
  readonly mark: Expression;
  /** The source's columns and its number. */
  readonly keys: readonly Symbol[];
};

/** `only`: what else must hold for a row of the subquery to be of interest. Undefined where it cannot be done. */
export function attach(
  source: PlanNode,
  subquery: PlanNode,
  only: readonly Expression[],
  allocator: Allocator,
): Attached | undefined {
  const outer = symbolNames(outputsOf(source));
  const pulled = pullUp(subquery, outer, EXACT, allocator);
  if (!pulled) return attachUnnested(source, subquery, only, allocator);
  const numbered = number(source, allocator);
  const mark = allocator.newSymbol('mark', BOOLEAN);
  const right = addColumns(allocator, pulled.node, [{ symbol: mark, expression: TRUE }]);
  return {
    plan: joinOn(allocator, 'LEFT', numbered, right, [...pulled.predicates, ...only]),
    mark: reference(mark),
    keys: identity(outputsOf(numbered)).map(({ symbol }) => symbol),
  };
}

function number(source: PlanNode, allocator: Allocator): PlanNode {
  const symbol = allocator.newSymbol('unique', BIGINT);
  return { kind: 'AssignUniqueId', id: allocator.newId(), source, symbol };
}

/** A subquery over the elements of the source's own arrays. */
function attachUnnested(
  source: PlanNode,
  subquery: PlanNode,
  only: readonly Expression[],
  allocator: Allocator,
): Attached | undefined {
  const { steps, base } = chainOf(subquery);
  const elements = asUnnest(base, allocator);
  if (!elements || elements.type === 'LEFT') return undefined;
  const numbered = number(source, allocator);
  const ordinality = elements.ordinality ?? allocator.newSymbol('ordinality', BIGINT);
  const unnested = unnestOver(numbered, { ...elements, type: 'LEFT', ordinality }, allocator);
  if (!unnested) return undefined;
  const { plan, conditions } = redo(allocator, unnested, steps);
  const isNull: Expression = { kind: 'IsNull', type: BOOLEAN, argument: reference(ordinality) };
  const present: Expression = { kind: 'Not', type: BOOLEAN, argument: isNull };
  return {
    plan,
    mark: and([present, ...conditions, ...only]),
    keys: identity(outputsOf(numbered)).map(({ symbol }) => symbol),
  };
}

/** VALUES of several rows are the elements of an array of rows. */
export function asUnnest(base: PlanNode, allocator: Allocator): UnnestNode | undefined {
  if (base.kind === 'Unnest') return base;
  if (base.kind !== 'Values' || base.rows.length < 2 || base.symbols.length === 0) return undefined;
  const type = { kind: 'row', fields: base.symbols.map((symbol) => ({ type: symbol.type })) } as const;
  const elements = base.rows.map((row): Expression => ({ kind: 'Row', type, fields: row }));
  const input = allocator.newSymbol('rows', { kind: 'array', element: type });
  const row: PlanNode = { kind: 'Values', id: allocator.newId(), symbols: [], rows: [[]] };
  const expression: Expression = { kind: 'Array', type: input.type, elements };
  return {
    kind: 'Unnest',
    id: base.id,
    source: addColumns(allocator, row, [{ symbol: input, expression }]),
    replicate: [],
    unnest: [{ input, outputs: base.symbols }],
    type: 'INNER',
  };
}

/** `elements` of one row of expressions, with `source` in that row's place; undefined where it is not over one row. */
export function unnestOver(source: PlanNode, elements: UnnestNode, allocator: Allocator): PlanNode | undefined {
  const row = singleRow(elements.source);
  if (!row) return undefined;
  const inputs = elements.unnest.map(({ input }) => ({
    symbol: allocator.newSymbol('unnest', input.type),
    expression: row.get(input.name)!,
  }));
  const unnest: UnnestNode = {
    ...elements,
    id: allocator.newId(),
    source: addColumns(allocator, source, inputs),
    replicate: identity(outputsOf(source)).map(({ symbol }) => symbol),
    unnest: elements.unnest.map(({ outputs }, i) => ({ input: inputs[i]!.symbol, outputs })),
  };
  const replicated = elements.replicate.map((symbol) => ({ symbol, expression: row.get(symbol.name)! }));
  return addColumns(allocator, unnest, replicated);
}

/** One row for each of the source's rows again, with aggregates over the rows that were attached to it. */
export function detach(
  attached: Attached,
  aggregations: readonly { readonly symbol: Symbol; readonly call: AggregateCall }[],
  allocator: Allocator,
): PlanNode {
  return {
    kind: 'Aggregation',
    id: allocator.newId(),
    source: attached.plan,
    keys: attached.keys,
    aggregations: aggregations.map(({ symbol, call }) => ({
      symbol,
      call: { ...call, filter: call.filter ? and([attached.mark, call.filter]) : attached.mark },
    })),
  };
}

/** count(*), of the rows for which `filter` is true. */
export function countRows(filter?: Expression): AggregateCall {
  const { id, returnType } = FUNCTIONS.resolve('count', []);
  return { function: id, type: returnType, arguments: [], distinct: false, orderBy: [], ...(filter && { filter }) };
}

export const zero: Expression = { kind: 'Constant', type: BIGINT, value: '0' };

export const isPositive = (count: Symbol): Expression => ({
  kind: 'Comparison',
  type: BOOLEAN,
  operator: '>',
  left: reference(count),
  right: zero,
});
