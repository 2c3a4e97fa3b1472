/** How many rows of a fragment its readers want at most: then a LIMIT without order stops the tasks that are left. */

import type { Fragment } from '../plan/fragment.ts';
import { type PlanNode, sourcesOf } from '../plan/nodes.ts';

// Limit(Project*(RemoteSource)): count + offset rows of that fragment are enough, whichever they are.
export function rowsWanted(fragments: readonly Fragment[], id: number): number | undefined {
  const readers = fragments.filter((fragment) => fragment.inputs.includes(id));
  if (readers.length !== 1 || readers[0]!.partitioning !== 'single') return undefined;
  // A reader may read the fragment more than once: what one place wants less of, another may want whole.
  const wanted = [...wantedBelow(readers[0]!.root, id, undefined)];
  const known = wanted.filter((rows) => rows !== undefined);
  return known.length > 0 && known.length === wanted.length ? Math.max(...known) : undefined;
}

/** For each place that reads the fragment, the rows wanted there. `limit`: rows wanted of this node; undefined = all. */
function* wantedBelow(node: PlanNode, id: number, limit: number | undefined): Generator<number | undefined> {
  if (node.kind === 'RemoteSource') {
    if (node.fragment === id) yield node.scope.kind === 'gather' ? limit : undefined;
  } else if (node.kind === 'Limit' && node.count !== undefined) {
    // Rows that are skipped come before those that are wanted.
    yield* wantedBelow(node.source, id, Number(node.offset) + Math.min(Number(node.count), limit ?? Infinity));
  } else {
    const keepsRows = node.kind === 'Project' || node.kind === 'Output';
    for (const source of sourcesOf(node)) yield* wantedBelow(source, id, keepsRows ? limit : undefined);
  }
}
