/** Whether two runs of a plan over the same input must yield the same rows. */

import { isDeterministicAggregate, isDeterministicExpression, isDeterministicWindowCall } from './function-facts.ts';
import { expressionsOf } from './node-expressions.ts';
import type { PlanNode } from './nodes.ts';
import { sourcesOf } from './nodes.ts';

/** Reading another fragment's output counts as the same input. */
export function isDeterministic(node: PlanNode): boolean {
  return ownRowsAreDetermined(node) && sourcesOf(node).every(isDeterministic);
}

function ownRowsAreDetermined(node: PlanNode): boolean {
  switch (node.kind) {
    case 'Limit':
      return node.count === '0';
    case 'TopN':
    case 'Sample':
    case 'AssignUniqueId':
      return false;
    case 'Aggregation':
      return node.aggregations.every(({ call }) => isDeterministicAggregate(call));
    case 'Window':
      return node.functions.every(({ call }) => isDeterministicWindowCall(call));
    case 'TableScan':
    case 'Values':
    case 'Filter':
    case 'Project':
    case 'Join':
    case 'SemiJoin':
    case 'Apply':
    case 'Sort':
    case 'EnforceSingleRow':
    case 'SetOperation':
    case 'Unnest':
    case 'RecursiveUnion':
    case 'WorkingTable':
    case 'Exchange':
    case 'RemoteSource':
    case 'Output':
      return expressionsOf(node).every(isDeterministicExpression);
  }
}
