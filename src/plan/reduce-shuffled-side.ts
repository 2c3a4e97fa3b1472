/**
 * A shuffled side of a join that has not started is first reduced to the rows whose keys the other side, which is written
 * and much smaller, has: the others would be shuffled for nothing.
 */

import type { Symbol } from '../sql/expression.ts';
import type { DistributedPlan, Fragment } from './fragment.ts';
import { type FragmentResult, fragmentOf, hasOneReader, replaced, withRoot } from './fragment-edits.ts';
import type { JoinNode, PlanNode, RemoteSourceNode } from './nodes.ts';
import { sourcesOf, withSources } from './nodes.ts';
import { spineOf } from './stage-order.ts';

/** A written side up to this size is read whole by every task of the other side. */
const READ_BYTES_MAX = 16 * 1024 * 1024;
const READ_ROWS_MAX = 500_000;
/** How many times more rows the other side must have. */
const LARGER_FROM = 4;
/** How many times more keys the other side must have than can be found: else nearly all of its rows stay. */
const MORE_KEYS_FROM = 2;

export function withReducedSides(
  plan: DistributedPlan,
  id: number,
  finished: ReadonlyMap<number, FragmentResult>,
  isOpen: (id: number) => boolean,
): DistributedPlan {
  const fragment = fragmentOf(plan, id);
  if (!fragment || fragment.partitioning !== 'hash') return plan;
  let current = plan;
  for (const join of joinsIn(fragment.root)) {
    for (const { by, reduced, keys, distinctKeys } of reductionsOf(join)) {
      const written = finished.get(by.fragment);
      const open = fragmentOf(current, reduced.fragment);
      if (!written || !open || !isOpen(open.id) || open.inputs.includes(by.fragment)) continue;
      if (!hasOneReader(current, open.id)) continue;
      const isSmall = written.rows <= READ_ROWS_MAX && written.bytes <= READ_BYTES_MAX;
      if (!isSmall || (open.estimatedRows ?? 0) < written.rows * LARGER_FROM) continue;
      if (distinctKeys !== undefined && distinctKeys < written.rows * MORE_KEYS_FROM) continue;
      current = replaced(current, reducedBy(open, by, keys, current));
      current = replaced(current, withoutReducing(fragmentOf(current, id)!, join, reduced));
    }
  }
  return current;
}

type Reduction = {
  readonly by: RemoteSourceNode;
  readonly reduced: RemoteSourceNode;
  readonly keys: readonly { readonly of: Symbol; readonly by: Symbol }[];
  /** Of the reduced side, as estimated. */
  readonly distinctKeys: number | undefined;
};

/** Rows of a side may go when, without a match, the join would not yield them. */
function reductionsOf(join: JoinNode): readonly Reduction[] {
  const result: Reduction[] = [];
  const add = (reducedSide: 'left' | 'right', bySide: 'left' | 'right'): void => {
    const reduced = join[reducedSide];
    const by = spineOf(join[bySide]);
    if (!by || reduced.kind !== 'RemoteSource' || reduced.scope.kind !== 'repartition') return;
    const keys = join.criteria
      .map((clause) => ({ of: clause[reducedSide], by: clause[bySide] }))
      .filter((key) => by.symbols.some(({ name }) => name === key.by.name));
    if (keys.length > 0) result.push({ by, reduced, keys, distinctKeys: join.distinctKeys?.[reducedSide] });
  };
  const { type } = join;
  if (type === 'INNER' || type === 'RIGHT') add('left', 'right');
  if (type === 'INNER' || type === 'LEFT' || type === 'SEMI' || type === 'ANTI') add('right', 'left');
  return result;
}

/** What its stage reduced already, the join need not reduce again. */
function withoutReducing(fragment: Fragment, join: JoinNode, reduced: RemoteSourceNode): Fragment {
  const visit = (node: PlanNode): PlanNode => {
    if (node.kind === 'Join' && node.id === join.id && node.right === reduced) {
      const { reducesRight: _, ...rest } = node;
      return rest;
    }
    return withSources(node, sourcesOf(node).map(visit));
  };
  return { ...fragment, root: visit(fragment.root) };
}

const joinsIn = (node: PlanNode): readonly JoinNode[] => [
  ...(node.kind === 'Join' ? [node] : []),
  ...sourcesOf(node).flatMap(joinsIn),
];

function reducedBy(open: Fragment, by: RemoteSourceNode, keys: Reduction['keys'], plan: DistributedPlan): Fragment {
  const id = Math.max(...plan.fragments.map(({ root }) => greatestId(root))) + 1;
  const root: JoinNode = {
    kind: 'Join',
    id,
    type: 'SEMI',
    left: open.root,
    right: { ...by, id: id + 1, scope: { kind: 'broadcast' } },
    criteria: keys.map((key) => ({ left: key.of, right: key.by })),
    distribution: 'broadcast',
  };
  return withRoot(open, root);
}

const greatestId = (node: PlanNode): number => Math.max(node.id, ...sourcesOf(node).map(greatestId));
