/** Joins whose sides cannot be ordered freely still build on the smaller one. */

import type { JoinNode, PlanNode } from '../nodes.ts';
import { sourcesOf, withSources } from '../nodes.ts';
import type { Rule } from '../rule.ts';
import { type Estimator, estimatorFor } from '../statistics.ts';

/** How many times larger a build side must be for a detour to pay. */
const TURNED_FROM = 1.5;
const REDUCED_FROM = 4;

// small LEFT JOIN large → large RIGHT JOIN small; small SEMI JOIN large → the same, reducing the large side
export const chooseBuildSides: Rule = {
  name: 'choose-build-sides',
  apply: (node, context) => {
    if (node.kind !== 'Output') return undefined;
    const source = chosen(node.source, estimatorFor(context));
    return source === node.source ? undefined : { ...node, source };
  },
};

function chosen(node: PlanNode, estimator: Estimator): PlanNode {
  // A correlated subquery cannot keep a side for two uses.
  if (node.kind === 'Apply' || node.kind === 'RecursiveUnion') return node;
  const next = withSources(
    node,
    sourcesOf(node).map((source) => chosen(source, estimator)),
  );
  if (node.kind !== 'Join' || next.kind !== 'Join' || node.criteria.length === 0) return next;
  const left = estimator.rows(node.left);
  const right = estimator.rows(node.right);
  if (left === undefined || right === undefined) return next;
  return withBuildSide(next, right / Math.max(left, 1));
}

function withBuildSide(node: JoinNode, ratio: number): JoinNode {
  switch (node.type) {
    case 'INNER':
      return node;
    case 'LEFT':
    case 'RIGHT':
    case 'FULL':
      return ratio >= TURNED_FROM ? turned(node) : node;
    case 'SEMI':
    case 'ANTI':
      return ratio >= REDUCED_FROM ? { ...node, reducesRight: true } : node;
  }
}

function turned(node: JoinNode): JoinNode {
  const type = node.type === 'LEFT' ? 'RIGHT' : node.type === 'RIGHT' ? 'LEFT' : node.type;
  const criteria = node.criteria.map(({ left, right }) => ({ left: right, right: left }));
  return { ...node, type, left: node.right, right: node.left, criteria };
}
