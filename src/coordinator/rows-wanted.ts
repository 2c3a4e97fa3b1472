/** How many rows of a fragment its readers want at most: then a LIMIT without order stops the tasks that are left. */

import type { Fragment } from '../plan/fragment.ts';
import { type PlanNode, sourcesOf } from '../plan/nodes.ts';

// Limit(Project*(RemoteSource)): count + offset rows of that fragment are enough, whichever they are.
export function rowsWanted(fragments: readonly Fragment[], id: number): number | undefined {
  const readers = fragments.filter((fragment) => fragment.inputs.includes(id));
  if (readers.length !== 1 || readers[0]!.partitioning !== 'single') return undefined;
  return wantedBelow(readers[0]!.root, id, undefined);
}

/** `limit`: rows wanted of this node, undefined = all. */
function wantedBelow(node: PlanNode, id: number, limit: number | undefined): number | undefined {
  if (node.kind === 'RemoteSource') {
    const anyOrder = node.scope.kind === 'gather' && !node.scope.orderBy;
    return node.fragment === id && anyOrder ? limit : undefined;
  }
  if (node.kind === 'Limit' && node.count !== undefined) {
    const wanted = Number(node.count) + Number(node.offset);
    return wantedBelow(node.source, id, Math.min(wanted, limit ?? Infinity));
  }
  const keepsRows = node.kind === 'Project' || node.kind === 'Output';
  const found = sourcesOf(node).map((source) => wantedBelow(source, id, keepsRows ? limit : undefined));
  return found.find((wanted) => wanted !== undefined);
}
