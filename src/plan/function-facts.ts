/** What rules must know of functions. */

import type { AggregateCall, FunctionId, WindowCall } from '../sql/expression.ts';
import { FUNCTIONS } from '../sql/functions/registry.ts';
import { isDeterministicExpression, partsOfAggregate, partsOfWindowCall } from './expressions.ts';

export { isDeterministicExpression } from './expressions.ts';

/** Whether any NULL argument makes the call NULL. */
export const isNullOnNull = (id: FunctionId): boolean => FUNCTIONS.get(id).nullOnNull;

/** Whether the same rows in another order give the same value: not so for sums of doubles. */
export const isDeterministicAggregate = (call: AggregateCall): boolean =>
  FUNCTIONS.get(call.function).deterministic &&
  !FUNCTIONS.get(call.function).orderSensitive &&
  partsOfAggregate(call).every(isDeterministicExpression);

/** Functions that give rows of equal rank the same value. */
const SAME_FOR_PEERS: ReadonlySet<string> = new Set(['rank', 'dense_rank', 'percent_rank', 'cume_dist']);

/** Rows that ORDER BY holds for equal come in any order, so only what is the same for all of them is determined. */
export function isDeterministicWindowCall(call: WindowCall): boolean {
  if (!partsOfWindowCall(call).every(isDeterministicExpression)) return false;
  if (SAME_FOR_PEERS.has(call.function.split('(')[0]!)) return true;
  const { kind, orderSensitive } = FUNCTIONS.get(call.function);
  const { unit, start, end } = call.frame;
  const whole = start.kind === 'UNBOUNDED PRECEDING' && end.kind === 'UNBOUNDED FOLLOWING';
  return kind === 'aggregate' && !orderSensitive && (unit !== 'ROWS' || whole);
}
