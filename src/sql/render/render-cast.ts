/** CAST as Trino means it, from each kind of type to each. */

import { fieldName, kernelType, quote } from '../../types/kernel.ts';
import { ipAddressOfText } from '../../types/ip-address.ts';
import { type SqlType, typeName } from '../../types/type.ts';
import { roundedUp, roundTimestamp } from '../../types/text.ts';
import type { CastKit } from '../functions/definition.ts';
import { castToJson, castFromJson } from './render-json-cast.ts';
import { castToZoned, castZoned } from './render-zoned-cast.ts';
import { paddedText, textOf } from './render-text.ts';
import { raise, raiseSql } from '../../types/raise.ts';

/** Kernel SQL of CAST(sql AS to), where `sql` is of type `from`. */
export function renderCast(from: SqlType, to: SqlType, sql: string, kit: CastKit): string {
  if (from.kind === 'unknown') return `CAST(NULL AS ${kernelType(to)})`;
  if (from.kind === 'json' && to.kind !== 'json') return castFromJson(to, sql, kit);
  switch (to.kind) {
    case 'boolean':
      return toBoolean(from, sql, kit);
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'bigint':
      return toInteger(from, to, sql, kit);
    case 'real':
    case 'double':
      return toFloat(from, to, sql, kit);
    case 'decimal':
      return toDecimal(from, to, sql, kit);
    case 'varchar':
      return toVarchar(from, to, sql, kit);
    case 'char':
      return from.kind === 'char' && from.length <= to.length
        ? sql
        : `rtrim(left(${textOf(from, sql, kit)}, ${to.length}), ' ')`;
    case 'date':
      return toDate(from, sql, kit);
    case 'timestamp':
      return toTimestamp(from, to, sql, kit);
    case 'time':
      return toTime(from, to, sql, kit);
    case 'time with time zone':
    case 'timestamp with time zone':
      return castToZoned(from, to, sql, kit);
    case 'json':
      return from.kind === 'json' ? sql : castToJson(from, sql, kit);
    case 'varbinary':
      if (from.kind === 'varbinary') return sql;
      if (from.kind === 'ipaddress') return sql;
      if (from.kind === 'uuid') return `unhex(replace(CAST(${sql} AS VARCHAR), '-', ''))`;
      return `encode(${paddedText(from, sql)})`;
    case 'uuid':
      if (from.kind === 'uuid') return sql;
      if (from.kind === 'varbinary') return `CAST(lower(hex(${sql})) AS UUID)`;
      return checked(sql, `TRY_CAST(${sql} AS UUID)`, to, kit);
    case 'ipaddress':
      return toIpAddress(from, sql, kit);
    case 'array':
      return castArray(from, to, sql, kit);
    case 'map':
      return castMap(from, to, sql, kit);
    case 'row':
      return castRow(from, to, sql, kit);
    case 'interval year to month':
    case 'interval day to second':
    case 'unknown':
    case 'function':
      return sql;
  }
}

/** A text as `to` by an expression that yields NULL where it cannot be read. */
function checked(text: string, attempt: string, to: SqlType, _kit: CastKit): string {
  const failure = raiseSql(
    'INVALID_CAST_ARGUMENT',
    `'Cannot cast ''' || ${text} || ''' to ${typeName(to).toUpperCase()}'`,
  );
  return `CASE WHEN ${text} IS NOT NULL THEN coalesce(${attempt}, ${failure}) END`;
}

const isText = (type: SqlType): boolean => type.kind === 'varchar' || type.kind === 'char';

function toBoolean(from: SqlType, sql: string, kit: CastKit): string {
  if (from.kind === 'boolean') return sql;
  if (!isText(from)) return `(${sql} <> 0)`;
  return kit.bind(sql, (s) =>
    checked(
      s,
      `CASE WHEN lower(${s}) IN ('true', 't', '1') THEN true WHEN lower(${s}) IN ('false', 'f', '0') THEN false END`,
      { kind: 'boolean' },
      kit,
    ),
  );
}

function toInteger(from: SqlType, to: SqlType, sql: string, kit: CastKit): string {
  const target = kernelType(to);
  if (from.kind === to.kind) return sql;
  if (isText(from)) {
    return kit.bind(sql, (s) =>
      checked(
        s,
        `CASE WHEN regexp_full_match(${s}, '\\s*[+-]?[0-9]+\\s*') THEN TRY_CAST(trim(${s}) AS ${target}) END`,
        to,
        kit,
      ),
    );
  }
  if (from.kind === 'boolean') return `CAST(${sql} AS ${target})`;
  const widening =
    INTEGER_ORDER.indexOf(from.kind) >= 0 && INTEGER_ORDER.indexOf(from.kind) < INTEGER_ORDER.indexOf(to.kind);
  if (widening) return `CAST(${sql} AS ${target})`;
  return kit.bind(sql, (s) => {
    const rounded = ['double', 'real', 'decimal'].includes(from.kind) ? `round(${s})` : s;
    return `CASE WHEN ${s} IS NOT NULL THEN coalesce(TRY_CAST(${rounded} AS ${target}), ${beyondInteger(from, to, s)}) END`;
  });
}

/** What Trino says of a number that an integer type cannot hold depends on where the number comes from. */
function beyondInteger(from: SqlType, to: SqlType, sql: string): string {
  const text = `CAST(${sql} AS VARCHAR)`;
  if (from.kind === 'decimal') {
    return raiseSql('NUMERIC_VALUE_OUT_OF_RANGE', `'Cannot cast ''' || ${text} || ''' to ${to.kind.toUpperCase()}'`);
  }
  const say = to.kind === 'bigint' ? `'Unable to cast ' || ${text} || ' to bigint'` : undefined;
  const range = raiseSql('NUMERIC_VALUE_OUT_OF_RANGE', say ?? `'Out of range for ${to.kind}: ' || ${text}`);
  if (from.kind !== 'double' && from.kind !== 'real') return range;
  const nan = raise('INVALID_CAST_ARGUMENT', `Cannot cast ${from.kind} NaN to ${to.kind}`);
  return `CASE WHEN isnan(${sql}) THEN ${nan} ELSE ${range} END`;
}

const INTEGER_ORDER: readonly string[] = ['tinyint', 'smallint', 'integer', 'bigint'];

function toFloat(from: SqlType, to: SqlType, sql: string, kit: CastKit): string {
  if (from.kind === to.kind) return sql;
  const target = kernelType(to);
  if (!isText(from)) return `CAST(${sql} AS ${target})`;
  return kit.bind(sql, (s) => {
    const number = `'\\s*[+-]?(NaN|Infinity|([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?)\\s*'`;
    return checked(
      s,
      `CASE WHEN regexp_full_match(${s}, ${number}) THEN TRY_CAST(trim(${s}) AS ${target}) END`,
      to,
      kit,
    );
  });
}

function toDecimal(from: SqlType, to: Extract<SqlType, { kind: 'decimal' }>, sql: string, kit: CastKit): string {
  const target = kernelType(to);
  const whole = to.precision - to.scale;
  if (from.kind === 'decimal' && from.scale <= to.scale && from.precision - from.scale <= whole) {
    return from.precision === to.precision && from.scale === to.scale ? sql : `CAST(${sql} AS ${target})`;
  }
  const digits = from.kind in INTEGER_DIGITS ? INTEGER_DIGITS[from.kind]! : 39;
  if (digits <= whole || from.kind === 'boolean') return `CAST(${sql} AS ${target})`;
  return kit.bind(sql, (s) => {
    if (isText(from)) {
      const number = `'\\s*[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?\\s*'`;
      return checked(
        s,
        `CASE WHEN regexp_full_match(${s}, ${number}) THEN ${decimalOf(`trim(${s})`, to, kit)} END`,
        to,
        kit,
      );
    }
    const isFloat = from.kind === 'double' || from.kind === 'real';
    const message = `'Cannot cast ${from.kind.toUpperCase()} ''' || CAST(${s} AS VARCHAR) || ''' to DECIMAL(${to.precision}, ${to.scale})'`;
    const range = raiseSql('NUMERIC_VALUE_OUT_OF_RANGE', message);
    const failure = isFloat
      ? `CASE WHEN isnan(${s}) THEN ${raiseSql('INVALID_CAST_ARGUMENT', message)} ELSE ${range} END`
      : range;
    // Through the shortest digits: 1.005 means 1.005, not the nearest sum of powers of two.
    const digits = from.kind === 'real' ? realDigits(s) : `CAST(${s} AS VARCHAR)`;
    const value = isFloat ? decimalOf(digits, to, kit) : `TRY_CAST(${s} AS ${target})`;
    return `CASE WHEN ${s} IS NOT NULL THEN coalesce(${value}, ${failure}) END`;
  });
}

/**
 * A text as a decimal, NULL where it does not fit. Of texts with a fraction and an exponent, such as 2.34e20, the kernel passes
 * some that have more digits than the type.
 */
function decimalOf(text: string, to: Extract<SqlType, { kind: 'decimal' }>, kit: CastKit): string {
  return kit.bind(`TRY_CAST(${text} AS ${kernelType(to)})`, (x) => {
    const fits = `${integerPart(x)} = '0' OR len(${integerPart(x)}) <= ${to.precision - to.scale}`;
    return `CASE WHEN NOT contains(lower(${text}), 'e') OR ${fits} THEN ${x} END`;
  });
}

/** The fewest digits that read back as the same REAL; the kernel writes whole numbers with all that its bits say. */
function realDigits(sql: string): string {
  const attempts = [5, 6, 7, 8].map((places) => `format('{:.${places}e}', CAST(${sql} AS DOUBLE))`);
  return `list_filter([${attempts.join(', ')}], lambda t: CAST(t AS FLOAT) = ${sql})[1]`;
}

const integerPart = (x: string): string => `ltrim(split_part(CAST(${x} AS VARCHAR), '.', 1), '-')`;

const INTEGER_DIGITS: Readonly<Record<string, number>> = { tinyint: 3, smallint: 5, integer: 10, bigint: 19 };

function toVarchar(from: SqlType, to: Extract<SqlType, { kind: 'varchar' }>, sql: string, kit: CastKit): string {
  const { length } = to;
  if (from.kind === 'varchar') {
    const fits = length === undefined || (from.length !== undefined && from.length <= length);
    return fits ? sql : `left(${sql}, ${length})`;
  }
  if (from.kind === 'char')
    return length === undefined || length >= from.length ? sql : `rtrim(left(${sql}, ${length}), ' ')`;
  const text = textOf(from, sql, kit);
  if (length === undefined) return text;
  return kit.bind(text, (s) => {
    const message = `'Value ' || ${s} || ' cannot be represented as varchar(${length})'`;
    return `CASE WHEN len(${s}) > ${length} THEN ${raiseSql('INVALID_CAST_ARGUMENT', message)} ELSE ${s} END`;
  });
}

function toDate(from: SqlType, sql: string, kit: CastKit): string {
  if (from.kind === 'date') return sql;
  if (isText(from)) {
    return kit.bind(sql, (s) =>
      checked(
        s,
        `CASE WHEN regexp_full_match(${s}, '\\s*[+-]?[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}\\s*') THEN TRY_CAST(ltrim(trim(${s}), '+') AS DATE) END`,
        { kind: 'date' },
        kit,
      ),
    );
  }
  if (from.kind === 'timestamp with time zone') return kit.bind(sql, (s) => `CAST(${castZonedLocal(from, s)} AS DATE)`);
  return `CAST(${sql} AS DATE)`;
}

function toTimestamp(from: SqlType, to: Extract<SqlType, { kind: 'timestamp' }>, sql: string, kit: CastKit): string {
  const target = kernelType(to);
  if (from.kind === 'timestamp') {
    if (from.precision <= to.precision) return target === kernelType(from) ? sql : `CAST(${sql} AS ${target})`;
    return kit.bind(sql, (s) => {
      const rounded = roundTimestamp(s, to.precision, from.precision);
      return target === kernelType(from) ? rounded : `CAST(${rounded} AS ${target})`;
    });
  }
  if (from.kind === 'date') return `CAST(${sql} AS ${target})`;
  if (from.kind === 'time') return `CAST(CAST(${quote(kit.query.now.slice(0, 10))} AS DATE) + ${sql} AS ${target})`;
  if (from.kind === 'timestamp with time zone') {
    return kit.bind(sql, (s) =>
      toTimestamp({ kind: 'timestamp', precision: from.precision }, to, castZonedLocal(from, s), kit),
    );
  }
  const shape = `'\\s*[+-]?[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}([ T][0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\\.[0-9]{1,12})?)?)?\\s*'`;
  const read = to.precision > 6 ? 'TIMESTAMP_NS' : 'TIMESTAMP';
  return kit.bind(sql, (s) =>
    checked(
      s,
      `CASE WHEN regexp_full_match(${s}, ${shape}) THEN ${roundTimestamp(roundedUp(s, `TRY_CAST(trim(${s}) AS ${read})`, to.precision), to.precision, to.precision > 6 ? 9 : 6)} END`,
      to,
      kit,
    ),
  );
}

const castZonedLocal = (from: SqlType, sql: string): string => castZoned(from, sql, 'local');

function toTime(from: SqlType, to: Extract<SqlType, { kind: 'time' }>, sql: string, kit: CastKit): string {
  const rounded = (moment: string, precision: number): string =>
    to.precision < precision
      ? `CAST(${roundTimestamp(moment, to.precision, precision)} AS TIME)`
      : `CAST(${moment} AS TIME)`;
  if (from.kind === 'time') {
    return from.precision <= to.precision ? sql : rounded(`(DATE '1970-01-01' + ${sql})`, from.precision);
  }
  if (from.kind === 'timestamp') return kit.bind(sql, (s) => rounded(s, from.precision));
  if (from.kind === 'timestamp with time zone')
    return kit.bind(sql, (s) => rounded(castZonedLocal(from, s), from.precision));
  if (from.kind === 'time with time zone')
    return kit.bind(sql, (s) => rounded(`(DATE '1970-01-01' + (${s})."time")`, from.precision));
  return kit.bind(sql, (s) =>
    checked(
      s,
      `CASE WHEN regexp_full_match(${s}, '\\s*[0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\\.[0-9]{1,12})?)?\\s*') THEN ${rounded(roundedUp(s, `(DATE '1970-01-01' + TRY_CAST(trim(${s}) AS TIME))`, to.precision), 6)} END`,
      to,
      kit,
    ),
  );
}

function toIpAddress(from: SqlType, sql: string, kit: CastKit): string {
  if (from.kind === 'ipaddress') return sql;
  return kit.bind(sql, (s) => {
    if (from.kind !== 'varbinary') {
      const failure = raiseSql('INVALID_CAST_ARGUMENT', `'Cannot cast value to IPADDRESS: ' || ${s}`);
      return `CASE WHEN ${s} IS NOT NULL THEN coalesce(${ipAddressOfText(s)}, ${failure}) END`;
    }
    const length = `octet_length(${s})`;
    const failure = raiseSql('INVALID_CAST_ARGUMENT', `'Invalid InetAddress binary length: ' || ${length}`);
    return `CASE ${length} WHEN 16 THEN ${s} WHEN 4 THEN unhex('00000000000000000000ffff') || ${s} ELSE CASE WHEN ${s} IS NOT NULL THEN ${failure} END END`;
  });
}

function castArray(from: SqlType, to: Extract<SqlType, { kind: 'array' }>, sql: string, kit: CastKit): string {
  if (from.kind !== 'array') return sql;
  const item = kit.fresh();
  const body = renderCast(from.element, to.element, item, kit);
  if (body === item) return sql;
  return `CAST(list_transform(${sql}, lambda ${item}: ${body}) AS ${kernelType(to)})`;
}

function castMap(from: SqlType, to: Extract<SqlType, { kind: 'map' }>, sql: string, kit: CastKit): string {
  if (from.kind !== 'map') return sql;
  const item = kit.fresh();
  const key = renderCast(from.key, to.key, `${item}.key`, kit);
  const value = renderCast(from.value, to.value, `${item}.value`, kit);
  if (key === `${item}.key` && value === `${item}.value`) return sql;
  return `CAST(map_from_entries(list_transform(map_entries(${sql}), lambda ${item}: {'key': ${key}, 'value': ${value}})) AS ${kernelType(to)})`;
}

function castRow(from: SqlType, to: Extract<SqlType, { kind: 'row' }>, sql: string, kit: CastKit): string {
  if (from.kind !== 'row') return sql;
  return kit.bind(sql, (s) => {
    const parts = to.fields.map((field, i) => {
      const part = `(${s}).${fieldName(i)}`;
      return [part, renderCast(from.fields[i]!.type, field.type, part, kit)] as const;
    });
    if (parts.every(([part, cast]) => part === cast)) return s;
    return `CASE WHEN ${s} IS NOT NULL THEN {${parts.map(([, cast], i) => `'${fieldName(i)}': ${cast}`).join(', ')}} END`;
  });
}
