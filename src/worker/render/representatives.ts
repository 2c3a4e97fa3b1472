/**
 * DISTINCT in the kernel compares whole values, so that one instant in two zones would count as two. Where a type has a key
 * of its own, every value is first replaced by one of those that are equal to it.
 */

import { expressionKey } from '../../plan/expressions.ts';
import type { AggregateCall, Expression, Symbol, WindowCall } from '../../sql/expression.ts';
import { renderExpression } from '../../sql/render/render-expression.ts';
import { hasKeyOfItsOwn, identifier, keySql } from '../../types/kernel.ts';
import type { PlanContext } from './plan-context.ts';

type Named<Call> = { readonly symbol: Symbol; readonly call: Call };

/** `calls` over `from` as equivalent calls over rows with more columns. `groups`: by whose keys the rows are brought together. */
export function withRepresentatives<Call extends AggregateCall | WindowCall>(
  calls: readonly Named<Call>[],
  groups: readonly Symbol[],
  from: string,
  { expressions }: PlanContext,
): { readonly calls: readonly Named<Call>[]; readonly from: string } {
  const columns: string[] = [];
  const partition = groups.map((symbol) => keySql(symbol.type, expressions.column(symbol.name)));
  const replaced = calls.map(({ symbol, call }): Named<Call> => {
    if (!call.distinct || expressions.registry.get(call.function).distinctByKey) return { symbol, call };
    const stands = new Map<string, Expression>();
    for (const argument of call.arguments) {
      if (!hasKeyOfItsOwn(argument.type)) continue;
      const name = `distinct.${columns.length}`;
      const value = renderExpression(argument, expressions);
      const among = [...partition, keySql(argument.type, value)];
      if (call.filter) among.push(renderExpression(call.filter, expressions));
      columns.push(`first_value(${value}) OVER (PARTITION BY ${among.join(', ')}) AS ${identifier(name)}`);
      stands.set(expressionKey(argument), { kind: 'Reference', type: argument.type, name });
    }
    const instead = (e: Expression): Expression => stands.get(expressionKey(e)) ?? e;
    const orderBy = call.orderBy?.map((order) => ({ ...order, expression: instead(order.expression) }));
    return { symbol, call: { ...call, arguments: call.arguments.map(instead), ...(orderBy && { orderBy }) } };
  });
  return { calls: replaced, from: columns.length === 0 ? from : `(SELECT *, ${columns.join(', ')} FROM ${from})` };
}
