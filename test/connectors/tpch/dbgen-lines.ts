/** Generated rows as dbgen writes them to its `.tbl` files: every field followed by a bar, one row a line. */
import type { ColumnBatch } from '../../../src/connectors/connector.ts';
import type { TpchTableName } from '../../../src/connectors/tpch/schema.ts';
import { TPCH_TABLES } from '../../../src/connectors/tpch/schema.ts';

export function* dbgenLines(table: TpchTableName, batches: Iterable<ColumnBatch>): Generator<string> {
  const columns = TPCH_TABLES[table];
  for (const batch of batches) {
    const cells = batch.columns.map((column, index) => reader(column, columns[index]!.standardName));
    for (let row = 0; row < batch.rows; row++) yield cells.map((cell) => `${cell(row)}|`).join('');
  }
}

function reader(column: ColumnBatch['columns'][number], name: string): (row: number) => string {
  switch (column.kind) {
    case 'varchar':
      return (row) =>
        Buffer.from(column.bytes.buffer, column.bytes.byteOffset).toString(
          'latin1',
          column.offsets[row],
          column.offsets[row + 1],
        );
    case 'date':
      return (row) => new Date(column.values[row]! * 86_400_000).toISOString().slice(0, 10);
    case 'decimal':
      // dbgen writes quantities without decimals, although the column's type has two.
      if (name === 'l_quantity') return (row) => String(column.values[row]! / 100n);
      return (row) => money(column.values[row]!);
    case 'bigint':
    case 'integer':
    case 'double':
      return (row) => String(column.values[row]!);
  }
}

function money(cents: bigint): string {
  const digits = String(cents < 0n ? -cents : cents).padStart(3, '0');
  return `${cents < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
