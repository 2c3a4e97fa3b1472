import type { ColumnBatch } from '../connector.ts';
import { BATCH_ROWS, viewOf } from './columns.ts';
import { NATIONS, REGIONS } from './distributions.ts';
import { CustomerWriter } from './rows/customer.ts';
import { LineitemWriter } from './rows/lineitem.ts';
import { NationWriter, RegionWriter } from './rows/nation-region.ts';
import { lineCounts } from './rows/order-lines.ts';
import { OrdersWriter } from './rows/orders.ts';
import { PartSupplierWriter, PartWriter } from './rows/part.ts';
import type { RowSource, RowWriter } from './rows/row-writer.ts';
import { SupplierWriter } from './rows/supplier.ts';
import { SUPPLIERS_PER_PART } from './scale.ts';
import type { Scale } from './scale.ts';
import type { TpchTableName } from './schema.ts';

/**
 * Generates a range of a table's rows, equal to those of dbgen. Ranges count in the table's unit: orders for lineitem,
 * parts for partsupp, rows for the others. A batch's memory is used again for the next: whoever keeps it copies it.
 */
export function* generateRows(
  table: TpchTableName,
  scale: Scale,
  range: UnitRange,
  textPool: Buffer,
): Generator<ColumnBatch> {
  const writer = new WRITERS[table]({ scale, first: range.first, text: viewOf(textPool) });
  for (let left = rowsIn(table, range); left > 0; left -= BATCH_ROWS) {
    const rows = Math.min(left, BATCH_ROWS);
    for (const column of writer.columns) column.clear?.();
    for (let row = 0; row < rows; row++) writer.write(row);
    yield { rows, columns: writer.columns };
  }
}

export type UnitRange = { readonly first: number; readonly count: number };

/** Units of the whole table. */
export function unitsOf(table: TpchTableName, scale: Scale): number {
  switch (table) {
    case 'customer':
      return scale.customers;
    case 'lineitem':
    case 'orders':
      return scale.orders;
    case 'nation':
      return NATIONS.length;
    case 'part':
    case 'partsupp':
      return scale.parts;
    case 'region':
      return REGIONS.length;
    case 'supplier':
      return scale.suppliers;
  }
}

/** Exact; for lineitem it counts each order's lines, about 100 million orders a second. */
export function rowsIn(table: TpchTableName, { first, count }: UnitRange): number {
  if (table === 'partsupp') return count * SUPPLIERS_PER_PART;
  if (table !== 'lineitem') return count;
  const lines = lineCounts(first);
  let rows = 0;
  for (let i = 0; i < count; i++) rows += lines.next();
  return rows;
}

const WRITERS: Readonly<Record<TpchTableName, new (source: RowSource) => RowWriter>> = {
  customer: CustomerWriter,
  lineitem: LineitemWriter,
  nation: NationWriter,
  orders: OrdersWriter,
  part: PartWriter,
  partsupp: PartSupplierWriter,
  region: RegionWriter,
  supplier: SupplierWriter,
};
