/** Whether two runs of a plan over the same input must yield the same rows. */

import type { PlanNode } from './nodes.ts';
import { sourcesOf } from './nodes.ts';

/** Reading another fragment's output counts as the same input. */
export function isDeterministic(node: PlanNode): boolean {
  return ownRowsAreDetermined(node) && sourcesOf(node).every(isDeterministic);
}

function ownRowsAreDetermined(node: PlanNode): boolean {
  if (node.kind === 'Limit') return node.count === '0';
  return node.kind !== 'TopN' && node.kind !== 'Sample' && node.kind !== 'AssignUniqueId';
}
