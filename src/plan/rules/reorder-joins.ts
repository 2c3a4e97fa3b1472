/** Inner joins in the order that costs least, by the estimated rows of everything between. */

import { sessionProperty } from '../../sql/session-properties.ts';
import { joinGraphOf } from '../join-graph.ts';
import { orderJoins } from '../join-order.ts';
import type { PlanNode } from '../nodes.ts';
import { sourcesOf, withSources } from '../nodes.ts';
import { reduceAggregation } from '../reduce-aggregation.ts';
import type { Rule, RuleContext } from '../rule.ts';
import { type Estimator, estimatorFor } from '../statistics.ts';

/** Runs once: an order found twice would cost the search twice. */
export const reorderJoins: Rule = {
  name: 'reorder-joins',
  apply: (node, context) => {
    if (node.kind !== 'Output') return undefined;
    if (sessionProperty(context.session.properties, 'join_reordering_strategy') === 'NONE') return undefined;
    const source = reordered(node.source, estimatorFor(context), context);
    return source === node.source ? undefined : { ...node, source };
  },
};

/** Sets of relations are bits of a 32-bit number. */
const RELATIONS_MAX = 30;

/** From the top: what joins keep of a relation decides how that is best made. */
function reordered(node: PlanNode, estimator: Estimator, context: RuleContext): PlanNode {
  const below = (part: PlanNode): PlanNode => reordered(part, estimator, context);
  const graph = joinGraphOf(node);
  // Of a longer chain of joins the lower part is ordered.
  const tooMany = graph && graph.relations.length + graph.reducers.length > RELATIONS_MAX;
  if (!graph || tooMany) return withSources(node, sourcesOf(node).map(below));
  const relations = new Set([...graph.relations, ...graph.reducers.map(({ right }) => right)]);
  const settle = (part: PlanNode): PlanNode => {
    if (relations.has(part)) return below(part);
    const reduced = part.kind === 'Join' ? reduceAggregation(part, estimator, context) : part;
    return withSources(
      reduced,
      sourcesOf(reduced).map((source) => (relations.has(source) || isOfOrder(source) ? settle(source) : below(source))),
    );
  };
  return settle(orderJoins(graph, estimator, context));
}

/** Nodes that ordering makes above its relations. */
const isOfOrder = (node: PlanNode): boolean => node.kind === 'Join' || node.kind === 'Filter';
