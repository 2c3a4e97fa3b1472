/** + - * / % and unary minus over numbers: integer division, Trino's decimal scales, errors where the kernel has NULL. */

import { QueryError } from '../../../common/errors.ts';
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

/** `body` where the divisor is not zero. Constant divisors need no guard. */
const guarded =
  (body: (a: string, b: string, kit: Parameters<Render>[1]) => string): Render =>
  ([a = '', b = ''], kit) => {
    if (isNonZero(kit.expressions[1])) return body(a, b, kit);
    return kit.bind(
      b,
      (d) => `CASE WHEN ${d} = 0 THEN ${raise('DIVISION_BY_ZERO', 'Division by zero')} ELSE ${body(a, d, kit)} END`,
    );
  };

type Decimal = Extract<SqlType, { kind: 'decimal' }>;
const asDecimals = (types: readonly SqlType[]): [Decimal, Decimal] => [types[0] as Decimal, types[1] as Decimal];
const DIGITS_MAX = 38;

function sumType(types: readonly SqlType[]): SqlType {
  const [a, b] = asDecimals(types);
  const scale = Math.max(a.scale, b.scale);
  return decimal(Math.min(DIGITS_MAX, Math.max(a.precision - a.scale, b.precision - b.scale) + scale + 1), scale);
}

function productType(types: readonly SqlType[]): SqlType {
  const [a, b] = asDecimals(types);
  const scale = a.scale + b.scale;
  if (scale > DIGITS_MAX) {
    throw new QueryError(
      'NUMERIC_VALUE_OUT_OF_RANGE',
      `DECIMAL scale ${scale} of a product exceeds 38; cast the factors to smaller scales first`,
    );
  }
  return decimal(Math.min(DIGITS_MAX, a.precision + b.precision), scale);
}

function quotientType(types: readonly SqlType[]): SqlType {
  const [a, b] = asDecimals(types);
  const precision = a.precision + b.scale + Math.max(b.scale - a.scale, 0);
  return decimal(Math.min(DIGITS_MAX, precision), Math.max(a.scale, b.scale));
}

function remainderType(types: readonly SqlType[]): SqlType {
  const [a, b] = asDecimals(types);
  const scale = Math.max(a.scale, b.scale);
  return decimal(Math.min(b.precision - b.scale, a.precision - a.scale) + scale || 1, scale);
}

/** The kernel would keep 18-digit decimals at 18 digits and fail where Trino grows: the operand is widened first. */
const decimalSum =
  (operator: string): Render =>
  ([a, b], { type, types }) => {
    const [left] = asDecimals(types);
    const result = type as Decimal;
    const wide = `CAST(${a} AS DECIMAL(${result.precision},${left.scale}))`;
    return `CAST(${result.precision > 18 && result.precision <= DIGITS_MAX && left.precision <= 18 ? wide : a} ${operator} ${b} AS ${kernelType(type)})`;
  };

const decimalProduct: Render = ([a, b], { type, types }) => {
  const [left] = asDecimals(types);
  const result = type as Decimal;
  const wide = `CAST(${a} AS DECIMAL(19,${left.scale}))`;
  return `CAST(${result.precision > 18 && left.precision <= 18 ? wide : a} * ${b} AS ${kernelType(type)})`;
};

/** The digits of a decimal as one integer. */
function unscaled(sql: string, { precision, scale }: Decimal): string {
  if (scale === 0) return `CAST(${sql} AS HUGEINT)`;
  if (precision + scale < DIGITS_MAX)
    return `CAST(${sql} * CAST(1${'0'.repeat(scale)} AS DECIMAL(${scale + 1},0)) AS HUGEINT)`;
  return `CAST(replace(CAST(${sql} AS VARCHAR), '.', '') AS HUGEINT)`;
}

/** An integer read as the digits of a decimal. */
function scaled(sql: string, type: Decimal): string {
  if (type.scale === 0) return `CAST(${sql} AS ${kernelType(type)})`;
  const unit = `CAST('0.${'0'.repeat(type.scale - 1)}1' AS DECIMAL(${type.scale},${type.scale}))`;
  return `CAST(CAST(${sql} AS DECIMAL(${type.precision},0)) * ${unit} AS ${kernelType(type)})`;
}

/** Rounded half away from zero at the result's scale. */
const decimalQuotient: Render = guarded((a, b, { type, types, bind }) => {
  const [left, right] = asDecimals(types);
  const result = type as Decimal;
  const shift = result.scale - left.scale + right.scale;
  const numerator = `(${unscaled(a, left)}${shift > 0 ? ` * CAST('1${'0'.repeat(shift)}' AS HUGEINT)` : ''})`;
  return bind(numerator, (n) =>
    bind(unscaled(b, right), (d) => {
      const away = `CASE WHEN 2 * abs(${n} % ${d}) >= abs(${d}) THEN CASE WHEN (${n} < 0) = (${d} < 0) THEN 1 ELSE -1 END ELSE 0 END`;
      return scaled(`(${n} // ${d} + ${away})`, result);
    }),
  );
});

const decimalRemainder: Render = guarded((a, b, { type, types }) => {
  const [left, right] = asDecimals(types);
  const result = type as Decimal;
  const digits = (sql: string, from: Decimal): string => {
    const shift = result.scale - from.scale;
    return `${unscaled(sql, from)}${shift > 0 ? ` * CAST('1${'0'.repeat(shift)}' AS HUGEINT)` : ''}`;
  };
  return scaled(`((${digits(a, left)}) % (${digits(b, right)}))`, result);
});

export const ARITHMETIC: readonly FunctionDefinition[] = [
  ...[...INTEGERS, ...FLOATS].flatMap((t) => [
    define(`$add(${t}, ${t}): ${t}`, infix('+')),
    define(`$subtract(${t}, ${t}): ${t}`, infix('-')),
    define(`$multiply(${t}, ${t}): ${t}`, infix('*')),
    define(`$negate(${t}): ${t}`, ([a]) => `(-${a})`),
  ]),
  ...INTEGERS.flatMap((t) => [
    define(
      `$divide(${t}, ${t}): ${t}`,
      guarded((a, b) => `(${a} // ${b})`),
    ),
    define(
      `$modulus(${t}, ${t}): ${t}`,
      guarded((a, b) => `(${a} % ${b})`),
    ),
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
