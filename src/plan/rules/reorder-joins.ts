/** Inner joins in the order that costs least, by the estimated rows of everything between. */

import type { PlanNode } from '../nodes.ts';
import { sourcesOf, withSources } from '../nodes.ts';
import type { Rule } from '../rule.ts';
import { sessionProperty } from '../../sql/session-properties.ts';
import { orderJoins } from '../join-order.ts';
import { joinGraphOf } from '../join-graph.ts';
import { estimatorFor } from '../statistics.ts';

/** Runs once: an order found twice would cost the search twice. */
export const reorderJoins: Rule = {
  name: 'reorder-joins',
  apply: (node, context) => {
    if (node.kind !== 'Output') return undefined;
    if (sessionProperty(context.session.properties, 'join_reordering_strategy') === 'NONE') return undefined;
    const estimator = estimatorFor(context);
    const visit = (part: PlanNode): PlanNode => {
      const graph = joinGraphOf(part);
      if (!graph) return withSources(part, sourcesOf(part).map(visit));
      const relations = graph.relations.map(visit);
      const reducers = graph.reducers.map((reducer) => ({ ...reducer, right: visit(reducer.right) }));
      return orderJoins({ ...graph, relations, reducers }, estimator, context);
    };
    const source = visit(node.source);
    return source === node.source ? undefined : { ...node, source };
  },
};
