/** Results as Arrow: what the kernel computes comes back the same through another implementation of the format. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RecordBatchReader, type Table, tableFromIPC, type Vector } from 'apache-arrow';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ARROW_END_OF_STREAM } from '../../src/exchange/arrow/framing.ts';
import { arrowSchemaMessage } from '../../src/exchange/arrow/schema.ts';
import type { ConstantValue } from '../../src/types/constant.ts';
import { constantSql } from '../../src/types/kernel.ts';
import { parseType } from '../../src/types/parse-type.ts';
import { array, BIGINT, type SqlType, VARCHAR } from '../../src/types/type.ts';
import { arrowSql } from '../../src/worker/arrow/projection.ts';
import { writeArrowBatches } from '../../src/worker/arrow/write-batches.ts';
import { type ArrowConnection, writeArrowResult } from '../../src/worker/arrow/write-result.ts';
import { type Connection, DuckDb } from '../../src/worker/kernel/duckdb.ts';

let folder: string;
let kernel: DuckDb;
let connection: Connection;
let files = 0;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tutti-arrow-'));
  kernel = await DuckDb.open({
    dataDirectory: folder,
    folders: [folder],
    spillDirectory: path.join(folder, 'spill'),
    memoryBytes: 512 * 1024 * 1024,
    spillBytesMax: 512 * 1024 * 1024,
    threads: 2,
  });
  connection = await kernel.connect();
});

afterAll(() => {
  kernel.release(connection);
  kernel.close();
  rmSync(folder, { recursive: true });
});

const newFile = (): string => path.join(folder, `${files++}.arrow`);

/** The stream that a coordinator makes of the files. */
function streamOf(types: readonly SqlType[], paths: readonly string[]): Uint8Array {
  const columns = types.map((type, i) => ({ name: `c${i}`, type }));
  const bodies = paths.filter((file) => existsSync(file)).map((file) => readFileSync(file));
  return Buffer.concat([arrowSchemaMessage(columns), ...bodies, ARROW_END_OF_STREAM]);
}

/** `from` has columns v0, v1, … of the types. */
async function written(types: readonly SqlType[], from: string): Promise<string> {
  const path = newFile();
  const columns = types.map((type, i) => `${arrowSql(type, `v${i}`)} AS c${i}`);
  const { rows, bytes } = await writeArrowResult(connection, `SELECT ${columns.join(', ')} ${from}`, { path, types });
  expect(existsSync(path) && readFileSync(path).length).toBe(rows > 0 && bytes);
  return path;
}

const readBack = async (types: readonly SqlType[], from: string): Promise<Table> =>
  tableFromIPC(streamOf(types, [await written(types, from)]));

const column = (table: Table, index: number): Vector => table.getChildAt(index)!;

/** SQL type, its Arrow type as apache-arrow names it, constants, and what they come back as. */
const TYPES: readonly (readonly [sql: string, arrow: string, values: readonly ConstantValue[], read: unknown[]])[] = [
  ['boolean', 'Bool', [true, null, false], [true, null, false]],
  ['tinyint', 'Int8', ['-128', null, '127'], [-128, null, 127]],
  ['smallint', 'Int16', ['-32768', null, '32767'], [-32768, null, 32767]],
  ['integer', 'Int32', ['-2147483648', null, '2147483647'], [-2147483648, null, 2147483647]],
  [
    'bigint',
    'Int64',
    ['-9223372036854775808', null, '9007199254740993'],
    [-9223372036854775808n, null, 9007199254740993n],
  ],
  ['real', 'Float32', ['1.5', null, 'NaN', '-Infinity'], [1.5, null, NaN, -Infinity]],
  ['double', 'Float64', ['-1e300', null, 'NaN', '0.1'], [-1e300, null, NaN, 0.1]],
  ['decimal(4,2)', 'Decimal[4e+2]', ['-12.34', null, '99.99'], ['-1234', null, '9999']],
  ['decimal(18,0)', 'Decimal[18e0]', ['-999999999999999999', null], ['-999999999999999999', null]],
  [
    'decimal(38,1)',
    'Decimal[38e+1]',
    ['-9999999999999999999999999999999999999.9', null, '0.1'],
    ['-99999999999999999999999999999999999999', null, '1'],
  ],
  [
    'varchar',
    'Utf8',
    ['', 'exactly 12 b', null, 'größer als zwölf Bytes'],
    ['', 'exactly 12 b', null, 'größer als zwölf Bytes'],
  ],
  ['varchar(3)', 'Utf8', ['a\0b', null], ['a\0b', null]],
  ['char(5)', 'Utf8', ['ab', null, 'äö', ''], ['ab   ', null, 'äö   ', '     ']],
  ['varbinary', 'Binary', ['00ff', null, ''], ['00ff', null, '']],
  ['json', 'Utf8', ['{"a":[1,null]}', null], ['{"a":[1,null]}', null]],
  ['date', 'Date32<DAY>', ['1969-12-31', null, '2020-02-29'], [Date.UTC(1969, 11, 31), null, Date.UTC(2020, 1, 29)]],
  ['time(6)', 'Time64<MICROSECOND>', ['01:02:03.123456', null], [3_723_123_456n, null]],
  ['time(3) with time zone', 'Utf8', ['01:02:03.123+05:30', null], ['01:02:03.123+05:30', null]],
  ['timestamp(3)', 'Timestamp<MICROSECOND>', ['1969-12-31 23:59:59.999', null], [-1, null]],
  ['timestamp(9)', 'Timestamp<NANOSECOND>', ['1970-01-01 00:00:00.000250000', null], [0.25, null]],
  [
    'timestamp(3) with time zone',
    'Timestamp<MICROSECOND, UTC>',
    ['2020-01-01 00:00:00.123 Europe/Vienna', null],
    [Date.UTC(2020, 0, 1, 0, 0, 0, 123), null],
  ],
  [
    'timestamp(9) with time zone',
    'Timestamp<NANOSECOND, UTC>',
    ['1970-01-01 00:00:00.000250000 UTC', null],
    [0.25, null],
  ],
  ['interval year to month', 'Interval<MONTH_DAY_NANO>', ['-14', null], [[-14, 0, 0, 0], null]],
  ['interval day to second', 'Duration<MILLISECOND>', ['-1500', null], [-1500n, null]],
  ['uuid', 'Utf8', ['12151fd2-7586-11e9-8f9e-2a86e4085a59', null], ['12151fd2-7586-11e9-8f9e-2a86e4085a59', null]],
  ['ipaddress', 'Utf8', ['00000000000000000000ffff0a000001', null], ['10.0.0.1', null]],
  [
    'array(varchar)',
    'List<Utf8>',
    [['a', null], [], null, ['longer than twelve bytes']],
    [['a', null], [], null, ['longer than twelve bytes']],
  ],
  [
    'array(array(integer))',
    'List<List<Int32>>',
    [[['1'], null, [], ['2', '3']], null, [['4']]],
    [[[1], null, [], [2, 3]], null, [[4]]],
  ],
  ['array(char(2))', 'List<Utf8>', [['a', null], null], [['a ', null], null]],
  [
    'map(varchar, decimal(9,1))',
    'Map<{key:Utf8, value:Decimal[9e+1]}>',
    [
      [
        ['a', '1.5'],
        ['b', null],
      ],
      [],
      null,
    ],
    [{ a: '15', b: null }, {}, null],
  ],
  [
    'row(x bigint, y varchar)',
    'Struct<{x:Int64, y:Utf8}>',
    [['1', 'one'], [null, null], null],
    [{ x: 1n, y: 'one' }, { x: null, y: null }, null],
  ],
  [
    'row(bigint, array(row(z char(2))))',
    'Struct<{field0:Int64, field1:List<Struct<{z:Utf8}>>}>',
    [['1', [['a'], null]], null],
    [{ field0: 1n, field1: [{ z: 'a ' }, null] }, null],
  ],
  ['unknown', 'Null', [null, null], [null, null]],
  ['array(unknown)', 'List<Null>', [[null], [], null], [[null], [], null]],
];

test.each(TYPES)('%s is Arrow’s %s', async (sql, arrow, values, read) => {
  const type = parseType(sql);
  const rows = values.map((value, i) => `(${i}, ${constantSql(type, value)})`);
  const table = await readBack([type], `FROM (VALUES ${rows.join(', ')}) AS t(i, v0) ORDER BY i`);
  const [field] = table.schema.fields;
  expect([String(field!.type), field!.metadata.get('sql_type')]).toEqual([arrow, sql]);
  expect(Array.from(column(table, 0), plain)).toEqual(read);
  expect(column(table, 0).nullCount).toBe(values.filter((value) => value === null).length);
});

/** apache-arrow's own classes as plain values. */
function plain(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Uint32Array) return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (value instanceof Int32Array) return [...value];
  const kind = Object.prototype.toString.call(value);
  if (kind.includes('Vector')) return Array.from(value as Iterable<unknown>, plain);
  return Object.fromEntries(Array.from(value as Iterable<[string, unknown]>, ([key, each]) => [key, plain(each)]));
}

const numbered = (first: number, end: number): string =>
  `FROM (SELECT i AS v0, 'row ' || i AS v1 FROM range(${first}, ${end}) AS t(i)) ORDER BY v0`;

test('files of several tasks, some without rows, make one stream', async () => {
  const types = [BIGINT, VARCHAR];
  const ranges = [
    [0, 5],
    [5, 5],
    [5, 70_005],
    [70_005, 70_006],
  ] as const;
  const paths: string[] = [];
  for (const [first, end] of ranges) paths.push(await written(types, numbered(first, end)));
  const table = tableFromIPC(streamOf(types, paths));
  expect(Array.from(column(table, 0))).toEqual(Array.from({ length: 70_006 }, (_, i) => BigInt(i)));
  expect(Array.from(column(table, 1))).toEqual(Array.from({ length: 70_006 }, (_, i) => `row ${i}`));
});

test('a result without rows is a stream with a schema', () => {
  const table = tableFromIPC(streamOf([BIGINT, array(VARCHAR)], []));
  expect([table.numRows, table.schema.fields.map((field) => String(field.type))]).toEqual([0, ['Int64', 'List<Utf8>']]);
});

test('columns may share a name', () => {
  const columns = [
    { name: 'a', type: BIGINT },
    { name: 'a', type: VARCHAR },
  ];
  const stream = Buffer.concat([arrowSchemaMessage(columns), ARROW_END_OF_STREAM]);
  const { schema } = RecordBatchReader.from(stream).open();
  expect(schema.fields.map((field) => `${field.name} ${String(field.type)}`)).toEqual(['a Int64', 'a Utf8']);
});

/** Texts around the length at which the kernel keeps them elsewhere, lists of them, and NULLs of both. */
const MIXED = `
  SELECT
    i,
    CASE WHEN hash(i, 1) % 7 = 0 THEN NULL ELSE repeat('ä', (hash(i, 2) % 9)::INTEGER) || i END AS v0,
    CASE WHEN hash(i, 3) % 5 = 0 THEN NULL
      ELSE list_transform(range((hash(i, 4) % 4)::BIGINT),
        lambda j: CASE WHEN hash(i, j) % 3 = 0 THEN NULL ELSE repeat('x', (hash(i, j, 5) % 30)::INTEGER) END) END AS v1,
    hash(i, 6) % 3 = 0 AS b
  FROM range(40000) AS t(i)`;

test('values of every length and nesting stand in their rows, in the order asked for', async () => {
  const types = [VARCHAR, array(VARCHAR)];
  const table = await readBack(types, `FROM (${MIXED}) ORDER BY hash(i, 7)`);
  const expected = await connection.run(`SELECT v0, v1 FROM (${MIXED}) ORDER BY hash(i, 7)`, 100_000);
  expect(Array.from(column(table, 0))).toEqual(expected.map((row) => row[0]));
  expect(Array.from(column(table, 1), plain)).toEqual(expected.map((row) => row[1]));
});

/** With the names that the kernel gives to fields replaced by those of the type. */
const asNamed = (value: unknown): string =>
  JSON.stringify(value).replaceAll('"f0":', '"x":').replaceAll('"f1":', '"y":');

test('NULL rows hide whatever the kernel keeps of their fields', async () => {
  const row: SqlType = {
    kind: 'row',
    fields: [
      { name: 'x', type: VARCHAR },
      { name: 'y', type: array(VARCHAR) },
    ],
  };
  const rows = `
    SELECT i, CASE WHEN hash(i, 8) % 3 = 0 THEN NULL ELSE {'f0': v0, 'f1': v1} END AS v0,
      CASE WHEN b THEN NULL ELSE [{'f0': v0, 'f1': v1}, NULL, {'f0': NULL, 'f1': v1}] END AS v1
    FROM (${MIXED})`;
  const table = await readBack([row, array(row)], `FROM (${rows}) WHERE i < 20000 ORDER BY i`);
  const expected = await connection.run(`SELECT v0, v1 FROM (${rows}) WHERE i < 20000 ORDER BY i`, 100_000);
  expect(asNamed(Array.from(column(table, 0), plain))).toBe(asNamed(expected.map((each) => each[0])));
  expect(asNamed(Array.from(column(table, 1), plain))).toBe(asNamed(expected.map((each) => each[1])));
});

test('lists out of which a filter took some are gathered', async () => {
  const rows = `SELECT v1, row_number() OVER () - 1 AS n FROM (${MIXED}) WHERE b`;
  const expected = await connection.run(`SELECT v1 FROM (${rows}) ORDER BY n`, 100_000);
  const path = newFile();
  await writeArrowBatches(connection.stream(rows), [array(VARCHAR)], expected.length, path);
  const table = tableFromIPC(streamOf([array(VARCHAR)], [path]));
  expect(Array.from(column(table, 0), plain)).toEqual(expected.map((row) => row[0]));
});

test('an order goes on over all parts of the kernel’s table', async () => {
  const table = await readBack([BIGINT], 'FROM (SELECT i AS v0 FROM range(500000) AS t(i)) ORDER BY v0 DESC');
  const values = column(table, 0).toArray() as BigInt64Array;
  expect([values.length, values.every((value, i) => value === BigInt(499_999 - i))]).toEqual([500_000, true]);
});

test('long values make small batches', async () => {
  const table = await readBack(
    [VARCHAR],
    `FROM (SELECT repeat(chr((97 + i % 26)::INTEGER), 20000) AS v0, i FROM range(3000) AS t(i)) ORDER BY i`,
  );
  expect(table.batches.length).toBeGreaterThan(5);
  expect(Math.max(...table.batches.map((batch) => batch.numRows))).toBeLessThan(1000);
  const firsts = Array.from(column(table, 0), (text: string) => [text.length, text[0]]);
  expect(firsts).toEqual(Array.from({ length: 3000 }, (_, i) => [20_000, String.fromCharCode(97 + (i % 26))]));
});

test('a query that fails late leaves no file and no table', async () => {
  const before = readdirSync(folder);
  const late = `SELECT CASE WHEN i = 900000 THEN CAST('late' AS BIGINT) ELSE i END FROM range(1000000) AS t(i)`;
  await expect(writeArrowResult(connection, late, { path: newFile(), types: [BIGINT] })).rejects.toThrow('late');
  expect(readdirSync(folder)).toEqual(before);
  expect(await connection.run('SELECT count(*) FROM duckdb_tables()', 1)).toEqual([['0']]);
});

/** A kernel whose streams are changed. */
const tampered = (stream: (sql: string) => string): ArrowConnection => ({
  run: (sql, rowsMax) => connection.run(sql, rowsMax),
  stream: (sql) => connection.stream(stream(sql)),
});

test.each([
  [
    'ends early',
    (sql: string) => `SELECT * FROM (${sql}) WHERE rowid < 400000`,
    'The kernel gave 400000 of 1000000 rows',
  ],
  ['leaves rows out', (sql: string) => `SELECT * FROM (${sql}) WHERE rowid <> 5000`, 'out of order'],
  ['has another order', (sql: string) => `SELECT * FROM (${sql}) ORDER BY rowid DESC`, 'out of order'],
])('a stream that %s is refused', async (_, change, message) => {
  const before = readdirSync(folder);
  const result = writeArrowResult(tampered(change), 'SELECT i FROM range(1000000) AS t(i)', {
    path: newFile(),
    types: [BIGINT],
  });
  await expect(result).rejects.toThrow(message);
  expect(readdirSync(folder)).toEqual(before);
});
