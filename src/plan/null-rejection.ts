/** Whether a predicate can hold for rows whose columns of one side are all NULL, as an outer join makes them. */

import type { Expression } from '../sql/expression.ts';
import { isNullOnNull } from './function-facts.ts';

/** True when `predicate` is never TRUE while every symbol of `names` is NULL. False when unsure. */
export function rejectsNulls(predicate: Expression, names: ReadonlySet<string>): boolean {
  return neverTrue(predicate, names);
}

function neverTrue(expression: Expression, names: ReadonlySet<string>): boolean {
  if (expression.kind === 'Logical') {
    const some = (term: Expression): boolean => neverTrue(term, names);
    return expression.operator === 'AND' ? expression.terms.some(some) : expression.terms.every(some);
  }
  if (expression.kind === 'Not' && expression.argument.kind === 'IsNull') {
    return isNull(expression.argument.argument, names);
  }
  if (expression.kind === 'Constant') return expression.value === false || expression.value === null;
  return isNull(expression, names);
}

/** Whether the expression is NULL (or fails) when the symbols are. */
function isNull(expression: Expression, names: ReadonlySet<string>): boolean {
  const part = (inner: Expression): boolean => isNull(inner, names);
  switch (expression.kind) {
    case 'Constant':
      return expression.value === null;
    case 'Reference':
      return names.has(expression.name);
    case 'Cast':
    case 'Not':
    case 'Try':
      return part(expression.argument);
    case 'Comparison':
      return expression.operator !== 'IS DISTINCT FROM' && (part(expression.left) || part(expression.right));
    case 'Between':
      // NULL AND FALSE is FALSE, so only the value itself, or both bounds, make it never true.
      return part(expression.value);
    case 'In':
      return expression.list.length > 0 && part(expression.value);
    case 'Logical':
      return expression.terms.every(part);
    case 'Coalesce':
      return expression.arguments.every(part);
    case 'NullIf':
      return part(expression.first);
    case 'Field':
      return part(expression.base);
    case 'Call':
      return isNullOnNull(expression.function) && expression.arguments.some(part);
    case 'IsNull':
    case 'Case':
    case 'Switch':
    case 'Row':
    case 'Array':
    case 'Lambda':
      return false;
  }
}
