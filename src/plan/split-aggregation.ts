/** Places an aggregation: in the tasks where its groups are whole already, else in two steps around an exchange. */

import type { Symbol } from '../sql/expression.ts';
import { reference } from '../sql/expression.ts';
import { sessionProperty } from '../sql/session-properties.ts';
import { BIGINT } from '../types/type.ts';
import type { AggregationNode, PlanNode } from './nodes.ts';
import { outputsOf, withSources } from './nodes.ts';
import { splitCalls } from './split-calls.ts';
import { splitDistinct } from './split-distinct.ts';
import type { Placed, Placing } from './spread.ts';
import { gather, groupedBy, isGroupedBy, isWhole } from './spread.ts';
import { groupsOf } from './statistics.ts';

/** Above this share of its input a partial aggregation costs more than it saves. */
const PARTIAL_SHARE_MAX = 0.6;
/** Groups that one task combines faster than a further shuffle would. */
const GATHERED_GROUPS_MAX = 100_000;

/** Rows that one task aggregates before others would have received them. */
const GATHERED_ROWS_MAX = 50_000;
/** Groups that keep every task busy when they are dealt out. */
const EVEN_GROUPS_MIN = 1_000;

/** `together`: the keys by which groups are brought together, where fewer than the node's will do. */
export function splitAggregation(
  node: AggregationNode,
  source: Placed,
  placing: Placing,
  together: readonly Symbol[] = node.keys,
): Placed {
  // A grouping set leaves out keys, so rows of one of its groups may be in any task.
  const wholeGroups = isWhole(source.spread) || (!node.groupingSets && isGroupedBy(source.spread, node.keys));
  if (wholeGroups) return { node: withSources(node, [source.node]), spread: source.spread };
  const distinct = splitDistinct(node, placing.context);
  if (distinct) {
    const inner = distinct.inner(source.node);
    const outerGroups = groupsOf(node.keys, placing.estimator.statistics(node.source)) ?? 0;
    const by = outerGroups >= EVEN_GROUPS_MIN ? node.keys : inner.keys;
    const once = splitAggregation(inner, { node: inner.source, spread: source.spread }, placing, by);
    const outer = splitAggregation(distinct.outer(once.node), once, placing);
    return { node: distinct.result(outer.node), spread: outer.spread };
  }
  const groups = groupsOf(node.keys, placing.estimator.statistics(node.source));
  const rows = placing.estimator.rows(node.source);
  const reduces = groups === undefined || rows === undefined || groups <= rows * PARTIAL_SHARE_MAX;
  // One row of a task for all of its rows: estimates may be wrong, this cannot lose.
  const isGlobal = node.keys.length === 0;
  const steps = reduces || isGlobal || node.groupingSets ? inSteps(node, source.node, placing) : undefined;
  if (steps) {
    // Sets that leave keys out make rows of one group in every task.
    const { spread } = source;
    const cut = node.groupingSets && spread.kind === 'hash' ? { ...spread, keys: [] } : spread;
    const partial = { node: steps.partial, spread: cut };
    const by = node.groupingSets ? steps.keys : together;
    const moved = movedGroups(partial, by, groups, placing);
    return { node: steps.final(moved.node), spread: moved.spread };
  }
  const isForced = sessionProperty(placing.context.session.properties, 'distribution') === 'FORCED';
  const isLittle = !isForced && (rows ?? Infinity) <= GATHERED_ROWS_MAX;
  const moved =
    node.keys.length === 0 || node.groupingSets || isLittle
      ? gather(source, placing, 'one task aggregates all rows')
      : groupedBy(source, together, placing, `grouped by ${names(together)}`);
  return { node: withSources(node, [moved.node]), spread: moved.spread };
}

function movedGroups(partial: Placed, keys: readonly Symbol[], groups: number | undefined, placing: Placing): Placed {
  if (keys.length === 0) return gather(partial, placing, 'one task combines what all tasks aggregated');
  const forced = sessionProperty(placing.context.session.properties, 'distribution') === 'FORCED';
  const { workers, threadsPerWorker } = placing.context.cluster;
  const few = groups !== undefined && groups * workers * threadsPerWorker <= GATHERED_GROUPS_MAX;
  return few && !forced
    ? gather(partial, placing, `one task combines about ${Math.round(groups).toLocaleString('en-US')} groups`)
    : groupedBy(partial, keys, placing, `grouped by ${names(keys)}`);
}

const names = (symbols: readonly Symbol[]): string => symbols.map((symbol) => symbol.name).join(', ');

type Steps = {
  readonly partial: AggregationNode;
  /** By which the partial rows are to be brought together. */
  readonly keys: readonly Symbol[];
  readonly final: (source: PlanNode) => PlanNode;
};

// Aggregation(x) → Project(Aggregation(Exchange(partial Aggregation(x))))
function inSteps(node: AggregationNode, source: PlanNode, { context }: Placing): Steps | undefined {
  const split = splitCalls(node.aggregations, context);
  if (!split) return undefined;
  const groupId = node.groupingSets ? (node.groupId ?? context.newSymbol('groupid', BIGINT)) : undefined;
  const keys = groupId ? [...node.keys, groupId] : node.keys;
  const partial: AggregationNode = {
    ...node,
    id: context.newId(),
    source,
    aggregations: split.partials,
    ...(groupId ? { groupId } : {}),
    partial: true,
  };
  const passed = outputsOf(node).filter((symbol) => keys.some((key) => key.name === symbol.name));
  return {
    partial,
    keys,
    final: (moved) => ({
      kind: 'Project',
      id: context.newId(),
      source: { kind: 'Aggregation', id: node.id, source: moved, keys, aggregations: split.finals },
      assignments: [...passed.map((symbol) => ({ symbol, expression: reference(symbol) })), ...split.results],
    }),
  };
}
