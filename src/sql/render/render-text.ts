/** What CAST(x AS VARCHAR) writes for each type. */

import { decimalText, dateText, dayTimeText, timestampText, timeText, yearMonthText } from '../../types/text.ts';
import { ipAddressText } from '../../types/ip-address.ts';
import type { SqlType } from '../../types/type.ts';
import type { CastKit } from '../functions/definition.ts';
import { castZoned } from './render-zoned-cast.ts';

/** What CAST(x AS VARCHAR) writes. */
export function textOf(from: SqlType, sql: string, kit: CastKit): string {
  switch (from.kind) {
    case 'varchar':
    case 'char':
    case 'json':
      return sql;
    case 'ipaddress':
      return ipAddressText(sql);
    case 'real':
      return kit.bind(sql, (s) => floatText(s, `CAST(CAST(format('{:.6e}', abs(${s})) AS DOUBLE) AS VARCHAR)`, kit));
    case 'double':
      return kit.bind(sql, (s) => floatText(s, `CAST(abs(${s}) AS VARCHAR)`, kit));
    case 'decimal':
      return kit.bind(sql, (s) => decimalText(s, from.precision, from.scale));
    case 'date':
      return kit.bind(sql, dateText);
    case 'time':
      return timeText(sql, from.precision, from.precision);
    case 'timestamp':
      return kit.bind(sql, (s) => timestampText(s, from.precision, from.precision));
    case 'time with time zone':
    case 'timestamp with time zone':
      return kit.bind(sql, (s) => castZoned(from, s));
    case 'interval year to month':
      return kit.bind(sql, yearMonthText);
    case 'interval day to second':
      return kit.bind(sql, dayTimeText);
    case 'boolean':
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'bigint':
    case 'uuid':
    case 'varbinary':
    case 'unknown':
    case 'array':
    case 'map':
    case 'row':
    case 'function':
      return `CAST(${sql} AS VARCHAR)`;
  }
}

/** Java's way: `1.0E0`, `1.23E-5`, `NaN`, `Infinity`. The kernel's shortest digits, its point moved behind the first. */
function floatText(sql: string, digitsOf: string, kit: CastKit): string {
  const t = kit.fresh();
  const digits = `ltrim(replace(split_part(${t}, 'e', 1), '.', ''), '0')`;
  const exponent = `coalesce(TRY_CAST(split_part(${t}, 'e', 2) AS INTEGER), 0)`;
  // Places that the first digit that counts stands left (or, negative, right) of the point.
  const mantissa = `split_part(${t}, 'e', 1)`;
  const place = `CASE WHEN ${mantissa} >= '1' THEN len(split_part(${mantissa}, '.', 1)) - 1 ELSE len(ltrim(split_part(${mantissa}, '.', 2), '0')) - len(split_part(${mantissa}, '.', 2)) - 1 END`;
  const d = kit.fresh();
  const scientific = `list_transform([rtrim(${digits}, '0')], lambda ${d}: left(${d}, 1) || '.' || CASE WHEN len(${d}) > 1 THEN substr(${d}, 2) ELSE '0' END)[1] || 'E' || CAST(${exponent} + ${place} AS VARCHAR)`;
  const body = `list_transform([${digitsOf}], lambda ${t}: ${scientific})[1]`;
  return `CASE WHEN ${sql} = 0 THEN CASE WHEN left(CAST(${sql} AS VARCHAR), 1) = '-' THEN '-0.0E0' ELSE '0.0E0' END WHEN isnan(${sql}) THEN 'NaN' WHEN isinf(${sql}) THEN CASE WHEN ${sql} > 0 THEN 'Infinity' ELSE '-Infinity' END ELSE CASE WHEN ${sql} < 0 THEN '-' ELSE '' END || ${body} END`;
}

/** CHAR reads as padded text; other types as they are. */
export const paddedText = (from: SqlType, sql: string): string =>
  from.kind === 'char' ? `rpad(${sql}, ${from.length}, ' ')` : sql;
