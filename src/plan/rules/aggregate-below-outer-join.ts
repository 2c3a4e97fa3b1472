/**
 * Groups by columns of an outer join's preserved side, over values of the other side: these are first aggregated by the join's
 * keys, so that fewer rows are joined. Rows of one key may still come in several parts, such as one of each task: the last
 * step above the join adds them up.
 */

import type { AggregateCall } from '../../sql/expression.ts';
import { reference } from '../../sql/expression.ts';
import { symbolNames } from '../node-expressions.ts';
import type { AggregationNode, JoinNode, PlanNode } from '../nodes.ts';
import { outputsOf } from '../nodes.ts';
import type { Rule, RuleContext } from '../rule.ts';
import { splitCalls } from '../split-calls.ts';
import { estimatorFor, groupsOf } from '../statistics.ts';

/** Of its input: above it the aggregation below the join costs more than the join saves. */
const GROUPS_SHARE_MAX = 0.25;

// Aggregation[by x.a; count(y.b)](x LEFT JOIN y ON x.k = y.k) →
//   Aggregation[by x.a; sum(n)](x LEFT JOIN partial Aggregation[by y.k; n := count(y.b)](y) ON x.k = y.k)
export const aggregateBelowOuterJoin: Rule = {
  name: 'aggregate-below-outer-join',
  apply: (node, context) => {
    if (node.kind !== 'Aggregation' || node.partial || node.groupingSets || node.keys.length === 0) return undefined;
    const join = node.source;
    if (join.kind !== 'Join' || join.filter || join.criteria.length === 0) return undefined;
    if (join.type === 'LEFT') return moved(node, join, 'right', context);
    return join.type === 'RIGHT' ? moved(node, join, 'left', context) : undefined;
  },
};

function moved(
  node: AggregationNode,
  join: JoinNode,
  side: 'left' | 'right',
  context: RuleContext,
): PlanNode | undefined {
  const other = join[side];
  if (other.kind === 'Aggregation') return undefined;
  const names = symbolNames(outputsOf(other));
  if (node.keys.some((key) => names.has(key.name))) return undefined;
  if (!node.aggregations.every(({ call }) => isNullOfPadding(call, names))) return undefined;
  const keys = [...new Map(join.criteria.map((clause) => [clause[side].name, clause[side]])).values()];
  const { statistics } = estimatorFor(context);
  const groups = groupsOf(keys, statistics(other));
  const rows = statistics(other).rows;
  if (groups === undefined || rows === undefined || groups > rows * GROUPS_SHARE_MAX) return undefined;
  const split = splitCalls(node.aggregations, context);
  if (!split) return undefined;
  const below: AggregationNode = {
    kind: 'Aggregation',
    id: context.newId(),
    source: other,
    keys,
    aggregations: split.partials,
    partial: true,
  };
  const above: AggregationNode = { ...node, source: { ...join, [side]: below }, aggregations: split.finals };
  const assignments = [...node.keys.map((symbol) => ({ symbol, expression: reference(symbol) })), ...split.results];
  return { kind: 'Project', id: context.newId(), source: above, assignments };
}

/**
 * Aggregates that pass over NULL, and so over the rows that the join makes up, of a plain column: of `1` they would not. Sums may
 * overflow over rows that the join drops.
 */
const PASSING_OVER_NULL: ReadonlySet<string> = new Set(['count', 'min', 'max']);

function isNullOfPadding(call: AggregateCall, names: ReadonlySet<string>): boolean {
  const [argument, ...more] = call.arguments;
  const isPlain = !call.distinct && !call.filter && call.orderBy.length === 0 && more.length === 0;
  const name = call.function.slice(0, call.function.indexOf('('));
  return isPlain && argument?.kind === 'Reference' && names.has(argument.name) && PASSING_OVER_NULL.has(name);
}
