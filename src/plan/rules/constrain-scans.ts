/** What a filter over a scan allows per column, so that splits outside are not read. The filter stays. */

import type { TupleDomain } from '../../types/domain.ts';
import { domainsOf } from '../domains.ts';
import { outputsOf } from '../nodes.ts';
import type { Rule } from '../rule.ts';

// Filter[p](TableScan) → Filter[p](TableScan constrained by p), or no rows where p allows no value
export const constrainScans: Rule = {
  name: 'constrain-scans',
  apply: (node) => {
    if (node.kind !== 'Filter' || node.source.kind !== 'TableScan') return undefined;
    const scan = node.source;
    const constraint: Record<string, TupleDomain[string]> = {};
    for (const [name, { domain }] of domainsOf(node.predicate)) {
      if (domain.ranges.length === 0 && !domain.nullAllowed) {
        return { kind: 'Values', id: node.id, symbols: outputsOf(node), rows: [] };
      }
      const column = scan.columns.find(({ symbol }) => symbol.name === name)?.column;
      if (column) constraint[column.name] = domain;
    }
    if (JSON.stringify(constraint) === JSON.stringify(scan.constraint)) return undefined;
    return { ...node, source: { ...scan, constraint } };
  },
};
