/** Predicates in the form in which the other rules read them best. */

import { fold } from '../../sql/functions/fold.ts';
import { expressionKey } from '../expressions.ts';
import type { PlanNode } from '../nodes.ts';
import type { Rule } from '../rule.ts';
import { simplify } from '../simplify.ts';

export const simplifyExpressions: Rule = {
  name: 'simplify-expressions',
  apply: (node) => {
    if (node.kind === 'Filter') {
      const predicate = simplify(fold(node.predicate));
      return expressionKey(predicate) === expressionKey(node.predicate) ? undefined : { ...node, predicate };
    }
    if (node.kind === 'Join' && node.filter) {
      const filter = simplify(fold(node.filter));
      return expressionKey(filter) === expressionKey(node.filter) ? undefined : { ...node, filter };
    }
    return undefined;
  },
};

// Filter[TRUE](x) → x
export const dropTrueFilter: Rule = {
  name: 'drop-true-filter',
  apply: (node): PlanNode | undefined =>
    node.kind === 'Filter' && node.predicate.kind === 'Constant' && node.predicate.value === true
      ? node.source
      : undefined,
};
