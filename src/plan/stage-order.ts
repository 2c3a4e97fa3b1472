/**
 * Which side of a shuffled join is made first: the one that, once its exact size is known, may be copied instead of shuffled,
 * or may tell which rows of the other side are worth shuffling.
 */

import type { DistributedPlan } from './fragment.ts';
import { hasOneReader } from './fragment-edits.ts';
import type { JoinNode, PlanNode, RemoteSourceNode } from './nodes.ts';
import { sourcesOf } from './nodes.ts';

/** Sides that are surely large tell nothing new when they are done: the others need not wait. */
const AWAITED_ROWS_MAX = 20_000_000;

export function orderStages(plan: DistributedPlan): DistributedPlan {
  const awaited = new Map<number, number[]>();
  const rowsOf = (id: number): number =>
    plan.fragments.find((fragment) => fragment.id === id)?.estimatedRows ?? Infinity;
  for (const { root } of plan.fragments) {
    for (const { first, second } of pairsIn(root)) {
      // What several read is made as it stands, and might have to wait for itself.
      if (rowsOf(first) > AWAITED_ROWS_MAX || !hasOneReader(plan, first) || !hasOneReader(plan, second)) continue;
      awaited.set(second, [...(awaited.get(second) ?? []), first]);
    }
  }
  const fragments = plan.fragments.map((fragment) => {
    const startsAfter = awaited.get(fragment.id);
    return startsAfter ? { ...fragment, startsAfter } : fragment;
  });
  return { ...plan, fragments };
}

type Pair = { readonly first: number; readonly second: number };

/** Sides of different joins are different parts of the plan, so that no fragment ever waits for itself. */
function pairsIn(node: PlanNode): readonly Pair[] {
  const below = sourcesOf(node).flatMap(pairsIn);
  if (node.kind !== 'Join' || node.type === 'FULL') return below;
  const left = spineOf(node.left)?.fragment;
  const right = spineOf(node.right)?.fragment;
  if (left === undefined || right === undefined) return below;
  return [...below, node.reducesRight ? { first: left, second: right } : { first: right, second: left }];
}

/** The shuffled input whose rows a node passes on, perhaps fewer or beside others'. */
export function spineOf(node: PlanNode): RemoteSourceNode | undefined {
  if (node.kind === 'RemoteSource') return node.scope.kind === 'repartition' ? node : undefined;
  if (node.kind === 'Filter' || node.kind === 'Project') return spineOf(node.source);
  return node.kind === 'Join' && keepsLeft(node) ? spineOf(node.left) : undefined;
}

/** The left side's columns are its own in every row. */
const keepsLeft = ({ type }: JoinNode): boolean => type !== 'RIGHT' && type !== 'FULL';
