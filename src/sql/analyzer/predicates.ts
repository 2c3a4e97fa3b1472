/** Builds predicates, and says in which type two values are compared. */

import { QueryError, type SourceLocation } from '../../common/errors.ts';
import { commonType, commonTypeOf, isComparable, isOrderable } from '../../types/coercion.ts';
import { BOOLEAN, type SqlType, typeName } from '../../types/type.ts';
import type * as ast from '../ast.ts';
import type { ComparisonOperator, Expression } from '../expression.ts';
import { coerce } from './coerce.ts';
import type { ExpressionAnalyzer } from './expression-analyzer.ts';
import { constant } from './literals.ts';

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

export function between(analyzer: ExpressionAnalyzer, node: ast.Between): Expression {
  const [value, min, max] = [analyzer.analyze(node.value), analyzer.analyze(node.min), analyzer.analyze(node.max)];
  const types = [value.type, min.type, max.type];
  const type = commonTypeOf(types);
  if (!type || !isOrderable(type)) {
    throw new QueryError(
      'TYPE_MISMATCH',
      `Cannot check if ${typeName(types[0]!)} is BETWEEN ${typeName(types[1]!)} and ${typeName(types[2]!)}`,
      node.location,
    );
  }
  const within = (low: Expression, high: Expression): Expression => ({
    kind: 'Between',
    type: BOOLEAN,
    value: coerce(value, type),
    low: coerce(low, type),
    high: coerce(high, type),
  });
  if (!node.symmetric) return negated(node.not, within(min, max));
  const terms = [within(min, max), within(max, min)];
  return negated(node.not, { kind: 'Logical', type: BOOLEAN, operator: 'OR', terms });
}

export function inList(analyzer: ExpressionAnalyzer, node: ast.InList): Expression {
  const value = analyzer.analyze(node.value);
  const list = node.list.map((item) => analyzer.analyze(item));
  const type = analyzer.common([value, ...list], node.location, 'IN value and list items');
  if (!isComparable(type)) {
    throw new QueryError('TYPE_MISMATCH', `Type ${typeName(type)} is not comparable`, node.location);
  }
  return negated(node.not, {
    kind: 'In',
    type: BOOLEAN,
    value: coerce(value, type),
    list: list.map((item) => coerce(item, type)),
  });
}

export function booleanTest(analyzer: ExpressionAnalyzer, node: ast.BooleanTest): Expression {
  const value = analyzer.condition(node.value, 'Value of a truth test');
  if (node.truth === 'UNKNOWN') return { kind: 'IsNull', type: BOOLEAN, argument: value };
  const tested = node.truth === 'TRUE' ? value : not(value);
  return { kind: 'Coalesce', type: BOOLEAN, arguments: [tested, constant(BOOLEAN, false)] };
}
