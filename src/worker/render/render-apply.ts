/** Subqueries that no rule could turn into a join, as the kernel's own correlated subqueries. */

import type { ApplyNode } from '../../plan/nodes.ts';
import { outputsOf } from '../../plan/nodes.ts';
import { renderExpression } from '../../sql/render/render-expression.ts';
import { keySql } from '../../types/kernel.ts';
import { membership } from './render-join.ts';
import type { PlanContext } from './plan-context.ts';
import { column, columnList, singleRow } from './text.ts';

export function renderApply(node: ApplyNode, context: PlanContext): string {
  const from = context.source(node.source);
  const subquery = context.source(node.subquery);
  const columns = columnList(outputsOf(node));
  const { form } = node;
  const mark = (expression: string): string => {
    const own = outputsOf(node.source).map(column);
    const last = outputsOf(node).at(-1)!;
    return `SELECT ${[...own, `${expression} AS ${column(last)}`].join(', ')} FROM ${from}`;
  };
  switch (form.kind) {
    case 'lateral': {
      // The kernel takes no conditions beside a lateral outer join: they stand inside of it.
      const where = form.filter ? ` WHERE ${renderExpression(form.filter, context.expressions)}` : '';
      const inner = `(SELECT ${columnList(outputsOf(node.subquery))} FROM ${subquery}${where})`;
      return `SELECT ${columns} FROM ${from} ${form.type} JOIN LATERAL ${inner} ON true`;
    }
    case 'scalar': {
      const single = singleRow(outputsOf(node.subquery), subquery);
      return `SELECT ${columns} FROM ${from} LEFT JOIN LATERAL (${single}) ON true`;
    }
    case 'exists':
      return mark(`EXISTS (SELECT 1 FROM ${subquery})`);
    case 'in':
      return mark(membership(form.values, form.candidates, subquery, context));
    case 'quantified': {
      const value = keySql(form.value.type, column(form.value));
      const candidate = keySql(form.candidate.type, column(form.candidate));
      return mark(`(${value} ${form.operator} ${form.quantifier} (SELECT ${candidate} FROM ${subquery}))`);
    }
  }
}
