/** Inner joins that stand together, taken apart: relations, what must hold between them, and semi joins upon them. */

import type { Expression } from '../sql/expression.ts';
import { reference } from '../sql/expression.ts';
import { BOOLEAN } from '../types/type.ts';
import { conjunctsOf, distinctExpressions } from './expressions.ts';
import { isDeterministicExpression } from './function-facts.ts';
import type { JoinNode, PlanNode } from './nodes.ts';

/** A SEMI or ANTI join: drops rows, adds no columns, and commutes with inner joins of other relations. */
export type Reducer = {
  readonly type: 'SEMI' | 'ANTI';
  readonly right: PlanNode;
  readonly criteria: JoinNode['criteria'];
  readonly filter?: Expression;
};

export type JoinGraph = {
  readonly relations: readonly PlanNode[];
  readonly reducers: readonly Reducer[];
  /** All must hold; equalities among them. */
  readonly predicates: readonly Expression[];
};

/** Undefined where there is nothing to order. */
export function joinGraphOf(root: PlanNode): JoinGraph | undefined {
  const relations: PlanNode[] = [];
  const reducers: Reducer[] = [];
  const predicates: Expression[] = [];
  const take = (node: PlanNode): void => {
    if (node.kind === 'Filter' && joinsBelow(node.source) && isDeterministicExpression(node.predicate)) {
      predicates.push(...conjunctsOf(node.predicate));
      take(node.source);
    } else if (node.kind === 'Join' && node.type === 'INNER' && isMovable(node)) {
      predicates.push(...equalitiesOf(node), ...conjunctsOf(node.filter));
      take(node.left);
      take(node.right);
    } else if (node.kind === 'Join' && (node.type === 'SEMI' || node.type === 'ANTI') && isMovable(node)) {
      const { type, right, criteria, filter } = node;
      reducers.push({ type, right, criteria, ...(filter ? { filter } : {}) });
      take(node.left);
    } else {
      relations.push(node);
    }
  };
  if (!joinsBelow(root)) return undefined;
  take(root);
  if (relations.length < 2 && reducers.length < 2) return undefined;
  return { relations, reducers, predicates: distinctExpressions(predicates) };
}

const isMovable = (node: JoinNode): boolean => !node.filter || isDeterministicExpression(node.filter);

function joinsBelow(node: PlanNode): boolean {
  if (node.kind === 'Filter') return joinsBelow(node.source);
  return node.kind === 'Join' && (node.type === 'INNER' || node.type === 'SEMI' || node.type === 'ANTI');
}

const equalitiesOf = (node: JoinNode): readonly Expression[] =>
  node.criteria.map(({ left, right }) => ({
    kind: 'Comparison',
    type: BOOLEAN,
    operator: '=',
    left: reference(left),
    right: reference(right),
  }));
