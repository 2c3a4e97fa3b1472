/** A subquery without FROM computes expressions of the row outside: a projection. */

import { chainOf, isOneRow, redo, redoOrNull, singleRow } from '../decorrelation/subquery-chain.ts';
import { addColumns } from '../columns.ts';
import { and, TRUE } from '../expressions.ts';
import type { Rule } from '../rule.ts';

// Apply scalar(x, Project[a](Values[one row])) → Project[x, a](x)
// Apply exists[mark](x, Aggregation[without keys](y)) → Project[mark := true](x)
// Apply lateral(x, Filter[p](Project[a](Values[one row]))) → Filter[p](Project[x, a](x))
export const applyOfOneRow: Rule = {
  name: 'apply-of-one-row',
  apply: (node, context) => {
    if (node.kind !== 'Apply') return undefined;
    const { steps, base } = chainOf(node.subquery);
    if (node.form.kind === 'exists' && isOneRow(base) && steps.every((step) => step.kind === 'Project')) {
      return addColumns(context, node.source, [{ symbol: node.form.output, expression: TRUE }]);
    }
    if (node.form.kind !== 'scalar' && node.form.kind !== 'lateral') return undefined;
    if (node.form.kind === 'lateral' && node.form.filter) return undefined;
    const row = base.kind === 'Values' ? singleRow(base) : undefined;
    if (!row || base.kind !== 'Values') return undefined;
    const cells = base.symbols.map((symbol) => ({ symbol, expression: row.get(symbol.name)! }));
    const one = addColumns(context, node.source, cells);
    if (node.form.kind === 'lateral' && node.form.type === 'INNER') {
      const { plan, conditions } = redo(context, one, steps);
      if (conditions.length === 0) return plan;
      return { kind: 'Filter', id: context.newId(), source: plan, predicate: and(conditions) };
    }
    return redoOrNull(context, one, { steps }, node.subquery);
  },
};
