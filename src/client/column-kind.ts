/** What a client must know of a column: how its values stand in the protocol's JSON and how people read them. */
import type { TypeSignature } from '../types/wire.ts';

export type Column = { readonly name: string; readonly type: string; readonly typeSignature?: TypeSignature };

/**
 * `plain`: integers and booleans, whose JSON is also their text. `float`: JSON numbers, or the strings NaN and ±Infinity.
 * `text`: strings (decimals, datetimes and types that only the server knows too). `binary`: base64. `nested`: arrays, maps and rows.
 */
export type ColumnKind = 'plain' | 'float' | 'text' | 'binary' | 'nested';

export const signatureOf = (column: Column): TypeSignature =>
  column.typeSignature ?? { rawType: column.type.replace(/\(.*/, ''), arguments: [] };

export function columnKind({ rawType }: TypeSignature): ColumnKind {
  if (PLAIN.has(rawType)) return 'plain';
  if (FLOAT.has(rawType)) return 'float';
  if (NESTED.has(rawType)) return 'nested';
  return rawType === 'varbinary' ? 'binary' : 'text';
}

/** Columns that people compare digit by digit stand to the right. */
export const isNumeric = ({ rawType }: TypeSignature): boolean =>
  FLOAT.has(rawType) || rawType === 'decimal' || (PLAIN.has(rawType) && rawType !== 'boolean');

/** Whether a row hides somewhere in the type: the protocol sends rows as arrays, people want their field names. */
export const holdsRow = (type: TypeSignature): boolean =>
  type.rawType === 'row' || type.arguments.some((argument) => argument.kind === 'TYPE' && holdsRow(argument.value));

const PLAIN = new Set(['boolean', 'tinyint', 'smallint', 'integer', 'bigint']);
const FLOAT = new Set(['real', 'double']);
const NESTED = new Set(['array', 'map', 'row']);
