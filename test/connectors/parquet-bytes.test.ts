/**
 * Sparse copies of Parquet files: the kernel must never look at a byte that was left out, since zeros may read as rows that are not
 * there. Copies have garbage in all the holes; queries over them must answer as over the whole file.
 */

import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/common/clock.ts';
import { type Range, rangesWithout, sizeOfRanges } from '../../src/common/ranges.ts';
import type { Column, Split, TableDescription } from '../../src/connectors/connector.ts';
import { filesConfigurationSchema } from '../../src/connectors/files/configuration.ts';
import { FilesConnector } from '../../src/connectors/files/files-connector.ts';
import { bytesToRead } from '../../src/connectors/files/parquet-bytes.ts';
import { readParquetFooter } from '../../src/connectors/files/parquet-footer.ts';
import { filesScan } from '../../src/connectors/files/scan.ts';
import { FileSystems } from '../../src/filestore/file-systems.ts';
import { Random } from '../simulation/random.ts';
import { kernelQueries, openKernel, rowsOf } from '../support/kernel.ts';

const ROWS = 60_000;
const GARBAGE = 0xff;

let folder: string;
let kernel: DuckDBConnection;

/** Texts of few values have dictionaries and Bloom filters; row groups are many. */
const SELECT = `
  SELECT i AS id, (hash(i) >> 2)::BIGINT AS mixed, ('city ' || (hash(i) % 900))::VARCHAR AS city, (i % 7)::TINYINT AS few,
    CASE WHEN i % 3 = 0 THEN NULL ELSE i * 0.25 END AS part, md5(i::VARCHAR) AS text,
    DATE '2020-01-01' + (i // 100)::INTEGER AS day, {'x': i, 'y': ['a' || i % 11, NULL]} AS nested
  FROM range(${ROWS}) t(i)`;

const WRITTEN: Readonly<Record<string, string>> = {
  snappy: 'ROW_GROUP_SIZE 4096',
  uncompressed: 'ROW_GROUP_SIZE 8192, COMPRESSION uncompressed',
  zstd: 'ROW_GROUP_SIZE 2048, COMPRESSION zstd, PARQUET_VERSION v2',
  'no-dictionaries': 'ROW_GROUP_SIZE 4096, DICTIONARY_SIZE_LIMIT 0',
  'eager-filters': 'ROW_GROUP_SIZE 4096, BLOOM_FILTER_FALSE_POSITIVE_RATIO 0.02, DICTIONARY_SIZE_LIMIT 1000',
};

const DEMO = path.resolve(import.meta.dirname, '../../node_modules/vega-datasets/data/flights-3m.parquet');

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tutti-ranges-'));
  kernel = await openKernel();
  for (const [name, options] of Object.entries(WRITTEN)) {
    await kernel.run(`COPY (${SELECT}) TO '${file(name)}' (FORMAT parquet, ${options})`);
  }
  await writeWithPageIndexes(file('page-indexes'));
});

afterAll(async () => {
  kernel.closeSync();
  await rm(folder, { recursive: true });
});

const file = (name: string): string => path.join(folder, `${name}.parquet`);

/** Another writer: it puts column and offset indexes before the footer. */
async function writeWithPageIndexes(to: string): Promise<void> {
  const { ParquetSchema, ParquetWriter } = createRequire(import.meta.url)('parquetjs-lite') as {
    ParquetSchema: new (fields: object) => object;
    ParquetWriter: {
      openFile(
        schema: object,
        path: string,
      ): Promise<{ setRowGroupSize(n: number): void; appendRow(row: object): Promise<void>; close(): Promise<void> }>;
    };
  };
  const schema = new ParquetSchema({
    id: { type: 'INT32' },
    city: { type: 'UTF8', compression: 'SNAPPY' },
    part: { type: 'DOUBLE', optional: true },
    day: { type: 'DATE' },
  });
  const writer = await ParquetWriter.openFile(schema, to);
  writer.setRowGroupSize(1000);
  for (let i = 0; i < 8000; i++) {
    const part = i % 3 === 0 ? {} : { part: i / 4 };
    await writer.appendRow({ id: i, city: `city ${i % 90}`, day: new Date(86_400_000 * i), ...part });
  }
  await writer.close();
}

async function tableOf(
  source: string,
): Promise<{ table: TableDescription; splits: readonly Split[]; columns: Column[] }> {
  const configuration = filesConfigurationSchema.parse({
    connector: 'files',
    roots: ['/'],
    schemas: { s: { tables: { t: { path: source } } } },
  });
  const connector = new FilesConnector({
    configuration,
    baseDirectory: folder,
    kernel: kernelQueries(kernel),
    fileSystems: new FileSystems(systemClock),
    cacheDirectory: path.join(folder, 'cache'),
  });
  const table = (await connector.describeTable('s', 't'))!;
  const splits = await connector.splits(table, [], {});
  return { table, splits, columns: table.columns.filter(({ hidden }) => !hidden) };
}

/** Some of the splits of a table, one for each row group or so. */
const cut = (splits: readonly Split[], source: string, groups: readonly Range[]): Split[] =>
  groups.map((range, i) => ({ ...splits[0]!, id: `${i}`, payload: { path: source, file: { bytes: 0 }, range } }));

/** As the worker does it with a file of a store: the part that the scan names, the bytes of that part. */
async function bytesOfScan(
  table: TableDescription,
  source: string,
  splits: readonly Split[],
  columns: readonly Column[],
): Promise<{ ranges: readonly Range[]; length: number }> {
  const stored = splits.map((split) => ({ ...split, payload: { ...(split.payload as object), path: 'tutti:///t' } }));
  const [wanted] = filesScan.filesToOpen!(table.handle, stored, columns);
  const bytes = await readFile(source);
  const read = (offset: number, length: number): Promise<Uint8Array> =>
    Promise.resolve(bytes.subarray(offset, offset + length));
  const ranges = await filesScan.bytesOf!(wanted!.part!, 'tutti:///t', { length: bytes.length, read });
  return { ranges, length: bytes.length };
}

async function sparse(source: string, ranges: readonly Range[], filler: number, to: string): Promise<void> {
  const bytes = await readFile(source);
  const copy = Buffer.alloc(bytes.length, filler);
  for (const [start, end] of ranges) bytes.copy(copy, start, start, end);
  await writeFile(to, copy);
}

let copies = 0;

/** Every query over what the scan yields, from the whole file and from a copy with garbage in its holes. */
async function compare(
  source: string,
  choose: (columns: readonly Column[]) => readonly Column[],
  groups: readonly Range[],
  queries: (names: readonly string[]) => readonly string[],
): Promise<number> {
  const { table, splits, columns: all } = await tableOf(source);
  const columns = choose(all);
  const chosen = cut(splits, source, groups);
  const { ranges, length } = await bytesOfScan(table, source, chosen, columns);
  copies += 1;
  const copy = path.join(folder, `copy-${copies}.parquet`);
  await sparse(source, ranges, GARBAGE, copy);
  const context = (at: string): { dataDirectory: string; files: Map<string, string> } => ({
    dataDirectory: '',
    files: new Map([[source, at]]),
  });
  for (const query of queries(columns.map(({ name }) => name))) {
    const [right, found] = await Promise.all(
      [source, copy].map((at) =>
        rowsOf(kernel, `WITH scan AS (${filesScan.scanSql(table.handle, chosen, columns, context(at))}) ${query}`),
      ),
    );
    expect(found, `${query} of ${JSON.stringify(groups)}`).toEqual(right);
  }
  await rm(copy);
  return sizeOfRanges(ranges) / length;
}

const DIGEST = 'SELECT count(*), sum(hash(scan)) FROM scan';

describe('a copy with garbage in its holes answers as the whole file', () => {
  test.each(Object.keys(WRITTEN))('%s: some row groups, some columns, at random', async (name) => {
    const random = new Random(20_261_121);
    const footer = await footerOf(file(name));
    let rows = 0;
    const groups = footer.rowGroups.map((group): Range => {
      rows += group.rows;
      return [rows - group.rows, rows];
    });
    expect(groups.length).toBeGreaterThan(5);
    let smallest = 1;
    for (let run = 0; run < 12; run++) {
      const some = groups.filter(() => random.below(4) === 0);
      const chosen = some.length > 0 ? some : groups.slice(3, 4);
      const share = await compare(
        file(name),
        (columns) => columns.filter(() => random.below(3) === 0),
        chosen,
        (names) => [DIGEST, ...filtersOf(names, random)],
      );
      smallest = Math.min(smallest, share);
    }
    // Something was left out, or nothing was shown.
    expect(smallest).toBeLessThan(0.3);
  });

  test('more ranges than readers: rows between near ones are there, and are not in the answer', async () => {
    const every = Array.from({ length: 29 }, (_, i): Range => [i * 2048, (i + 1) * 2048]);
    const groups = every.filter((_, i) => i % 2 === 0 || i > 24);
    const share = await compare(
      file('zstd'),
      (all) => all.filter(({ name }) => ['id', 'city', 'text'].includes(name)),
      groups.slice(0, 5).concat(groups.slice(9)),
      (names) => [DIGEST, ...filtersOf(names, new Random(3)), ...filtersOf(names, new Random(4))],
    );
    expect(share).toBeLessThan(0.8);
    const many = Array.from({ length: 24 }, (_, i): Range => [i * 2048, i * 2048 + 100]);
    await compare(
      file('zstd'),
      (all) => all.filter(({ name }) => name === 'id' || name === 'city'),
      many,
      (names) => [DIGEST, ...filtersOf(names, new Random(5))],
    );
  });

  test('columns alone, all rows', async () => {
    const share = await compare(
      file('snappy'),
      (all) => all.filter(({ name }) => name === 'city'),
      [[0, ROWS]],
      () => [DIGEST, `SELECT count(*) FROM scan WHERE city = 'city 17'`],
    );
    expect(share).toBeLessThan(0.2);
  });

  test('no column at all', async () => {
    const groups: readonly Range[] = [
      [0, 4096],
      [20_480, 24_576],
    ];
    const count = async (): Promise<number> =>
      compare(
        file('snappy'),
        () => [],
        groups,
        () => ['SELECT count(*) FROM scan'],
      );
    expect(await count()).toBeLessThan(0.2);
  });

  test('a file with column and offset indexes, of another writer', async () => {
    const share = await compare(
      file('page-indexes'),
      (all) => all.filter(({ name }) => name === 'id' || name === 'city'),
      [
        [2000, 3000],
        [6000, 7000],
      ],
      () => [DIGEST, `SELECT count(*), min(id) FROM scan WHERE city = 'city 3'`, 'SELECT * FROM scan WHERE id = 2500'],
    );
    expect(share).toBeLessThan(0.7);
  });

  test('the demo flights, of a third one', async () => {
    const { splits } = await tableOf(DEMO);
    const whole = (splits[0]!.payload as { range?: Range }).range;
    const share = await compare(
      DEMO,
      (all) => all.filter(({ name }) => name === 'delay' || name === 'origin'),
      [whole ?? [0, 3_000_000]],
      () => [DIGEST, `SELECT count(*), avg(delay) FROM scan WHERE origin = 'LAX'`],
    );
    expect(share).toBeLessThan(0.6);
  });
});

/** Conditions that the kernel answers from statistics, dictionaries and Bloom filters. */
function filtersOf(names: readonly string[], random: Random): string[] {
  const i = random.below(ROWS);
  const conditions: Readonly<Record<string, string>> = {
    id: `id = ${i}`,
    mixed: `mixed IN (SELECT (hash(j) >> 2)::BIGINT FROM range(${i}, ${i + 50}) r(j))`,
    city: `city = 'city ${i % 900}'`,
    text: `text = md5('${i}')`,
    day: `day BETWEEN DATE '2020-03-01' AND DATE '2020-04-11'`,
    part: 'part IS NULL',
  };
  return names.flatMap((name) => {
    const condition = conditions[name];
    return condition === undefined ? [] : [`SELECT count(*), count(${name}) FROM scan WHERE ${condition}`];
  });
}

async function footerOf(source: string): Promise<Awaited<ReturnType<typeof readParquetFooter>>> {
  const bytes = await readFile(source);
  return readParquetFooter(source, {
    length: bytes.length,
    read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
  });
}

describe('why', () => {
  test('a Bloom filter that is read as zeros makes rows vanish: only chunks are left out', async () => {
    const source = file('eager-filters');
    const footer = await footerOf(source);
    const length = (await readFile(source)).length;
    const places = await rowsOf(
      kernel,
      `SELECT bloom_filter_offset, bloom_filter_length FROM parquet_metadata('${source}') WHERE path_in_schema = 'city'`,
    );
    const filters = places.map(([at, size]): Range => [Number(at), Number(at) + Number(size)]);
    expect(filters.length).toBeGreaterThan(10);
    expect(sizeOfRanges(filters)).toBeGreaterThan(1000);
    // None of it is ever left out, whatever is read.
    expect(rangesWithout(filters, bytesToRead(footer, { columns: [] }, length))).toEqual([]);
    const copy = path.join(folder, 'no-filters.parquet');
    await writeFile(copy, await readFile(source));
    const handle = await open(copy, 'r+');
    // Behind each filter's header, so that it is one, and says that nothing is in it.
    for (const [start, end] of filters)
      await handle.write(Buffer.alloc(end - start - 32), 0, end - start - 32, start + 32);
    await handle.close();
    const count = async (at: string): Promise<unknown> =>
      (await rowsOf(kernel, `SELECT count(*)::INTEGER FROM read_parquet('${at}') WHERE city = 'city 17'`))[0]![0];
    expect(await count(source)).toBeGreaterThan(0);
    expect(await count(copy)).toBe(0);
  });

  test.each(Object.keys(WRITTEN))('a column chunk that was left out is no column of zeros: %s', async (name) => {
    const source = file(name);
    const footer = await footerOf(source);
    const length = (await readFile(source)).length;
    const copy = path.join(folder, 'holes.parquet');
    await sparse(source, bytesToRead(footer, { columns: ['id'] }, length), 0, copy);
    for (const column of ['mixed', 'city', 'few', 'part', 'text', 'day', 'nested']) {
      const reading = rowsOf(kernel, `SELECT count(DISTINCT ${column}) FROM read_parquet('${copy}')`);
      await expect(reading).rejects.toThrow(/TProtocol|Invalid|don't know|page header/i);
    }
  });

  test('a footer that names places outside of the file leaves nothing out', async () => {
    const footer = await footerOf(file('snappy'));
    expect(bytesToRead(footer, { columns: [] }, 100)).toEqual([[0, 100]]);
  });
});
