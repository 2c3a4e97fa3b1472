/** How values travel to clients: kernel expressions that encode them as JSON text, and the protocol's type signatures. */

import { VARCHAR_LENGTH_UNBOUNDED } from './coercion.ts';
import { ipAddressText } from './ip-address.ts';
import { fieldName } from './kernel.ts';
import { fieldText, type SqlType, typeName } from './type.ts';
import {
  dateText,
  dayTimeText,
  decimalText,
  timestampText,
  timeText,
  yearMonthText,
  zonedLocal,
  zonedTimeText,
} from './text.ts';

export type WireOptions = {
  /** Clients without the capability PARAMETRIC_DATETIME get datetimes with three digits of a second's fraction. */
  readonly parametricDatetime: boolean;
};

/**
 * The JSON text of one value as the protocol wants it, never NULL (a NULL is the text `null`): a kernel expression of
 * type VARCHAR over `sql`, an expression of `kernelType(type)`. `sql` is repeated: pass a column, not a computation.
 */
export function wireSql(type: SqlType, sql: string, options: WireOptions, depth = 0): string {
  return `coalesce(${presentSql(type, sql, options, depth)}, 'null')`;
}

/** As `wireSql`, but NULL for NULL. */
function presentSql(type: SqlType, sql: string, options: WireOptions, depth: number): string {
  const item = `w${depth}`;
  switch (type.kind) {
    case 'boolean':
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'bigint':
      return `CAST(${sql} AS VARCHAR)`;
    case 'real':
    case 'double': {
      // The kernel writes `1.0`, `1e+20` and the bare words `nan`, `inf`, `-inf`.
      const text = `CAST(${sql} AS VARCHAR)`;
      return `CASE WHEN isfinite(${sql}) THEN ${text} WHEN isnan(${sql}) THEN '"NaN"' WHEN ${sql} > 0 THEN '"Infinity"' WHEN ${sql} < 0 THEN '"-Infinity"' END`;
    }
    case 'varchar':
    case 'json':
      return `CAST(to_json(${sql}) AS VARCHAR)`;
    case 'char':
      return `CAST(to_json(rpad(${sql}, ${type.length}, ' ')) AS VARCHAR)`;
    case 'map':
      return `'{' || array_to_string(list_transform(map_entries(${sql}), lambda ${item}: ${keyText(type.key, `${item}.key`, options)} || ':' || ${wireSql(type.value, `${item}.value`, options, depth + 1)}), ',') || '}'`;
    case 'array':
      return `'[' || array_to_string(list_transform(${sql}, lambda ${item}: ${wireSql(type.element, item, options, depth + 1)}), ',') || ']'`;
    case 'row': {
      const fields = type.fields.map((f, i) => wireSql(f.type, `(${sql}).${fieldName(i)}`, options, depth));
      return `CASE WHEN ${sql} IS NOT NULL THEN concat('[', ${fields.join(`, ',', `)}, ']') END`;
    }
    case 'date':
    case 'decimal':
    case 'function':
    case 'interval day to second':
    case 'interval year to month':
    case 'ipaddress':
    case 'time':
    case 'time with time zone':
    case 'timestamp':
    case 'timestamp with time zone':
    case 'unknown':
    case 'uuid':
    case 'varbinary':
      return `'"' || ${plainText(type, sql, options)} || '"'`;
  }
}

/** Bytes of the longest text that `wireSql` makes of a value; Infinity when the type does not bound it. */
export function wireBytesMax(type: SqlType): number {
  switch (type.kind) {
    case 'boolean':
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'bigint':
    case 'real':
    case 'double':
    case 'unknown':
      return 32;
    case 'decimal':
    case 'date':
    case 'time':
    case 'time with time zone':
    case 'timestamp':
    case 'interval year to month':
    case 'interval day to second':
    case 'uuid':
    case 'ipaddress':
      return 64;
    case 'timestamp with time zone':
      return 128;
    case 'varchar':
    case 'char':
      // A code point beyond the first plane may stand as two escapes.
      return type.length === undefined ? Infinity : 2 + 12 * type.length;
    case 'row':
      return type.fields.reduce((sum, field) => sum + 1 + wireBytesMax(field.type), 4);
    case 'array':
    case 'map':
    case 'json':
    case 'varbinary':
    case 'function':
      return Infinity;
  }
}

/** Text without characters that JSON escapes. */
function plainText(type: SqlType, sql: string, options: WireOptions): string {
  switch (type.kind) {
    case 'varbinary':
      return `to_base64(${sql})`;
    case 'ipaddress':
      return ipAddressText(sql);
    case 'decimal':
      return decimalText(sql, type.precision, type.scale);
    case 'date':
      return dateText(sql);
    case 'time':
      return timeText(sql, shown(type.precision, options), type.precision);
    case 'time with time zone':
      return zonedTimeText(sql, shown(type.precision, options), type.precision);
    case 'timestamp':
      return timestampText(sql, shown(type.precision, options), type.precision);
    case 'timestamp with time zone':
      return `${timestampText(zonedLocal(sql, type.precision), shown(type.precision, options), type.precision)} || ' ' || (${sql}).zone`;
    case 'interval year to month':
      return yearMonthText(sql);
    case 'interval day to second':
      return dayTimeText(sql);
    case 'array':
    case 'bigint':
    case 'boolean':
    case 'char':
    case 'double':
    case 'function':
    case 'integer':
    case 'json':
    case 'map':
    case 'real':
    case 'row':
    case 'smallint':
    case 'tinyint':
    case 'unknown':
    case 'uuid':
    case 'varchar':
      // Uuids, and the NULLs of type unknown.
      return `CAST(${sql} AS VARCHAR)`;
  }
}

/** Keys of JSON objects are strings whatever their type. */
function keyText(type: SqlType, sql: string, options: WireOptions): string {
  const text = presentSql(type, sql, options, 0);
  switch (type.kind) {
    case 'boolean':
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'bigint':
      return `'"' || ${text} || '"'`;
    case 'real':
    case 'double':
      return `'"' || trim(${text}, '"') || '"'`;
    case 'array':
    case 'map':
    case 'row':
      return `CAST(to_json(${text}) AS VARCHAR)`;
    case 'char':
    case 'date':
    case 'decimal':
    case 'function':
    case 'interval day to second':
    case 'interval year to month':
    case 'ipaddress':
    case 'json':
    case 'time':
    case 'time with time zone':
    case 'timestamp':
    case 'timestamp with time zone':
    case 'unknown':
    case 'uuid':
    case 'varbinary':
    case 'varchar':
      return text;
  }
}

/** Digits that old clients understand. */
const PLAIN_PRECISION = 3;

const shown = (precision: number, { parametricDatetime }: WireOptions): number =>
  parametricDatetime ? precision : PLAIN_PRECISION;

/** A type as the protocol's columns carry it. */
export type TypeSignature = { readonly rawType: string; readonly arguments: readonly SignatureArgument[] };
export type SignatureArgument =
  | { readonly kind: 'LONG'; readonly value: number }
  | { readonly kind: 'TYPE'; readonly value: TypeSignature }
  | {
      readonly kind: 'NAMED_TYPE';
      readonly value: { readonly fieldName?: { readonly name: string }; readonly typeSignature: TypeSignature };
    };

const signature = (rawType: string, args: readonly SignatureArgument[] = []): TypeSignature => ({
  rawType,
  arguments: args,
});
const long = (value: number): SignatureArgument => ({ kind: 'LONG', value });

export function typeSignature(type: SqlType, options: WireOptions): TypeSignature {
  const nested = (value: SqlType): SignatureArgument => ({ kind: 'TYPE', value: typeSignature(value, options) });
  switch (type.kind) {
    case 'varchar':
      return signature('varchar', [long(type.length ?? VARCHAR_LENGTH_UNBOUNDED)]);
    case 'char':
      return signature('char', [long(type.length)]);
    case 'decimal':
      return signature('decimal', [long(type.precision), long(type.scale)]);
    case 'time':
    case 'time with time zone':
    case 'timestamp':
    case 'timestamp with time zone':
      return signature(type.kind, options.parametricDatetime ? [long(type.precision)] : []);
    case 'array':
      return signature('array', [nested(type.element)]);
    case 'map':
      return signature('map', [nested(type.key), nested(type.value)]);
    case 'row':
      return signature(
        'row',
        type.fields.map((field) => ({
          kind: 'NAMED_TYPE',
          value: {
            ...(field.name !== undefined && { fieldName: { name: field.name } }),
            typeSignature: typeSignature(field.type, options),
          },
        })),
      );
    case 'bigint':
    case 'boolean':
    case 'date':
    case 'double':
    case 'function':
    case 'integer':
    case 'interval day to second':
    case 'interval year to month':
    case 'ipaddress':
    case 'json':
    case 'real':
    case 'smallint':
    case 'tinyint':
    case 'unknown':
    case 'uuid':
    case 'varbinary':
      return signature(type.kind);
  }
}

/** The `type` text of a protocol column, which names no precision to clients that do not know of it. */
export function clientTypeName(type: SqlType, options: WireOptions): string {
  if (options.parametricDatetime) return typeName(type);
  switch (type.kind) {
    case 'time':
    case 'time with time zone':
    case 'timestamp':
    case 'timestamp with time zone':
      return type.kind;
    case 'array':
      return `array(${clientTypeName(type.element, options)})`;
    case 'map':
      return `map(${clientTypeName(type.key, options)}, ${clientTypeName(type.value, options)})`;
    case 'row':
      return `row(${type.fields.map((field) => fieldText(field, (inner) => clientTypeName(inner, options))).join(', ')})`;
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
    case 'json':
    case 'real':
    case 'smallint':
    case 'tinyint':
    case 'unknown':
    case 'uuid':
    case 'varbinary':
    case 'varchar':
      return typeName(type);
  }
}
