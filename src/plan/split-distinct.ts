/** DISTINCT aggregates as two plain aggregations: first by keys and argument, then by keys. */

import type { AggregateCall } from '../sql/expression.ts';
import { reference } from '../sql/expression.ts';
import { expressionKey } from './expressions.ts';
import type { AggregationNode, Assignment, PlanNode } from './nodes.ts';
import { outputsOf } from './nodes.ts';
import type { RuleContext } from './rule.ts';
import { splitCalls } from './split-calls.ts';

export type DistinctSteps = {
  readonly inner: (source: PlanNode) => AggregationNode;
  readonly outer: (source: PlanNode) => AggregationNode;
  readonly result: (source: PlanNode) => PlanNode;
};

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
  const split = splitCalls(plain, context);
  if (!split) return undefined;
  const counted = distinct.map(({ symbol, call }) => ({
    symbol,
    call: { ...call, distinct: false, arguments: columns.map((column) => reference(column.symbol)) },
  }));
  const results = new Map(split.results.map(({ symbol, expression }) => [symbol.name, expression]));
  const assignments: Assignment[] = outputsOf(node).map((symbol) => ({
    symbol,
    expression: results.get(symbol.name) ?? reference(symbol),
  }));
  return {
    inner: (source) => ({
      kind: 'Aggregation',
      id: context.newId(),
      source: withColumns(source, columns, context),
      keys: [...node.keys, ...columns.map((column) => column.symbol)],
      aggregations: split.partials,
    }),
    outer: (source) => ({ ...node, source, aggregations: [...counted, ...split.finals] }),
    result: (source) => (plain.length === 0 ? source : { kind: 'Project', id: context.newId(), source, assignments }),
  };
}

const argumentsKey = (call: AggregateCall): string => call.arguments.map(expressionKey).join('\n');

function withColumns(source: PlanNode, columns: readonly Assignment[], context: RuleContext): PlanNode {
  const kept = outputsOf(source).map((symbol) => ({ symbol, expression: reference(symbol) }));
  return { kind: 'Project', id: context.newId(), source, assignments: [...kept, ...columns] };
}
