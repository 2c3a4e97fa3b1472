/** What reads no rows yields none, and need not run. */

import type { PlanNode } from '../nodes.ts';
import { outputsOf } from '../nodes.ts';
import type { Rule } from '../rule.ts';

// Filter(no rows) → no rows, and so on upwards
export const emptyInputs: Rule = {
  name: 'empty-inputs',
  apply: (node) =>
    yieldsNothing(node) ? { kind: 'Values', id: node.id, symbols: outputsOf(node), rows: [] } : undefined,
};

const isEmpty = (node: PlanNode): boolean => node.kind === 'Values' && node.rows.length === 0;

function yieldsNothing(node: PlanNode): boolean {
  switch (node.kind) {
    case 'Filter':
    case 'Project':
    case 'Window':
    case 'Sort':
    case 'TopN':
    case 'Limit':
    case 'Unnest':
    case 'AssignUniqueId':
    case 'Sample':
      return isEmpty(node.source);
    case 'Aggregation':
      // Without keys, and for an empty grouping set, there is a row over no input.
      return isEmpty(node.source) && node.keys.length > 0 && !node.groupingSets?.some((set) => set.length === 0);
    case 'SemiJoin':
      return isEmpty(node.source);
    case 'Join':
      return joinsNothing(node);
    case 'SetOperation':
      return node.operation.startsWith('EXCEPT')
        ? isEmpty(node.sources[0]!)
        : node.operation === 'UNION ALL'
          ? node.sources.every(isEmpty)
          : node.sources.some(isEmpty);
    case 'TableScan':
    case 'Values':
    case 'Apply':
    case 'EnforceSingleRow':
    case 'RecursiveUnion':
    case 'WorkingTable':
    case 'Exchange':
    case 'RemoteSource':
    case 'Output':
      return false;
  }
}

function joinsNothing(node: Extract<PlanNode, { kind: 'Join' }>): boolean {
  switch (node.type) {
    case 'INNER':
    case 'SEMI':
      return isEmpty(node.left) || isEmpty(node.right);
    case 'LEFT':
    case 'ANTI':
      return isEmpty(node.left);
    case 'RIGHT':
      return isEmpty(node.right);
    case 'FULL':
      return isEmpty(node.left) && isEmpty(node.right);
  }
}
