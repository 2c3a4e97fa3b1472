/** How rows are spread over tasks, and the exchanges that spread them otherwise. */

import type { Symbol } from '../sql/expression.ts';
import type { Placement, PlanNode } from './nodes.ts';
import { sourcesOf, withSources } from './nodes.ts';
import type { RuleContext } from './rule.ts';
import type { Estimator } from './statistics.ts';

/** How the rows of a node are spread over the tasks of its fragment. */
export type Spread =
  /** One task has all. */
  | { readonly kind: 'single'; readonly reason: string }
  /** Every task can make all of them by itself: constants, and tables so small that each may read them whole. */
  | { readonly kind: 'everywhere' }
  /** Tasks read different splits of a table. */
  | { readonly kind: 'source'; readonly reason: string }
  /**
   * Rows that agree in `keys` are in the same task. Each position is a set of symbols that are equal in every row; no
   * position at all means spread evenly.
   */
  | { readonly kind: 'hash'; readonly keys: readonly ReadonlySet<string>[]; readonly reason: string };

export type Placed = { readonly node: PlanNode; readonly spread: Spread };

/** Everything that placing a node needs. */
export type Placing = {
  readonly context: RuleContext;
  readonly estimator: Estimator;
  /** Whether the rows below are so few that one task makes them fastest. */
  readonly isSmall: (node: PlanNode) => string | undefined;
  /** Whether every task had better make the rows itself than wait for another that does. */
  readonly isRepeatable: (node: PlanNode) => boolean;
};

export const isWhole = (spread: Spread): boolean => spread.kind === 'single' || spread.kind === 'everywhere';

export const placementOf = (spread: Spread): Placement => {
  if (spread.kind === 'everywhere') return { partitioning: 'single', reason: 'little to read' };
  return { partitioning: spread.kind, reason: spread.reason };
};

export function gather(placed: Placed, { context }: Placing, reason: string): Placed {
  if (isWhole(placed.spread)) return placed;
  const node: PlanNode = {
    kind: 'Exchange',
    id: context.newId(),
    source: placed.node,
    scope: { kind: 'gather' },
    placement: placementOf(placed.spread),
  };
  return { node, spread: { kind: 'single', reason } };
}

/** All rows for every task; what each can make by itself is not moved. */
export function broadcast(placed: Placed, { context }: Placing, reason: string): Placed {
  if (placed.spread.kind === 'everywhere') return { node: repeated(placed.node), spread: placed.spread };
  const placement = { ...placementOf(placed.spread), reason };
  const node: PlanNode = {
    kind: 'Exchange',
    id: context.newId(),
    source: placed.node,
    scope: { kind: 'broadcast' },
    placement,
  };
  return { node, spread: placed.spread };
}

/** Every task reads the tables below whole. */
const repeated = (node: PlanNode): PlanNode =>
  node.kind === 'TableScan' ? { ...node, repeated: true } : withSources(node, sourcesOf(node).map(repeated));

export function repartition(placed: Placed, keys: readonly Symbol[], { context }: Placing, reason: string): Placed {
  const node: PlanNode = {
    kind: 'Exchange',
    id: context.newId(),
    source: placed.node,
    scope: { kind: 'repartition', keys },
    placement: placementOf(placed.spread),
  };
  return { node, spread: { kind: 'hash', keys: keys.map((key) => new Set([key.name])), reason } };
}

/** Cut by exactly these keys, in this order: what the two sides of a join must agree on. */
export function partitionedBy(placed: Placed, keys: readonly Symbol[], placing: Placing, reason: string): Placed {
  const { spread } = placed;
  const already =
    spread.kind === 'hash' &&
    spread.keys.length === keys.length &&
    keys.length > 0 &&
    spread.keys.every((key, i) => key.has(keys[i]!.name));
  return already ? placed : repartition(placed, keys, placing, reason);
}

/** Rows that agree in `keys` in one task; being cut by some of the keys is enough. */
export function groupedBy(placed: Placed, keys: readonly Symbol[], placing: Placing, reason: string): Placed {
  return isGroupedBy(placed.spread, keys) ? placed : repartition(placed, keys, placing, reason);
}

export function isGroupedBy(spread: Spread, keys: readonly Symbol[]): boolean {
  if (isWhole(spread)) return true;
  const wanted = new Set(keys.map((key) => key.name));
  return (
    spread.kind === 'hash' && spread.keys.length > 0 && spread.keys.every((key) => [...key].some((n) => wanted.has(n)))
  );
}

/** Follows keys through a renaming; a position that loses all its names makes the spread unknown. */
export function mapKeys(spread: Spread, map: (name: string) => readonly string[]): Spread {
  if (spread.kind !== 'hash') return spread;
  const keys = spread.keys.map((key) => new Set([...key].flatMap(map)));
  return { ...spread, keys: keys.some((key) => key.size === 0) ? [] : keys };
}
