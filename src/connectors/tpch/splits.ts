/** Cuts tables into splits, each one Parquet file in the cache: the same for every catalog, worker and query. */

import { SUPPLIERS_PER_PART } from './scale.ts';
import { unitsOf } from './generate.ts';
import type { UnitRange } from './generate.ts';
import { orderKey } from './rows/order-lines.ts';
import type { Scale } from './scale.ts';
import type { TpchTableName } from './schema.ts';

/** Rows of a split at most: just below two of the kernel's row groups; a second's work to generate, cheap to do again. */
const SPLIT_ROWS_MAX = 240_000;

/** A table from this size on is cut into a multiple of four splits, so that two or four workers have equal shares of it. */
const SHARED_OUT_FROM_ROWS = 100_000;
const SHARES = 4;

/** Lines an order has on average. */
export const LINES_PER_ORDER = 4;

/** Changes whenever files of the same name would differ from those of an earlier version. */
const FORMAT_VERSION = 2;

export type TpchSplit = UnitRange & {
  readonly index: number;
  /** Rows for lineitem are estimated, for the other tables exact. */
  readonly rows: number;
};

export function splitsOf(table: TpchTableName, scale: Scale): TpchSplit[] {
  const units = unitsOf(table, scale);
  const rowsPerUnit = table === 'lineitem' ? LINES_PER_ORDER : table === 'partsupp' ? SUPPLIERS_PER_PART : 1;
  const rows = units * rowsPerUnit;
  const needed = Math.ceil(rows / SPLIT_ROWS_MAX);
  const count = rows < SHARED_OUT_FROM_ROWS ? needed : Math.ceil(needed / SHARES) * SHARES;
  return Array.from({ length: count }, (_, index) => {
    const first = Math.floor((units * index) / count);
    const end = Math.floor((units * (index + 1)) / count);
    return { index, first, count: end - first, rows: (end - first) * rowsPerUnit };
  });
}

/** Path of a split's file below the data directory. */
export const splitPath = (table: TpchTableName, scale: Scale, index: number): string =>
  `tpch/v${FORMAT_VERSION}/sf${scale.factor}/${table}-${String(index).padStart(5, '0')}.parquet`;

/** The first column of a table counts its rows up: the lowest and highest value that a split holds. */
export function leadingKeys(table: TpchTableName, { first, count }: UnitRange): readonly [low: number, high: number] {
  switch (table) {
    case 'lineitem':
    case 'orders':
      return [orderKey(first + 1), orderKey(first + count)];
    case 'nation':
    case 'region':
      return [first, first + count - 1];
    case 'customer':
    case 'part':
    case 'partsupp':
    case 'supplier':
      return [first + 1, first + count];
  }
}
