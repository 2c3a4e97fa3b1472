/** What the optimizer may know of a `files` table: footers tell rows and ranges, a kernel task counts distinct values. */

import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { QueryError } from '../../common/errors.ts';
import { compareConstants } from '../../types/compare.ts';
import type { ConstantValue } from '../../types/constant.ts';
import { identifier } from '../../types/kernel.ts';
import type { Column, ColumnStatistics, Split, TableStatistics } from '../connector.ts';
import type { FileReader } from './file-reader.ts';
import { decodeBound } from './parquet-footer.ts';
import type { ParquetFooter } from './parquet-footer.ts';
import { filesHandle, filesScan, PATH_COLUMN, storedFiles } from './scan.ts';
import type { FilesHandle } from './scan.ts';

/** Rows that the distinct count reads at most; larger tables are sampled by whole splits, spread evenly. */
const SAMPLE_ROWS_MAX = 4_000_000;

/** Bytes of text files that are counted; larger ones stay without statistics but for their size. */
const TEXT_BYTES_MAX = 256 * 1024 * 1024;

/** Bytes of one line of text, to guess the rows of text files that are not counted. */
const LINE_BYTES_GUESS = 100;

const sketchSchema = z.object({ rows: z.number(), distinct: z.record(z.string(), z.number()) });
type Sketch = z.infer<typeof sketchSchema>;

export type StatisticsInput = {
  readonly columns: readonly Column[];
  readonly handle: FilesHandle;
  readonly splits: readonly Split[];
  /** Of Parquet tables. */
  readonly footers: readonly ParquetFooter[] | undefined;
  /** Path, size and time of every file. */
  readonly identity: string;
};

export async function tableStatistics(
  input: StatisticsInput,
  reader: FileReader,
  cacheDirectory: string,
): Promise<TableStatistics> {
  const bytes = input.splits.reduce((sum, split) => sum + split.bytes, 0);
  if (!input.footers && bytes > TEXT_BYTES_MAX) return { rows: Math.ceil(bytes / LINE_BYTES_GUESS), columns: {} };
  const sketch = await cachedSketch(input, reader, cacheDirectory).catch((problem: unknown) => {
    // A value that does not fit its column fails who reads that column, not who reads the others.
    if (problem instanceof QueryError && problem.code === 'FILE_CORRUPT') return undefined;
    throw problem;
  });
  if (!sketch) return { rows: Math.ceil(bytes / LINE_BYTES_GUESS), columns: {} };
  const rows = input.footers?.reduce((sum, footer) => sum + footer.rows, 0) ?? sketch.rows;
  const columns: Record<string, ColumnStatistics> = {};
  for (const column of input.columns) {
    const distinct = sketch.distinct[column.name];
    columns[column.name] = {
      ...(distinct !== undefined && { distinctValues: scaled(distinct, sketch.rows, rows) }),
      ...(input.footers && footerStatistics(column, input.footers, rows)),
    };
  }
  return { rows, columns };
}

/** A sample with few distinct values has seen them all; one in which nearly all differ is a part of a key. */
function scaled(distinct: number, sampled: number, rows: number): number {
  if (sampled >= rows || sampled === 0) return Math.min(distinct, rows);
  const share = distinct / sampled;
  return Math.min(rows, Math.round(distinct * (1 + (rows / sampled - 1) * share * share)));
}

function footerStatistics(column: Column, footers: readonly ParquetFooter[], rows: number): ColumnStatistics {
  let low: ConstantValue | undefined;
  let high: ConstantValue | undefined;
  let [nulls, bytes, bounded] = [0, 0, true];
  for (const group of footers.flatMap((footer) => footer.rowGroups)) {
    const chunk = group.columns.get(column.name);
    nulls += chunk?.nulls ?? (chunk ? 0 : group.rows);
    bytes += chunk?.bytes ?? 0;
    if (!chunk || chunk.nulls === group.rows) continue;
    const [groupLow, groupHigh] = [chunk.low, chunk.high].map((bound) =>
      decodeBound(column.type, chunk.encoding, bound),
    );
    bounded &&= groupLow !== undefined && groupHigh !== undefined;
    if (groupLow === undefined || groupHigh === undefined) continue;
    if (low === undefined || (compareConstants(column.type, groupLow, low) ?? 0) < 0) low = groupLow;
    if (high === undefined || (compareConstants(column.type, groupHigh, high) ?? 0) > 0) high = groupHigh;
  }
  return {
    nullFraction: rows === 0 ? 0 : nulls / rows,
    // Compressed bytes tell little of a value's size in memory; text is about three times as long.
    ...(column.type.kind === 'varchar' && rows > 0 && { averageBytes: Math.max(1, (3 * bytes) / rows) }),
    ...(bounded && low !== undefined && high !== undefined && { low, high }),
  };
}

/** The sketch of these very files, kept on disk: a table is counted once. */
async function cachedSketch(input: StatisticsInput, reader: FileReader, directory: string): Promise<Sketch> {
  const key = createHash('sha256').update(`sketch-1 ${input.identity}`).digest('hex').slice(0, 32);
  const file = path.join(directory, `${key}.json`);
  const text = await readFile(file, 'utf8').catch(() => undefined);
  const cached = text === undefined ? undefined : sketchSchema.safeParse(parseJson(text)).data;
  if (cached) return cached;
  const sketch = await makeSketch(input, reader);
  await mkdir(directory, { recursive: true });
  const temporary = `${file}.${process.pid}.${Date.now()}`;
  await writeFile(temporary, JSON.stringify(sketch));
  await rename(temporary, file);
  return sketch;
}

/** A damaged cache file is as good as none: it is made again. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function makeSketch(input: StatisticsInput, reader: FileReader): Promise<Sketch> {
  const columns = input.columns.filter((column) => column.name !== PATH_COLUMN && isCountable(column));
  const splits = sampleOf(input.splits);
  const handle = filesHandle(input.handle);
  const paths = reader.paths(storedFiles(handle, splits, columns));
  const source = filesScan.scanSql(handle, splits, columns, { dataDirectory: '', files: paths });
  const counts = columns.map((column) => `, approx_count_distinct(${identifier(column.name)})`);
  const rows = await reader.query(`SELECT count(*)${counts.join('')} FROM (${source})`);
  const [total, ...distinct] = (rows[0] ?? []).map(Number);
  return {
    rows: total ?? 0,
    distinct: Object.fromEntries(columns.map((column, i) => [column.name, distinct[i] ?? 0])),
  };
}

const isCountable = ({ type }: Column): boolean => !['array', 'map', 'row', 'json'].includes(type.kind);

/** Splits spread evenly over the table, up to the rows that one count may read. */
function sampleOf(splits: readonly Split[]): readonly Split[] {
  const rows = splits.reduce((sum, split) => sum + (split.rows ?? 0), 0);
  if (rows <= SAMPLE_ROWS_MAX) return splits;
  const step = rows / SAMPLE_ROWS_MAX;
  return splits.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step) || i === 0);
}
