/**
 * Looks at a plan again with the exact rows and bytes of the stages that have ended, before the next one starts. What was
 * written stays as it was written: files cut into partitions may be read whole, by one task or by all, but never cut anew.
 *
 * A later extension: the least and greatest keys of a finished side, as constraints of scans that have not started.
 */

import type { DistributedPlan, Fragment } from './fragment.ts';
import {
  type FragmentResult,
  fragmentOf,
  hasOneReader,
  mapRemotes,
  replaced,
  takenIn,
  withRoot,
} from './fragment-edits.ts';
import { checkFragments, remoteSourcesOf, violationIn } from './fragment-checker.ts';
import { withSmallInputsInside } from './inline-small-fragments.ts';
import { describeRows } from './join-distribution.ts';
import type { JoinNode, PlanNode } from './nodes.ts';
import { sourcesOf, withSources } from './nodes.ts';
import type { ClusterShape } from './rule.ts';
import { withReducedSides } from './reduce-shuffled-side.ts';
import { SMALL_INPUT_BYTES, SMALL_INPUT_ROWS } from './small-input.ts';

/** A finished build side up to this size is copied to every task rather than have its probe side shuffled. */
const COPIED_BYTES_MAX = 32 * 1024 * 1024;
const COPIED_ROWS_MAX = 1_000_000;

/** `started`: fragments whose tasks run already or have ended; they stay as they are. */
export function adapt(
  plan: DistributedPlan,
  finished: ReadonlyMap<number, FragmentResult>,
  cluster: ClusterShape,
  started: ReadonlySet<number>,
): DistributedPlan {
  const isOpen = (id: number): boolean => !finished.has(id) && !started.has(id);
  let current = plan;
  for (const { id } of plan.fragments) {
    if (!isOpen(id)) continue;
    current = withoutShuffle(current, id, finished, isOpen, cluster);
    current = withReducedSides(current, id, finished, isOpen);
  }
  for (const { id } of current.fragments.toReversed()) {
    if (!isOpen(id)) continue;
    current = inOneTask(current, id, finished);
    current = withInputsInside(current, id, isOpen);
    current = withSmallInputsInside(current, id, finished, isOpen);
  }
  if (current !== plan) checkFragments(current, 'adapt');
  return current;
}

/** All that it is made from is written and small: one task reads it whole, and its readers need no stage of their own. */
function inOneTask(plan: DistributedPlan, id: number, finished: ReadonlyMap<number, FragmentResult>): DistributedPlan {
  const fragment = fragmentOf(plan, id);
  if (!fragment || fragment.partitioning !== 'hash') return plan;
  const size = sizeOfInputs(plan, fragment, finished);
  if (!size || size.rows > SMALL_INPUT_ROWS || size.bytes > SMALL_INPUT_BYTES) return plan;
  const root = mapRemotes(fragment.root, (remote) => ({ ...remote, scope: { kind: 'gather' } }));
  const reason = `its inputs turned out small: ${describeRows(size.rows, 'exactly')}`;
  return replaced(plan, { ...fragment, root, partitioning: 'single', reason });
}

/** What the fragment is made from, through fragments that one task will make; undefined while tables are still to be read. */
function sizeOfInputs(
  plan: DistributedPlan,
  fragment: Fragment,
  finished: ReadonlyMap<number, FragmentResult>,
): FragmentResult | undefined {
  if (fragment.inputs.length === 0) return undefined;
  let rows = 0;
  let bytes = 0;
  for (const id of fragment.inputs) {
    const input = fragmentOf(plan, id);
    const size =
      finished.get(id) ?? (input?.partitioning === 'single' ? sizeOfInputs(plan, input, finished) : undefined);
    if (!size) return undefined;
    rows += size.rows;
    bytes += size.bytes;
  }
  return { rows, bytes };
}

/** A single fragment takes in the single fragments that it alone reads and that have not started. */
function withInputsInside(plan: DistributedPlan, id: number, isOpen: (id: number) => boolean): DistributedPlan {
  let current = plan;
  for (;;) {
    const reader: Fragment | undefined = fragmentOf(current, id);
    if (!reader || reader.partitioning !== 'single') return current;
    const inner: Fragment | undefined = reader.inputs
      .map((input) => fragmentOf(current, input))
      .find((input) => input?.partitioning === 'single' && isOpen(input.id) && hasOneReader(current, input.id));
    if (!inner) return current;
    current = takenIn(current, reader, inner.id, inner.root);
  }
}

/**
 * A join of two shuffled sides of which one is written and small while the other has not started: that one is read whole by
 * the tasks that make the other, which then need not be shuffled.
 */
function withoutShuffle(
  plan: DistributedPlan,
  id: number,
  finished: ReadonlyMap<number, FragmentResult>,
  isOpen: (id: number) => boolean,
  cluster: ClusterShape,
): DistributedPlan {
  const fragment = fragmentOf(plan, id);
  if (!fragment || fragment.partitioning !== 'hash') return plan;
  const shuffled = remoteSourcesOf(fragment.root).filter((remote) => remote.scope.kind === 'repartition');
  const open = shuffled.filter((remote) => isOpen(remote.fragment));
  const [only] = open;
  if (!only || open.length > 1 || shuffled.length < 2) return plan;
  const probe = fragmentOf(plan, only.fragment);
  if (!probe || probe.partitioning === 'single' || !hasOneReader(plan, probe.id)) return plan;
  let rows = 0;
  let bytes = 0;
  for (const remote of shuffled) {
    if (remote === only) continue;
    const result = finished.get(remote.fragment);
    if (!result) return plan;
    rows += result.rows;
    bytes += result.bytes;
  }
  if (rows > COPIED_ROWS_MAX || bytes * cluster.workers > COPIED_BYTES_MAX * 2) return plan;
  const root = probeLeft(
    mapRemotes(fragment.root, (remote) => {
      if (remote === only) return probe.root;
      return remote.scope.kind === 'repartition' ? { ...remote, scope: { kind: 'broadcast' } } : remote;
    }),
    probe.root,
  );
  const merged: Fragment = {
    ...withRoot(fragment, root),
    partitioning: probe.partitioning,
    reason: `build side turned out small: ${describeRows(rows, 'exactly')}`,
  };
  return violationIn(merged) === undefined ? replaced(plan, merged, probe.id) : plan;
}

/** The side that is read whole becomes the build side of every inner join on the way down to `probe`. */
function probeLeft(node: PlanNode, probe: PlanNode): PlanNode {
  if (node === probe || !holds(node, probe)) return node;
  const moved = withSources(
    node,
    sourcesOf(node).map((source) => probeLeft(source, probe)),
  );
  if (moved.kind !== 'Join') return moved;
  const join: JoinNode = { ...moved, distribution: 'broadcast' };
  if (join.type !== 'INNER' || !holds(join.right, probe)) return join;
  const criteria = join.criteria.map(({ left, right }) => ({ left: right, right: left }));
  return { ...join, left: join.right, right: join.left, criteria };
}

const holds = (node: PlanNode, part: PlanNode): boolean =>
  node === part || sourcesOf(node).some((source) => holds(source, part));
