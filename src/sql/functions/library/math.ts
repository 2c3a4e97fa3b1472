/** Numbers: rounding, powers, angles, bits, number systems. */

import { kernelType } from '../../../types/kernel.ts';
import { hasOrderKey, orderKeySql } from '../../../types/order-key.ts';
import { decimal, DOUBLE, type SqlType } from '../../../types/type.ts';
import { raise } from '../../../types/raise.ts';
import { define, direct, type FunctionDefinition, type Render } from '../definition.ts';
import { decimalRemainder, remainderType } from './arithmetic.ts';
import { constantInteger, refuseWhere, whenPresent } from './constants.ts';

const INTEGERS = ['tinyint', 'smallint', 'integer', 'bigint'];
const FLOATS = ['real', 'double'];

type Decimal = Extract<SqlType, { kind: 'decimal' }>;
const asDecimal = (types: readonly SqlType[]): Decimal => types[0] as Decimal;

/** ceiling and floor leave no fraction; a fraction may carry into one more digit. */
const wholeType = (types: readonly SqlType[]): SqlType => {
  const { precision, scale } = asDecimal(types);
  return decimal(Math.max(1, precision - scale + Math.min(scale, 1)), 0);
};

const castTo =
  (name: string): Render =>
  ([a], { type }) =>
    `CAST(${name}(${a}) AS ${kernelType(type)})`;

const same: Render = ([a = '']) => a;

/** ceiling, floor, round and truncate of integers are the integers. */
const rounding = (names: readonly string[], kernel: string): FunctionDefinition[] =>
  names.flatMap((name) => [
    ...INTEGERS.map((t) => define(`${name}(${t}): ${t}`, same)),
    ...FLOATS.map((t) => define(`${name}(${t}): ${t}`, castTo(kernel))),
    define(`${name}(decimal(p,s)): decimal(p,0)`, castTo(kernel), { returns: wholeType }),
  ]);

/** `round(x, n)` of an integer: only a negative n changes it. */
const roundInteger: Render = ([a = '', n = ''], { bind, expressions, type }) => {
  const digits = constantInteger(expressions[1]);
  if (digits !== undefined && digits >= 0) return a;
  return bind(
    n,
    (d) =>
      `CASE WHEN ${d} >= 0 THEN ${a} WHEN ${d} < -19 THEN CAST(0 AS ${kernelType(type)}) ELSE ${narrow(`CAST(round(CAST(${a} AS DECIMAL(38,0)), CAST(${d} AS INTEGER)) AS HUGEINT)`, type)} END`,
  );
};

/** A wide integer as `type`, or the error that says it does not fit. */
const narrow = (sql: string, type: SqlType): string =>
  `CASE WHEN ${sql} IS NOT NULL THEN coalesce(TRY_CAST(${sql} AS ${kernelType(type)}), ${raise('NUMERIC_VALUE_OUT_OF_RANGE', `Out of range for ${type.kind}`)}) END`;

/** Beyond sixteen digits a double has nothing to round, and the kernel's scaling would lose it. */
const roundFloat: Render = ([a = '', n = ''], { bind, expressions, type }) => {
  const rounded = (x: string, d: string): string =>
    `CASE WHEN abs(${x}) >= 1e15 OR NOT isfinite(${x}) THEN ${x} ELSE CAST(round(CAST(${x} AS DOUBLE), ${d}) AS ${kernelType(type)}) END`;
  const digits = constantInteger(expressions[1]);
  if (digits !== undefined && digits >= 0 && digits <= 15) {
    return bind(a, (x) => rounded(x, String(digits)));
  }
  return bind(a, (x) =>
    bind(n, (d) => `CASE WHEN ${d} > 15 THEN ${x} ELSE ${rounded(x, `CAST(greatest(${d}, -308) AS INTEGER)`)} END`),
  );
};

const roundedType = (types: readonly SqlType[]): SqlType => {
  const { precision, scale } = asDecimal(types);
  return decimal(Math.min(38, precision + 1), scale);
};

/** The value shifted to whole numbers of the wanted digit, rounded or cut, and shifted back. */
const decimalDigits =
  (cut: boolean): Render =>
  ([a = '', n = ''], { bind, types, type }) => {
    const { scale } = asDecimal(types);
    return bind(a, (x) =>
      bind(n, (d) => {
        const digits = `CAST(replace(CAST(CAST(${x} AS DECIMAL(38,${scale})) AS VARCHAR), '.', '') AS HUGEINT)`;
        const unit = `CAST(CAST('1' || repeat('0', CAST(${scale} - ${d} AS INTEGER)) AS VARCHAR) AS HUGEINT)`;
        const half = cut
          ? ''
          : ` + CASE WHEN 2 * abs(${digits} % ${unit}) >= ${unit} THEN CASE WHEN ${x} < 0 THEN -1 ELSE 1 END ELSE 0 END`;
        const whole = `(${digits} // ${unit}${half}) * ${unit}`;
        const back = scale === 0 ? '' : ` * CAST('0.${'0'.repeat(scale - 1)}1' AS DECIMAL(${scale},${scale}))`;
        return `CASE WHEN ${x} IS NULL OR ${d} IS NULL THEN NULL WHEN ${d} >= ${scale} THEN CAST(${x} AS ${kernelType(type)}) WHEN ${scale} - ${d} > 37 THEN CAST(0 AS ${kernelType(type)}) ELSE CAST(CAST(${whole} AS DECIMAL(38,0))${back} AS ${kernelType(type)}) END`;
      }),
    );
  };

/** Exact where the root is a whole number; the kernel's is a power. */
const cubeRoot: Render = ([a = ''], { bind }) =>
  bind(a, (x) => `CASE WHEN pow(round(cbrt(${x})), 3) = ${x} THEN round(cbrt(${x})) ELSE cbrt(${x}) END`);

const unary = (name: string, kernel = name): FunctionDefinition => direct(`${name}(double): double`, kernel);

/** Outside of the domain the answer is NaN, where the kernel raises. */
const within = (name: string, condition: (x: string) => string, kernel = name): FunctionDefinition =>
  define(`${name}(double): double`, ([a = ''], { bind }) =>
    bind(
      a,
      (x) => `CASE WHEN ${condition(x)} THEN ${kernel}(${x}) WHEN ${x} IS NOT NULL THEN CAST('NaN' AS DOUBLE) END`,
    ),
  );

/** ln(0) is -Infinity. */
const logarithm = (name: string): FunctionDefinition =>
  define(`${name}(double): double`, ([a = ''], { bind }) =>
    bind(
      a,
      (x) =>
        `CASE WHEN ${x} > 0 THEN ${name}(${x}) WHEN ${x} = 0 THEN CAST('-Infinity' AS DOUBLE) WHEN ${x} IS NOT NULL THEN CAST('NaN' AS DOUBLE) END`,
    ),
  );

/** Extremes among all arguments: NULL if any is NULL, and NaN never wins over a number. */
const extreme =
  (name: 'greatest' | 'least'): Render =>
  (args, { types, bind }) => {
    const all = args.reduceRight<(names: readonly string[]) => string>(
      (inner, arg) => (names) => bind(arg, (value) => inner([...names, value])),
      (names) => {
        const present = names.map((value) => `${value} IS NOT NULL`).join(' AND ');
        const isFloat = types[0]?.kind === 'double' || types[0]?.kind === 'real';
        const unordered = name === 'greatest' ? 'first' : 'last';
        if (!isFloat && types[0] && hasOrderKey(types[0], unordered)) {
          // Of those that are equal the first.
          const best = name === 'greatest' ? 'max' : 'min';
          const place = name === 'greatest' ? '-i' : 'i';
          const keyed = `lambda x, i: {'k': ${orderKeySql(types[0], 'x', unordered)}, 'i': ${place}, 'v': x}`;
          return `CASE WHEN ${present} THEN list_${best}(list_transform([${names.join(', ')}], ${keyed})).v END`;
        }
        // To the kernel NaN is above every number: greatest() passes over it explicitly.
        const numbers = names.map((value) =>
          isFloat && name === 'greatest' ? `CASE WHEN isnan(${value}) THEN NULL ELSE ${value} END` : value,
        );
        const best = `${name}(${numbers.join(', ')})`;
        return `CASE WHEN ${present} THEN ${isFloat && name === 'greatest' ? `coalesce(${best}, ${names[0]})` : best} END`;
      },
    );
    return all([]);
  };

const DIGITS = "'0123456789abcdefghijklmnopqrstuvwxyz'";

const toBase: Render = ([value = '', radix = ''], { bind }) =>
  bind(value, (v) =>
    bind(radix, (r) => {
      // One step a digit, from the last: what is left of the number, and the digits so far.
      const steps = `list_transform(range(0, 64), lambda i: {'n': CAST(0 AS HUGEINT), 't': ''})`;
      const step = `{'n': s.n // ${r}, 't': CASE WHEN s.n = 0 THEN s.t ELSE substr(${DIGITS}, CAST(s.n % ${r} AS BIGINT) + 1, 1) || s.t END}`;
      const digits = `(list_reduce(${steps}, lambda s, x: ${step}, {'n': abs(CAST(${v} AS HUGEINT)), 't': ''})).t`;
      return refuseWhere(
        `${r} < 2 OR ${r} > 36`,
        `'Radix must be between 2 and 36'`,
        whenPresent([v, r], `CASE WHEN ${v} = 0 THEN '0' WHEN ${v} < 0 THEN '-' || ${digits} ELSE ${digits} END`),
      );
    }),
  );

const fromBase: Render = ([text = '', radix = ''], { bind }) =>
  bind(text, (s) =>
    bind(radix, (r) => {
      const digits = `list_transform(string_split(lower(ltrim(${s}, '-+')), ''), lambda c: strpos(${DIGITS}, c) - 1)`;
      return refuseWhere(
        `${r} < 2 OR ${r} > 36`,
        `'Radix must be between 2 and 36'`,
        refuseWhere(
          `len(ltrim(${s}, '-+')) = 0 OR list_bool_or(list_transform(${digits}, lambda d: d < 0 OR d >= ${r}))`,
          `'Not a valid base-' || ${r} || ' number: ' || ${s}`,
          `CAST(CASE WHEN starts_with(${s}, '-') THEN -1 ELSE 1 END * CAST(list_reduce(list_transform(${digits}, lambda d: CAST(d AS HUGEINT)), lambda a, d: a * ${r} + d, CAST(0 AS HUGEINT)) AS HUGEINT) AS BIGINT)`,
        ),
      );
    }),
  );

const widthBucket: Render = ([x = '', low = '', high = '', n = ''], { bind }) =>
  bind(x, (v) =>
    bind(low, (a) =>
      bind(high, (b) =>
        bind(n, (c) => {
          const share = `CAST(floor(${c} * CASE WHEN ${a} < ${b} THEN (${v} - ${a}) / (${b} - ${a}) ELSE (${a} - ${v}) / (${a} - ${b}) END) AS BIGINT) + 1`;
          return refuseWhere(
            `${c} <= 0`,
            `'bucketCount must be greater than 0'`,
            refuseWhere(
              `isnan(${v}) OR NOT isfinite(${a}) OR NOT isfinite(${b}) OR ${a} = ${b}`,
              `'bounds must be finite and differ, and the operand must be a number'`,
              `CASE WHEN (${a} < ${b} AND ${v} < ${a}) OR (${a} > ${b} AND ${v} > ${a}) THEN 0 WHEN (${a} < ${b} AND ${v} >= ${b}) OR (${a} > ${b} AND ${v} <= ${b}) THEN CAST(${c} AS BIGINT) + 1 ELSE ${share} END`,
            ),
          );
        }),
      ),
    ),
  );

const widthBucketBins: Render = ([x = '', bins = ''], { bind }) =>
  bind(x, (v) =>
    bind(bins, (b) =>
      refuseWhere(
        `len(${b}) = 0`,
        `'Bins cannot be an empty array'`,
        refuseWhere(
          `isnan(${v})`,
          `'Operand cannot be NaN'`,
          refuseWhere(
            `list_sort(${b}) <> ${b} OR NOT list_bool_and(list_transform(${b}, lambda z: isfinite(z)))`,
            `'Bin values must be finite and in ascending order'`,
            `CAST(len(list_filter(${b}, lambda z: z <= ${v})) AS BIGINT)`,
          ),
        ),
      ),
    ),
  );

const shift =
  (left: boolean, logical: boolean, bits: number): Render =>
  ([a = '', n = ''], { bind, type }) =>
    bind(a, (x) =>
      bind(n, (k) => {
        const wide = `CAST(${x} AS HUGEINT)`;
        const power = `CAST(pow(2, least(${k}, ${bits})) AS HUGEINT)`;
        const modulus = `CAST('${2n ** BigInt(bits)}' AS HUGEINT)`;
        const unsigned = `((${wide} + ${modulus}) % ${modulus})`;
        const result = left ? `((${unsigned} % (${modulus} // ${power})) * ${power})` : `(${unsigned} // ${power})`;
        const signed = `CASE WHEN ${result} >= CAST('${2n ** BigInt(bits - 1)}' AS HUGEINT) THEN ${result} - ${modulus} ELSE ${result} END`;
        const down = `(${wide} - ((${wide} % ${power}) + ${power}) % ${power}) // ${power}`;
        const body = left || logical ? signed : down;
        return whenPresent([x, k], `CAST(${body} AS ${kernelType(type)})`);
      }),
    );

const SHIFTS: FunctionDefinition[] = [...['tinyint', 'smallint', 'integer', 'bigint'].entries()].flatMap(([i, t]) => {
  const bits = 8 << i;
  return [
    define(`bitwise_left_shift(${t}, bigint): ${t}`, shift(true, true, bits)),
    define(`bitwise_right_shift(${t}, bigint): ${t}`, shift(false, true, bits)),
    define(`bitwise_right_shift_arithmetic(${t}, bigint): ${t}`, shift(false, false, bits)),
  ];
});

const random: Render = () => 'random()';

/** random(n): from 0 up to n. */
const randomBelow: Render = ([n = ''], { bind, type }) =>
  bind(n, (m) =>
    refuseWhere(`${m} <= 0`, `'bound must be positive'`, `CAST(floor(random() * ${m}) AS ${kernelType(type)})`),
  );

const randomBetween: Render = ([low = '', high = ''], { bind, type }) =>
  bind(low, (a) =>
    bind(high, (b) =>
      refuseWhere(
        `${a} >= ${b}`,
        `'start value must be less than stop value'`,
        `CAST(${a} + floor(random() * (${b} - ${a})) AS ${kernelType(type)})`,
      ),
    ),
  );

const VOLATILE = { deterministic: false } as const;

const modulus = (t: string): FunctionDefinition =>
  define(`mod(${t}, ${t}): ${t}`, ([a = '', b = ''], { bind }) =>
    bind(b, (d) => `CASE WHEN ${d} = 0 THEN ${raise('DIVISION_BY_ZERO', 'Division by zero')} ELSE ${a} % ${d} END`),
  );

export const MATH: readonly FunctionDefinition[] = [
  ...INTEGERS.map((t) => direct(`abs(${t}): ${t}`, 'abs')),
  ...FLOATS.map((t) => direct(`abs(${t}): ${t}`, 'abs')),
  direct('abs(decimal(p,s)): decimal(p,s)', 'abs'),
  ...INTEGERS.map((t) => define(`sign(${t}): ${t}`, castTo('sign'))),
  ...FLOATS.map((t) =>
    define(`sign(${t}): ${t}`, ([a = ''], { bind, type }) =>
      bind(a, (x) => `CASE WHEN isnan(${x}) THEN ${x} ELSE CAST(sign(${x}) AS ${kernelType(type)}) END`),
    ),
  ),
  define('sign(decimal(p,s)): decimal(1,0)', castTo('sign')),
  ...rounding(['ceiling', 'ceil'], 'ceil'),
  ...rounding(['floor'], 'floor'),
  ...rounding(['round'], 'round'),
  ...INTEGERS.map((t) => define(`round(${t}, bigint): ${t}`, roundInteger)),
  ...FLOATS.map((t) => define(`round(${t}, bigint): ${t}`, roundFloat)),
  define('round(decimal(p,s), bigint): decimal(p,s)', decimalDigits(false), { returns: roundedType }),
  ...FLOATS.map((t) => define(`truncate(${t}): ${t}`, castTo('trunc'))),
  define('truncate(decimal(p,s)): decimal(p,0)', castTo('trunc'), {
    returns: (types) => decimal(Math.max(1, asDecimal(types).precision - asDecimal(types).scale), 0),
  }),
  define('truncate(decimal(p,s), bigint): decimal(p,s)', decimalDigits(true)),
  ...INTEGERS.map(modulus),
  ...FLOATS.map((t) => define(`mod(${t}, ${t}): ${t}`, ([a, b]) => `(${a} % ${b})`)),
  define('mod(decimal(p,s), decimal(q,t)): decimal(p,s)', decimalRemainder, { returns: remainderType }),
  define('cbrt(double): double', cubeRoot),
  ...['exp', 'degrees', 'radians', 'atan', 'sinh', 'cosh', 'tanh'].map((name) => unary(name)),
  ...['sin', 'cos', 'tan'].map((name) => within(name, (x) => `isfinite(${x})`)),
  ...['asin', 'acos'].map((name) => within(name, (x) => `${x} BETWEEN -1 AND 1`)),
  within('sqrt', (x) => `${x} >= 0`),
  ...['ln', 'log2', 'log10'].map(logarithm),
  define('log(double, double): double', ([base, x]) => `(ln(${x}) / ln(${base}))`),
  direct('atan2(double, double): double', 'atan2'),
  direct('pow(double, double): double', 'pow'),
  direct('power(double, double): double', 'pow'),
  define('e(): double', () => 'exp(1e0)'),
  define('pi(): double', () => 'pi()'),
  define('infinity(): double', () => `CAST('Infinity' AS DOUBLE)`),
  define('nan(): double', () => `CAST('NaN' AS DOUBLE)`),
  ...FLOATS.flatMap((t) => [
    direct(`is_nan(${t}): boolean`, 'isnan'),
    direct(`is_finite(${t}): boolean`, 'isfinite'),
    direct(`is_infinite(${t}): boolean`, 'isinf'),
  ]),
  define('greatest(T:orderable, T...): T', extreme('greatest')),
  define('least(T:orderable, T...): T', extreme('least')),
  define('to_base(bigint, bigint): varchar(64)', toBase),
  define('from_base(varchar, bigint): bigint', fromBase),
  define('width_bucket(double, double, double, bigint): bigint', widthBucket),
  define('width_bucket(double, array(double)): bigint', widthBucketBins),
  define('bitwise_and(bigint, bigint): bigint', ([a, b]) => `(${a} & ${b})`),
  define('bitwise_or(bigint, bigint): bigint', ([a, b]) => `(${a} | ${b})`),
  direct('bitwise_xor(bigint, bigint): bigint', 'xor'),
  define('bitwise_not(bigint): bigint', ([a]) => `(~${a})`),
  ...SHIFTS,
  define('bit_count(bigint, bigint): bigint', ([a = '', n = ''], { bind }) =>
    bind(a, (x) =>
      bind(n, (bits) =>
        refuseWhere(
          `${bits} < 2 OR ${bits} > 64`,
          `'Bits specified in bit_count must be between 2 and 64, got ' || ${bits}`,
          refuseWhere(
            `${bits} < 64 AND (${x} >= CAST(pow(2, ${bits} - 1) AS HUGEINT) OR ${x} < -CAST(pow(2, ${bits} - 1) AS HUGEINT))`,
            `'Number must be representable with the bits specified. ' || ${x} || ' cannot be represented with ' || ${bits} || ' bits'`,
            `CAST(bit_count(${x}) - CASE WHEN ${x} < 0 THEN 64 - ${bits} ELSE 0 END AS BIGINT)`,
          ),
        ),
      ),
    ),
  ),
  ...['random', 'rand'].flatMap((name) => [
    define(`${name}(): double`, random, VOLATILE),
    ...INTEGERS.map((t) => define(`${name}(${t}): ${t}`, randomBelow, VOLATILE)),
    ...INTEGERS.map((t) => define(`${name}(${t}, ${t}): ${t}`, randomBetween, VOLATILE)),
    define(`${name}(double, double): double`, randomBetween, { ...VOLATILE, returns: () => DOUBLE }),
  ]),
];
