/** + - * / % and unary minus over numbers: integer division, Trino's decimal scales, errors where the kernel has NULL. */

import { kernelType } from '../../../types/kernel.ts';
import { decimal, type SqlType } from '../../../types/type.ts';
import type { Expression } from '../../expression.ts';
import { raise } from '../../../types/raise.ts';
import { define, type FunctionDefinition, type Render, type RenderKit } from '../definition.ts';

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
  (operator: '//' | '%'): Render =>
  ([a = '', b = ''], { bind, expressions }) => {
    const divisor = expressions[1];
    if (isNonZero(divisor) && !(operator === '%' && isMinusOne(divisor))) return `(${a} ${operator} ${b})`;
    // The least integer has a remainder by -1, but to the kernel no quotient and so none.
    const byMinusOne = (n: string, d: string): string => (operator === '%' ? ` WHEN ${d} = -1 THEN ${n} - ${n}` : '');
    return bind(b, (d) =>
      bind(
        a,
        (n) => `CASE WHEN ${d} = 0 AND ${n} IS NOT NULL THEN ${zero}${byMinusOne(n, d)} ELSE ${n} ${operator} ${d} END`,
      ),
    );
  };

const isMinusOne = (e: Expression | undefined): boolean => e?.kind === 'Constant' && e.value === '-1';

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

/** The digits of a decimal as one integer: HUGEINT, made in 64 bits where they are enough. */
function unscaled(sql: string, { precision, scale }: Decimal): string {
  if (scale === 0) return `CAST(${sql} AS HUGEINT)`;
  const unit = `CAST(1${'0'.repeat(scale)} AS DECIMAL(${scale + 1},0))`;
  if (precision + scale + 1 <= 18) return `CAST(CAST(${sql} * ${unit} AS BIGINT) AS HUGEINT)`;
  if (precision + scale < DIGITS_MAX) return `CAST(CAST(${sql} AS DECIMAL(38,${scale})) * ${unit} AS HUGEINT)`;
  return `CAST(replace(CAST(${sql} AS VARCHAR), '.', '') AS HUGEINT)`;
}

/** An integer read as the digits of a decimal. */
function scaled(sql: string, type: Decimal): string {
  if (type.scale === 0) return `CAST(${sql} AS ${kernelType(type)})`;
  const unit = `CAST('0.${'0'.repeat(type.scale - 1)}1' AS DECIMAL(${type.scale},${type.scale}))`;
  return `CAST(CAST(${sql} AS DECIMAL(${type.precision},0)) * ${unit} AS ${kernelType(type)})`;
}

/** Digits that 64 bits hold with a factor of two to spare. */
const NARROW_DIGITS = 17;

/** Rounded half away from zero at the result's scale. */
const decimalQuotient: Render = ([a = '', b = ''], { type, types, bind }) => {
  const [left, right] = asDecimals(types);
  const result = type as Decimal;
  const shift = result.scale - left.scale + right.scale;
  const kernel = left.precision + shift <= NARROW_DIGITS && right.precision <= NARROW_DIGITS ? 'BIGINT' : 'HUGEINT';
  const power = `CAST('1${'0'.repeat(Math.abs(shift))}' AS ${kernel})`;
  const digits = (sql: string, from: Decimal): string =>
    kernel === 'BIGINT' ? `CAST(${unscaled(sql, from)} AS BIGINT)` : unscaled(sql, from);
  return bind(digits(a, left), (n) =>
    bind(digits(b, right), (d) => {
      const size = shift < 0 || left.precision + shift < DIGITS_MAX;
      const whole =
        shift < 0
          ? roundedQuotient(`abs(${n})`, `abs(${d}) * ${power}`, kernel, bind)
          : roundedQuotient(`abs(${n}) * ${power}`, `abs(${d})`, kernel, bind);
      // The whole quotient first where the shifted digits may not fit: only the remainder grows by the shift.
      const split = `(abs(${n}) // abs(${d}) * ${power} + ${roundedQuotient(`abs(${n}) % abs(${d}) * ${power}`, `abs(${d})`, kernel, bind)})`;
      const quotient = `${size ? whole : split} * (sign(${n}) * sign(${d}))`;
      return `CASE WHEN ${d} = 0 AND ${n} IS NOT NULL THEN ${zero} WHEN ${d} <> 0 THEN ${scaled(`(${quotient})`, result)} END`;
    }),
  );
};

/** A quotient to the precision of doubles. */
const near = (rest: string, by: string): string => `CAST(CAST(${rest} AS DOUBLE) / CAST(${by} AS DOUBLE) AS HUGEINT)`;

/**
 * n / d of numbers that are not negative, rounded half up. The kernel divides 128 bits one by one (4 µs); doubles come
 * near in three steps, each of which divides what the last one left, and whole numbers decide the rest.
 */
function roundedQuotient(n: string, d: string, kernel: 'BIGINT' | 'HUGEINT', bind: RenderKit['bind']): string {
  if (kernel === 'BIGINT') return `((2 * (${n}) + ${d}) // (2 * ${d}))`;
  return bind(`(${n})`, (x) =>
    bind(`(${d})`, (y) =>
      bind(near(x, y), (q) =>
        bind(`(${q} + ${near(`(${x} - ${q} * ${y})`, y)})`, (r) =>
          bind(
            `(${r} + ${near(`(${x} - ${r} * ${y})`, y)})`,
            (t) =>
              `(${t} + CASE WHEN 2 * (${x} - ${t} * ${y}) >= ${y} THEN 1 WHEN 2 * (${x} - ${t} * ${y}) < -${y} THEN -1 ELSE 0 END)`,
          ),
        ),
      ),
    ),
  );
}

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
