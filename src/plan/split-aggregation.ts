/** Places an aggregation: in the tasks where its groups are whole already, else in two steps around an exchange. */

import type { AggregationNode } from './nodes.ts';
import { withSources } from './nodes.ts';
import type { Placed, Placing } from './spread.ts';
import { gather, groupedBy, isGroupedBy, isWhole } from './spread.ts';

export function splitAggregation(node: AggregationNode, source: Placed, placing: Placing): Placed {
  // A grouping set leaves out keys, so rows of one of its groups may be in any task.
  const wholeGroups = isWhole(source.spread) || (!node.groupingSets && isGroupedBy(source.spread, node.keys));
  if (wholeGroups) return { node: withSources(node, [source.node]), spread: source.spread };
  const moved =
    node.keys.length === 0 || node.groupingSets
      ? gather(source, placing, 'one task aggregates all rows')
      : groupedBy(source, node.keys, placing, `grouped by ${node.keys.map((key) => key.name).join(', ')}`);
  return { node: withSources(node, [moved.node]), spread: moved.spread };
}
