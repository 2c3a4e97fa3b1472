/** How many rows a plan yields at most, as far as its shape alone tells: a bound that holds, unlike an estimate. */

import type { PlanNode } from './nodes.ts';

/** Infinity when the shape does not tell. */
export function rowsAtMost(node: PlanNode): number {
  switch (node.kind) {
    case 'Values':
      return node.rows.length;
    case 'EnforceSingleRow':
      return 1;
    case 'Aggregation':
      if (node.groupingSets) return Infinity;
      return node.keys.length === 0 ? 1 : rowsAtMost(node.source);
    case 'TopN':
      return node.withTies ? rowsAtMost(node.source) : Math.min(Number(node.count), rowsAtMost(node.source));
    case 'Limit':
      return Math.min(Number(node.count ?? Infinity), rowsAtMost(node.source));
    case 'SetOperation': {
      const sources = node.sources.map(rowsAtMost);
      return node.operation === 'UNION ALL' ? sources.reduce((sum, rows) => sum + rows, 0) : sources[0]!;
    }
    case 'Join':
      return node.type === 'SEMI' || node.type === 'ANTI' ? rowsAtMost(node.left) : Infinity;
    case 'Apply':
      return node.form.kind === 'lateral' ? Infinity : rowsAtMost(node.source);
    case 'Filter':
    case 'Project':
    case 'SemiJoin':
    case 'Window':
    case 'Sort':
    case 'AssignUniqueId':
    case 'Sample':
    case 'Exchange':
    case 'Output':
      return rowsAtMost(node.source);
    case 'TableScan':
    case 'Unnest':
    case 'RecursiveUnion':
    case 'WorkingTable':
    case 'RemoteSource':
      return Infinity;
  }
}
