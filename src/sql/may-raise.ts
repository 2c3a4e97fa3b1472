/** Whether an expression can end the query, so that it must not be evaluated over rows that the statement keeps from it. */

import { castIsTotal } from '../types/coercion.ts';
import { childrenOf, type Expression, remembered } from './expression.ts';
import { FUNCTIONS } from './functions/registry.ts';

/** True when unsure. What CASE, IF and TRY guard counts as well. */
export const mayRaise: (expression: Expression) => boolean = remembered(
  (expression) => raisesItself(expression) || childrenOf(expression).some(mayRaise),
);

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
