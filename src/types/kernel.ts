/** How each SQL type stands in the kernel: its type, its constants, and the key by which its values compare. */

import { QueryError } from '../common/errors.ts';
import { quotedName } from '../common/names.ts';
import type { ConstantValue } from './constant.ts';
import type { SqlType } from './type.ts';

/** The kernel's name of the type that holds values of `type`. `docs/types.md` is the table of it. */
export function kernelType(type: SqlType): string {
  switch (type.kind) {
    case 'boolean':
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'bigint':
    case 'double':
    case 'date':
    case 'uuid':
    case 'varchar':
      return type.kind.toUpperCase();
    case 'real':
      return 'FLOAT';
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`;
    case 'char':
    case 'json':
      return 'VARCHAR';
    case 'varbinary':
    case 'ipaddress':
      return 'BLOB';
    case 'time':
      return 'TIME';
    case 'time with time zone':
      return 'STRUCT("time" TIME, "minutes" INTEGER)';
    case 'timestamp':
      return kernelTimestamp(type.precision);
    case 'timestamp with time zone':
      return `STRUCT("instant" ${kernelTimestamp(type.precision)}, "zone" VARCHAR)`;
    case 'interval year to month':
      return 'INTEGER';
    case 'interval day to second':
      return 'BIGINT';
    case 'array':
      return `${kernelType(type.element)}[]`;
    case 'map':
      return `MAP(${kernelType(type.key)}, ${kernelType(type.value)})`;
    case 'row':
      return `STRUCT(${type.fields.map((field, i) => `"${fieldName(i)}" ${kernelType(field.type)}`).join(', ')})`;
    case 'unknown':
      return 'INTEGER';
    case 'function':
      throw new QueryError('NOT_SUPPORTED', 'A lambda is not a value: pass it to a function');
  }
}

/** Digits of a second's fraction in the kernel's plain TIMESTAMP. */
const MICROSECOND_DIGITS = 6;

export const kernelTimestamp = (precision: number): string =>
  precision > MICROSECOND_DIGITS ? 'TIMESTAMP_NS' : 'TIMESTAMP';

/** Rows stand as structs with positional field names, since SQL's may repeat or be absent. */
export const fieldName = (index: number): string => `f${index}`;

/**
 * Stands in rendered SQL for the secret of the statement, which whoever hands it to the kernel puts there: by it the errors
 * that we raise are told from what users write. No constant holds it (`quote`); Unicode reserves it for such a use.
 */
export const SECRET = '\uFDD0';

/** Kernel SQL of a text constant: the kernel's literals end at a NUL character. */
export function quote(text: string): string {
  if (!text.includes('\0') && !text.includes(SECRET)) return literal(text);
  const parts = text
    .split(/([\0\uFDD0])/)
    .map((part, i) => (i % 2 === 0 ? literal(part) : `chr(${part.codePointAt(0)})`));
  return `(${parts.join(' || ')})`;
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** A name in the kernel's SQL. */
export const identifier = quotedName;

/** What stands for a row without columns. */
export const NO_COLUMNS = '1 AS "row"';

/** No rows of these columns. */
export function emptySelect(columns: readonly { readonly name: string; readonly type: SqlType }[]): string {
  const nulls = columns.map(({ name, type }) => `CAST(NULL AS ${kernelType(type)}) AS ${identifier(name)}`);
  return `SELECT ${nulls.join(', ') || NO_COLUMNS} WHERE false`;
}

/** A constant of `type` as a kernel expression of exactly `kernelType(type)`. */
export function constantSql(type: SqlType, value: ConstantValue): string {
  if (value === null) return `CAST(NULL AS ${kernelType(type)})`;
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value !== 'string') return nestedSql(type, value);
  switch (type.kind) {
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'bigint':
    case 'decimal':
    case 'interval year to month':
    case 'interval day to second':
    case 'unknown':
      return `CAST('${value}' AS ${kernelType(type)})`;
    case 'double':
      return doubleSql(value);
    case 'real':
      return `CAST('${value}' AS FLOAT)`;
    case 'varchar':
    case 'char':
    case 'json':
      return quote(value);
    case 'varbinary':
    case 'ipaddress':
      return `unhex('${value}')`;
    case 'uuid':
      return `UUID '${value}'`;
    case 'date':
      return `DATE '${kernelDate(value)}'`;
    case 'time':
      return `TIME '${value}'`;
    case 'time with time zone': {
      const [, time, sign, hours, minutes] = /^(.*)([+-])(\d\d):(\d\d)$/.exec(value)!;
      const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
      return `{'time': TIME '${time}', 'minutes': ${offset}}`;
    }
    case 'timestamp':
      return `${kernelTimestamp(type.precision)} '${kernelDate(value)}'`;
    case 'timestamp with time zone': {
      const blank = value.lastIndexOf(' ');
      const instant = `${kernelTimestamp(type.precision)} '${kernelDate(value.slice(0, blank))}'`;
      return `{'instant': ${instant}, 'zone': ${quote(value.slice(blank + 1))}}`;
    }
    case 'boolean':
    case 'array':
    case 'map':
    case 'row':
    case 'function':
      throw new QueryError('GENERIC_INTERNAL_ERROR', `A constant of type ${type.kind} cannot be the text '${value}'`);
  }
}

function nestedSql(type: SqlType, value: readonly ConstantValue[]): string {
  const kernel = kernelType(type);
  if (type.kind === 'array') return `CAST([${value.map((v) => constantSql(type.element, v)).join(', ')}] AS ${kernel})`;
  if (type.kind === 'row') {
    return `{${type.fields.map((f, i) => `'${fieldName(i)}': ${constantSql(f.type, value[i] ?? null)}`).join(', ')}}`;
  }
  if (type.kind !== 'map') {
    throw new QueryError('GENERIC_INTERNAL_ERROR', `A constant of type ${type.kind} cannot be a list`);
  }
  const entries = value.map((entry) => {
    const [k, v] = entry as readonly ConstantValue[];
    return `${constantSql(type.key, k ?? null)}: ${constantSql(type.value, v ?? null)}`;
  });
  return `CAST(MAP {${entries.join(', ')}} AS ${kernel})`;
}

/** A number with an exponent is a double to the kernel; without one it would pass through DECIMAL. */
function doubleSql(value: string): string {
  if (!/^-?[0-9.]+(e[+-]?[0-9]+)?$/i.test(value)) return `CAST('${value}' AS DOUBLE)`;
  const literal = /e/i.test(value) ? value : `${value}e0`;
  return value.startsWith('-') ? `(${literal})` : literal;
}

/** `-0001-02-03 …` and `+12345-02-03 …` as the kernel reads them: `0002-02-03 (BC) …`, `12345-02-03 …`. */
function kernelDate(text: string): string {
  const parts = /^([+-]?)(\d+)(-\d\d-\d\d)(.*)$/.exec(text);
  if (!parts) return text;
  const [, sign, year, day, rest] = parts;
  if (sign !== '-' && Number(year) > 0) return `${year}${day}${rest}`;
  return `${String(Number(year) + 1).padStart(4, '0')}${day} (BC)${rest}`;
}

/**
 * The expression by which values of `type` are equal, ordered, grouped and hashed, given one that yields them; the same
 * text for most types. A zoned timestamp counts by its instant, a zoned time by its moment in UTC.
 */
export function keySql(type: SqlType, sql: string, depth = 0): string {
  if (!hasKeyOfItsOwn(type)) return sql;
  const item = `k${depth}`;
  switch (type.kind) {
    case 'timestamp with time zone':
      return `(${sql}).instant`;
    case 'json':
      // A variant has the members of objects in order and numbers by value.
      return `CASE WHEN ${sql} IS NOT NULL THEN CAST(CAST(variant_normalize(CAST(CAST(${sql} AS JSON) AS VARIANT)) AS JSON) AS VARCHAR) END`;
    case 'time with time zone':
      // Microseconds of the day in UTC.
      return `((epoch_us((${sql})."time") - CAST((${sql})."minutes" AS BIGINT) * 60000000 + 86400000000) % 86400000000)`;
    case 'array':
      return `list_transform(${sql}, lambda ${item}: ${keySql(type.element, item, depth + 1)})`;
    case 'map': {
      const entry = `{'k': ${keySql(type.key, `${item}.key`, depth + 1)}, 'v': ${keySql(type.value, `${item}.value`, depth + 1)}}`;
      return `list_sort(list_transform(map_entries(${sql}), lambda ${item}: ${entry}))`;
    }
    case 'row': {
      const fields = type.fields.map(
        (f, i) => `'${fieldName(i)}': ${keySql(f.type, `(${sql}).${fieldName(i)}`, depth + 1)}`,
      );
      return `CASE WHEN ${sql} IS NOT NULL THEN {${fields.join(', ')}} END`;
    }
    case 'bigint':
    case 'boolean':
    case 'char':
    case 'date':
    case 'decimal':
    case 'double':
    case 'function':
    case 'integer':
    case 'interval day to second':
    case 'interval year to month':
    case 'ipaddress':
    case 'real':
    case 'smallint':
    case 'time':
    case 'timestamp':
    case 'tinyint':
    case 'unknown':
    case 'uuid':
    case 'varbinary':
    case 'varchar':
      return sql;
  }
}

/** Whether `keySql` is more than the value itself. */
export function hasKeyOfItsOwn(type: SqlType): boolean {
  switch (type.kind) {
    case 'timestamp with time zone':
    case 'time with time zone':
    case 'json':
    case 'map':
      return true;
    case 'array':
      return hasKeyOfItsOwn(type.element);
    case 'row':
      return type.fields.some((field) => hasKeyOfItsOwn(field.type));
    case 'bigint':
    case 'boolean':
    case 'char':
    case 'date':
    case 'decimal':
    case 'double':
    case 'function':
    case 'integer':
    case 'interval day to second':
    case 'interval year to month':
    case 'ipaddress':
    case 'real':
    case 'smallint':
    case 'time':
    case 'timestamp':
    case 'tinyint':
    case 'unknown':
    case 'uuid':
    case 'varbinary':
    case 'varchar':
      return false;
  }
}

/** The kernel expands globs in paths; a file whose name holds such characters is meant as it stands. */
export const globFree = (path: string): string => path.replaceAll(/[*?[\]]/g, '[$&]');
