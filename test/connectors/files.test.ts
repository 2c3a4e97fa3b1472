/** The `files` connector over real files: what it finds, what it skips, what it refuses. */

import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/common/clock.ts';
import type { Column, Split, TableDescription } from '../../src/connectors/connector.ts';
import { FilesConnector } from '../../src/connectors/files/files-connector.ts';
import { filesConfigurationSchema } from '../../src/connectors/files/configuration.ts';
import { filesScan } from '../../src/connectors/files/scan.ts';
import { FileSystems } from '../../src/filestore/file-systems.ts';
import { typeName } from '../../src/types/type.ts';
import type { TupleDomain } from '../../src/types/domain.ts';
import { kernelQueries, openKernel, rowsOf } from '../support/kernel.ts';

const fileSystems = new FileSystems(systemClock);
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
  return new FilesConnector({
    configuration,
    baseDirectory: folder,
    kernel: kernelQueries(kernel),
    fileSystems,
    cacheDirectory,
  });
}

/** The table of these text files, in this order. */
async function write(table: string, texts: readonly string[], extension = 'csv'): Promise<FilesConnector> {
  await mkdir(path.join(folder, 'data', table), { recursive: true });
  for (const [i, content] of texts.entries()) {
    await writeFile(path.join(folder, 'data', table, `${String(i).padStart(3, '0')}.${extension}`), content);
  }
  return connector({ [table]: { path: `data/${table}` } });
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

  describe('types of text files', () => {
    test('hold for every file, however many there are', async () => {
      const whole = Array.from({ length: 40 }, (_, i) => `n,day,word,none\n${i},2020-01-01,${i},\n`);
      const files = await write('wide', [
        ...whole,
        'n,day,word,none\n1.5,2020-01-02 10:30:00,x,\n',
        'n,day,word,none\n,,,\n',
        'n,day,word,none\n',
      ]);
      expect(columnsOf(await files.describeTable('s', 'wide')).slice(0, 4)).toEqual([
        'n double',
        'day timestamp(6)',
        'word varchar',
        'none varchar',
      ]);
      const rows = await scan(files, 'wide');
      expect(rows).toHaveLength(42);
      expect(rows.at(-2)).toEqual([1.5, '2020-01-02 10:30:00', 'x', null]);
      expect(rows.at(-1)).toEqual([null, null, null, null]);
    });

    test('JSON too', async () => {
      const whole = Array.from({ length: 40 }, (_, i) => `{"n":${i}}\n`);
      const files = await write('wide_json', [...whole, '{"n":1.5,"more":true}\n'], 'jsonl');
      expect(columnsOf(await files.describeTable('s', 'wide_json')).slice(0, 2)).toEqual(['n double', 'more boolean']);
      expect((await scan(files, 'wide_json')).at(-1)).toEqual([1.5, true]);
    });

    test('dates that are written otherwise are text', async () => {
      const files = await write('dates', ['day\n13/02/2020\n']);
      expect(await scan(files, 'dates')).toEqual([['13/02/2020']]);
    });

    test('only new files are looked into again', async () => {
      const asked: string[] = [];
      await write('growing', ['n\n1\n', 'n\n2\n']);
      const configuration = filesConfigurationSchema.parse({
        connector: 'files',
        roots: ['data'],
        schemas: { s: { tables: { growing: { path: 'data/growing' } } } },
      });
      const queries = kernelQueries(kernel);
      const files = new FilesConnector({
        configuration,
        baseDirectory: folder,
        fileSystems,
        cacheDirectory: path.join(folder, 'cache'),
        kernel: {
          query: (sql, roots) => {
            asked.push(...[...sql.matchAll(/\d+\.csv/g)].map(([name]) => name));
            return queries.query(sql, roots);
          },
        },
      });
      await files.describeTable('s', 'growing');
      asked.length = 0;
      await writeFile(path.join(folder, 'data/growing/002.csv'), 'n\n1.5\n');
      expect(columnsOf(await files.describeTable('s', 'growing'))[0]).toBe('n double');
      expect(asked.filter((name) => name !== '002.csv')).toHaveLength(0);
    });

    test('what a declared type would round or cut is refused, by file and column', async () => {
      await write('rounded', ['n,day\n1,2020-01-01\n2.0, 2020-01-02\n', 'n,day\n1.5,2020-01-02 10:30:00\n']);
      const [whole, day] = [
        [
          { name: 'n', type: 'bigint' },
          { name: 'day', type: 'varchar' },
        ],
        [
          { name: 'n', type: 'varchar' },
          { name: 'day', type: 'date' },
        ],
      ].map((columns) => connector({ rounded: { path: 'data/rounded', columns } }));
      await expect(scan(whole!, 'rounded')).rejects.toThrow(/001\.csv, column "n": '1\.5' is not/);
      await expect(scan(day!, 'rounded')).rejects.toThrow(/001\.csv, column "day": '2020-01-02 10:30:00' is/);
      await rm(path.join(folder, 'data/rounded/001.csv'));
      expect((await scan(whole!, 'rounded')).map(([n]) => n)).toEqual(['1', '2']);
      expect((await scan(day!, 'rounded')).map((row) => row[1])).toEqual(['2020-01-01', '2020-01-02']);
    });
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

  test('Parquet columns that differ in case only, of which one would be skipped by the bounds of the other', async () => {
    const file = path.join(folder, 'data/twins.parquet');
    await kernel.run(`COPY (SELECT 1 AS twin, 100 AS "NIWT") TO '${file}' (FORMAT parquet)`);
    const bytes = (await readFile(file)).toString('latin1').replaceAll('NIWT', 'TWIN');
    await writeFile(file, Buffer.from(bytes, 'latin1'));
    await expect(connector().describeTable('s', 'twins')).rejects.toMatchObject({
      code: 'FILE_UNSUPPORTED',
      message: expect.stringMatching(/twins\.parquet has two columns "twin"/) as string,
    });
    await rm(file);
  });

  test('JSON keys that differ in case only', async () => {
    await mkdir(path.join(folder, 'data/keys'), { recursive: true });
    await writeFile(path.join(folder, 'data/keys/1.jsonl'), '{"key":1,"b_2":1}\n');
    const files = connector({ keys: { path: 'data/keys' } });
    expect(columnsOf(await files.describeTable('s', 'keys'))).toContain('b_2 bigint');
    await writeFile(path.join(folder, 'data/keys/2.jsonl'), '{"Key":2}\n');
    await expect(files.describeTable('s', 'keys')).rejects.toMatchObject({
      code: 'FILE_UNSUPPORTED',
      message: expect.stringContaining('"Key" and "key"') as string,
    });
  });

  test('CSV files of one table with other columns', async () => {
    await mkdir(path.join(folder, 'data/other'), { recursive: true });
    await writeFile(path.join(folder, 'data/other/1.csv'), 'a,b\n1,2\n');
    await writeFile(path.join(folder, 'data/other/2.csv'), 'b,a\n1,2\n');
    const files = connector({ other: { path: 'data/other' } });
    await expect(files.describeTable('s', 'other')).rejects.toMatchObject({ code: 'FILE_UNSUPPORTED' });
  });
});
