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
    fragments,
    columns: root.columns,
  };
}

/** Whether the order of the result's rows is part of the answer. */
function isOrdered(node: PlanNode): boolean {
  if (node.kind === 'Sort' || node.kind === 'TopN') return true;
  const keepsOrder =
    node.kind === 'Output' || node.kind === 'Project' || node.kind === 'Limit' || node.kind === 'Filter';
  return keepsOrder && isOrdered(node.source);
}
