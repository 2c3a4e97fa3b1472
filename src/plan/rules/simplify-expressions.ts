/** Predicates in the form in which the other rules read them best. */

import { type Expression, remembered } from '../../sql/expression.ts';
import { fold } from '../../sql/functions/fold.ts';
import { expressionKey } from '../expressions.ts';
import type { PlanNode } from '../nodes.ts';
import type { Rule } from '../rule.ts';
import { simplify } from '../simplify.ts';

export const simplifyExpressions: Rule = {
  name: 'simplify-expressions',
  apply: (node) => {
    if (node.kind === 'Filter') {
      const predicate = simplified(node.predicate);
      return predicate === node.predicate ? undefined : { ...node, predicate };
    }
    if (node.kind === 'Join' && node.filter) {
      const filter = simplified(node.filter);
      return filter === node.filter ? undefined : { ...node, filter };
    }
    return undefined;
  },
};

/** The same expression where nothing is simpler. */
const simplified = remembered((expression): Expression => {
  const simple = simplify(fold(expression));
  return expressionKey(simple) === expressionKey(expression) ? expression : simple;
});

// Filter[TRUE](x) → x
export const dropTrueFilter: Rule = {
  name: 'drop-true-filter',
  apply: (node): PlanNode | undefined =>
    node.kind === 'Filter' && node.predicate.kind === 'Constant' && node.predicate.value === true
      ? node.source
      : undefined,
};
