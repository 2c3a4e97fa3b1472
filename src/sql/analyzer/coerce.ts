/** Puts Casts where a value's type must change, and widens constants on the spot. */

import { QueryError, type SourceLocation } from '../../common/errors.ts';
import { canCoerce } from '../../types/coercion.ts';
import { sameType, type SqlType, typeName } from '../../types/type.ts';
import type { Expression } from '../expression.ts';

/** `expression` as a value of `type`, which it coerces to. */
export function coerce(expression: Expression, type: SqlType): Expression {
  if (sameType(expression.type, type)) return expression;
  if (expression.kind === 'Constant') {
    const widened = widenConstant(expression, type);
    if (widened) return widened;
  }
  return { kind: 'Cast', type, argument: expression, safe: false };
}

/** Throws TYPE_MISMATCH where there is no coercion; `what` begins the message. */
export function coerceOrFail(
  expression: Expression,
  type: SqlType,
  what: string,
  location: SourceLocation,
): Expression {
  if (!canCoerce(expression.type, type)) {
    throw new QueryError(
      'TYPE_MISMATCH',
      `${what} must evaluate to a ${typeName(type)}: actual type ${typeName(expression.type)}`,
      location,
    );
  }
  return coerce(expression, type);
}

const INTEGERS: readonly string[] = ['tinyint', 'smallint', 'integer', 'bigint'];

function widenConstant(constant: Expression & { kind: 'Constant' }, type: SqlType): Expression | undefined {
  const { value, type: from } = constant;
  if (value === null) return { ...constant, type };
  if (typeof value !== 'string') return undefined;
  const isInteger = INTEGERS.includes(from.kind);
  if (isInteger && INTEGERS.indexOf(type.kind) > INTEGERS.indexOf(from.kind)) return { ...constant, type };
  if (isInteger && type.kind === 'double' && Number.isSafeInteger(Number(value))) {
    return { kind: 'Constant', type, value: String(Number(value)) };
  }
  if (isInteger && type.kind === 'decimal' && value.replace('-', '').length <= type.precision - type.scale) {
    return { kind: 'Constant', type, value: type.scale === 0 ? value : `${value}.${'0'.repeat(type.scale)}` };
  }
  if (from.kind === 'decimal' && type.kind === 'decimal' && widerDecimal(from, type)) {
    const missing = type.scale - from.scale;
    if (missing === 0) return { ...constant, type };
    return { kind: 'Constant', type, value: `${value}${from.scale === 0 ? '.' : ''}${'0'.repeat(missing)}` };
  }
  // Number reads decimal digits to the nearest double, as a cast does.
  if (from.kind === 'decimal' && type.kind === 'double')
    return { kind: 'Constant', type, value: String(Number(value)) };
  if (from.kind === 'varchar' && type.kind === 'varchar' && (type.length ?? Infinity) >= (from.length ?? Infinity)) {
    return { ...constant, type };
  }
  return undefined;
}

type Decimal = { readonly precision: number; readonly scale: number };
const widerDecimal = (from: Decimal, to: Decimal): boolean =>
  to.scale >= from.scale && to.precision - to.scale >= from.precision - from.scale;
