/** The worker's side of `files`: splits as kernel table functions over the files themselves. */

import { groupBy } from '../../common/collections.ts';
import { mergeRanges, type Range } from '../../common/ranges.ts';
import type { ConstantValue } from '../../types/constant.ts';
import { globFree, constantSql, emptySelect, identifier, NO_COLUMNS, quote } from '../../types/kernel.ts';
import type { SqlType } from '../../types/type.ts';
import type { Column, JsonValue, ScanFile, ScanProvider, Split } from '../connector.ts';
import { textSql } from './exact-text.ts';
import { exactLinesSql } from './json-lines.ts';
import type { JsonColumn } from './json-lines.ts';
import { convert, parseFileType } from './kernel-schema.ts';
import { isLocal } from './location.ts';
import { bytesToRead, type ParquetPart } from './parquet-bytes.ts';
import { asQueryError } from '../store-failure.ts';

export type FileFormat = 'parquet' | 'csv' | 'tsv' | 'json';

/** A `files` table as plans carry it. */
export type FilesHandle = {
  readonly format: FileFormat;
  /** Column name → how the files have it. Partition columns are absent: their values stand in the splits. */
  readonly columns: Readonly<Record<string, { readonly name: string; readonly type: string }>>;
  readonly csv?: CsvOptions;
  /** Of text: no reading of all lines has found the types. Each value is read as text and checked, see `textSql`. */
  readonly unproven?: true;
  /** JSON whose lines are no objects, or objects of ever new keys: each is the value of the one column. */
  readonly wholeLines?: true;
};

export type CsvOptions = { readonly header: boolean; readonly delimiter: string; readonly nullText: string };

/** A file, or the rows `start` to `end` (excluded) of a Parquet file. */
export type FilesSplit = {
  /** A path on the worker's machine, or a location in a file store. */
  readonly path: string;
  /** The file as it was found, see ScanFile. */
  readonly file: Pick<ScanFile, 'bytes' | 'modifiedMs' | 'id'>;
  readonly range?: Range;
  /** Columns that this file lacks: NULL in all its rows. */
  readonly missing?: readonly string[];
  readonly partition?: Readonly<Record<string, ConstantValue>>;
  /** JSON: its numbers may have more digits than a double keeps. */
  readonly longNumbers?: true;
};

export const filesScan: ScanProvider = {
  scanSql(table, splits, columns, { files = new Map() }) {
    const handle = table as unknown as FilesHandle;
    if (splits.length === 0) return emptySelect(columns);
    const groups = [...groupBy(splits, shapeOf).values()].map((group) => groupSql({ handle, files }, group, columns));
    return groups.join(' UNION ALL ');
  },

  filesToOpen: (table, splits, columns) => filesOf(table, splits, columns),

  async bytesOf(part, location, file) {
    // Here and not above: the kernel process loads this file too, and reads no footers.
    const { readParquetFooter } = await import('./parquet-footer.ts');
    const footer = await asQueryError(location, () => readParquetFooter(location, file));
    return bytesToRead(footer, part as unknown as ParquetPart, file.length);
  },
};

/** The files that a scan reads, each once, and what of them. */
function filesOf(table: JsonValue, splits: readonly Split[], columns: readonly Column[]): readonly ScanFile[] {
  const handle = table as unknown as FilesHandle;
  const names = columns.flatMap((column) => handle.columns[column.name]?.name.toLowerCase() ?? []);
  return [...groupBy(splits.map(payloadOf), (payload) => payload.path)].map(([location, payloads]): ScanFile => {
    const { file } = payloads[0]!;
    if (isLocal(location) || handle.format !== 'parquet') return { location, ...file };
    const ranges = payloads.flatMap(({ range }) => (range ? [range] : []));
    const rows = ranges.length === payloads.length && { rows: spansOf(ranges).map(({ span }) => span) };
    return { location, ...file, part: { columns: names, ...rows } };
  });
}

/** Those of them that are in a file store. */
export const storedFiles = (
  table: JsonValue,
  splits: readonly Split[],
  columns: readonly Column[],
): readonly ScanFile[] => filesOf(table, splits, columns).filter(({ location }) => !isLocal(location));

/** A table, and where the kernel finds its files. */
type Source = { readonly handle: FilesHandle; readonly files: ReadonlyMap<string, string> };

const payloadOf = (split: Split): FilesSplit => split.payload as unknown as FilesSplit;

/** Splits of one shape are read by one table function: same missing columns, same partition, same way. */
const shapeOf = (split: Split): string => {
  const { missing, partition, longNumbers } = payloadOf(split);
  return JSON.stringify([missing ?? [], partition ?? {}, longNumbers ?? false]);
};

function groupSql(source: Source, splits: readonly Split[], columns: readonly Column[]): string {
  const payloads = splits.map(payloadOf);
  const first = payloads[0]!;
  const locations = [...new Set(payloads.map(({ path }) => path))];
  const expressions = columns.map((column) => {
    const sql = column.name === PATH_COLUMN ? pathSql(source, locations) : columnSql(source.handle, first, column);
    return `${sql} AS ${identifier(column.name)}`;
  });
  const select = `SELECT ${expressions.join(', ') || NO_COLUMNS} FROM`;
  const whole = [...new Set(payloads.filter((payload) => !payload.range).map((payload) => payload.path))];
  const parts = whole.length > 0 ? [`${select} ${readerSql(source, whole, first, columns, '')}`] : [];
  const ranged = payloads.filter((payload) => payload.range);
  for (const [path, splitsOfFile] of groupBy(ranged, (payload) => payload.path)) {
    const reader = readerSql(source, [path], first, columns, ', file_row_number = true');
    for (const { span, ranges } of spansOf(splitsOfFile.map((payload) => payload.range!))) {
      const within = ranges.length === 1 ? '' : ` AND (${ranges.map(rowsSql).join(' OR ')})`;
      parts.push(`${select} ${reader} WHERE ${rowsSql(span)}${within}`);
    }
  }
  return parts.join(' UNION ALL ');
}

const rowsSql = ([start, end]: Range): string => `(file_row_number >= ${start} AND file_row_number < ${end})`;

/** Readers of one file, each of which costs a look at its footer. */
const SPANS_MAX = 16;

/**
 * The rows of a file, in parts that a reader each reads: the kernel skips the row groups outside of two bounds, whatever else is asked
 * of the rows, but not those that several ranges together leave out. Within a span it may read all of them.
 */
function spansOf(ranges: readonly Range[]): readonly { readonly span: Range; readonly ranges: readonly Range[] }[] {
  const merged = mergeRanges(ranges);
  const gaps = merged.slice(1).map(([start], i) => ({ before: i + 1, rows: start - merged[i]![1] }));
  const widest = gaps.toSorted((a, b) => b.rows - a.rows).slice(0, SPANS_MAX - 1);
  const cuts = [0, ...widest.map(({ before }) => before).toSorted((a, b) => a - b), merged.length];
  return cuts.slice(1).map((cut, i) => {
    const own = merged.slice(cuts[i], cut);
    return { span: [own[0]![0], own.at(-1)![1]], ranges: own };
  });
}

function columnSql(handle: FilesHandle, payload: FilesSplit, column: Column): string {
  const source = handle.columns[column.name];
  if (!source || payload.missing?.includes(column.name)) {
    return constantSql(column.type, payload.partition?.[column.name] ?? null);
  }
  const value = identifier(source.name);
  const from = parseFileType(source.type);
  if (handle.unproven && !isReadNatively(column.type)) {
    const place = { file: 'filename', column: column.name };
    if (handle.format !== 'json')
      return textSql(isText(column.type) ? value : `NULLIF(${value}, '')`, column.type, place);
    return column.type.kind === 'json' ? `CAST(${value} AS VARCHAR)` : textSql(value, column.type, place, from);
  }
  // One file may have it in a narrower type than the table, which joins and shuffles must not see.
  const typed = handle.format === 'parquet' ? `CAST(${value} AS ${source.type})` : value;
  return convert(typed, from, column.type);
}

/** Types that have an empty value; of others a quoted empty field is NULL. */
const isText = ({ kind }: SqlType): boolean => kind === 'varchar' || kind === 'char';

/** As bytes: the kernel's own reading of text is exact or fails. */
const isReadNatively = (type: SqlType): boolean => type.kind === 'varbinary';

/** Hidden column: the file a row comes from. */
export const PATH_COLUMN = '$path';

/** The kernel knows files by the paths that it opens; users by their locations. */
function pathSql({ files }: Source, locations: readonly string[]): string {
  const cases = locations.flatMap((location) => {
    const opened = files.get(location);
    return opened === undefined || opened === location ? [] : [`WHEN ${quote(opened)} THEN ${quote(location)}`];
  });
  return cases.length === 0 ? 'filename' : `CASE filename ${cases.join(' ')} ELSE filename END`;
}

function readerSql(
  { handle, files }: Source,
  locations: readonly string[],
  payload: FilesSplit,
  columns: readonly Column[],
  extra: string,
): string {
  const paths = locations.map((location) => files.get(location) ?? location);
  const list = `[${paths.map(globFree).map(quote).join(', ')}]`;
  if (handle.format === 'parquet') {
    // By itself the kernel casts what later files hold to the types of the first.
    const union = paths.length > 1 ? 'union_by_name = true, ' : '';
    return `read_parquet(${list}, ${union}hive_partitioning = false, filename = true${extra})`;
  }
  const present = Object.entries(handle.columns).filter(([name]) => !payload.missing?.includes(name));
  const typeOf = (name: string): SqlType | undefined => columns.find((column) => column.name === name)?.type;
  if (handle.format === 'json' && payload.longNumbers && !handle.wholeLines) {
    const read = present.filter(([name]) => typeOf(name));
    return exactLinesSql(
      paths,
      read.map(([name, source]) => ({ name: source.name, as: jsonReading(typeOf(name)!) })),
    );
  }
  const types = present
    .map(([name, source]) => {
      const type = typeOf(name);
      if (!handle.unproven || (type && isReadNatively(type))) return [source.name, source.type] as const;
      return [source.name, type?.kind === 'json' && handle.format === 'json' ? 'JSON' : 'VARCHAR'] as const;
    })
    .map(([name, type]) => `${quote(name)}: ${quote(type)}`)
    .join(', ');
  if (handle.format === 'json') {
    // By itself the kernel takes lines for whole values when one of those that it looks at is no object.
    const records = `records = ${!handle.wholeLines}`;
    return `read_json(${list}, format = 'newline_delimited', ${records}, columns = {${types}}, hive_partitioning = false, filename = true)`;
  }
  return (
    `read_csv(${list}, ${csvOptions(handle.csv!)}, columns = {${types}}, auto_detect = false, ` +
    `${CSV_READING}, filename = true)`
  );
}

/** A quoted field is a text, also an empty one: NULL stands without quotes. */
export const CSV_READING = 'allow_quoted_nulls = false, hive_partitioning = false';

/** How the kernel reads and sniffs CSV. */
export function csvOptions({ header, delimiter, nullText }: Partial<CsvOptions> & Omit<CsvOptions, 'header'>): string {
  const nulls = [...new Set(['', nullText])].map(quote).join(', ');
  const named = header === undefined ? '' : `header = ${header}, `;
  return `${named}delim = ${quote(delimiter)}, quote = '"', escape = '"', nullstr = [${nulls}]`;
}

function jsonReading(type: SqlType): JsonColumn['as'] {
  if (type.kind === 'json') return 'json';
  return ['array', 'map', 'row'].includes(type.kind) ? 'nested' : 'text';
}

export const filesHandle = (handle: FilesHandle): JsonValue => handle;
