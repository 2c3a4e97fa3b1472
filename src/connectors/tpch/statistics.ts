/**
 * What the optimizer may know of TPC-H's tables, from the rules by which they are made. Bounds hold for every row;
 * distinct values of columns that are drawn at random are expected values.
 */

import type { ConstantValue } from '../../types/constant.ts';
import type { SqlType } from '../../types/type.ts';
import type { Column, ColumnStatistics, TableStatistics } from '../connector.ts';
import { NATIONS, REGIONS } from './distributions.ts';
import { rowsIn, unitsOf } from './generate.ts';
import {
  DAY_MS,
  ORDER_DATE_FIRST,
  ORDER_DATE_LAST,
  orderKey,
  RECEIPT_DAYS_MAX,
  SHIP_DAYS_MAX,
} from './rows/order-lines.ts';
import type { Scale } from './scale.ts';
import { TPCH_TABLES } from './schema.ts';
import type { TpchTableName } from './schema.ts';
import { LINES_PER_ORDER } from './splits.ts';

/** `columns` are the table's in its own order, under any names and mapping of decimals. */
export function tableStatistics(table: TpchTableName, scale: Scale, columns: readonly Column[]): TableStatistics {
  const rows = rowCount(table, scale);
  const facts = TABLE_FACTS[table](scale, rows);
  return {
    rows,
    columns: Object.fromEntries(
      columns.map(({ name, type }, index) => [name, columnStatistics(facts[index]!, type, averageBytes(table, index))]),
    ),
  };
}

/** Orders whose lines are counted rather than estimated: some 15 ms of work. */
const COUNTED_ORDERS_MAX = 1_500_000;

function rowCount(table: TpchTableName, scale: Scale): number {
  const units = unitsOf(table, scale);
  if (table === 'lineitem' && units > COUNTED_ORDERS_MAX) return units * LINES_PER_ORDER;
  return rowsIn(table, { first: 0, count: units });
}

/** Distinct values, then the bounds: numbers in the column's unit, dates in days, texts as they are. */
type Fact = readonly [distinct: number, low?: number | string, high?: number | string];

/** Distinct values that `draws` draws from `values` equally likely ones are expected to give. */
const drawn = (values: number, draws: number): number =>
  Math.max(1, Math.round(values * (1 - Math.exp(-draws / values))));

/** Prices of parts rise with their keys for the first 200,000 and stay in the same range from there on. */
const PRICE_LOW = 901;
const PRICE_HIGH = 2098.99;
const QUANTITY_MAX = 50;
const DISCOUNT_MAX = 0.1;
const TAX_MAX = 0.08;
const prices = (scale: Scale): number => Math.min(20_899, Math.ceil(scale.parts * 0.55));

const balance = (rows: number): Fact => [drawn(1_100_000, rows), -999.99, 9999.99];
/** The shorter the pieces of the text pool, the more repeat themselves: `pieces` fits what scale 1 shows. */
const text = (rows: number, pieces = Infinity): Fact => [pieces === Infinity ? rows : drawn(pieces, rows)];
const key = (rows: number, first = 1): Fact => [rows, first, rows + first - 1];
const nationKey = (rows: number): Fact => [drawn(NATIONS.length, rows), 0, NATIONS.length - 1];
const suppliersOf = (scale: Scale): Fact => [scale.suppliers, 1, scale.suppliers];
const numbered = (name: string, count: number): Fact => [count, name + digits(1), name + digits(count)];
const digits = (value: number): string => String(value).padStart(9, '0');

/** Facts of every column, in the order of the table's columns. */
const TABLE_FACTS: Readonly<Record<TpchTableName, (scale: Scale, rows: number) => readonly Fact[]>> = {
  customer: (_, rows) => [
    key(rows),
    numbered('Customer#', rows),
    text(rows),
    nationKey(rows),
    text(rows),
    balance(rows),
    [5, 'AUTOMOBILE', 'MACHINERY'],
    text(rows),
  ],
  lineitem: (scale, rows) => [
    [scale.orders, 1, orderKey(scale.orders)],
    [drawn(scale.parts, rows), 1, scale.parts],
    suppliersOf(scale),
    [7, 1, 7],
    [QUANTITY_MAX, 1, QUANTITY_MAX],
    [drawn(prices(scale) * QUANTITY_MAX * 0.9, rows), PRICE_LOW, PRICE_HIGH * QUANTITY_MAX],
    [11, 0, DISCOUNT_MAX],
    [9, 0, TAX_MAX],
    [3, 'A', 'R'],
    [2, 'F', 'O'],
    [2526, ORDER_DATE_FIRST + 1, ORDER_DATE_LAST + SHIP_DAYS_MAX],
    [2466, ORDER_DATE_FIRST + 30, ORDER_DATE_LAST + 90],
    [2554, ORDER_DATE_FIRST + 2, ORDER_DATE_LAST + SHIP_DAYS_MAX + RECEIPT_DAYS_MAX],
    [4, 'COLLECT COD', 'TAKE BACK RETURN'],
    [7, 'AIR', 'TRUCK'],
    text(rows, 10_500_000),
  ],
  nation: (_, rows) => [
    key(rows, 0),
    [rows, 'ALGERIA', 'VIETNAM'],
    [REGIONS.length, 0, REGIONS.length - 1],
    text(rows),
  ],
  orders: (scale, rows) => [
    [rows, 1, orderKey(rows)],
    // Every third customer never orders.
    [drawn((scale.customers * 2) / 3, rows), 1, scale.customers],
    [3, 'F', 'P'],
    [
      Math.round(rows * 0.98),
      PRICE_LOW * (1 - DISCOUNT_MAX) - 0.02,
      Math.ceil(7 * PRICE_HIGH * QUANTITY_MAX * (1 + TAX_MAX)),
    ],
    [2406, ORDER_DATE_FIRST, ORDER_DATE_LAST],
    [5, '1-URGENT', '5-LOW'],
    [drawn(scale.clerks, rows), `Clerk#${digits(1)}`, `Clerk#${digits(scale.clerks)}`],
    [1, 0, 0],
    text(rows, 62_000_000),
  ],
  part: (scale, rows) => [
    key(rows),
    text(rows),
    [5, 'Manufacturer#1', 'Manufacturer#5'],
    [25, 'Brand#11', 'Brand#55'],
    [drawn(150, rows), 'ECONOMY ANODIZED BRASS', 'STANDARD POLISHED TIN'],
    [50, 1, 50],
    [40, 'JUMBO BAG', 'WRAP PKG'],
    [prices(scale), PRICE_LOW, PRICE_HIGH],
    text(rows, 220_000),
  ],
  partsupp: (scale, rows) => [
    [scale.parts, 1, scale.parts],
    suppliersOf(scale),
    [drawn(9999, rows), 1, 9999],
    [drawn(99_901, rows), 1, 1000],
    text(rows),
  ],
  region: (_, rows) => [key(rows, 0), [rows, 'AFRICA', 'MIDDLE EAST'], text(rows)],
  supplier: (_, rows) => [
    key(rows),
    numbered('Supplier#', rows),
    text(rows),
    nationKey(rows),
    text(rows),
    balance(rows),
    text(rows),
  ],
};

function columnStatistics([distinct, low, high]: Fact, type: SqlType, bytes: number): ColumnStatistics {
  return {
    distinctValues: distinct,
    nullFraction: 0,
    averageBytes: bytes,
    ...(low !== undefined && { low: constant(type, low) }),
    ...(high !== undefined && { high: constant(type, high) }),
  };
}

function constant(type: SqlType, value: number | string): ConstantValue {
  if (typeof value === 'string') return value;
  if (type.kind === 'date') return new Date(value * DAY_MS).toISOString().slice(0, 10);
  if (type.kind === 'decimal') return value.toFixed(type.scale);
  if (type.kind === 'double' && Number.isInteger(value)) return value.toFixed(1);
  return String(value);
}

/** Mean bytes in memory of a table's column, by its place. */
export function averageBytes(table: TpchTableName, index: number): number {
  const { type } = TPCH_TABLES[table][index]!;
  if (type.kind === 'varchar') return TEXT_BYTES[table][index]!;
  return type.kind === 'integer' || type.kind === 'date' ? 4 : 8;
}

/** Measured at scale 1; 0 stands for columns that are no texts. */
const TEXT_BYTES: Readonly<Record<TpchTableName, readonly number[]>> = {
  customer: [0, 18, 25, 0, 15, 0, 9, 73],
  lineitem: [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 12, 4, 27],
  nation: [0, 7, 0, 74],
  orders: [0, 0, 1, 0, 0, 8, 15, 0, 49],
  part: [0, 33, 14, 8, 21, 0, 8, 0, 14],
  partsupp: [0, 0, 0, 0, 124],
  region: [0, 7, 66],
  supplier: [0, 18, 25, 0, 15, 0, 63],
};
