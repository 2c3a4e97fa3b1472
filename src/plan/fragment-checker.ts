/**
 * Checks that fragments may run as they say: in a fragment of several tasks every row of the answer is made by exactly one,
 * and whatever must see rows together sees them in one task.
 */

import { assert } from '../common/assert.ts';
import { sameType } from '../types/type.ts';
import type { DistributedPlan, Fragment } from './fragment.ts';
import type { JoinNode, PlanNode, RemoteSourceNode } from './nodes.ts';
import { sourcesOf } from './nodes.ts';

/** Throws an AssertionError that names the fragment and what is wrong with it. */
export function checkFragments(plan: DistributedPlan, after: string): void {
  for (const fragment of plan.fragments) {
    const wrong = violationIn(fragment) ?? inputViolation(fragment, plan);
    assert(
      wrong === undefined,
      `fragment ${fragment.id} can run as ${fragment.partitioning} (after ${after}): ${wrong}`,
    );
  }
}

/** Why the fragment must not run so, or undefined. */
export function violationIn(fragment: Fragment): string | undefined {
  if (fragment.partitioning === 'single') return undefined;
  const found = shareOf(fragment.root, fragment.partitioning);
  if (typeof found === 'object') return found.wrong;
  return found === 'whole' ? 'every task would yield the same rows' : undefined;
}

/** What a task has of a node's rows: a share of its own, or all of them; or why it cannot be. */
type Share = 'share' | 'whole' | { readonly wrong: string };

function shareOf(node: PlanNode, partitioning: 'source' | 'hash'): Share {
  if (node.kind === 'TableScan') {
    if (node.repeated) return 'whole';
    return partitioning === 'source' ? 'share' : { wrong: 'a table is scanned where tasks stand for partitions' };
  }
  if (node.kind === 'Values') return 'whole';
  if (node.kind === 'RemoteSource') return shareOfRemote(node, partitioning);
  const shares = sourcesOf(node).map((source) => shareOf(source, partitioning));
  const wrong = shares.find((share) => typeof share === 'object');
  if (wrong) return wrong;
  if (shares.every((share) => share === 'whole')) return 'whole';
  switch (node.kind) {
    case 'Filter':
    case 'Project':
    case 'Unnest':
    case 'Sample':
    case 'AssignUniqueId':
    case 'Output':
      return 'share';
    case 'Join':
      return shareOfJoin(node, shares, partitioning);
    case 'SemiJoin':
      return shares[1] === 'whole' ? 'share' : { wrong: 'IN sees a part of its candidates' };
    case 'Aggregation':
      if (node.partial) return 'share';
      return partitioning === 'hash' && node.keys.length > 0 ? 'share' : { wrong: 'groups are spread over tasks' };
    case 'Window':
      return partitioning === 'hash' && node.partitionBy.length > 0
        ? 'share'
        : { wrong: 'window partitions are spread over tasks' };
    case 'Sort':
    case 'TopN':
    case 'Limit':
      return node.partial ? 'share' : { wrong: `${node.kind} sees a part of the rows` };
    case 'SetOperation':
      if (shares.includes('whole')) return { wrong: `${node.operation} reads some rows in every task` };
      return partitioning === 'hash' || node.operation === 'UNION ALL'
        ? 'share'
        : { wrong: `equal rows for ${node.operation} are spread over tasks` };
    case 'Apply':
    case 'EnforceSingleRow':
    case 'RecursiveUnion':
    case 'WorkingTable':
    case 'Exchange':
      return { wrong: `${node.kind} stands in a fragment of several tasks` };
  }
}

function shareOfRemote(node: RemoteSourceNode, partitioning: 'source' | 'hash'): Share {
  if (node.scope.kind === 'broadcast') return 'whole';
  if (node.scope.kind === 'repartition' && partitioning === 'hash') return 'share';
  return { wrong: `${node.scope.kind} of fragment ${node.fragment} is read by several tasks` };
}

function shareOfJoin(node: JoinNode, [left, right]: readonly Share[], partitioning: 'source' | 'hash'): Share {
  if (left === 'share' && right === 'share') {
    return partitioning === 'hash' && node.criteria.length > 0 ? 'share' : { wrong: 'both sides of a join are spread' };
  }
  const spreadSide = left === 'share' ? 'left' : 'right';
  const padsSpreadSide = node.type === 'FULL' || node.type === (spreadSide === 'left' ? 'RIGHT' : 'LEFT');
  const onlyLeft = node.type === 'SEMI' || node.type === 'ANTI';
  if (padsSpreadSide || (onlyLeft && spreadSide === 'right')) {
    return { wrong: `${node.type} join with its ${spreadSide} side spread and the other whole` };
  }
  return 'share';
}

function inputViolation(fragment: Fragment, plan: DistributedPlan): string | undefined {
  const remotes = remoteSourcesOf(fragment.root);
  for (const remote of remotes) {
    const producer = plan.fragments.find(({ id }) => id === remote.fragment);
    if (!producer) return `it reads fragment ${remote.fragment}, which is not there`;
    const same =
      producer.outputSymbols.length === remote.symbols.length &&
      producer.outputSymbols.every((symbol, i) => {
        const read = remote.symbols[i]!;
        return symbol.name === read.name && sameType(symbol.type, read.type);
      });
    if (!same) return `it reads other columns than fragment ${remote.fragment} writes`;
    if (remote.scope.kind === 'repartition' && producer.output?.kind !== 'repartition') {
      return `it reads partitions that fragment ${remote.fragment} does not cut`;
    }
  }
  const read = new Set(remotes.map((remote) => remote.fragment));
  const listed = new Set(fragment.inputs);
  return read.size === listed.size && [...read].every((id) => listed.has(id))
    ? undefined
    : 'its inputs are not what it reads';
}

export const remoteSourcesOf = (node: PlanNode): readonly RemoteSourceNode[] =>
  node.kind === 'RemoteSource' ? [node] : sourcesOf(node).flatMap(remoteSourcesOf);
