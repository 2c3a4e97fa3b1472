/** Builds predicates, and says in which type two values are compared. */

import { QueryError, type SourceLocation } from '../../common/errors.ts';
import { commonType, isComparable, isOrderable } from '../../types/coercion.ts';
import { BOOLEAN, type SqlType, typeName } from '../../types/type.ts';
import type { ComparisonOperator, Expression } from '../expression.ts';

/** The type in which two values are compared; throws TYPE_MISMATCH. */
export function comparisonType(
  operator: ComparisonOperator,
  left: SqlType,
  right: SqlType,
  location: SourceLocation,
): SqlType {
  const type = commonType(left, right);
  const equality = operator === '=' || operator === '<>' || operator === 'IS DISTINCT FROM';
  if (type && (equality ? isComparable(type) : isOrderable(type))) return type;
  throw new QueryError(
    'TYPE_MISMATCH',
    `Cannot apply operator: ${typeName(left)} ${operator} ${typeName(right)}${howToCompare(left, right)}`,
    location,
  );
}

/** A text is never read as a date by itself, which people try first. */
function howToCompare(left: SqlType, right: SqlType): string {
  const other = isText(left) ? right : isText(right) ? left : undefined;
  if (other?.kind === 'date') return "; a date is written DATE '2024-01-31'";
  if (other?.kind === 'timestamp')
    return "; a timestamp is written TIMESTAMP '2024-01-31 12:00:00', a date DATE '2024-01-31'";
  return '';
}

const isText = (type: SqlType): boolean => type.kind === 'varchar' || type.kind === 'char';

export const not = (argument: Expression): Expression => ({ kind: 'Not', type: BOOLEAN, argument });

export const negated = (no: boolean, expression: Expression): Expression => (no ? not(expression) : expression);
