/** Trino's SQL types as plain data. `docs/types.md` maps each to its kernel representation and wire form. */

import { quotedName } from '../common/names.ts';

export type SqlType =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'tinyint' }
  | { readonly kind: 'smallint' }
  | { readonly kind: 'integer' }
  | { readonly kind: 'bigint' }
  | { readonly kind: 'real' }
  | { readonly kind: 'double' }
  /** 1 ≤ precision ≤ 38, 0 ≤ scale ≤ precision. */
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  /** `length` in code points; absent = unbounded. */
  | { readonly kind: 'varchar'; readonly length?: number }
  | { readonly kind: 'char'; readonly length: number }
  | { readonly kind: 'varbinary' }
  | { readonly kind: 'json' }
  | { readonly kind: 'date' }
  /** `precision` = digits of the second's fraction, 0 to 12. */
  | { readonly kind: 'time'; readonly precision: number }
  | { readonly kind: 'time with time zone'; readonly precision: number }
  | { readonly kind: 'timestamp'; readonly precision: number }
  | { readonly kind: 'timestamp with time zone'; readonly precision: number }
  | { readonly kind: 'interval year to month' }
  | { readonly kind: 'interval day to second' }
  | { readonly kind: 'uuid' }
  | { readonly kind: 'ipaddress' }
  | { readonly kind: 'array'; readonly element: SqlType }
  | { readonly kind: 'map'; readonly key: SqlType; readonly value: SqlType }
  | { readonly kind: 'row'; readonly fields: readonly RowField[] }
  /** The type of NULL before anything is known of it. */
  | { readonly kind: 'unknown' }
  /** A lambda's type; never a column's. */
  | { readonly kind: 'function'; readonly arguments: readonly SqlType[]; readonly result: SqlType };

export type RowField = { readonly name?: string; readonly type: SqlType };
export type TypeKind = SqlType['kind'];

export const BOOLEAN: SqlType = { kind: 'boolean' };
export const TINYINT: SqlType = { kind: 'tinyint' };
export const SMALLINT: SqlType = { kind: 'smallint' };
export const INTEGER: SqlType = { kind: 'integer' };
export const BIGINT: SqlType = { kind: 'bigint' };
export const REAL: SqlType = { kind: 'real' };
export const DOUBLE: SqlType = { kind: 'double' };
export const VARCHAR: SqlType = { kind: 'varchar' };
export const VARBINARY: SqlType = { kind: 'varbinary' };
export const DATE: SqlType = { kind: 'date' };
export const UNKNOWN: SqlType = { kind: 'unknown' };
export const decimal = (precision: number, scale: number): SqlType => ({ kind: 'decimal', precision, scale });
export const varchar = (length: number): SqlType => ({ kind: 'varchar', length });
export const char = (length: number): SqlType => ({ kind: 'char', length });
export const array = (element: SqlType): SqlType => ({ kind: 'array', element });
export const timestamp = (precision: number): SqlType => ({ kind: 'timestamp', precision });
export const timestampTz = (precision: number): SqlType => ({ kind: 'timestamp with time zone', precision });

/** The type as people write it: `decimal(12,2)`, `timestamp(3) with time zone`, `row(x bigint, y varchar)`. */
export function typeName(type: SqlType): string {
  switch (type.kind) {
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`;
    case 'varchar':
      return type.length === undefined ? 'varchar' : `varchar(${type.length})`;
    case 'char':
      return `char(${type.length})`;
    case 'time':
    case 'timestamp':
      return `${type.kind}(${type.precision})`;
    case 'time with time zone':
      return `time(${type.precision}) with time zone`;
    case 'timestamp with time zone':
      return `timestamp(${type.precision}) with time zone`;
    case 'array':
      return `array(${typeName(type.element)})`;
    case 'map':
      return `map(${typeName(type.key)}, ${typeName(type.value)})`;
    case 'row':
      return `row(${type.fields.map((field) => fieldText(field, typeName)).join(', ')})`;
    case 'function':
      return `function(${[...type.arguments, type.result].map(typeName).join(',')})`;
    case 'boolean':
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'bigint':
    case 'real':
    case 'double':
    case 'varbinary':
    case 'json':
    case 'date':
    case 'interval year to month':
    case 'interval day to second':
    case 'uuid':
    case 'ipaddress':
    case 'unknown':
      return type.kind;
  }
}

/** A row's field, its type as `nameOf` writes it. */
export const fieldText = ({ name, type }: RowField, nameOf: (type: SqlType) => string): string => {
  if (name === undefined) return nameOf(type);
  return `${/^[a-z_][a-z0-9_]*$/.test(name) ? name : quotedName(name)} ${nameOf(type)}`;
};

/** Same type in every parameter. Field names of rows count, as in Trino. */
export const sameType = (a: SqlType, b: SqlType): boolean => a === b || typeName(a) === typeName(b);
