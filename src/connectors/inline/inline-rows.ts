/**
 * Tables whose rows the coordinator knows: runtime tables, metadata, information_schema. Their splits carry the rows
 * themselves as constants, so that they join and aggregate like any table.
 */

import { assert } from '../../common/assert.ts';
import type { ConstantValue } from '../../types/constant.ts';
import { constantSql, emptySelect, identifier, kernelType, NO_COLUMNS } from '../../types/kernel.ts';
import type { Column, ScanProvider, Split } from '../connector.ts';

/** Name of the scan provider, as plans carry it. */
export const INLINE = 'inline';

type Payload = { readonly columns: readonly string[]; readonly rows: readonly (readonly ConstantValue[])[] };

/** Rows of one split: many rows would make one statement too long for the kernel's parser to be quick. */
const ROWS_PER_SPLIT = 5_000;

/** Splits that carry `rows`, cut to `columns` of the table's `all` columns. */
export function inlineSplits(
  all: readonly Column[],
  columns: readonly string[],
  rows: readonly (readonly ConstantValue[])[],
): readonly Split[] {
  const indexes = columns.map((name) => {
    const index = all.findIndex((column) => column.name === name);
    assert(index >= 0, `the table has a column ${name}`);
    return index;
  });
  const splits: Split[] = [];
  for (let start = 0; start < rows.length; start += ROWS_PER_SPLIT) {
    const part = rows.slice(start, start + ROWS_PER_SPLIT).map((row) => indexes.map((index) => row[index] ?? null));
    const payload: Payload = { columns, rows: part };
    splits.push({
      id: `rows-${start}`,
      payload: payload,
      rows: part.length,
      bytes: part.length * 64 * Math.max(1, columns.length),
    });
  }
  return splits;
}

export const inlineRows: ScanProvider = {
  scanSql(_table, splits, columns) {
    const rows = splits.flatMap((split) => {
      const payload = split.payload as unknown as Payload;
      const indexes = columns.map((column) => payload.columns.indexOf(column.name));
      return payload.rows.map((row) => indexes.map((index) => row[index] ?? null));
    });
    if (columns.length === 0) return `SELECT ${NO_COLUMNS} FROM range(${rows.length})`;
    const typed = columns.map(
      (column) => `CAST(${identifier(column.name)} AS ${kernelType(column.type)}) AS ${identifier(column.name)}`,
    );
    const names = columns.map((column) => identifier(column.name)).join(', ');
    if (rows.length === 0) return emptySelect(columns);
    const values = rows.map((row) => `(${row.map((value, i) => constantSql(columns[i]!.type, value)).join(', ')})`);
    return `SELECT ${typed.join(', ')} FROM (VALUES ${values.join(', ')}) AS rows(${names})`;
  },
};
