/** What every branch of an OR over both sides of a join says of one side alone is asked of that side before the join. */

import type { Expression } from '../../sql/expression.ts';
import { and, conjunctsOf, disjunctsOf, expressionKey, or, readsOnly } from '../expressions.ts';
import { isDeterministicExpression } from '../function-facts.ts';
import { mayRaise } from '../../sql/may-raise.ts';
import { symbolNames } from '../node-expressions.ts';
import type { JoinNode, PlanNode } from '../nodes.ts';
import { outputsOf } from '../nodes.ts';
import type { Rule, RuleContext } from '../rule.ts';
import { knownPredicates } from './equalities.ts';

// x JOIN y ON (x.a = 1 AND y.b = 2) OR (x.a = 3 AND y.b = 4) → Filter[x.a IN (1, 3)](x) JOIN Filter[y.b IN (2, 4)](y) ON …
export const deriveSidePredicates: Rule = {
  name: 'derive-side-predicates',
  apply: (node, context) => {
    if (node.kind !== 'Join' || !node.filter) return undefined;
    const asksLeft = node.type === 'INNER' || node.type === 'RIGHT' || node.type === 'SEMI';
    const asksRight = node.type !== 'RIGHT' && node.type !== 'FULL';
    const left = asksLeft ? filtered(node.left, node, context) : node.left;
    const right = asksRight ? filtered(node.right, node, context) : node.right;
    return left === node.left && right === node.right ? undefined : { ...node, left, right };
  },
};

/** The rows of a side that can satisfy the join's filter; itself when that says nothing new. */
function filtered(side: PlanNode, { filter }: JoinNode, context: RuleContext): PlanNode {
  const names = symbolNames(outputsOf(side));
  const known = new Set(knownPredicates(side).map(expressionKey));
  const derived = conjunctsOf(filter)
    .map((conjunct) => saidOf(names, conjunct))
    .filter((predicate) => predicate !== undefined)
    .filter((predicate) => !known.has(expressionKey(predicate)));
  if (derived.length === 0) return side;
  return { kind: 'Filter', id: context.newId(), source: side, predicate: and(derived) };
}

/**
 * Undefined when some branch says nothing of these columns alone. A term that may fail is left to the join: what else its
 * branch asks, of the other side too, keeps it from rows over which it would.
 */
function saidOf(names: ReadonlySet<string>, conjunct: Expression): Expression | undefined {
  const branches = disjunctsOf(conjunct);
  if (branches.length < 2) return undefined;
  const said = branches.map((branch) =>
    conjunctsOf(branch).filter((term) => isDeterministicExpression(term) && readsOnly(term, names) && !mayRaise(term)),
  );
  return said.every((terms) => terms.length > 0) ? or(said.map(and)) : undefined;
}
