/** Operators over dates, intervals, texts and collections. */

import { keySql, quote } from '../../../types/kernel.ts';
import { instantOfLocal, nearInstant, plusMonthsSql, zonedLocal } from '../../../types/text.ts';
import { castAllowed } from '../../../types/coercion.ts';
import { type SqlType, VARCHAR } from '../../../types/type.ts';
import { raise, raiseSql } from '../../../types/raise.ts';
import { define, type FunctionDefinition, type Render } from '../definition.ts';
import { hasKey, valueAt } from './keys.ts';
import { applied, lambdaOver } from './lambdas.ts';

const precisionOf = (type: SqlType | undefined): number => (type && 'precision' in type ? type.precision : 0);

/** Milliseconds added to a TIMESTAMP or TIMESTAMP_NS. */
const plusMillis = (moment: string, millis: string, precision: number): string =>
  precision > 6
    ? `make_timestamp_ns(epoch_ns(${moment}) + ${millis} * 1000000)`
    : `(${moment} + to_microseconds(CAST(${millis} * 1000 AS BIGINT)))`;

/** Intervals have milliseconds, and so has what they move. */
const atLeastMillis = (types: readonly SqlType[]): SqlType => {
  const moment = types.find((type) => 'precision' in type && type.kind !== 'decimal');
  return moment && 'precision' in moment ? { ...moment, precision: Math.max(3, moment.precision) } : moment!;
};

/** A zoned timestamp with another instant. */
const withInstant = (value: string, instant: string): string =>
  `CASE WHEN ${value} IS NOT NULL THEN {'instant': ${instant}, 'zone': (${value}).zone} END`;

const MILLIS_PER_DAY = 86400000;

/** Each as moment ± interval; `sign` is '' or '-'. */
function shifts(name: string, sign: string): FunctionDefinition[] {
  const day: Render = ([d = '', i = ''], kit) =>
    kit.bind(
      i,
      (ms) =>
        `CASE WHEN ${ms} % ${MILLIS_PER_DAY} <> 0 THEN ${raise('INVALID_FUNCTION_ARGUMENT', 'Cannot add hour, minutes or seconds to a date')} ELSE ${d} + CAST(${sign}${ms} // ${MILLIS_PER_DAY} AS INTEGER) END`,
    );
  return [
    define(`${name}(date, interval day to second): date`, day),
    define(
      `${name}(date, interval year to month): date`,
      ([d = '', i = '']) => `CAST(${d} + to_months(${sign}${i}) AS DATE)`,
    ),
    define(
      `${name}(timestamp(p), interval day to second): timestamp(p)`,
      ([t = '', i = ''], { types }) => plusMillis(t, `(${sign}${i})`, precisionOf(types[0])),
      { returns: atLeastMillis },
    ),
    define(`${name}(timestamp(p), interval year to month): timestamp(p)`, ([t = '', i = ''], { types }) =>
      plusMonthsSql(t, `(${sign}${i})`, precisionOf(types[0])),
    ),
    define(
      `${name}(timestamp(p) with time zone, interval day to second): timestamp(p) with time zone`,
      ([t = '', i = ''], { types, bind }) =>
        bind(t, (v) => withInstant(v, plusMillis(`(${v}).instant`, `(${sign}${i})`, precisionOf(types[0])))),
      { returns: atLeastMillis },
    ),
    define(
      `${name}(timestamp(p) with time zone, interval year to month): timestamp(p) with time zone`,
      ([t = '', i = ''], { types, bind }) => {
        const precision = precisionOf(types[0]);
        return bind(t, (v) => {
          const local = plusMonthsSql(zonedLocal(v, precision), `(${sign}${i})`, precision);
          return withInstant(
            v,
            instantOfLocal(local, `(${v}).zone`, precision, nearInstant(`(${v}).instant`, precision)),
          );
        });
      },
    ),
    define(
      `${name}(time(p), interval day to second): time(p)`,
      ([t = '', i = '']) =>
        `CAST(DATE '1970-01-01' + ${t} + to_microseconds(CAST((${sign}${i}) % ${MILLIS_PER_DAY} * 1000 AS BIGINT)) AS TIME)`,
      { returns: atLeastMillis },
    ),
    define(
      `${name}(time(p) with time zone, interval day to second): time(p) with time zone`,
      ([t = '', i = ''], { bind }) =>
        bind(t, (v) => {
          const moved = `CAST(DATE '1970-01-01' + (${v})."time" + to_microseconds(CAST((${sign}${i}) % ${MILLIS_PER_DAY} * 1000 AS BIGINT)) AS TIME)`;
          return `CASE WHEN ${v} IS NOT NULL AND ${i} IS NOT NULL THEN {'time': ${moved}, 'minutes': (${v})."minutes"} END`;
        }),
      { returns: atLeastMillis },
    ),
    define(
      `${name}(interval day to second, interval day to second): interval day to second`,
      ([a, b]) => `(${a} ${sign || '+'} ${b})`,
    ),
    define(
      `${name}(interval year to month, interval year to month): interval year to month`,
      ([a, b]) => `(${a} ${sign || '+'} ${b})`,
    ),
  ];
}

/** interval + moment reads as moment + interval. */
const swapped = (definition: FunctionDefinition, text: string): FunctionDefinition =>
  define(
    text,
    ([a = '', b = ''], kit) =>
      definition.render([b, a], { ...kit, types: kit.types.toReversed(), expressions: kit.expressions.toReversed() }),
    definition.returns ? { returns: definition.returns } : {},
  );

const ADDITIONS = shifts('$add', '');
const MOMENTS = ['date', 'timestamp(p)', 'timestamp(p) with time zone', 'time(p)', 'time(p) with time zone'];
const INTERVALS = ['interval day to second', 'interval year to month'];

const SWAPPED: FunctionDefinition[] = MOMENTS.flatMap((moment) =>
  INTERVALS.flatMap((interval) => {
    const straight = ADDITIONS.find((d) => d.id === `$add(${moment},${interval})`);
    return straight ? [swapped(straight, `$add(${interval}, ${moment}): ${moment}`)] : [];
  }),
);

/** Microseconds apart, as milliseconds rounded half away from zero. */
const millisBetween = (a: string, b: string): string =>
  `((${a} - ${b} + CASE WHEN ${a} < ${b} THEN -500 ELSE 500 END) // 1000)`;

const DIFFERENCES: FunctionDefinition[] = [
  define(
    '$subtract(date, date): interval day to second',
    ([a, b]) => `(CAST(${a} - ${b} AS BIGINT) * ${MILLIS_PER_DAY})`,
  ),
  define('$subtract(timestamp(p), timestamp(p)): interval day to second', ([a, b]) =>
    millisBetween(`epoch_us(${a})`, `epoch_us(${b})`),
  ),
  define('$subtract(time(p), time(p)): interval day to second', ([a, b]) =>
    millisBetween(`epoch_us(${a})`, `epoch_us(${b})`),
  ),
  define('$subtract(timestamp(p) with time zone, timestamp(p) with time zone): interval day to second', ([a, b]) =>
    millisBetween(`epoch_us((${a}).instant)`, `epoch_us((${b}).instant)`),
  ),
];

const ZONED_TIME_DIFFERENCE = define(
  '$subtract(time(p) with time zone, time(p) with time zone): interval day to second',
  ([a = '', b = ''], { types: [type] }) => (type ? millisBetween(keySql(type, a), keySql(type, b)) : a),
);

const SCALINGS: FunctionDefinition[] = INTERVALS.flatMap((interval) => {
  const kernel = interval === 'interval day to second' ? 'BIGINT' : 'INTEGER';
  const zero = raise('INVALID_FUNCTION_ARGUMENT', 'Cannot divide an interval by zero or NaN');
  const notANumber = raise('INVALID_FUNCTION_ARGUMENT', 'Cannot multiply an interval by NaN');
  return [
    define(`$multiply(${interval}, bigint): ${interval}`, ([a, b]) => `CAST(${a} * ${b} AS ${kernel})`),
    define(`$multiply(bigint, ${interval}): ${interval}`, ([a, b]) => `CAST(${a} * ${b} AS ${kernel})`),
    define(
      `$multiply(${interval}, double): ${interval}`,
      ([a, b]) => `CASE WHEN isnan(${b}) THEN ${notANumber} ELSE CAST(trunc(${a} * ${b}) AS ${kernel}) END`,
    ),
    define(`$multiply(double, ${interval}): ${interval}`, ([a, b]) => `CAST(trunc(${a} * ${b}) AS ${kernel})`),
    define(
      `$divide(${interval}, double): ${interval}`,
      ([a, b]) => `CASE WHEN ${b} = 0 OR isnan(${b}) THEN ${zero} ELSE CAST(trunc(${a} / ${b}) AS ${kernel}) END`,
    ),
    define(`$negate(${interval}): ${interval}`, ([a]) => `(-${a})`),
  ];
});

const padded = (sql: string, type: SqlType | undefined): string =>
  type?.kind === 'char' ? `rpad(${sql}, ${type.length}, ' ')` : sql;

const charConcat = (types: readonly SqlType[]): SqlType => ({
  kind: 'char',
  length: Math.min(
    65536,
    types.reduce((n, t) => n + (t.kind === 'char' ? t.length : 0), 0),
  ),
});

const CONCATENATIONS: FunctionDefinition[] = [
  define('$concat(varchar, varchar): varchar', ([a, b]) => `(${a} || ${b})`),
  define('$concat(char(x), char(y)): char(x)', ([a = '', b = ''], { types }) => `(${padded(a, types[0])} || ${b})`, {
    returns: charConcat,
  }),
  define('$concat(varbinary, varbinary): varbinary', ([a, b]) => `(${a} || ${b})`),
  define(
    '$concat(array(T), array(T)): array(T)',
    ([a, b]) => `CASE WHEN ${a} IS NOT NULL AND ${b} IS NOT NULL THEN list_concat(${a}, ${b}) END`,
  ),
  define('$concat(array(T), T): array(T)', ([a, b]) => `CASE WHEN ${a} IS NOT NULL THEN list_append(${a}, ${b}) END`, {
    nullOnNull: false,
  }),
  define('$concat(T, array(T)): array(T)', ([a, b]) => `CASE WHEN ${b} IS NOT NULL THEN list_prepend(${a}, ${b}) END`, {
    nullOnNull: false,
  }),
];

const arraySubscript: Render = ([list = '', index = ''], kit) =>
  kit.bind(list, (a) =>
    kit.bind(index, (i) => {
      const code = 'INVALID_FUNCTION_ARGUMENT';
      const text = `CAST(${i} AS VARCHAR)`;
      const beyond = raiseSql(
        code,
        `'Array subscript must be less than or equal to array length: ' || ${text} || ' > ' || CAST(len(${a}) AS VARCHAR)`,
      );
      const negative = raiseSql(code, `'Array subscript is negative: ' || ${text}`);
      return `CASE WHEN ${i} > len(${a}) THEN ${beyond} WHEN ${i} = 0 THEN ${raise(code, 'SQL array indices start at 1')} WHEN ${i} < 0 THEN ${negative} ELSE ${a}[${i}] END`;
    }),
  );

const mapSubscript: Render = ([map = '', key = ''], kit) =>
  kit.bind(map, (m) =>
    kit.bind(key, (k) => {
      const type = kit.types[1]!;
      const text = castAllowed(type, VARCHAR)
        ? applied(
            lambdaOver(type, kit, (argument) => ({ kind: 'Cast', type: VARCHAR, argument, safe: false })),
            [k],
          )
        : `CAST(${k} AS VARCHAR)`;
      const missing = raiseSql('INVALID_FUNCTION_ARGUMENT', `'Key not present in map: ' || ${text}`);
      return `CASE WHEN ${m} IS NULL OR ${k} IS NULL THEN NULL WHEN NOT ${hasKey(m, kit.types[0], k)} THEN ${missing} ELSE ${valueAt(m, kit.types[0], k)} END`;
    }),
  );

/** Wild cards without their escape; what is escaped must be a wild card or the escape itself. */
const likeEscaped: Render = ([value = '', pattern = '', escape = ''], kit) => {
  const text = padded(value, kit.types[0]);
  return kit.bind(escape, (e) =>
    kit.bind(pattern, (p) => {
      const bad = raise(
        'INVALID_FUNCTION_ARGUMENT',
        "Escape character must be followed by '%', '_' or the escape character itself",
      );
      const long = raise('INVALID_FUNCTION_ARGUMENT', 'Escape string must be a single character');
      const rest = `replace(replace(replace(${p}, ${e} || ${e}, ''), ${e} || '%', ''), ${e} || '_', '')`;
      return `CASE WHEN len(${e}) <> 1 THEN ${long} WHEN contains(${rest}, ${e}) THEN ${bad} ELSE ${text} LIKE ${p} ESCAPE ${e} END`;
    }),
  );
};

/** A literal pattern and escape are judged here, so that the kernel sees a plain LIKE. */
const like: Render = (args, kit) => {
  const [, pattern, escape] = kit.expressions;
  if (pattern?.kind !== 'Constant' || escape?.kind !== 'Constant') return likeEscaped(args, kit);
  const [p, e] = [pattern.value, escape.value];
  if (typeof p !== 'string' || typeof e !== 'string' || Array.from(e).length !== 1) return likeEscaped(args, kit);
  const rest = p
    .replaceAll(e + e, '')
    .replaceAll(`${e}%`, '')
    .replaceAll(`${e}_`, '');
  if (rest.includes(e)) return likeEscaped(args, kit);
  return `(${padded(args[0]!, kit.types[0])} LIKE ${args[1]} ESCAPE ${quote(e)})`;
};

export const OPERATORS: readonly FunctionDefinition[] = [
  ...ADDITIONS,
  ...SWAPPED,
  ...shifts('$subtract', '-'),
  ...DIFFERENCES,
  ZONED_TIME_DIFFERENCE,
  ...SCALINGS,
  ...CONCATENATIONS,
  // The value of a scalar subquery that has so many rows.
  define(
    '$single_value(T, bigint): T',
    ([value, rows]) =>
      `CASE WHEN ${rows} > 1 THEN ${raise('SUBQUERY_MULTIPLE_ROWS', 'Scalar sub-query has returned multiple rows')} ELSE ${value} END`,
  ),
  // The distance of a window frame's bound.
  define(
    '$frame_offset(T): T',
    ([offset = '']) =>
      `CASE WHEN ${offset} IS NULL OR ${offset} < 0 THEN ${raise('INVALID_WINDOW_FRAME', 'Window frame offset value must not be negative or null')} ELSE ${offset} END`,
    { nullOnNull: false },
  ),
  define('$subscript(array(T), bigint): T', arraySubscript),
  define('$subscript(map(K:comparable,V), K): V', mapSubscript),
  define('$like(varchar, varchar): boolean', ([a, b]) => `(${a} LIKE ${b})`, { total: true }),
  define('$like(char(x), varchar): boolean', ([a = '', b], { types }) => `(${padded(a, types[0])} LIKE ${b})`, {
    total: true,
  }),
  define('$like(varchar, varchar, varchar): boolean', like),
  define('$like(char(x), varchar, varchar): boolean', like),
];
