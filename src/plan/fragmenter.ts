/** Cuts a plan at its exchanges into fragments that run on different workers. */

import { assert } from '../common/assert.ts';
import { isDeterministic } from './determinism.ts';
import type { DistributedPlan, Fragment } from './fragment.ts';
import type { ExchangeScope, OutputNode, Placement, PlanNode, PlanNodeId } from './nodes.ts';
import { outputsOf, sourcesOf, withSources } from './nodes.ts';

/** Fragment 0 is the root; a fragment's inputs have higher numbers. `estimatedRows` by node id. */
export function fragmentPlan(root: OutputNode, estimatedRows: ReadonlyMap<PlanNodeId, number>): DistributedPlan {
  const fragments: Fragment[] = [];
  let next = 0;

  const cut = (top: PlanNode, placement: Placement, output?: ExchangeScope): number => {
    const id = next;
    next += 1;
    const inputs: number[] = [];
    const replace = (node: PlanNode): PlanNode => {
      if (node.kind !== 'Exchange') return withSources(node, sourcesOf(node).map(replace));
      const fragment = cut(node.source, node.placement, node.scope);
      inputs.push(fragment);
      const symbols = outputsOf(node.source);
      return { kind: 'RemoteSource', id: node.id, fragment, symbols, scope: node.scope };
    };
    const body = replace(top);
    const rows = estimatedRows.get(top.id);
    fragments[id] = {
      id,
      root: body,
      partitioning: placement.partitioning,
      ...(output ? { output } : {}),
      outputSymbols: outputsOf(top),
      inputs,
      deterministic: isDeterministic(body),
      ordered: output === undefined && isOrdered(top),
      reason: placement.reason,
      ...(rows === undefined ? {} : { estimatedRows: rows }),
    };
    return id;
  };

  assert(root.placement, 'exchanges were added before the plan is cut');
  cut(root, root.placement);
  return {
    fragments: fragments.map((fragment) => ({ ...fragment, ...buildSidesFirst(fragment, fragments) })),
    columns: root.columns,
  };
}

/** Build sides that are surely large tell nothing new when they are done: their probe sides need not wait. */
const AWAITED_ROWS_MAX = 20_000_000;

/** A fragment whose rows are shuffled to meet smaller build sides starts after those, which may then be copied instead. */
function buildSidesFirst(
  fragment: Fragment,
  fragments: readonly Fragment[],
): Pick<Fragment, 'startsAfter'> | undefined {
  if (fragment.output?.kind !== 'repartition') return undefined;
  const reader = fragments.find(({ inputs }) => inputs.includes(fragment.id));
  const builds = reader && buildSidesAgainst(reader.root, fragment.id);
  const awaited = builds?.filter((id) => (fragments[id]?.estimatedRows ?? Infinity) <= AWAITED_ROWS_MAX);
  return awaited && awaited.length > 0 && awaited.length === builds?.length ? { startsAfter: awaited } : undefined;
}

/** The fragments on the build sides of the joins whose leftmost probe side is fragment `probe`. */
function buildSidesAgainst(node: PlanNode, probe: number): readonly number[] | undefined {
  if (node.kind === 'RemoteSource') return node.fragment === probe ? [] : undefined;
  const [first, ...others] = sourcesOf(node);
  const below = first && buildSidesAgainst(first, probe);
  if (!below) return others.map((source) => buildSidesAgainst(source, probe)).find((found) => found !== undefined);
  if (node.kind !== 'Join') return below;
  // Unmatched rows of the build side forbid to copy it.
  if (node.type === 'RIGHT' || node.type === 'FULL') return undefined;
  return [...below, ...(node.right.kind === 'RemoteSource' ? [node.right.fragment] : [])];
}

/** Whether the order of the result's rows is part of the answer. */
function isOrdered(node: PlanNode): boolean {
  if (node.kind === 'Sort' || node.kind === 'TopN') return true;
  const keepsOrder =
    node.kind === 'Output' || node.kind === 'Project' || node.kind === 'Limit' || node.kind === 'Filter';
  return keepsOrder && isOrdered(node.source);
}
