/**
 * Puts exchanges where rows must move so that many tasks can share the work, and nowhere else: each node says how its rows
 * are spread, and a node above that needs them spread otherwise gets an exchange.
 */

import type { Symbol } from '../sql/expression.ts';
import { isDeterministic } from './determinism.ts';
import { chooseJoinDistribution, describeRows, keepsUnmatchedBuildRows } from './join-distribution.ts';
import type { AggregationNode, JoinNode, OutputNode, PlanNode, SemiJoinNode, SetOperationNode } from './nodes.ts';
import { withSources } from './nodes.ts';
import { groupsOf } from './statistics.ts';
import { splitAggregation } from './split-aggregation.ts';
import type { Placed, Placing, Spread } from './spread.ts';
import { broadcast, gather, groupedBy, isWhole, mapKeys, partitionedBy, placementOf, repartition } from './spread.ts';

export function addExchanges(root: OutputNode, placing: Placing): OutputNode {
  const { node, spread } = place(root.source, placing);
  return { ...root, source: node, placement: placementOf(spread) };
}

/** What may come out otherwise each time is made by one task: tasks that made it each for themselves would not agree. */
function place(node: PlanNode, placing: Placing): Placed {
  const placed = placeNode(node, placing);
  if (placed.spread.kind !== 'everywhere' || isDeterministic(node)) return placed;
  return { ...placed, spread: { kind: 'single', reason: 'it may come out otherwise each time' } };
}

function placeNode(node: PlanNode, placing: Placing): Placed {
  if (placing.isRepeatable(node)) return { node, spread: { kind: 'everywhere' } };
  const small = placing.isSmall(node);
  // A scan shared out over tasks needs no further stage, however small.
  if (small !== undefined && !isScanOnly(node)) return { node, spread: { kind: 'single', reason: small } };
  switch (node.kind) {
    case 'TableScan':
      return { node, spread: { kind: 'source', reason: `the splits of ${node.table.table} are shared out` } };
    case 'Values':
      return { node, spread: { kind: 'single', reason: 'rows of the statement itself' } };
    case 'Filter':
    case 'Sample':
    // Each task numbers its rows in a range of its own.
    case 'AssignUniqueId': {
      const source = place(node.source, placing);
      return { node: withSources(node, [source.node]), spread: source.spread };
    }
    case 'Project': {
      const source = place(node.source, placing);
      const renamed = new Map<string, string[]>();
      for (const { symbol, expression } of node.assignments) {
        if (expression.kind !== 'Reference') continue;
        renamed.set(expression.name, [...(renamed.get(expression.name) ?? []), symbol.name]);
      }
      return {
        node: withSources(node, [source.node]),
        spread: mapKeys(source.spread, (name) => renamed.get(name) ?? []),
      };
    }
    case 'Unnest': {
      const source = place(node.source, placing);
      const kept = new Set(node.replicate.map((symbol) => symbol.name));
      return {
        node: withSources(node, [source.node]),
        spread: mapKeys(source.spread, (name) => (kept.has(name) ? [name] : [])),
      };
    }
    case 'Join':
      return placeJoin(node, placing);
    case 'SemiJoin':
      return placeSemiJoin(node, placing);
    case 'Aggregation':
      if (node.partial) return placePartial(node, place(node.source, placing));
      return splitAggregation(node, place(node.source, placing), placing);
    case 'Window': {
      const source = place(node.source, placing);
      const gathered =
        node.partitionBy.length === 0
          ? gather(source, placing, 'a window without PARTITION BY sees all rows')
          : groupedBy(source, node.partitionBy, placing, `window partitioned by ${names(node.partitionBy)}`);
      return { node: withSources(node, [gathered.node]), spread: gathered.spread };
    }
    case 'Sort': {
      const source = place(node.source, placing);
      const gathered = gather(source, placing, 'an ordered result is made by one task');
      return { node: withSources(node, [gathered.node]), spread: gathered.spread };
    }
    case 'TopN':
    case 'Limit': {
      const source = place(node.source, placing);
      if (isWhole(source.spread)) return { node: withSources(node, [source.node]), spread: source.spread };
      if (node.count === undefined) {
        const gathered = gather(source, placing, 'OFFSET counts all rows');
        return { node: withSources(node, [gathered.node]), spread: gathered.spread };
      }
      const count = (BigInt(node.count) + BigInt(node.offset)).toString();
      const partial: Placed = {
        node: { ...node, id: placing.context.newId(), source: source.node, count, offset: '0', partial: true },
        spread: source.spread,
      };
      const gathered = gather(partial, placing, `${count} rows of every task at most`);
      return { node: withSources(node, [gathered.node]), spread: gathered.spread };
    }
    case 'SetOperation':
      return node.operation === 'UNION ALL' ? placeUnion(node, placing) : placeIntersection(node, placing);
    case 'EnforceSingleRow': {
      const gathered = gather(place(node.source, placing), placing, 'one row is expected of all');
      return { node: withSources(node, [gathered.node]), spread: gathered.spread };
    }
    case 'Apply':
      return { node, spread: { kind: 'single', reason: 'a subquery that no rule could turn into a join' } };
    case 'RecursiveUnion':
    case 'WorkingTable':
      return { node, spread: { kind: 'single', reason: 'the rounds of WITH RECURSIVE follow one another' } };
    case 'Exchange':
    case 'RemoteSource':
    case 'Output':
      throw new Error(`${node.kind} stands in a plan that has no exchanges yet`);
  }
}

/** Groups of each task's own rows: what stands above adds them up. */
function placePartial(node: AggregationNode, source: Placed): Placed {
  const keys = new Set(node.keys.map((key) => key.name));
  return {
    node: withSources(node, [source.node]),
    spread: mapKeys(source.spread, (name) => (keys.has(name) ? [name] : [])),
  };
}

const isScanOnly = (node: PlanNode): boolean =>
  node.kind === 'TableScan' || ((node.kind === 'Filter' || node.kind === 'Project') && isScanOnly(node.source));

function placeJoin(node: JoinNode, placing: Placing): Placed {
  const left = place(node.left, placing);
  const right = place(node.right, placing);
  if (isBetterTurned(node, left, right, placing)) return placeJoined(turned(node), right, left, placing);
  return placeJoined(node, left, right, placing);
}

/** An inner join whose left side is made by one task, or everywhere, is probed with the side that many tasks make. */
const isBetterTurned = (node: JoinNode, left: Placed, right: Placed, { estimator }: Placing): boolean =>
  node.type === 'INNER' &&
  isWhole(left.spread) &&
  !isWhole(right.spread) &&
  (estimator.bytes(node.left) ?? Infinity) <= COPIED_LEFT_BYTES_MAX;

/** A left side up to this size is rather copied to the tasks of the right side than these gathered to it. */
const COPIED_LEFT_BYTES_MAX = 16 * 1024 * 1024;

const turned = (node: JoinNode): JoinNode => ({
  ...node,
  left: node.right,
  right: node.left,
  criteria: node.criteria.map(({ left, right }) => ({ left: right, right: left })),
});

function placeJoined(node: JoinNode, left: Placed, right: Placed, placing: Placing): Placed {
  if (isWhole(left.spread) && isWhole(right.spread)) return single(node, [left, right]);
  if (node.criteria.length === 0 && keepsUnmatchedBuildRows(node)) {
    return together(node, [left, right], placing, `${node.type} join without equal columns`);
  }
  const { distribution, reason } = chooseJoinDistribution(node, left, right, placing);
  if (distribution === 'single') return together(node, [left, right], placing, reason);
  if (distribution === 'broadcast') {
    const build = broadcast(right, placing, reason);
    const joined: JoinNode = { ...node, left: left.node, right: build.node, distribution };
    return { node: joined, spread: node.type === 'INNER' ? withEqualities(left.spread, node) : left.spread };
  }
  const { leftKeys, rightKeys } = partitionKeys(node, left.spread, right.spread);
  const probe = partitionedBy(left, leftKeys, placing, reason);
  const build = partitionedBy(right, rightKeys, placing, reason);
  const { statistics } = placing.estimator;
  const distinctKeys = {
    left: groupsOf(leftKeys, statistics(node.left)),
    right: groupsOf(rightKeys, statistics(node.right)),
  };
  const joined: JoinNode = { ...node, left: probe.node, right: build.node, distribution, distinctKeys };
  return { node: joined, spread: joinedSpread(node, leftKeys, rightKeys, reason) };
}

/** The criteria by which both sides are cut: those by which one of them is cut already, else all. */
function partitionKeys(
  node: JoinNode,
  left: Spread,
  right: Spread,
): { readonly leftKeys: readonly Symbol[]; readonly rightKeys: readonly Symbol[] } {
  const { criteria } = node;
  const alongside = (spread: Spread, side: 'left' | 'right'): typeof criteria | undefined => {
    if (spread.kind !== 'hash' || spread.keys.length === 0) return undefined;
    const chosen = spread.keys.map((key) => criteria.find((clause) => key.has(clause[side].name)));
    return chosen.every((clause) => clause !== undefined) ? chosen : undefined;
  };
  const chosen = alongside(left, 'left') ?? alongside(right, 'right') ?? criteria;
  return { leftKeys: chosen.map((clause) => clause.left), rightKeys: chosen.map((clause) => clause.right) };
}

/** Which keys still tell the task of a row once the join's own NULLs are among them. */
function joinedSpread(node: JoinNode, left: readonly Symbol[], right: readonly Symbol[], reason: string): Spread {
  const keys = left.map((key, i) => {
    switch (node.type) {
      case 'INNER':
        return new Set([key.name, right[i]!.name]);
      case 'LEFT':
      case 'SEMI':
      case 'ANTI':
        return new Set([key.name]);
      case 'RIGHT':
        return new Set([right[i]!.name]);
      case 'FULL':
        return new Set<string>();
    }
  });
  return { kind: 'hash', keys: keys.some((key) => key.size === 0) ? [] : keys, reason };
}

/** After an inner join the other side's column is as good a key. */
function withEqualities(spread: Spread, node: JoinNode): Spread {
  if (spread.kind !== 'hash') return spread;
  const keys = spread.keys.map((key) => {
    const equal = node.criteria.filter(({ left }) => key.has(left.name)).map(({ right }) => right.name);
    return new Set([...key, ...equal]);
  });
  return { ...spread, keys };
}

/** NULL among the candidates decides for every row, so each task needs all of them: never partitioned. */
function placeSemiJoin(node: SemiJoinNode, placing: Placing): Placed {
  const source = place(node.source, placing);
  const filtering = place(node.filteringSource, placing);
  if (isWhole(source.spread) && isWhole(filtering.spread)) return single(node, [source, filtering]);
  if (isWhole(source.spread)) return together(node, [source, filtering], placing, 'one task has the rows to look up');
  const reason = `candidates of IN for every task: ${describeRows(placing.estimator.rows(node.filteringSource))}`;
  const build = broadcast(filtering, placing, reason);
  return {
    node: { ...node, source: source.node, filteringSource: build.node, distribution: 'broadcast' },
    spread: source.spread,
  };
}

function placeUnion(node: SetOperationNode, placing: Placing): Placed {
  const placed = node.sources.map((source) => place(source, placing));
  if (placed.every(({ spread }) => isWhole(spread))) return single(node, placed);
  const spreads = placed.map(({ spread }, i) => alignKeys(spread, node, i));
  const first = spreads[0]!;
  if (spreads.every((spread) => spread.kind === 'source')) {
    return { node: withSources(node, nodesOf(placed)), spread: first };
  }
  if (first.kind === 'hash' && spreads.every((spread) => spread.kind === 'hash')) {
    return { node: withSources(node, nodesOf(placed)), spread: { ...first, keys: commonKeys(spreads) } };
  }
  const reason = 'the parts of a union come from unlike fragments';
  const moved = placed.map((part) => (part.spread.kind === 'hash' ? part : repartition(part, [], placing, reason)));
  return { node: withSources(node, nodesOf(moved)), spread: { kind: 'hash', keys: [], reason } };
}

/** By what all parts are cut: a column that tells a row's task in one of them need not in another. */
function commonKeys(spreads: readonly Spread[]): readonly ReadonlySet<string>[] {
  const [first, ...others] = spreads.map((spread) => (spread.kind === 'hash' ? spread.keys : []));
  if (!first || others.some((keys) => keys.length !== first.length)) return [];
  const common = first.map(
    (names, i) => new Set([...names].filter((name) => others.every((keys) => keys[i]!.has(name)))),
  );
  return common.some((names) => names.size === 0) ? [] : common;
}

/** The union's symbols in place of the source's. */
function alignKeys(spread: Spread, node: SetOperationNode, source: number): Spread {
  return mapKeys(spread, (name) =>
    node.symbols.filter((_, i) => node.inputs[source]![i]!.name === name).map((symbol) => symbol.name),
  );
}

/** Equal rows of both sides must meet: all are cut by all their columns. */
function placeIntersection(node: SetOperationNode, placing: Placing): Placed {
  const placed = node.sources.map((source) => place(source, placing));
  if (placed.every(({ spread }) => isWhole(spread))) return single(node, placed);
  const reason = `equal rows meet for ${node.operation}`;
  if (node.symbols.length === 0) return together(node, placed, placing, reason);
  const moved = placed.map((part, i) => repartition(part, node.inputs[i]!, placing, reason));
  return {
    node: withSources(node, nodesOf(moved)),
    spread: { kind: 'hash', keys: node.symbols.map((symbol) => new Set([symbol.name])), reason },
  };
}

const nodesOf = (placed: readonly Placed[]): readonly PlanNode[] => placed.map(({ node }) => node);

/** A node whose sources are all in one task already. */
function single(node: PlanNode, sources: readonly Placed[]): Placed {
  const spread = sources.map((source) => source.spread).find(({ kind }) => kind === 'single');
  return { node: withSources(node, nodesOf(sources)), spread: spread ?? { kind: 'everywhere' } };
}

/** Brings all sources into one task. */
function together(node: PlanNode, sources: readonly Placed[], placing: Placing, reason: string): Placed {
  const gathered = sources.map((source) => gather(source, placing, reason));
  return { node: withSources(node, nodesOf(gathered)), spread: { kind: 'single', reason } };
}

const names = (symbols: readonly Symbol[]): string => symbols.map((symbol) => symbol.name).join(', ');
