/** + - * / % and unary minus over numbers: integer division, Trino's decimal scales, errors where the kernel has NULL. */

import { kernelType } from '../../../types/kernel.ts';
import { decimal, type SqlType } from '../../../types/type.ts';
import type { Expression } from '../../expression.ts';
import { raise } from '../../render/raise.ts';
import { define, type FunctionDefinition, type Render } from '../definition.ts';

const INTEGERS = ['tinyint', 'smallint', 'integer', 'bigint'];
const FLOATS = ['real', 'double'];

const infix =
  (operator: string): Render =>
  ([a, b]) =>
    `(${a} ${operator} ${b})`;

const isNonZero = (e: Expression | undefined): boolean =>
  e?.kind === 'Constant' && typeof e.value === 'string' && /[1-9]/.test(e.value);

const zero = raise('DIVISION_BY_ZERO', 'Division by zero');

/** `body` where the divisor is not zero; NULL divided by zero is NULL. Constant divisors need no guard. */
const guarded =
  (operator: string): Render =>
  ([a = '', b = ''], { bind, expressions }) => {
    if (isNonZero(expressions[1])) return `(${a} ${operator} ${b})`;
    return bind(b, (d) =>
      bind(a, (n) => `CASE WHEN ${d} = 0 AND ${n} IS NOT NULL THEN ${zero} ELSE ${n} ${operator} ${d} END`),
    );
  };

type Decimal = Extract<SqlType, { kind: 'decimal' }>;
const asDecimals = (types: readonly SqlType[]): [Decimal, Decimal] => [types[0] as Decimal, types[1] as Decimal];
const DIGITS_MAX = 38;

/** Scale that a division or a shortened result keeps at least, as far as it has one. */
const SCALE_KEPT = 6;

/** A type of `whole` digits before the point and `scale` behind it; beyond 38 digits the scale gives way. */
function fitted(whole: number, scale: number, carry: number): SqlType {
  if (whole + scale + carry <= DIGITS_MAX) return decimal(Math.max(1, whole + scale + carry), scale);
  return decimal(DIGITS_MAX, Math.max(Math.min(scale, DIGITS_MAX - whole), Math.min(scale, SCALE_KEPT)));
}

function sumType(types: readonly SqlType[]): SqlType {
  const [a, b] = asDecimals(types);
  return fitted(Math.max(a.precision - a.scale, b.precision - b.scale), Math.max(a.scale, b.scale), 1);
}

function productType(types: readonly SqlType[]): SqlType {
  const [a, b] = asDecimals(types);
  return fitted(a.precision - a.scale + b.precision - b.scale, a.scale + b.scale, 0);
}

function quotientType(types: readonly SqlType[]): SqlType {
  const [a, b] = asDecimals(types);
  return fitted(a.precision - a.scale + b.scale, Math.max(SCALE_KEPT, a.scale + b.precision + 1), 0);
}

/** The kernel's own rule: 18 digits, checked, unless the scale alone would fill them. Types of up to 18 digits fit anyway. */
const staysNarrow = (left: Decimal, right: Decimal, result: Decimal): boolean =>
  result.precision > 18 && result.scale >= Math.max(left.scale, right.scale) && left.scale + right.scale < 18;

/**
 * The kernel would keep 18-digit decimals at 18 digits and fail where Trino grows: the operand is widened first. A result
 * whose scale gave way is computed in it.
 */
const decimalSum =
  (operator: string): Render =>
  ([a, b], { type, types, query }) => {
    const [left, right] = asDecimals(types);
    const result = type as Decimal;
    if (query.narrowDecimals && staysNarrow(left, right, result)) return `(${a} ${operator} ${b})`;
    if (result.scale < Math.max(left.scale, right.scale)) {
      const [x, y] = [`CAST(${a} AS ${kernelType(type)})`, `CAST(${b} AS ${kernelType(type)})`];
      return `CAST(${x} ${operator} ${y} AS ${kernelType(type)})`;
    }
    const wide = `CAST(${a} AS DECIMAL(${result.precision},${left.scale}))`;
    const grows = result.precision > 18 && left.precision <= 18;
    return `CAST(${grows ? wide : a} ${operator} ${b} AS ${kernelType(type)})`;
  };

const decimalProduct: Render = ([a = '', b = ''], { type, types, bind, query }) => {
  const [left, right] = asDecimals(types);
  const result = type as Decimal;
  const excess = left.scale + right.scale - result.scale;
  if (query.narrowDecimals && excess === 0 && staysNarrow(left, right, result)) return `(${a} * ${b})`;
  if (excess === 0) {
    const wide = `CAST(${a} AS DECIMAL(19,${left.scale}))`;
    return `CAST(${result.precision > 18 && left.precision <= 18 ? wide : a} * ${b} AS ${kernelType(type)})`;
  }
  // x * y / unit = (x / unit) * y + (x % unit) * y / unit, which stays within 128 bits for longer.
  const unit = `CAST('1${'0'.repeat(excess)}' AS HUGEINT)`;
  return bind(unscaled(a, left), (x) =>
    bind(unscaled(b, right), (y) =>
      scaled(`(${x} // ${unit} * ${y} + ${halfUp(`(${x} % ${unit} * ${y})`, unit)})`, result),
    ),
  );
};

/** n / d rounded half away from zero. */
const halfUp = (n: string, d: string): string =>
  `(${n} // ${d} + CASE WHEN abs(${n} % ${d}) >= abs(${d}) - abs(${n} % ${d}) THEN CASE WHEN (${n} < 0) = (${d} < 0) THEN 1 ELSE -1 END ELSE 0 END)`;

/** The digits of a decimal as one integer. */
function unscaled(sql: string, { precision, scale }: Decimal): string {
  if (scale === 0) return `CAST(${sql} AS HUGEINT)`;
  if (precision + scale < DIGITS_MAX)
    return `CAST(CAST(${sql} AS DECIMAL(38,${scale})) * CAST(1${'0'.repeat(scale)} AS DECIMAL(${scale + 1},0)) AS HUGEINT)`;
  return `CAST(replace(CAST(${sql} AS VARCHAR), '.', '') AS HUGEINT)`;
}

/** An integer read as the digits of a decimal. */
function scaled(sql: string, type: Decimal): string {
  if (type.scale === 0) return `CAST(${sql} AS ${kernelType(type)})`;
  const unit = `CAST('0.${'0'.repeat(type.scale - 1)}1' AS DECIMAL(${type.scale},${type.scale}))`;
  return `CAST(CAST(${sql} AS DECIMAL(${type.precision},0)) * ${unit} AS ${kernelType(type)})`;
}

/** Rounded half away from zero at the result's scale. */
const decimalQuotient: Render = ([a = '', b = ''], { type, types, bind }) => {
  const [left, right] = asDecimals(types);
  const result = type as Decimal;
  const shift = result.scale - left.scale + right.scale;
  const power = `CAST('1${'0'.repeat(Math.abs(shift))}' AS HUGEINT)`;
  const quotient = (n: string, d: string): string => {
    if (shift < 0) return halfUp(n, `(${d} * ${power})`);
    if (left.precision + shift < DIGITS_MAX) return halfUp(`(${n} * ${power})`, d);
    // The whole quotient first: only the remainder grows by the shift.
    return `(${n} // ${d} * ${power} + ${halfUp(`(${n} % ${d} * ${power})`, d)})`;
  };
  return bind(unscaled(a, left), (n) =>
    bind(
      unscaled(b, right),
      (d) => `CASE WHEN ${d} = 0 AND ${n} IS NOT NULL THEN ${zero} ELSE ${scaled(quotient(n, d), result)} END`,
    ),
  );
};

export function remainderType(types: readonly SqlType[]): SqlType {
  const [a, b] = asDecimals(types);
  const scale = Math.max(a.scale, b.scale);
  return decimal(Math.max(1, Math.min(b.precision - b.scale, a.precision - a.scale) + scale), scale);
}

export const decimalRemainder: Render = ([a = '', b = ''], { type, types, bind }) => {
  const [left, right] = asDecimals(types);
  const result = type as Decimal;
  const digits = (sql: string, from: Decimal): string => {
    const shift = result.scale - from.scale;
    return `(${unscaled(sql, from)}${shift > 0 ? ` * CAST('1${'0'.repeat(shift)}' AS HUGEINT)` : ''})`;
  };
  return bind(digits(a, left), (n) =>
    bind(
      digits(b, right),
      (d) => `CASE WHEN ${d} = 0 AND ${n} IS NOT NULL THEN ${zero} ELSE ${scaled(`(${n} % ${d})`, result)} END`,
    ),
  );
};

export const ARITHMETIC: readonly FunctionDefinition[] = [
  ...[...INTEGERS, ...FLOATS].flatMap((t) => [
    define(`$add(${t}, ${t}): ${t}`, infix('+')),
    define(`$subtract(${t}, ${t}): ${t}`, infix('-')),
    define(`$multiply(${t}, ${t}): ${t}`, infix('*')),
    define(`$negate(${t}): ${t}`, ([a]) => `(-${a})`),
  ]),
  ...INTEGERS.flatMap((t) => [
    define(`$divide(${t}, ${t}): ${t}`, guarded('//')),
    define(`$modulus(${t}, ${t}): ${t}`, guarded('%')),
  ]),
  ...FLOATS.flatMap((t) => [
    define(`$divide(${t}, ${t}): ${t}`, infix('/')),
    define(`$modulus(${t}, ${t}): ${t}`, infix('%')),
  ]),
  define('$add(decimal(p,s), decimal(q,t)): decimal(p,s)', decimalSum('+'), { returns: sumType }),
  define('$subtract(decimal(p,s), decimal(q,t)): decimal(p,s)', decimalSum('-'), { returns: sumType }),
  define('$multiply(decimal(p,s), decimal(q,t)): decimal(p,s)', decimalProduct, { returns: productType }),
  define('$divide(decimal(p,s), decimal(q,t)): decimal(p,s)', decimalQuotient, { returns: quotientType }),
  define('$modulus(decimal(p,s), decimal(q,t)): decimal(p,s)', decimalRemainder, { returns: remainderType }),
  define('$negate(decimal(p,s)): decimal(p,s)', ([a]) => `(-${a})`),
];
