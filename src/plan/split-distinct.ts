/** DISTINCT aggregates as two plain aggregations: first by keys and argument, then by keys. */

import type { AggregateCall, Expression, Symbol } from '../sql/expression.ts';
import { reference } from '../sql/expression.ts';
import { splitAggregate } from '../sql/functions/split-aggregate.ts';
import { expressionKey } from './expressions.ts';
import type { AggregationNode, Assignment, PlanNode } from './nodes.ts';
import { outputsOf } from './nodes.ts';
import type { RuleContext } from './rule.ts';

export type DistinctSteps = {
  readonly inner: (source: PlanNode) => AggregationNode;
  readonly outer: (source: PlanNode) => AggregationNode;
  readonly result: (source: PlanNode) => PlanNode;
};

type Named = { readonly symbol: Symbol; readonly call: AggregateCall };

/**
 * Undefined where there is no DISTINCT, where several differ in their arguments, or where a plain aggregate beside them
 * cannot be split: then groups are brought whole to one task each.
 */
export function splitDistinct(node: AggregationNode, context: RuleContext): DistinctSteps | undefined {
  const distinct = node.aggregations.filter(({ call }) => call.distinct);
  const plain = node.aggregations.filter(({ call }) => !call.distinct);
  const first = distinct[0]?.call;
  if (!first || node.groupingSets || first.arguments.length === 0) return undefined;
  const key = argumentsKey(first);
  if (distinct.some(({ call }) => argumentsKey(call) !== key || call.filter || call.orderBy.length > 0))
    return undefined;

  const columns = first.arguments.map((argument) => ({
    symbol: context.newSymbol('distinct', argument.type),
    expression: argument,
  }));
  const innerCalls: Named[] = [];
  const outerCalls: Named[] = distinct.map(({ symbol, call }) => ({
    symbol,
    call: { ...call, distinct: false, arguments: columns.map((column) => reference(column.symbol)) },
  }));
  const values = new Map<string, Expression>(distinct.map(({ symbol }) => [symbol.name, reference(symbol)]));
  for (const { symbol, call } of plain) {
    const split = splitAggregate(call);
    if (!split) return undefined;
    const parts = split.partial.map((part) => ({ symbol: context.newSymbol(symbol.name, part.type), call: part }));
    innerCalls.push(...parts);
    const final = split.final(parts.map((part) => part.symbol));
    const combined = final.aggregates.map((one) => ({ symbol: context.newSymbol(symbol.name, one.type), call: one }));
    outerCalls.push(...combined);
    values.set(symbol.name, final.project(combined.map((one) => reference(one.symbol))));
  }

  const assignments: Assignment[] = outputsOf(node).map((symbol) => ({
    symbol,
    expression: values.get(symbol.name) ?? reference(symbol),
  }));
  return {
    inner: (source) => ({
      kind: 'Aggregation',
      id: context.newId(),
      source: withColumns(source, columns, context),
      keys: [...node.keys, ...columns.map((column) => column.symbol)],
      aggregations: innerCalls,
    }),
    outer: (source) => ({ ...node, source, aggregations: outerCalls }),
    result: (source) => (plain.length === 0 ? source : { kind: 'Project', id: context.newId(), source, assignments }),
  };
}

const argumentsKey = (call: AggregateCall): string => call.arguments.map(expressionKey).join('\n');

function withColumns(source: PlanNode, columns: readonly Assignment[], context: RuleContext): PlanNode {
  const kept = outputsOf(source).map((symbol) => ({ symbol, expression: reference(symbol) }));
  return { kind: 'Project', id: context.newId(), source, assignments: [...kept, ...columns] };
}
