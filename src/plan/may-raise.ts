/** Whether an expression can end the query, so that it must not be evaluated over rows that the statement keeps from it. */

import type { Expression } from '../sql/expression.ts';
import { childrenOf } from '../sql/expression.ts';
import { castIsTotal } from '../types/coercion.ts';
import { FUNCTIONS } from './function-facts.ts';

/** True when unsure. What CASE, IF and TRY guard counts as well. */
export const mayRaise = (expression: Expression): boolean =>
  raisesItself(expression) || childrenOf(expression).some(mayRaise);

function raisesItself(expression: Expression): boolean {
  switch (expression.kind) {
    case 'Call':
      return !FUNCTIONS.get(expression.function).total;
    case 'Cast':
      return !expression.safe && !castIsTotal(expression.argument.type, expression.type);
    case 'NullIf':
      return [expression.first, expression.second].some(({ type }) => !castIsTotal(type, expression.comparisonType));
    case 'Constant':
    case 'Reference':
    case 'Comparison':
    case 'Between':
    case 'In':
    case 'Logical':
    case 'Not':
    case 'IsNull':
    case 'Case':
    case 'Switch':
    case 'Coalesce':
    case 'Try':
    case 'Row':
    case 'Array':
    case 'Field':
    case 'Lambda':
      return false;
  }
}
