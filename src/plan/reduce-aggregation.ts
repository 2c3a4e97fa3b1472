/** Groups that a join will drop need not be made: the aggregation's input is first reduced to the keys of the other side. */

import { copyPlan } from './copy-plan.ts';
import { isDeterministic } from './determinism.ts';
import type { AggregationNode, JoinNode, PlanNode } from './nodes.ts';
import { sourcesOf, withSources } from './nodes.ts';
import type { RuleContext } from './rule.ts';
import type { Estimator } from './statistics.ts';

/** Weights of a row, near those of the join order: aggregated, looked up, scanned again. */
const AGGREGATE = 3;
const LOOK_UP = 1;
const SCAN = 0.5;

// x INNER JOIN Aggregation(y) on its keys → x INNER JOIN Aggregation(y SEMI JOIN copy of x), when x has few of the keys
export function reduceAggregation(join: JoinNode, estimator: Estimator, context: RuleContext): JoinNode {
  if (join.type !== 'INNER') return join;
  for (const side of ['left', 'right'] as const) {
    const other = side === 'left' ? 'right' : 'left';
    const aggregation = aggregationIn(join[side]);
    if (!aggregation || aggregation.groupingSets) continue;
    const criteria = join.criteria.filter((clause) => aggregation.keys.some(({ name }) => name === clause[side].name));
    if (criteria.length === 0 || !isWorthIt(aggregation, join[other], criteria.length, estimator)) continue;
    if (!isDeterministic(join[other])) continue;
    const copy = copyPlan(join[other], context);
    if (!copy) continue;
    const reduced: JoinNode = {
      kind: 'Join',
      id: context.newId(),
      type: 'SEMI',
      left: aggregation.source,
      right: copy.node,
      criteria: criteria.map((clause) => ({ left: clause[side], right: copy.symbols.get(clause[other].name)! })),
    };
    return { ...join, [side]: replaced(join[side], aggregation, { ...aggregation, source: reduced }) };
  }
  return join;
}

/** The aggregation whose groups the node yields, perhaps filtered. */
function aggregationIn(node: PlanNode): AggregationNode | undefined {
  if (node.kind === 'Aggregation') return node;
  return node.kind === 'Filter' ? aggregationIn(node.source) : undefined;
}

function replaced(node: PlanNode, from: PlanNode, to: PlanNode): PlanNode {
  if (node === from) return to;
  return withSources(
    node,
    sourcesOf(node).map((source) => replaced(source, from, to)),
  );
}

function isWorthIt(aggregation: AggregationNode, keys: PlanNode, clauses: number, estimator: Estimator): boolean {
  const input = estimator.rows(aggregation.source);
  const groups = estimator.rows(aggregation);
  const kept = estimator.rows(keys);
  const read = rowsRead(keys, estimator);
  if (input === undefined || groups === undefined || kept === undefined || read === undefined) return false;
  // Without all keys of the groups among the clauses, a key of the other side keeps several groups.
  const share = Math.min(kept / groups, 1) * (clauses === aggregation.keys.length ? 1 : 4);
  const saved = input * (1 - Math.min(share, 1)) * AGGREGATE;
  return share <= 0.2 && saved > read * SCAN + kept * AGGREGATE + input * LOOK_UP;
}

function rowsRead(node: PlanNode, estimator: Estimator): number | undefined {
  if (node.kind === 'TableScan') return estimator.rows(node);
  let sum = 0;
  for (const source of sourcesOf(node)) {
    const rows = rowsRead(source, estimator);
    if (rows === undefined) return undefined;
    sum += rows;
  }
  return sum;
}
