/** What rules must know of functions. */

import type { Expression, FunctionId } from '../sql/expression.ts';
import { childrenOf } from '../sql/expression.ts';

const RANDOM: ReadonlySet<string> = new Set(['random', 'rand', 'uuid', 'shuffle']);

const isDeterministicFunction = (id: FunctionId): boolean => !RANDOM.has(id.split('(')[0]!);

/** Whether any NULL argument makes the call NULL. */
export const isNullOnNull = (id: FunctionId): boolean => id.startsWith('$');

/** Whether evaluating it twice over the same row gives the same value. */
export const isDeterministicExpression = (expression: Expression): boolean =>
  (expression.kind !== 'Call' || isDeterministicFunction(expression.function)) &&
  childrenOf(expression).every(isDeterministicExpression);
