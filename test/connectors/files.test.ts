/** The `files` connector over real files: what it finds, what it skips, what it refuses. */

import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Column, Split, TableDescription } from '../../src/connectors/connector.ts';
import { FilesConnector } from '../../src/connectors/files/files-connector.ts';
import { filesConfigurationSchema } from '../../src/connectors/files/configuration.ts';
import { filesScan } from '../../src/connectors/files/scan.ts';
import { typeName } from '../../src/types/type.ts';
import type { TupleDomain } from '../../src/types/domain.ts';
import { kernelQueries, openKernel, rowsOf } from '../support/kernel.ts';

let folder: string;
let kernel: DuckDBConnection;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tutti-files-'));
  kernel = await openKernel();
  const copy = (sql: string, file: string, options = ''): Promise<unknown> =>
    kernel.run(`COPY (${sql}) TO '${path.join(folder, file)}' (FORMAT parquet${options})`);
  await mkdir(path.join(folder, 'data/days/day=2020-01-01/kind=a'), { recursive: true });
  await mkdir(path.join(folder, 'data/days/day=2020-01-02/kind=__HIVE_DEFAULT_PARTITION__'), { recursive: true });
  await mkdir(path.join(folder, 'elsewhere'));
  await mkdir(path.join(folder, 'data/mixed'));
  await mkdir(path.join(folder, 'data/widened'));
  await copy(
    `SELECT i AS id, 'name ' || i AS Name, i / 4 AS quarter, CAST(i AS DECIMAL(12,2)) AS money,
       DATE '2020-01-01' + i::INTEGER AS day, TIMESTAMP '2020-01-01' + INTERVAL (i) HOUR AS moment,
       CASE WHEN i < 5000 THEN NULL ELSE i END AS late
     FROM range(10000) t(i)`,
    'data/numbers.parquet',
    ', ROW_GROUP_SIZE 2048',
  );
  await copy(`SELECT 1 AS x`, 'data/days/day=2020-01-01/kind=a/one.parquet');
  await copy(`SELECT 2 AS x`, 'data/days/day=2020-01-02/kind=__HIVE_DEFAULT_PARTITION__/two.parquet');
  await copy(`SELECT 1 AS a, 'old' AS b`, 'data/mixed/1.parquet');
  await copy(`SELECT 2 AS a, 'new' AS b, 7 AS c`, 'data/mixed/2.parquet');
  await copy(`SELECT 1::INTEGER AS n, 1::INTEGER AS d, 1.25::DECIMAL(10,2) AS p`, 'data/widened/1.parquet');
  await copy(`SELECT 30000000000 AS n, 2.5::DOUBLE AS d, 2.5555::DECIMAL(12,4) AS p`, 'data/widened/2.parquet');
  await copy(
    `SELECT {'x': 1, 'Y z': ['p', NULL]} AS r, MAP {'k': TIMESTAMPTZ '2020-01-01 00:00:00+02'} AS m, [1, 2]::UTINYINT[] AS l`,
    'data/nested.parquet',
  );
  await copy(`SELECT 1 AS x`, 'elsewhere/secret.parquet');
  await copy(`SELECT 1 AS x`, 'data/brotli.parquet', ', COMPRESSION brotli');
  await symlink(path.join(folder, 'elsewhere/secret.parquet'), path.join(folder, 'data/link.parquet'));
  await writeFile(
    path.join(folder, 'data/people.csv'),
    'Name,age,"fav; colour"\nAnn,30,"re""d"\nBob,,\n"Çiğdem\nX",41,blue\n',
  );
  await writeFile(path.join(folder, 'data/people[1]*.tsv'), 'a\tb\n1\tx\n');
  await writeFile(path.join(folder, 'data/events.jsonl'), '{"id":1,"tags":["a"]}\n{"id":2,"tags":null}\n');
  await writeFile(path.join(folder, 'data/broken.parquet'), 'PAR1 this is no parquet file PAR1');
});

afterAll(async () => {
  kernel.closeSync();
  await rm(folder, { recursive: true });
});

function connector(tables?: Record<string, unknown>): FilesConnector {
  const schema = tables ? { tables } : { folder: 'data' };
  const configuration = filesConfigurationSchema.parse({ connector: 'files', roots: ['data'], schemas: { s: schema } });
  const cacheDirectory = path.join(folder, 'cache');
  return new FilesConnector({ configuration, baseDirectory: folder, kernel: kernelQueries(kernel), cacheDirectory });
}

async function scan(files: FilesConnector, table: string, constraint: TupleDomain = {}): Promise<unknown[][]> {
  const description = await files.describeTable('s', table);
  const columns = description!.columns.filter((column) => !column.hidden);
  const splits = await files.splits(description!, [], constraint);
  return read(description!, splits, columns);
}

async function read(
  table: TableDescription,
  splits: readonly Split[],
  columns: readonly Column[],
): Promise<unknown[][]> {
  return (await rowsOf(kernel, filesScan.scanSql(table.handle, splits, columns, { dataDirectory: '' }))) as unknown[][];
}

const columnsOf = (table: TableDescription | undefined): string[] =>
  table!.columns.map((column) => `${column.name} ${typeName(column.type)}${column.hidden ? ' hidden' : ''}`);

const byText = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

const range = (low: string, high: string): TupleDomain[string] => ({
  ranges: [{ low: { value: low, inclusive: true }, high: { value: high, inclusive: false } }],
  nullAllowed: false,
});

describe('what there is', () => {
  test('a folder makes each file and subfolder a table', async () => {
    expect([...(await connector().listTables('s'))].sort()).toEqual(
      [
        'brotli',
        'broken',
        'days',
        'events',
        'link',
        'mixed',
        'nested',
        'numbers',
        'people',
        'people[1]*',
        'widened',
      ].sort(),
    );
    expect(await connector().describeTable('s', 'nothing')).toBeUndefined();
  });

  test('columns come from the files', async () => {
    expect(columnsOf(await connector().describeTable('s', 'numbers'))).toEqual([
      'id bigint',
      'name varchar',
      'quarter double',
      'money decimal(12,2)',
      'day date',
      'moment timestamp(6)',
      'late bigint',
      '$path varchar hidden',
    ]);
    expect(columnsOf(await connector().describeTable('s', 'nested'))).toEqual([
      'r row(x integer, "y z" array(varchar))',
      'm map(varchar, timestamp(6) with time zone)',
      'l array(smallint)',
      '$path varchar hidden',
    ]);
  });

  test('values keep their meaning', async () => {
    expect(await scan(connector(), 'people')).toEqual([
      ['Ann', '30', 're"d'],
      ['Bob', null, null],
      ['Çiğdem\nX', '41', 'blue'],
    ]);
    expect(await scan(connector(), 'people[1]*')).toEqual([['1', 'x']]);
    expect(await scan(connector(), 'events')).toEqual([
      ['1', ['a']],
      ['2', null],
    ]);
    expect(await scan(connector(), 'nested')).toEqual([
      [{ f0: 1, f1: ['p', null] }, [{ key: 'k', value: { instant: '2019-12-31 22:00:00', zone: 'UTC' } }], [1, 2]],
    ]);
  });

  test('key=value folders are columns, typed by all their values, and are pruned', async () => {
    expect(columnsOf(await connector().describeTable('s', 'days'))).toEqual([
      'x integer',
      'day date',
      'kind varchar',
      '$path varchar hidden',
    ]);
    const rows = await scan(connector(), 'days');
    expect(rows.toSorted(byText)).toEqual([
      [1, '2020-01-01', 'a'],
      [2, '2020-01-02', null],
    ]);
    const day = { ranges: [{ low: { value: '2020-01-02', inclusive: true } }], nullAllowed: false };
    expect(await scan(connector(), 'days', { day })).toEqual([[2, '2020-01-02', null]]);
    const nullKind = { ranges: [], nullAllowed: true };
    expect(await scan(connector(), 'days', { kind: nullKind })).toEqual([[2, '2020-01-02', null]]);
  });

  test('a column that an older file lacks is NULL there', async () => {
    expect((await scan(connector(), 'mixed')).toSorted(byText)).toEqual([
      [1, 'old', null],
      [2, 'new', 7],
    ]);
  });

  test('a type that later files widen holds for all files, read together or alone', async () => {
    const files = connector();
    const table = (await files.describeTable('s', 'widened'))!;
    expect(table.columns.map(({ type }) => typeName(type))).toEqual(
      expect.arrayContaining(['bigint', 'double', 'decimal(12,4)']),
    );
    expect((await scan(files, 'widened')).map((row) => row.slice(0, 3))).toEqual([
      ['1', 1, '1.2500'],
      ['30000000000', 2.5, '2.5555'],
    ]);
    const [first] = await files.splits(table, [], {});
    const sql = filesScan.scanSql(table.handle, [first!], table.columns, { dataDirectory: '' });
    const types = await rowsOf(kernel, `SELECT typeof(n), typeof(d), typeof(p) FROM (${sql})`);
    expect(types).toEqual([['BIGINT', 'DOUBLE', 'DECIMAL(12,4)']]);
    // A bound is read with the scale of its own file.
    for (const value of ['1.2500', '2.5555']) {
      expect(await files.splits(table, [], { p: range(value, value) })).not.toEqual([]);
    }
  });

  test('declared columns decide', async () => {
    const files = connector({
      people: {
        path: 'data/people.csv',
        columns: [
          { name: 'who', type: 'varchar(20)' },
          { name: 'age', type: 'decimal(5,1)' },
          { name: 'colour', type: 'varchar' },
        ],
      },
    });
    expect((await scan(files, 'people'))[0]).toEqual(['Ann', '30.0', 're"d']);
  });
});

describe('split skipping', () => {
  test.each([
    ['id', '4000', '4010'],
    ['money', '4000.00', '4010.00'],
    ['day', '2030-12-14', '2030-12-20'],
    ['moment', '2020-06-15 16:00:00.000000', '2020-06-15 17:00:00.000000'],
    ['quarter', '1000', '1001'],
  ])('%s between %s and %s reads one row group', async (column, low, high) => {
    const files = connector();
    const table = (await files.describeTable('s', 'numbers'))!;
    const splits = await files.splits(table, [], { [column]: range(low, high) });
    expect(splits.reduce((sum, split) => sum + split.rows!, 0)).toBe(2048);
    const rows = await read(table, splits, [table.columns[0]!]);
    expect(rows.map(([id]) => id)).toContain('4000');
    expect(rows).toHaveLength(2048);
  });

  test('row groups of NULLs alone are skipped, and kept when NULL is asked for', async () => {
    const files = connector();
    const table = (await files.describeTable('s', 'numbers'))!;
    const rowsRead = async (domain: TupleDomain[string]): Promise<number> =>
      (await files.splits(table, [], { late: domain })).reduce((sum, split) => sum + split.rows!, 0);
    expect(await rowsRead({ ranges: [{}], nullAllowed: false })).toBe(10_000 - 2 * 2048);
    expect(await rowsRead({ ranges: [], nullAllowed: true })).toBe(3 * 2048);
  });

  test('splits cover every row once', async () => {
    const rows = await scan(connector(), 'numbers');
    expect(new Set(rows.map(([id]) => id)).size).toBe(10_000);
    expect(rows).toHaveLength(10_000);
  });
});

test('statistics count rows, ranges and distinct values', async () => {
  const files = connector();
  const table = (await files.describeTable('s', 'numbers'))!;
  for (const _ of ['computed', 'from the cache']) {
    const statistics = await files.statistics(table);
    expect(statistics.rows).toBe(10_000);
    expect(statistics.columns['id']).toMatchObject({ low: '0', high: '9999', nullFraction: 0 });
    expect(statistics.columns['late']).toMatchObject({ nullFraction: 0.5 });
    expect(statistics.columns['id']!.distinctValues).toBeGreaterThan(8_000);
  }
});

describe('what it refuses', () => {
  test.each([
    ['broken', 'FILE_CORRUPT', 'broken.parquet'],
    ['brotli', 'FILE_UNSUPPORTED', 'BROTLI'],
    ['link', 'PERMISSION_DENIED', 'outside of the folders'],
  ])('%s: %s', async (table, code, text) => {
    await expect(connector().describeTable('s', table)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(text) as string,
    });
  });

  test('a missing file names the hint', async () => {
    const files = connector({ gone: { path: 'data/gone.parquet', hint: 'get it with: npm install x' } });
    await expect(files.describeTable('s', 'gone')).rejects.toThrow(/get it with: npm install x/);
  });

  test('CSV files of one table with other columns', async () => {
    await mkdir(path.join(folder, 'data/other'), { recursive: true });
    await writeFile(path.join(folder, 'data/other/1.csv'), 'a,b\n1,2\n');
    await writeFile(path.join(folder, 'data/other/2.csv'), 'b,a\n1,2\n');
    const files = connector({ other: { path: 'data/other' } });
    await expect(files.describeTable('s', 'other')).rejects.toMatchObject({ code: 'FILE_UNSUPPORTED' });
  });
});
