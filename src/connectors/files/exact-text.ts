/**
 * Texts of files as values of SQL types: exactly, or the query fails by file and column. The kernel's own casts round 0.126 to
 * two digits, cut a time off its date and take `1_000`, `0x10` or `infinity` for values.
 */

import { fieldName, identifier, kernelTimestamp, kernelType, quote } from '../../types/kernel.ts';
import { raiseSql } from '../../types/raise.ts';
import { typeName } from '../../types/type.ts';
import type { SqlType } from '../../types/type.ts';
import type { FileType } from './kernel-schema.ts';

/** Where a text stands, for the message about it. `file` is kernel SQL. */
export type Place = { readonly file: string; readonly column: string };

/** Longest part of a value that a message quotes. */
const QUOTED_LENGTH = 100;

/**
 * The kernel representation of `value` (kernel SQL of type VARCHAR; a cheap expression, since it is repeated) as `type`.
 * `from` tells the keys of objects where the files spell them otherwise than SQL.
 */
export function textSql(value: string, type: SqlType, place: Place, from?: FileType): string {
  if (!isJsonText(type)) return scalarSql(value, type, place);
  const read =
    type.kind === 'json' ? `CAST(json(${value}) AS VARCHAR)` : jsonSql(`CAST(${value} AS JSON)`, type, place, from, 0);
  const refused = failure(value, type, place);
  return `CASE WHEN json_valid(${value}) THEN ${read} WHEN ${value} IS NOT NULL THEN ${refused} END`;
}

const isJsonText = ({ kind }: SqlType): boolean => ['array', 'map', 'row', 'json'].includes(kind);

/** Whether the kernel's cast of the text is exact: kernel SQL, or undefined where it always is or fails. */
export function fitsSql(value: string, type: SqlType): string | undefined {
  const matches = (pattern: string): string => `regexp_full_match(${value}, ${quote(`\\s*${pattern}\\s*`)})`;
  switch (type.kind) {
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'bigint':
      return matches(plainNumber(0));
    case 'decimal':
      return matches(plainNumber(type.scale));
    case 'real':
    case 'double':
      return `NOT contains(${value}, '_')`;
    case 'varchar':
      return type.length === undefined ? undefined : `length(${value}) <= ${type.length}`;
    case 'char':
      return `length(rtrim(${value}, ' ')) <= ${type.length}`;
    case 'date':
      return matches(DAY);
    case 'time':
      return matches(clock(type.precision));
    case 'timestamp':
      return matches(`${DAY}(?:(?:T|\\s+)${clock(type.precision)})?`);
    case 'timestamp with time zone': {
      // The kernel's instants have microseconds.
      const tooFine = `\\.[0-9]{${Math.min(type.precision, 6)}}[0-9]*[1-9]`;
      return `regexp_matches(${value}, '^\\s*[-+]?[0-9]') AND NOT regexp_matches(${value}, '${tooFine}')`;
    }
    case 'boolean':
    case 'varbinary':
    case 'uuid':
    case 'json':
    case 'array':
    case 'map':
    case 'row':
    case 'ipaddress':
    case 'interval year to month':
    case 'interval day to second':
    case 'time with time zone':
    case 'unknown':
    case 'function':
      return undefined;
  }
}

/** Whether a text of a file is read as such a value. */
export function isReadable(type: SqlType): boolean {
  if (type.kind === 'array') return isReadable(type.element);
  if (type.kind === 'map') return isReadable(type.key) && isReadable(type.value);
  if (type.kind === 'row') return type.fields.every((field) => isReadable(field.type));
  return !UNREADABLE.has(type.kind);
}

const UNREADABLE: ReadonlySet<SqlType['kind']> = new Set([
  'interval year to month',
  'interval day to second',
  'time with time zone',
  'ipaddress',
  'unknown',
  'function',
]);

/** Digits behind the point beyond the scale may only be zeros. */
const plainNumber = (scale: number): string => `[-+]?(?:[0-9]+(?:\\.[0-9]{0,${scale}}0*)?|\\.[0-9]{0,${scale}}0*)`;
const DAY = '[-+]?[0-9]+-[0-9]{1,2}-[0-9]{1,2}';
const clock = (precision: number): string =>
  `(?:[01]?[0-9]|2[0-3]):[0-5]?[0-9](?::[0-5]?[0-9](?:\\.[0-9]{0,${precision}}0*)?)?`;

function scalarSql(value: string, type: SqlType, place: Place): string {
  const fits = fitsSql(value, type);
  if (type.kind === 'varchar' && fits === undefined) return value;
  const refused = `CASE WHEN ${value} IS NOT NULL THEN ${failure(value, type, place)} END`;
  if (type.kind === 'timestamp with time zone') {
    const instant = `timezone('UTC', TRY_CAST(CASE WHEN ${fits} THEN ${value} END AS TIMESTAMP WITH TIME ZONE))`;
    // The file holds instants; their zone is not kept.
    const zoned = `{'instant': CAST(${instant} AS ${kernelTimestamp(type.precision)}), 'zone': 'UTC'}`;
    return `CASE WHEN ${instant} IS NOT NULL THEN ${zoned} WHEN ${value} IS NOT NULL THEN ${failure(value, type, place)} END`;
  }
  if (fits === undefined) return `COALESCE(TRY_CAST(${value} AS ${kernelType(type)}), ${refused})`;
  const exact = `TRY_CAST(CASE WHEN ${fits} THEN ${type.kind === 'char' ? `rtrim(${value}, ' ')` : value} END AS ${kernelType(type)})`;
  if (!isExactNumber(type)) return `COALESCE(${exact}, ${refused})`;
  const plain = plainSql(value);
  const spelledOut = `TRY_CAST(CASE WHEN ${fitsSql(plain, type)} THEN ${plain} END AS ${kernelType(type)})`;
  return `COALESCE(${exact}, CASE WHEN regexp_full_match(${value}, ${quote(WITH_EXPONENT)}) THEN ${spelledOut} END, ${refused})`;
}

const isExactNumber = ({ kind }: SqlType): boolean =>
  ['tinyint', 'smallint', 'integer', 'bigint', 'decimal'].includes(kind);

/** More than three digits of exponent fit no type, whatever stands before them but zeros. */
const WITH_EXPONENT = String.raw`\s*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?0*[0-9]{1,3}\s*`;

/** 12.5e-1 → 1.25: the kernel rounds what an exponent moves behind the scale. */
function plainSql(value: string): string {
  const part = (pattern: string): string => `regexp_extract(${value}, ${quote(pattern)}, 1)`;
  const digits = `replace(${part('([0-9.]+)[eE]')}, '.', '')`;
  // Digits behind the point when the exponent is gone; fewer than none are zeros at the end.
  const behind = `(length(${part(String.raw`\.([0-9]*)[eE]`)}) - CAST(${part('[eE]([-+]?[0-9]+)')} AS INTEGER))`;
  const whole = `(${digits} || repeat('0', greatest(-${behind}, 0)))`;
  const padded = `(repeat('0', greatest(${behind} - length(${whole}), 0)) || ${whole})`;
  const point = `greatest(${behind}, 0)`;
  return `(${part('^\\s*(-?)')} || '0' || left(${padded}, length(${padded}) - ${point}) || '.' || right(${padded}, ${point}))`;
}

/** The same of `json`, a value of type JSON within an array, a map or a row. */
function jsonSql(json: string, type: SqlType, place: Place, from: FileType | undefined, depth: number): string {
  const is = `json_type(${json})`;
  const refused = failure(`CAST(${json} AS VARCHAR)`, type, place);
  const whenPresent = (kind: string, sql: string): string =>
    `CASE WHEN ${is} = '${kind}' THEN ${sql} WHEN ${is} <> 'NULL' THEN ${refused} END`;
  const item = `e${depth}`;
  if (type.kind === 'array') {
    const element = jsonSql(item, type.element, place, from?.kind === 'list' ? from.element : undefined, depth + 1);
    return whenPresent('ARRAY', `list_transform(from_json(${json}, '["JSON"]'), lambda ${item}: ${element})`);
  }
  if (type.kind === 'map') {
    const key = textSql(`${item}.key`, type.key, place);
    const valueType = from?.kind === 'map' ? from.value : undefined;
    const value = jsonSql(`${item}.value`, type.value, place, valueType, depth + 1);
    const entries = `map_entries(from_json(${json}, '"MAP(VARCHAR,JSON)"'))`;
    const mapped = `list_transform(${entries}, lambda ${item}: {'key': ${key}, 'value': ${value}})`;
    return whenPresent('OBJECT', `map_from_entries(${mapped})`);
  }
  if (type.kind === 'row') {
    const fields = type.fields.map((field, i) => {
      const source = from?.kind === 'struct' ? from.fields[i] : undefined;
      const key = source?.name ?? field.name ?? fieldName(i);
      const member = `(from_json(${json}, ${quote(JSON.stringify({ [key]: 'JSON' }))})).${identifier(key)}`;
      return `'${fieldName(i)}': ${jsonSql(member, field.type, place, source?.type, depth + 1)}`;
    });
    return whenPresent('OBJECT', `{${fields.join(', ')}}`);
  }
  if (type.kind === 'json') return `CAST(${json} AS VARCHAR)`;
  const scalar = scalarSql(`(${json} ->> '$')`, type, place);
  return `CASE WHEN ${is} IN ('ARRAY', 'OBJECT') THEN ${refused} ELSE ${scalar} END`;
}

function failure(value: string, type: SqlType, { file, column }: Place): string {
  const what = `, column "${column}": '`;
  const why =
    `' is not exactly a value of type ${typeName(type)}. ` +
    'Correct the file, or declare the column with a type that holds it: varchar holds every text';
  const excerpt = `left(${value}, ${QUOTED_LENGTH})`;
  return raiseSql('FILE_CORRUPT', `${file} || ${quote(what)} || ${excerpt} || ${quote(why)}`);
}
