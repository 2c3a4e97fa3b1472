/** GROUP BY, with grouping sets where there are any. */

import type { AggregationNode } from '../../plan/nodes.ts';
import type { Symbol } from '../../sql/expression.ts';
import { renderAggregate } from '../../sql/render/render-aggregate.ts';
import { hasKeyOfItsOwn, keySql, NO_COLUMNS } from '../../types/kernel.ts';
import type { PlanContext } from './plan-context.ts';
import { withRepresentatives } from './representatives.ts';
import { column } from './text.ts';

export function renderAggregation(node: AggregationNode, context: PlanContext): string {
  // A grouping set leaves keys out: its groups are made of rows of any keys.
  const together = node.groupingSets ? [] : node.keys;
  const distinct = withRepresentatives(node.aggregations, together, context.source(node.source), context);
  const { from } = distinct;
  const calls = distinct.calls.map(
    ({ symbol, call }) => `${renderAggregate(call, context.expressions)} AS ${column(symbol)}`,
  );
  if (node.groupingSets) return renderGroupingSets(node, node.groupingSets, calls, from);
  const keys = node.keys.map((key) =>
    hasKeyOfItsOwn(key.type) ? `first(${column(key)}) AS ${column(key)}` : column(key),
  );
  const selected = [...keys, ...calls].join(', ') || NO_COLUMNS;
  if (node.keys.length === 0) return `SELECT ${selected} FROM ${from}${calls.length === 0 ? ONE_ROW : ''}`;
  return `SELECT ${selected} FROM ${from} GROUP BY ${node.keys.map(groupKey).join(', ')}`;
}

/** An aggregation that computes nothing still yields one row. */
const ONE_ROW = ' HAVING count(*) >= 0';

const groupKey = (key: Symbol): string => keySql(key.type, column(key));

function renderGroupingSets(
  { keys, groupId }: AggregationNode,
  sets: readonly (readonly number[])[],
  calls: readonly string[],
  from: string,
): string {
  const groupings = keys.map((key) => `GROUPING(${groupKey(key)})`);
  const selected = keys.map((key, i) =>
    hasKeyOfItsOwn(key.type)
      ? `CASE WHEN ${groupings[i]!} = 0 THEN first(${column(key)}) END AS ${column(key)}`
      : column(key),
  );
  // Sets may repeat: the kernel makes each once, and its rows are then repeated for all of its numbers.
  const numbers = new Map<string, number[]>();
  sets.forEach((set, number) => {
    const members = [...new Set(set)].sort((a, b) => a - b).join(',');
    numbers.set(members, [...(numbers.get(members) ?? []), number]);
  });
  const branches = [...numbers].map(([members, ids]) => {
    const present = new Set(members.split(','));
    const conditions = groupings.map((grouping, i) => `${grouping} = ${present.has(String(i)) ? 0 : 1}`);
    return `WHEN ${conditions.join(' AND ') || 'true'} THEN [${ids.map((id) => `${id}::BIGINT`).join(', ')}]`;
  });
  const id = `unnest(CASE ${branches.join(' ')} END) AS ${groupId ? column(groupId) : '"set."'}`;
  const clauses = [...numbers.keys()].map((members) => {
    const named = members === '' ? [] : members.split(',').map((i) => groupKey(keys[Number(i)]!));
    return `(${named.join(', ')})`;
  });
  const repeats = sets.length !== numbers.size;
  const columns = [...selected, ...(groupId || repeats ? [id] : []), ...calls].join(', ') || NO_COLUMNS;
  const grouped = `SELECT ${columns} FROM ${from} GROUP BY GROUPING SETS (${clauses.join(', ')})`;
  return repeats && !groupId ? `SELECT * EXCLUDE ("set.") FROM (${grouped})` : grouped;
}
