/** What the `tpch` connector says of its tables holds for the rows it generates, and its scans give just those rows. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { DuckDBInstance } from '@duckdb/node-api';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TableDescription } from '../../../src/connectors/connector.ts';
import { tpchConfigurationSchema } from '../../../src/connectors/tpch/configuration.ts';
import { TpchScan } from '../../../src/connectors/tpch/scan.ts';
import { TPCH_TABLE_NAMES } from '../../../src/connectors/tpch/schema.ts';
import type { TpchTableName } from '../../../src/connectors/tpch/schema.ts';
import { TpchConnector } from '../../../src/connectors/tpch/tpch-connector.ts';
import { compareConstants } from '../../../src/types/compare.ts';
import { typeName } from '../../../src/types/type.ts';
import { loadTable, loadTpch } from '../../tpch/duckdb-tables.ts';

const simple = new TpchConnector(tpchConfigurationSchema.parse({ connector: 'tpch' }));
const standard = new TpchConnector(
  tpchConfigurationSchema.parse({ connector: 'tpch', columnNaming: 'standard', doubleMapping: 'decimal' }),
);

const scan = new TpchScan();
const dataDirectory = mkdtempSync(path.join(tmpdir(), 'tutti-tpch-'));
let connection: DuckDBConnection;

beforeAll(async () => {
  connection = await (await DuckDBInstance.create()).connect();
  await loadTpch(connection, 0.01);
});

afterAll(() => {
  connection.closeSync();
  rmSync(dataDirectory, { recursive: true });
});

async function described(connector: TpchConnector, schema: string, table: string): Promise<TableDescription> {
  const description = await connector.describeTable(schema, table);
  if (!description) throw new Error(`no table ${schema}.${table}`);
  return description;
}

const columnsOf = async (connector: TpchConnector, table: string): Promise<string[]> =>
  (await described(connector, 'tiny', table)).columns.map(({ name, type }) => `${name} ${typeName(type)}`);

async function firstRow(sql: string): Promise<readonly unknown[]> {
  return (await connection.runAndReadAll(sql)).getRowsJson()[0]!;
}

test('schemas are tiny, the listed scales, and any other scale', async () => {
  expect(await simple.listSchemas()).toEqual(['tiny', 'sf1', 'sf10', 'sf100']);
  const known = async (schema: string): Promise<boolean> => (await simple.listTables(schema)).length === 8;
  for (const schema of ['tiny', 'sf1', 'sf3', 'sf0.1', 'sf0.0001', 'sf10000']) expect(await known(schema)).toBe(true);
  for (const schema of ['huge', 'sf', 'sf0', 'sf-1', 'sf0.00001', 'sf10001', 'sf1e3', 'SF1']) {
    expect(await known(schema)).toBe(false);
    expect(await simple.describeTable(schema, 'nation')).toBeUndefined();
  }
  expect(await simple.describeTable('tiny', 'nations')).toBeUndefined();
});

test('columns in both namings', async () => {
  expect(await columnsOf(simple, 'lineitem')).toEqual([
    'orderkey bigint',
    'partkey bigint',
    'suppkey bigint',
    'linenumber integer',
    'quantity double',
    'extendedprice double',
    'discount double',
    'tax double',
    'returnflag varchar(1)',
    'linestatus varchar(1)',
    'shipdate date',
    'commitdate date',
    'receiptdate date',
    'shipinstruct varchar(25)',
    'shipmode varchar(10)',
    'comment varchar(44)',
  ]);
  expect(await columnsOf(standard, 'partsupp')).toEqual([
    'ps_partkey bigint',
    'ps_suppkey bigint',
    'ps_availqty integer',
    'ps_supplycost decimal(12,2)',
    'ps_comment varchar(199)',
  ]);
});

test.each(TPCH_TABLE_NAMES)('statistics of %s hold for its rows', async (table) => {
  const description = await described(standard, 'tiny', table);
  const statistics = await standard.statistics(description);
  const [rows] = await firstRow(`SELECT count(*) FROM ${table}`);
  expect(statistics.rows).toBe(Number(rows));
  for (const { name, type } of description.columns) {
    const [distinct, low, high] = await firstRow(
      `SELECT count(DISTINCT ${name}), min(${name}), max(${name}) FROM ${table}`,
    );
    const said = statistics.columns[name]!;
    const ratio = said.distinctValues! / Number(distinct);
    expect({ name, ratioNear1: ratio > 0.7 && ratio < 1.4 }).toEqual({ name, ratioNear1: true });
    if (said.low === undefined || said.high === undefined) continue;
    const bounds = {
      name,
      low: compareConstants(type, said.low, String(low))! <= 0,
      high: compareConstants(type, said.high, String(high))! >= 0,
    };
    expect(bounds).toEqual({ name, low: true, high: true });
  }
});

async function bounds(connector: TpchConnector, name: string) {
  const { low, high } = (await connector.statistics(await described(connector, 'sf1', 'lineitem'))).columns[name]!;
  return [low, high];
}

test('bounds are written in the type of the column', async () => {
  expect(await bounds(simple, 'orderkey')).toEqual(['1', '6000000']);
  expect(await bounds(simple, 'quantity')).toEqual(['1.0', '50.0']);
  expect(await bounds(standard, 'l_quantity')).toEqual(['1.00', '50.00']);
  expect(await bounds(standard, 'l_shipdate')).toEqual(['1992-01-02', '1998-12-01']);
  expect(await bounds(standard, 'l_comment')).toEqual([undefined, undefined]);
});

test('splits cover a table without overlap', async () => {
  for (const [schema, table, count] of [
    ['tiny', 'lineitem', 1],
    ['sf1', 'lineitem', 28],
    ['sf1', 'orders', 8],
    ['sf1', 'partsupp', 4],
    ['sf1', 'supplier', 1],
    ['sf100', 'lineitem', 2500],
  ] as const) {
    const splits = await simple.splits(await described(simple, schema, table), ['comment'], {});
    expect(splits.length).toBe(count);
    const ranges = splits.map((split) => split.payload as { first: number; count: number });
    const ends = ranges.map(({ first, count }) => first + count);
    expect(ranges.map(({ first }) => first)).toEqual([0, ...ends.slice(0, -1)]);
    expect(new Set(splits.map(({ id }) => id)).size).toBe(count);
  }
});

const at = (value: string) => ({
  ranges: [{ low: { value, inclusive: true }, high: { value, inclusive: true } }],
  nullAllowed: false,
});

test('a predicate on the leading key skips splits', async () => {
  const orders = await described(simple, 'sf1', 'orders');
  const ids = async (value: string) => (await simple.splits(orders, [], { orderkey: at(value) })).map(({ id }) => id);
  expect(await ids('1')).toEqual(['0']);
  expect(await ids('6000000')).toEqual(['7']);
  expect(await ids('3000000')).toEqual(['3']);
  expect(await ids('7000000')).toEqual([]);
  expect((await simple.splits(orders, [], { custkey: at('1') })).length).toBe(8);
});

test.each(TPCH_TABLE_NAMES)('scans of %s read the generated files', async (table) => {
  const context = { dataDirectory };
  const description = await described(simple, 'tiny', table);
  const splits = await simple.splits(description, [], {});
  await writeFiles(table, description, splits);
  const sql = scan.scanSql(description.handle, splits, description.columns, context);
  const renamed = (await described(standard, 'tiny', table)).columns.map(({ name, type }, index) => {
    const value = type.kind === 'decimal' ? `CAST(${name} AS DOUBLE)` : name;
    return `${value} AS "${description.columns[index]!.name}"`;
  });
  const expected = `SELECT ${renamed.join(', ')} FROM ${table}`;
  expect(await firstRow(`SELECT count(*) FROM ((${sql}) EXCEPT ALL (${expected}))`)).toEqual(['0']);
  expect(await firstRow(`SELECT count(*) FROM ((${expected}) EXCEPT ALL (${sql}))`)).toEqual(['0']);

  const counting = `SELECT count(*) FROM (${scan.scanSql(description.handle, splits, [], context)})`;
  expect(await firstRow(counting)).toEqual(await firstRow(`SELECT count(*) FROM ${table}`));
  const empty = `(${scan.scanSql(description.handle, [], description.columns, context)})`;
  expect((await connection.runAndReadAll(`DESCRIBE ${empty}`)).getRowsJson().map((row) => row.slice(0, 2))).toEqual(
    (await connection.runAndReadAll(`DESCRIBE (${expected})`)).getRowsJson().map((row) => row.slice(0, 2)),
  );
});

/** What the kernel process does with a provider's generated files, by DuckDB itself. */
async function writeFiles(
  table: TpchTableName,
  description: TableDescription,
  splits: Awaited<ReturnType<TpchConnector['splits']>>,
) {
  const [file] = scan.filesToGenerate(description.handle, splits, { dataDirectory });
  expect(file!.columnNames).toEqual((await described(standard, 'tiny', table)).columns.map(({ name }) => name));
  mkdirSync(path.dirname(file!.path), { recursive: true });
  const files = await (await DuckDBInstance.create()).connect();
  await loadTable(files, table, scan.generate(file!.recipe));
  await files.run(`COPY ${table} TO '${file!.path}' (FORMAT parquet)`);
}

test('unknown properties of a catalog are refused', () => {
  expect(() => tpchConfigurationSchema.parse({ connector: 'tpch', columnNameing: 'standard' })).toThrow(
    /columnNameing/,
  );
});
