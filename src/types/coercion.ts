/** Which type values may silently become, which type two types share, and which explicit casts exist: Trino's rules. */

import { decimal, sameType, type RowField, type SqlType, type TypeKind, UNKNOWN } from './type.ts';

/** The least type that both sides coerce to, as for `a = b`, CASE branches, UNION columns and array elements. */
export function commonType(a: SqlType, b: SqlType): SqlType | undefined {
  if (sameType(a, b)) return a;
  if (a.kind === 'unknown') return b;
  if (b.kind === 'unknown') return a;
  if (a.kind === b.kind) return commonOfKind(a, b);
  const raised = raise(a, b.kind);
  if (raised) return commonType(raised, b);
  const other = raise(b, a.kind);
  return other && commonType(a, other);
}

/** `commonType` over a list; UNKNOWN for an empty one. */
export function commonTypeOf(types: readonly SqlType[]): SqlType | undefined {
  let common: SqlType | undefined = UNKNOWN;
  for (const type of types) common = common && commonType(common, type);
  return common;
}

/** Whether a value of `from` may stand where `to` is wanted, without CAST. */
export function canCoerce(from: SqlType, to: SqlType): boolean {
  if (sameType(from, to) || from.kind === 'unknown') return true;
  if (from.kind === 'row' && to.kind === 'row') {
    return (
      from.fields.length === to.fields.length && from.fields.every((f, i) => canCoerce(f.type, to.fields[i]!.type))
    );
  }
  if (from.kind === 'array' && to.kind === 'array') return canCoerce(from.element, to.element);
  if (from.kind === 'map' && to.kind === 'map') return canCoerce(from.key, to.key) && canCoerce(from.value, to.value);
  const common = commonType(from, to);
  return common !== undefined && sameType(common, to);
}

/** Whether CAST has a value of `to` for every value of `from`, so that it never fails. False when unsure. */
export function castIsTotal(from: SqlType, to: SqlType): boolean {
  if (sameType(from, to) || from.kind === 'unknown') return true;
  // A text that is too long is cut.
  if (TEXTS.includes(to.kind)) return TEXTS.includes(from.kind);
  if (!NUMBERS.includes(to.kind)) return false;
  if (to.kind !== 'decimal') return canCoerce(from, to);
  const scale = from.kind === 'decimal' ? from.scale : 0;
  const digits = from.kind === 'decimal' ? from.precision : (INTEGER_DIGITS[from.kind] ?? Infinity);
  return scale <= to.scale && digits - scale <= to.precision - to.scale;
}

/** Longest CHAR. */
export const CHAR_LENGTH_MAX = 65536;
/** Trino writes an unbounded varchar's length as this. */
export const VARCHAR_LENGTH_UNBOUNDED = 2147483647;
export const DECIMAL_PRECISION_MAX = 38;

function commonOfKind(a: SqlType, b: SqlType): SqlType | undefined {
  if (a.kind === 'decimal' && b.kind === 'decimal') {
    const scale = Math.max(a.scale, b.scale);
    const whole = Math.max(a.precision - a.scale, b.precision - b.scale);
    return decimal(Math.min(DECIMAL_PRECISION_MAX, whole + scale), scale);
  }
  if (a.kind === 'varchar' && b.kind === 'varchar') {
    if (a.length === undefined || b.length === undefined) return { kind: 'varchar' };
    return { kind: 'varchar', length: Math.max(a.length, b.length) };
  }
  if (a.kind === 'char' && b.kind === 'char') return { kind: 'char', length: Math.max(a.length, b.length) };
  if ('precision' in a && 'precision' in b && a.kind !== 'decimal') {
    return { ...a, precision: Math.max(a.precision, b.precision) };
  }
  if (a.kind === 'array' && b.kind === 'array') {
    const element = commonType(a.element, b.element);
    return element && { kind: 'array', element };
  }
  if (a.kind === 'map' && b.kind === 'map') {
    const key = commonType(a.key, b.key);
    const value = commonType(a.value, b.value);
    return key && value && { kind: 'map', key, value };
  }
  if (a.kind === 'row' && b.kind === 'row') return commonRow(a.fields, b.fields);
  if (a.kind === 'function' && b.kind === 'function') return undefined;
  return a;
}

/** A field keeps its name where both rows call it the same. */
function commonRow(a: readonly RowField[], b: readonly RowField[]): SqlType | undefined {
  if (a.length !== b.length) return undefined;
  const fields: RowField[] = [];
  for (const [i, field] of a.entries()) {
    const type = commonType(field.type, b[i]!.type);
    if (!type) return undefined;
    fields.push(field.name !== undefined && field.name === b[i]!.name ? { name: field.name, type } : { type });
  }
  return { kind: 'row', fields };
}

/** Digits that hold every value of an integer type. */
const INTEGER_DIGITS: Partial<Record<TypeKind, number>> = { tinyint: 3, smallint: 5, integer: 10, bigint: 19 };

const NUMERIC_LADDER: readonly TypeKind[] = ['tinyint', 'smallint', 'integer', 'bigint', 'decimal', 'real', 'double'];

/** `type` as a type of another kind that it coerces to. */
function raise(type: SqlType, kind: TypeKind): SqlType | undefined {
  const from = NUMERIC_LADDER.indexOf(type.kind);
  const to = NUMERIC_LADDER.indexOf(kind);
  if (from >= 0 && to > from) {
    if (kind === 'decimal') return decimal(INTEGER_DIGITS[type.kind]!, 0);
    return { kind } as SqlType;
  }
  switch (type.kind) {
    case 'date':
      return kind === 'timestamp' || kind === 'timestamp with time zone' ? { kind, precision: 0 } : undefined;
    case 'time':
      return kind === 'time with time zone' ? { kind, precision: type.precision } : undefined;
    case 'timestamp':
      return kind === 'timestamp with time zone' ? { kind, precision: type.precision } : undefined;
    case 'char':
      return kind === 'varchar' ? { kind, length: type.length } : undefined;
    case 'varchar':
    case 'array':
    case 'bigint':
    case 'boolean':
    case 'decimal':
    case 'double':
    case 'function':
    case 'integer':
    case 'interval day to second':
    case 'interval year to month':
    case 'ipaddress':
    case 'json':
    case 'map':
    case 'real':
    case 'row':
    case 'smallint':
    case 'time with time zone':
    case 'timestamp with time zone':
    case 'tinyint':
    case 'unknown':
    case 'uuid':
    case 'varbinary':
      return undefined;
  }
}

const NUMBERS: readonly TypeKind[] = NUMERIC_LADDER;
const TEXTS: readonly TypeKind[] = ['varchar', 'char'];

/** What a text may be read as. */
const READABLE: readonly TypeKind[] = [
  'boolean',
  ...NUMBERS,
  ...TEXTS,
  'varbinary',
  'json',
  'date',
  'time',
  'time with time zone',
  'timestamp',
  'timestamp with time zone',
  'uuid',
  'ipaddress',
];

/** What CAST accepts besides coercions, by the kind it starts from. */
const CASTS: Partial<Record<TypeKind, readonly TypeKind[]>> = {
  boolean: ['boolean', ...NUMBERS, 'varchar', 'char', 'json'],
  tinyint: ['boolean', ...NUMBERS, ...TEXTS, 'json'],
  smallint: ['boolean', ...NUMBERS, ...TEXTS, 'json'],
  integer: ['boolean', ...NUMBERS, ...TEXTS, 'json'],
  bigint: ['boolean', ...NUMBERS, ...TEXTS, 'json'],
  decimal: ['boolean', ...NUMBERS, ...TEXTS, 'json'],
  real: ['boolean', ...NUMBERS, ...TEXTS, 'json'],
  double: ['boolean', ...NUMBERS, ...TEXTS, 'json'],
  varchar: READABLE,
  char: READABLE,
  varbinary: ['uuid', 'ipaddress'],
  json: ['boolean', ...NUMBERS, 'varchar', 'array', 'map', 'row'],
  date: ['varchar', 'char', 'timestamp', 'timestamp with time zone', 'json'],
  time: ['varchar', 'char', 'time', 'time with time zone', 'timestamp', 'timestamp with time zone'],
  'time with time zone': ['varchar', 'char', 'time', 'time with time zone', 'timestamp', 'timestamp with time zone'],
  timestamp: [
    'varchar',
    'char',
    'date',
    'time',
    'time with time zone',
    'timestamp',
    'timestamp with time zone',
    'json',
  ],
  'timestamp with time zone': [
    'varchar',
    'char',
    'date',
    'time',
    'time with time zone',
    'timestamp',
    'timestamp with time zone',
  ],
  'interval year to month': ['varchar', 'char'],
  'interval day to second': ['varchar', 'char'],
  uuid: ['varchar', 'char', 'varbinary'],
  ipaddress: ['varchar', 'char', 'varbinary'],
};

/** Whether CAST(from AS to) exists at all; a value may still refuse at run time. */
export function castAllowed(from: SqlType, to: SqlType): boolean {
  if (from.kind === 'function' || to.kind === 'function') return false;
  if (from.kind === 'unknown' || sameType(from, to)) return true;
  if (from.kind === 'array' && to.kind === 'array') return castAllowed(from.element, to.element);
  if (from.kind === 'map' && to.kind === 'map')
    return castAllowed(from.key, to.key) && castAllowed(from.value, to.value);
  if (from.kind === 'row' && to.kind === 'row') {
    return (
      from.fields.length === to.fields.length && from.fields.every((f, i) => castAllowed(f.type, to.fields[i]!.type))
    );
  }
  if (to.kind === 'json') {
    if (from.kind === 'array') return castAllowed(from.element, to);
    if (from.kind === 'map') return isJsonKey(from.key) && castAllowed(from.value, to);
    if (from.kind === 'row') return from.fields.every((f) => castAllowed(f.type, to));
  }
  if (from.kind === 'json') {
    if (to.kind === 'array') return castAllowed(from, to.element);
    if (to.kind === 'map') return isJsonKey(to.key) && castAllowed(from, to.value);
    if (to.kind === 'row') return to.fields.every((f) => castAllowed(from, f.type));
    if (to.kind === 'date' || to.kind === 'timestamp') return false;
  }
  return CASTS[from.kind]?.includes(to.kind) ?? false;
}

const isJsonKey = (key: SqlType): boolean => ['boolean', 'varchar', ...NUMBERS].includes(key.kind);

/** Whether `=`, GROUP BY and DISTINCT are defined. */
export function isComparable(type: SqlType): boolean {
  switch (type.kind) {
    case 'array':
      return isComparable(type.element);
    case 'map':
      return isComparable(type.key) && isComparable(type.value);
    case 'row':
      return type.fields.every((field) => isComparable(field.type));
    case 'function':
      return false;
    case 'bigint':
    case 'boolean':
    case 'char':
    case 'date':
    case 'decimal':
    case 'double':
    case 'integer':
    case 'interval day to second':
    case 'interval year to month':
    case 'ipaddress':
    case 'json':
    case 'real':
    case 'smallint':
    case 'time':
    case 'time with time zone':
    case 'timestamp':
    case 'timestamp with time zone':
    case 'tinyint':
    case 'unknown':
    case 'uuid':
    case 'varbinary':
    case 'varchar':
      return true;
  }
}

/** Whether `<` and ORDER BY are defined. */
export function isOrderable(type: SqlType): boolean {
  switch (type.kind) {
    case 'array':
      return isOrderable(type.element);
    case 'row':
      return type.fields.every((field) => isOrderable(field.type));
    case 'map':
    case 'json':
    case 'function':
      return false;
    case 'bigint':
    case 'boolean':
    case 'char':
    case 'date':
    case 'decimal':
    case 'double':
    case 'integer':
    case 'interval day to second':
    case 'interval year to month':
    case 'ipaddress':
    case 'real':
    case 'smallint':
    case 'time':
    case 'time with time zone':
    case 'timestamp':
    case 'timestamp with time zone':
    case 'tinyint':
    case 'unknown':
    case 'uuid':
    case 'varbinary':
    case 'varchar':
      return true;
  }
}
