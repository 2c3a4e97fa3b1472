/** format with Java's conversions, and numbers and durations for people. */

import { QueryError } from '../../../common/errors.ts';
import { quote } from '../../../types/kernel.ts';
import { offsetText, yearText } from '../../../types/text.ts';
import type { SqlType } from '../../../types/type.ts';
import { textOf } from '../../render/render-text.ts';
import { concatenation } from '../../render/concatenation.ts';
import { define, type FunctionDefinition, type Render, type RenderKit } from '../definition.ts';
import { constantText, refuseWhere, whenPresent } from './constants.ts';
import { precisionOf, wallClock } from './moments.ts';

const bad = (message: string): QueryError => new QueryError('INVALID_FUNCTION_ARGUMENT', message);

const CONVERSION = /%(?:(\d+)\$)?([-#+ 0,(]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g;

/** Widest field: neither memory limit nor interrupt contain what is larger. */
const WIDTH_MAX = 10_000;

const format: Render = (args, kit) => {
  const [pattern] = kit.expressions;
  const text = constantText(pattern);
  if (text === undefined) {
    if (pattern?.kind === 'Constant') return 'CAST(NULL AS VARCHAR)';
    throw new QueryError('NOT_SUPPORTED', 'format needs a literal format string');
  }
  const parts: string[] = [];
  let at = 0;
  let next = 1;
  for (const match of text.matchAll(CONVERSION)) {
    const [whole, position, flags = '', width, precision, letter = ''] = match;
    if (match.index > at) parts.push(quote(text.slice(at, match.index)));
    at = match.index + whole.length;
    if (letter === 'n') parts.push(`chr(10)`);
    else if (letter === '%') parts.push(`'%'`);
    else {
      const index = position === undefined ? next++ : Number(position);
      const [value, type] = [args[index], kit.types[index]];
      if (value === undefined || type === undefined)
        throw bad(`Invalid format string: ${text} (no argument for ${whole})`);
      if (Number(width ?? 0) > WIDTH_MAX || Number(precision ?? 0) > 30)
        throw bad(`Invalid format string: ${text} (too wide)`);
      parts.push(fitted(converted(value, type, letter, flags, precision, kit, text), flags, width));
    }
  }
  if (text.slice(at).includes('%')) throw bad(`Invalid format string: ${text}`);
  if (at < text.length || parts.length === 0) parts.push(quote(text.slice(at)));
  return concatenation(parts);
};

/** NULL is the word `null`. */
const fitted = (sql: string, flags: string, width: string | undefined): string => {
  const value = `coalesce(${sql}, 'null')`;
  if (width === undefined) return value;
  const size = `CAST(greatest(len(z), ${width}) AS INTEGER)`;
  const body = flags.includes('-')
    ? `rpad(z, ${size}, ' ')`
    : flags.includes('0')
      ? zeroPadded(size)
      : `lpad(z, ${size}, ' ')`;
  return `list_transform([${value}], lambda z: ${body})[1]`;
};

/** Zeros stand behind the sign. */
const zeroPadded = (size: string): string =>
  `CASE WHEN regexp_matches(z, '^[-+]') THEN left(z, 1) || lpad(substr(z, 2), ${size} - 1, '0') ELSE lpad(z, ${size}, '0') END`;

const INTEGERS: readonly string[] = ['tinyint', 'smallint', 'integer', 'bigint'];

function converted(
  value: string,
  type: SqlType,
  letter: string,
  flags: string,
  precision: string | undefined,
  kit: RenderKit,
  text: string,
): string {
  const isInteger = INTEGERS.includes(type.kind);
  const isFraction = type.kind === 'double' || type.kind === 'real' || type.kind === 'decimal';
  const signed = (sql: string): string =>
    flags.includes('+') ? `CASE WHEN ${value} >= 0 THEN '+' ELSE '' END || ${sql}` : sql;
  if (letter === 's' || letter === 'S') {
    const plain = plainText(value, type, kit);
    const cut = precision === undefined ? plain : `left(${plain}, ${precision})`;
    // Java's formatter writes the upper case of a text, not of its letters one by one.
    return letter === 'S' ? `upper(replace(${cut}, 'ß', 'SS'))` : cut;
  }
  if (letter === 'd' && isInteger) {
    return signed(flags.includes(',') ? `format('{:,}', ${value})` : `CAST(${value} AS VARCHAR)`);
  }
  if ((letter === 'x' || letter === 'X') && isInteger) {
    const bits = type.kind === 'bigint' ? 64n : 32n;
    const hex = `to_hex(CAST(((CAST(${value} AS HUGEINT) + CAST('${2n ** bits}' AS HUGEINT)) % CAST('${2n ** bits}' AS HUGEINT)) AS UBIGINT))`;
    return letter === 'x' ? `lower(${hex})` : hex;
  }
  if (letter === 'f' && isFraction) {
    const digits = precision ?? '6';
    const number = type.kind === 'decimal' ? `CAST(${value} AS DECIMAL(38,${digits}))` : value;
    const fixed =
      type.kind === 'decimal' && !flags.includes(',')
        ? `CAST(${number} AS VARCHAR)`
        : `format('{:${flags.includes(',') ? ',' : ''}.${digits}f}', CAST(${value} AS DOUBLE))`;
    return signed(fixed);
  }
  if (letter === 'e' && isFraction) return signed(`format('{:.${precision ?? '6'}e}', CAST(${value} AS DOUBLE))`);
  if ((letter === 'b' || letter === 'B') && type.kind === 'boolean') {
    return letter === 'b' ? `CAST(${value} AS VARCHAR)` : `upper(CAST(${value} AS VARCHAR))`;
  }
  throw bad(`Invalid format string: ${text} (%${letter} does not take ${type.kind})`);
}

/** Java's toString of a value. */
function plainText(value: string, type: SqlType, kit: RenderKit): string {
  if (type.kind === 'double' || type.kind === 'real') {
    return `CASE WHEN isfinite(${value}) THEN replace(upper(CAST(${value} AS VARCHAR)), 'E+', 'E') WHEN isnan(${value}) THEN 'NaN' WHEN ${value} > 0 THEN 'Infinity' WHEN ${value} < 0 THEN '-Infinity' END`;
  }
  if (type.kind === 'char') return `rpad(${value}, ${type.length}, ' ')`;
  if (type.kind === 'time') return kit.bind(value, (v) => clock(wallClock(v, type), type.precision));
  if (type.kind !== 'timestamp' && type.kind !== 'timestamp with time zone') return textOf(type, value, kit);
  const precision = precisionOf(type);
  return kit.bind(value, (v) =>
    kit.bind(wallClock(v, type), (local) => {
      const day = `CASE WHEN year(${local}) BETWEEN 1 AND 9999 THEN strftime(${local}, '%Y') ELSE ${yearText(local)} END || strftime(${local}, '-%m-%dT')`;
      const text = `${day} || ${clock(local, precision)}`;
      if (type.kind === 'timestamp') return whenPresent([local], text);
      const minutes = `CAST((epoch_us(CAST(${local} AS TIMESTAMP)) - epoch_us(CAST((${v}).instant AS TIMESTAMP))) // 60000000 AS INTEGER)`;
      const zone = `CASE WHEN (${v}).zone = 'UTC' THEN 'Z[UTC]' WHEN left((${v}).zone, 1) IN ('+', '-') THEN (${v}).zone ELSE ${offsetText(minutes)} || '[' || (${v}).zone || ']' END`;
      return whenPresent([local], `${text} || ${zone}`);
    }),
  );
}

/** `12:34`, with seconds where there are any, and with the fraction in groups of three digits. */
function clock(local: string, precision: number): string {
  const digits = precision > 6 ? '%n' : '%f';
  const fraction = `rtrim(strftime(${local}, '${digits}'), '0')`;
  const shown = `CASE WHEN ${fraction} = '' THEN '' ELSE '.' || rpad(${fraction}, CAST((len(${fraction}) + 2) // 3 * 3 AS INTEGER), '0') END`;
  return `(strftime(${local}, '%H:%M') || CASE WHEN second(${local}) > 0 OR ${fraction} <> '' THEN strftime(${local}, ':%S') || ${shown} ELSE '' END)`;
}

/** Three digits that count and the unit they count. */
const formatNumber: Render = ([a = ''], { bind }) =>
  bind(`CAST(${a} AS DOUBLE)`, (x) => {
    const units = ['', 'K', 'M', 'B', 'T', 'Q'];
    const cases = units.map((unit, i) => {
      const share = `abs(${x}) / 1e${i * 3}`;
      const digits = `CASE WHEN ${share} < 10 THEN format('{:.2f}', ${share}) WHEN ${share} < 100 THEN format('{:.1f}', ${share}) ELSE format('{:.0f}', ${share}) END`;
      const trimmed = `CASE WHEN contains(${digits}, '.') THEN rtrim(rtrim(${digits}, '0'), '.') ELSE ${digits} END`;
      const text = `CASE WHEN ${x} < 0 THEN '-' ELSE '' END || ${trimmed} || '${unit}'`;
      return i === units.length - 1 ? `ELSE ${text}` : `WHEN abs(${x}) < 1e${(i + 1) * 3} THEN ${text}`;
    });
    return `CASE WHEN ${x} IS NULL THEN NULL ${cases.join(' ')} END`;
  });

/** `2 hours`, `1 hour`, or NULL for none. */
const unit = (name: string, amount: string): string =>
  `CASE WHEN ${amount} = 0 THEN NULL WHEN ${amount} = 1 THEN '1 ${name}' ELSE CAST(${amount} AS VARCHAR) || ' ${name}s' END`;

const humanSeconds: Render = ([a = ''], { bind }) =>
  bind(a, (x) => {
    const seconds = `CAST(abs(trunc(${x})) AS BIGINT)`;
    const parts = [
      unit('week', `${seconds} // 604800`),
      unit('day', `${seconds} % 604800 // 86400`),
      unit('hour', `${seconds} % 86400 // 3600`),
      unit('minute', `${seconds} % 3600 // 60`),
      unit('second', `${seconds} % 60`),
    ];
    return refuseWhere(
      `NOT isfinite(${x})`,
      `'Invalid argument found: not a finite number of seconds'`,
      `CASE WHEN ${x} IS NULL THEN NULL WHEN ${seconds} = 0 THEN '0 seconds' ELSE array_to_string(list_filter([${parts.join(', ')}], lambda p: p IS NOT NULL), ', ') END`,
    );
  });

export const FORMATTING: readonly FunctionDefinition[] = [
  define('format(varchar, any...): varchar', format, { nullOnNull: false }),
  ...['bigint', 'double', 'decimal(p,s)'].map((t) => define(`format_number(${t}): varchar`, formatNumber)),
  define('human_readable_seconds(double): varchar', humanSeconds),
];
