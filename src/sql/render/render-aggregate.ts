/** Kernel SQL of aggregate and window calls. */

import { keySql } from '../../types/kernel.ts';
import { orderKeySql } from '../../types/order-key.ts';
import type { AggregateCall, Expression, FrameBound, SortOrder, WindowCall, WindowFrame } from '../expression.ts';
import { type RenderContext, Renderer } from './render-expression.ts';

/** An aggregate in a SELECT with GROUP BY. */
export function renderAggregate(call: AggregateCall, context: RenderContext): string {
  const renderer = new Renderer(context);
  const order = call.orderBy.length > 0 ? ` ORDER BY ${renderOrder(call.orderBy, renderer)}` : '';
  const filter = call.filter && renderer.render(call.filter);
  return renderCall(call, renderer, context, (name, args, where) => {
    const distinct = call.distinct && args !== '' && args !== '*' ? 'DISTINCT ' : '';
    return `${name}(${distinct}${args}${order})${filterClause(filter, where)}`;
  });
}

/** The window that a call looks through: what its plan node partitions and orders by. */
export type Over = { readonly partitionBy: readonly Expression[]; readonly orderBy: readonly SortOrder[] };

export function renderWindow(call: WindowCall, over: Over, context: RenderContext): string {
  const renderer = new Renderer(context);
  const { kind, signature } = context.registry.get(call.function);
  const partition = over.partitionBy.map((e) => keySql(e.type, renderer.render(e))).join(', ');
  const framed = kind === 'aggregate' || FRAMED.has(signature.name);
  const clauses = [
    partition && `PARTITION BY ${partition}`,
    over.orderBy.length > 0 ? `ORDER BY ${renderOrder(over.orderBy, renderer)}` : '',
    framed ? renderFrame(call.frame, over, renderer) : '',
  ];
  const window = clauses.filter((clause) => clause !== '').join(' ');
  const filter = call.filter && renderer.render(call.filter);
  return renderCall(call, renderer, context, (name, args, where) => {
    const distinct = call.distinct && args !== '' && args !== '*' ? 'DISTINCT ' : '';
    const nulls = call.ignoreNulls ? ' IGNORE NULLS' : '';
    const order = call.orderBy && call.orderBy.length > 0 ? ` ORDER BY ${renderOrder(call.orderBy, renderer)}` : '';
    return `${name}(${distinct}${args}${order}${nulls})${filterClause(filter, where)} OVER (${window})`;
  });
}

/** Window functions that look at their frame; the others see the whole partition. */
const FRAMED: ReadonlySet<string> = new Set(['first_value', 'last_value', 'nth_value']);

export const renderOrder = (order: readonly SortOrder[], renderer: Renderer): string =>
  order
    .map(({ expression, descending, nullsFirst }) => {
      const key = orderKeySql(expression.type, renderer.render(expression));
      return `${key} ${descending ? 'DESC' : 'ASC'} NULLS ${nullsFirst ? 'FIRST' : 'LAST'}`;
    })
    .join(', ');

function renderCall(
  call: AggregateCall | WindowCall,
  renderer: Renderer,
  context: RenderContext,
  aggregate: (name: string, args: string, where?: string) => string,
): string {
  const definition = context.registry.get(call.function);
  return definition.render(call.arguments.map(renderer.render), renderer.kit(call.type, call.arguments, aggregate));
}

function filterClause(filter: string | undefined, where: string | undefined): string {
  const conditions = [filter, where].filter((c) => c !== undefined);
  return conditions.length > 0 ? ` FILTER (WHERE ${conditions.join(' AND ')})` : '';
}

function renderFrame({ unit, start, end }: WindowFrame, over: Over, renderer: Renderer): string {
  const order = over.orderBy[0]?.expression.type;
  const bound = (b: FrameBound): string => {
    if (b.kind !== 'PRECEDING' && b.kind !== 'FOLLOWING') return b.kind;
    const offset = renderer.render(b.offset);
    return `${unit === 'RANGE' ? rangeOffset(b.offset, order, offset) : offset} ${b.kind}`;
  };
  return `${unit} BETWEEN ${bound(start)} AND ${bound(end)}`;
}

/** Intervals are numbers in the kernel, yet dates and timestamps move by the kernel's own intervals. */
function rangeOffset(offset: Expression, order: SortOrder['expression']['type'] | undefined, sql: string): string {
  if (order === undefined || order.kind.startsWith('interval')) return sql;
  if (offset.type.kind === 'interval day to second') return `to_microseconds(${sql} * 1000)`;
  return offset.type.kind === 'interval year to month' ? `to_months(${sql})` : sql;
}
