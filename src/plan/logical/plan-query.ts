/** One SELECT: FROM, WHERE, grouping, windows, projection, DISTINCT, ORDER BY, OFFSET and LIMIT, from the inside out. */

import { groupBy } from '../../common/collections.ts';
import type { AnalyzedWindow, Grouping, QueryBlock } from '../../sql/analyzer/analysis.ts';
import type { SortOrder } from '../../sql/expression.ts';
import { referencesIn, partsOfAggregate, partsOfWindowCall, expressionKey } from '../expressions.ts';
import { outputsOf, type PlanNode } from '../nodes.ts';
import { addColumns, asSymbols, identity } from '../columns.ts';
import { oneRow, type PlannerContext } from './context.ts';
import { planRelation } from './plan-relation.ts';
import { distinct, filter } from './steps.ts';
import { planSubqueries } from './plan-subqueries.ts';

/** Yields at least the symbols of the block's outputs. */
export function planQuery(context: PlannerContext, block: QueryBlock): PlanNode {
  let plan = block.from ? planRelation(context, block.from) : oneRow(context);
  if (block.where) plan = filter(context, plan, block.where);
  if (block.grouping) plan = group(context, plan, block.grouping);
  plan = addWindows(context, plan, block.windows);
  plan = project(context, plan, block);
  if (block.distinct) plan = distinct(context, plan);
  return orderAndLimit(context, plan, block);
}

function group(context: PlannerContext, source: PlanNode, grouping: Grouping): PlanNode {
  const aggregates = grouping.aggregates.map(({ call }) => call);
  let plan = planSubqueries(context, source, [
    ...grouping.keys.map((key) => key.expression),
    ...aggregates.flatMap(partsOfAggregate),
  ]);
  plan = addColumns(context, plan, grouping.keys);
  plan = {
    kind: 'Aggregation',
    id: context.newId(),
    source: plan,
    keys: grouping.keys.map((key) => key.symbol),
    ...(grouping.sets && grouping.groupId && { groupingSets: grouping.sets, groupId: grouping.groupId }),
    aggregations: grouping.aggregates,
  };
  return grouping.having ? filter(context, plan, grouping.having) : plan;
}

/** One node for the functions that share partition and order. */
function addWindows(context: PlannerContext, source: PlanNode, windows: readonly AnalyzedWindow[]): PlanNode {
  let plan = source;
  const specifications = groupBy(windows, (window) =>
    JSON.stringify([window.partitionBy.map(expressionKey), window.orderBy]),
  );
  for (const functions of specifications.values()) {
    const { partitionBy, orderBy } = functions[0]!;
    plan = planSubqueries(context, plan, [
      ...partitionBy,
      ...orderBy.map((order) => order.expression),
      ...functions.flatMap((window) => partsOfWindowCall(window.call)),
    ]);
    const keys = asSymbols(context, plan, partitionBy, 'partition');
    plan = {
      kind: 'Window',
      id: context.newId(),
      source: keys.plan,
      partitionBy: keys.symbols,
      orderBy,
      functions: functions.map(({ symbol, call }) => ({ symbol, call })),
    };
  }
  return plan;
}

/** The outputs, and below ORDER BY also what it reads besides them. */
function project(context: PlannerContext, source: PlanNode, block: QueryBlock): PlanNode {
  const plan = planSubqueries(
    context,
    source,
    block.outputs.map((output) => output.expression),
  );
  const outputs = new Map(block.outputs.map((output) => [output.symbol.name, output]));
  const read = new Set<string>();
  if (!block.distinct) for (const name of readByOrder(context, block.orderBy)) read.add(name);
  const kept = outputsOf(plan).filter((symbol) => read.has(symbol.name) && !outputs.has(symbol.name));
  return {
    kind: 'Project',
    id: context.newId(),
    source: plan,
    assignments: [...outputs.values(), ...identity(kept)].map(({ symbol, expression }) => ({ symbol, expression })),
  };
}

/** Names that ORDER BY reads, also through its subqueries. */
function readByOrder(context: PlannerContext, orderBy: readonly SortOrder[]): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (name: string): void => {
    if (names.has(name)) return;
    names.add(name);
    const subquery = context.subqueries.get(name);
    if (!subquery) return;
    subquery.query.outerReferences.forEach(visit);
    const { form } = subquery;
    const values = form.kind === 'in' ? form.values : form.kind === 'quantified' ? [form.value] : [];
    for (const value of values) referencesIn(value).forEach(visit);
  };
  for (const order of orderBy) referencesIn(order.expression).forEach(visit);
  return names;
}

function orderAndLimit(context: PlannerContext, source: PlanNode, block: QueryBlock): PlanNode {
  const { limit, offset = '0' } = block;
  let plan = source;
  const outputs = block.outputs.map((output) => output.symbol);
  const orderBy = distinctOrder(block.orderBy);
  if (orderBy.length > 0) {
    plan = planSubqueries(
      context,
      plan,
      orderBy.map((order) => order.expression),
    );
    plan = limit
      ? {
          kind: 'TopN',
          id: context.newId(),
          source: plan,
          orderBy,
          count: limit.count,
          offset,
          withTies: limit.withTies,
        }
      : { kind: 'Sort', id: context.newId(), source: plan, orderBy };
    if (!limit && offset !== '0') plan = { kind: 'Limit', id: context.newId(), source: plan, offset };
    const wanted = new Set(outputs.map((symbol) => symbol.name));
    if (outputsOf(plan).some((symbol) => !wanted.has(symbol.name))) {
      plan = { kind: 'Project', id: context.newId(), source: plan, assignments: identity(outputs) };
    }
  } else if (limit || offset !== '0') {
    plan = { kind: 'Limit', id: context.newId(), source: plan, offset, ...(limit && { count: limit.count }) };
  }
  return plan;
}

/** Without repetitions and constants, which order nothing. */
function distinctOrder(orderBy: readonly SortOrder[]): readonly SortOrder[] {
  const seen = new Set<string>();
  return orderBy.filter(({ expression }) => {
    const key = expressionKey(expression);
    if (seen.has(key) || expression.kind === 'Constant') return false;
    seen.add(key);
    return true;
  });
}
