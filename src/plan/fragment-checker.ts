/**
 * Checks that fragments may run as they say: in a fragment of several tasks every row of the answer is made by exactly one,
 * and whatever must see rows together sees them in one task, by what the rows were cut.
 */

import { assert } from '../common/assert.ts';
import type { Symbol } from '../sql/expression.ts';
import { sameType } from '../types/type.ts';
import {
  type Cut,
  cutBesideWhole,
  cutOfGroups,
  cutOfJoin,
  cutOfUnion,
  holdsGroups,
  holdsTogether,
  keptCut,
  meets,
  renamedCut,
} from './cut-keys.ts';
import type { DistributedPlan, Fragment } from './fragment.ts';
import type { JoinNode, PlanNode, ProjectNode, RemoteSourceNode } from './nodes.ts';
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
  if (found === 'whole') return 'every task would yield the same rows';
  return 'wrong' in found ? found.wrong : undefined;
}

/** What a task has of a node's rows: a share of its own, cut so, or all of them; or why it cannot be. */
type Share = { readonly cut: Cut } | 'whole' | { readonly wrong: string };

const ANYHOW: Share = { cut: [] };
const isShare = (share: Share | undefined): share is { readonly cut: Cut } =>
  typeof share === 'object' && 'cut' in share;

function shareOf(node: PlanNode, partitioning: 'source' | 'hash'): Share {
  if (node.kind === 'TableScan') {
    if (node.repeated) return 'whole';
    return partitioning === 'source' ? ANYHOW : { wrong: 'a table is scanned where tasks stand for partitions' };
  }
  if (node.kind === 'Values') return 'whole';
  if (node.kind === 'RemoteSource') return shareOfRemote(node, partitioning);
  const shares = sourcesOf(node).map((source) => shareOf(source, partitioning));
  const wrong = shares.find((share) => typeof share === 'object' && 'wrong' in share);
  if (wrong) return wrong;
  if (shares.every((share) => share === 'whole')) return 'whole';
  const cuts = shares.map((share) => (isShare(share) ? share.cut : []));
  const cut = cuts[0]!;
  switch (node.kind) {
    case 'Filter':
    case 'Sample':
    case 'AssignUniqueId':
    case 'Output':
      return { cut };
    case 'Project':
      return { cut: renamedCut(cut, (name) => namesAbove(node, name)) };
    case 'Unnest':
      return { cut: keptCut(cut, new Set(node.replicate.map((symbol) => symbol.name))) };
    case 'Join':
      return shareOfJoin(node, shares);
    case 'SemiJoin':
      return shares[1] === 'whole' ? { cut } : { wrong: 'IN sees a part of its candidates' };
    case 'Aggregation':
      if (!node.partial && !holdsGroups(cut, node)) return { wrong: 'groups are spread over tasks' };
      return { cut: cutOfGroups(cut, node) };
    case 'Window':
      return holdsTogether(cut, node.partitionBy) ? { cut } : { wrong: 'window partitions are spread over tasks' };
    case 'TopN':
    case 'Limit':
      return node.partial ? { cut } : { wrong: `${node.kind} sees a part of the rows` };
    case 'SetOperation': {
      if (shares.includes('whole')) return { wrong: `${node.operation} reads some rows in every task` };
      const common = cutOfUnion(node, cuts);
      return node.operation === 'UNION ALL' || common.length > 0
        ? { cut: common }
        : { wrong: `equal rows for ${node.operation} are spread over tasks` };
    }
    case 'Sort':
    case 'Apply':
    case 'EnforceSingleRow':
    case 'RecursiveUnion':
    case 'WorkingTable':
    case 'Exchange':
      return { wrong: `${node.kind} stands in a fragment of several tasks` };
  }
}

/** Under which names a column goes on. */
const namesAbove = ({ assignments }: ProjectNode, name: string): readonly string[] =>
  assignments
    .filter(({ expression }) => expression.kind === 'Reference' && expression.name === name)
    .map(({ symbol }) => symbol.name);

function shareOfRemote(node: RemoteSourceNode, partitioning: 'source' | 'hash'): Share {
  const { scope } = node;
  if (scope.kind === 'broadcast') return 'whole';
  if (scope.kind === 'repartition' && partitioning === 'hash') {
    return { cut: scope.keys.map((key) => new Set([key.name])) };
  }
  return { wrong: `${scope.kind} of fragment ${node.fragment} is read by several tasks` };
}

function shareOfJoin(node: JoinNode, [left, right]: readonly Share[]): Share {
  if (isShare(left) && isShare(right)) {
    return meets(node, left.cut, right.cut)
      ? { cut: cutOfJoin(node, left.cut, right.cut) }
      : { wrong: 'both sides of a join are spread, and not by what it holds equal' };
  }
  const [side, share] = isShare(left)
    ? (['left', left] as const)
    : (['right', right as { readonly cut: Cut }] as const);
  const padsSpreadSide = node.type === 'FULL' || node.type === (side === 'left' ? 'RIGHT' : 'LEFT');
  const onlyLeft = node.type === 'SEMI' || node.type === 'ANTI';
  if (padsSpreadSide || (onlyLeft && side === 'right')) {
    return { wrong: `${node.type} join with its ${side} side spread and the other whole` };
  }
  return { cut: cutBesideWhole(node, side, share.cut) };
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
    if (remote.scope.kind === 'repartition' && !isCutBy(producer, remote.scope.keys)) {
      return `it reads partitions that fragment ${remote.fragment} does not cut`;
    }
  }
  const read = new Set(remotes.map((remote) => remote.fragment));
  const listed = new Set(fragment.inputs);
  return read.size === listed.size && [...read].every((id) => listed.has(id))
    ? undefined
    : 'its inputs are not what it reads';
}

const isCutBy = ({ output, outputSymbols }: Fragment, keys: readonly Symbol[]): boolean =>
  output?.kind === 'repartition' &&
  output.keys.length === keys.length &&
  output.keys.every((key, i) => key.name === keys[i]!.name && outputSymbols.some((symbol) => symbol.name === key.name));

export const remoteSourcesOf = (node: PlanNode): readonly RemoteSourceNode[] =>
  node.kind === 'RemoteSource' ? [node] : sourcesOf(node).flatMap(remoteSourcesOf);
