/**
 * Types that the kernel found in a file, as SQL types, and the expression that turns the file's values into the kernel
 * representation of those (`docs/types.md`): rows get positional field names, zoned timestamps their zone.
 */

import { QueryError } from '../../common/errors.ts';
import { fieldName, identifier, kernelType } from '../../types/kernel.ts';
import {
  array,
  BIGINT,
  BOOLEAN,
  DATE,
  decimal,
  DOUBLE,
  INTEGER,
  REAL,
  SMALLINT,
  timestamp,
  timestampTz,
  TINYINT,
  VARBINARY,
  VARCHAR,
} from '../../types/type.ts';
import type { SqlType } from '../../types/type.ts';
import type { JsonValue } from '../connector.ts';

/** A kernel type as data. */
export type FileType =
  | { readonly kind: 'plain'; readonly name: string; readonly parameters: readonly number[] }
  | { readonly kind: 'list'; readonly element: FileType }
  | { readonly kind: 'map'; readonly key: FileType; readonly value: FileType }
  | { readonly kind: 'struct'; readonly fields: readonly { readonly name: string; readonly type: FileType }[] };

/** A text cell of a kernel query's answer. */
export const textCell = (cell: JsonValue | undefined): string => (typeof cell === 'string' ? cell : '');

/** Reads a type as the kernel's DESCRIBE writes it, such as `STRUCT(a INTEGER, "b c" VARCHAR[])`. */
export function parseFileType(text: string): FileType {
  const tokens = text.match(/"(?:[^"]|"")*"|'(?:[^']|'')*'|[A-Za-z_][A-Za-z0-9_]*|\d+|[(),[\]]/g) ?? [];
  let at = 0;
  const expect = (token: string): void => {
    if (tokens[at++] !== token) throw new QueryError('FILE_UNSUPPORTED', `Cannot read the column type ${text}`);
  };
  const separated = (read: () => void): void => {
    expect('(');
    do read();
    while (tokens[at] === ',' && at++ >= 0);
    expect(')');
  };

  function read(): FileType {
    let type = readBase();
    while (tokens[at] === '[') {
      at++;
      if (/^\d+$/.test(tokens[at] ?? '')) at++;
      expect(']');
      type = { kind: 'list', element: type };
    }
    return type;
  }

  function readBase(): FileType {
    const name = (tokens[at++] ?? '').toUpperCase();
    if (name === 'STRUCT') {
      const fields: { name: string; type: FileType }[] = [];
      separated(() => {
        const field = tokens[at++] ?? '';
        fields.push({ name: field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field, type: read() });
      });
      return { kind: 'struct', fields };
    }
    if (name === 'MAP') {
      const parts: FileType[] = [];
      separated(() => parts.push(read()));
      return { kind: 'map', key: parts[0]!, value: parts[1]! };
    }
    if (name === 'ENUM') {
      separated(() => at++);
      return { kind: 'plain', name: 'VARCHAR', parameters: [] };
    }
    const words = [name];
    while (/^(WITH|TIME|ZONE)$/i.test(tokens[at] ?? '')) words.push(tokens[at++]!.toUpperCase());
    const parameters: number[] = [];
    if (tokens[at] === '(') separated(() => parameters.push(Number(tokens[at++])));
    return { kind: 'plain', name: words.join(' '), parameters };
  }

  const type = read();
  if (at !== tokens.length) throw new QueryError('FILE_UNSUPPORTED', `Cannot read the column type ${text}`);
  return type;
}

const PLAIN: Readonly<Record<string, SqlType>> = {
  BOOLEAN,
  TINYINT,
  SMALLINT,
  INTEGER,
  BIGINT,
  UTINYINT: SMALLINT,
  USMALLINT: INTEGER,
  UINTEGER: BIGINT,
  UBIGINT: decimal(20, 0),
  HUGEINT: decimal(38, 0),
  UHUGEINT: decimal(38, 0),
  FLOAT: REAL,
  DOUBLE,
  VARCHAR,
  BLOB: VARBINARY,
  BIT: VARCHAR,
  DATE,
  TIME: { kind: 'time', precision: 6 },
  TIME_NS: { kind: 'time', precision: 6 },
  TIMESTAMP: timestamp(6),
  TIMESTAMP_S: timestamp(0),
  TIMESTAMP_MS: timestamp(3),
  TIMESTAMP_NS: timestamp(9),
  'TIMESTAMP WITH TIME ZONE': timestampTz(6),
  UUID: { kind: 'uuid' },
  JSON: { kind: 'json' },
  '"NULL"': VARCHAR,
};

/** The SQL type of a file's column. Throws FILE_UNSUPPORTED for kernel types that SQL has no place for. */
export function sqlTypeOf(type: FileType, column: string): SqlType {
  switch (type.kind) {
    case 'list':
      return array(sqlTypeOf(type.element, column));
    case 'map':
      return { kind: 'map', key: sqlTypeOf(type.key, column), value: sqlTypeOf(type.value, column) };
    case 'struct':
      return {
        kind: 'row',
        fields: type.fields.map((field) => ({ name: field.name.toLowerCase(), type: sqlTypeOf(field.type, column) })),
      };
    case 'plain': {
      const [precision, scale] = type.parameters;
      if (type.name === 'DECIMAL') return decimal(precision ?? 18, scale ?? 3);
      const found = PLAIN[type.name];
      if (found) return found;
      throw new QueryError(
        'FILE_UNSUPPORTED',
        `Column "${column}" has the type ${type.name}, which SQL has no place for; declare its columns in the catalog file`,
      );
    }
  }
}

/** The kernel expression of `sql`, a value of `from` in the file, as the kernel representation of `to`. */
export function convert(sql: string, from: FileType, to: SqlType): string {
  if (from.kind === 'list' && to.kind === 'array') {
    const element = convert('e', from.element, to.element);
    return element === 'e' ? sql : `list_transform(${sql}, lambda e: ${element})`;
  }
  if (from.kind === 'map' && to.kind === 'map') {
    const [key, value] = [convert('e.key', from.key, to.key), convert('e.value', from.value, to.value)];
    if (key === 'e.key' && value === 'e.value') return sql;
    return `map_from_entries(list_transform(map_entries(${sql}), lambda e: {'key': ${key}, 'value': ${value}}))`;
  }
  if (from.kind === 'struct' && to.kind === 'row') {
    const fields = from.fields.map((field, i) => {
      const value = convert(`(${sql}).${identifier(field.name)}`, field.type, to.fields[i]!.type);
      return `'${fieldName(i)}': ${value}`;
    });
    return `CASE WHEN ${sql} IS NOT NULL THEN {${fields.join(', ')}} END`;
  }
  if (to.kind === 'timestamp with time zone') {
    // The file holds instants; their zone was never stored.
    const instant = `CAST(timezone('UTC', CAST(${sql} AS TIMESTAMP WITH TIME ZONE)) AS TIMESTAMP)`;
    return `CASE WHEN ${sql} IS NOT NULL THEN {'instant': ${instant}, 'zone': 'UTC'} END`;
  }
  if (from.kind === 'plain' && from.name === kernelType(to) && from.parameters.length === 0) return sql;
  return `CAST(${sql} AS ${kernelType(to)})`;
}
