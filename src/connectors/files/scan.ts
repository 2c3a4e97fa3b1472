/** The worker's side of `files`: splits as kernel table functions over the files themselves. */

import { groupBy } from '../../common/collections.ts';
import type { ConstantValue } from '../../types/constant.ts';
import { globFree, constantSql, emptySelect, identifier, NO_COLUMNS, quote } from '../../types/kernel.ts';
import type { SqlType } from '../../types/type.ts';
import type { Column, JsonValue, ScanProvider, Split } from '../connector.ts';
import { textSql } from './exact-text.ts';
import { exactLinesSql } from './json-lines.ts';
import type { JsonColumn } from './json-lines.ts';
import { convert, parseFileType } from './kernel-schema.ts';

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
  readonly path: string;
  readonly range?: readonly [start: number, end: number];
  /** Columns that this file lacks: NULL in all its rows. */
  readonly missing?: readonly string[];
  readonly partition?: Readonly<Record<string, ConstantValue>>;
  /** JSON: its numbers may have more digits than a double keeps. */
  readonly longNumbers?: true;
};

export const filesScan: ScanProvider = {
  scanSql(table, splits, columns) {
    const handle = table as unknown as FilesHandle;
    if (splits.length === 0) return emptySelect(columns);
    const groups = [...groupBy(splits, shapeOf).values()].map((group) => groupSql(handle, group, columns));
    return groups.join(' UNION ALL ');
  },
};

const payloadOf = (split: Split): FilesSplit => split.payload as unknown as FilesSplit;

/** Splits of one shape are read by one table function: same missing columns, same partition, same way. */
const shapeOf = (split: Split): string => {
  const { missing, partition, longNumbers } = payloadOf(split);
  return JSON.stringify([missing ?? [], partition ?? {}, longNumbers ?? false]);
};

function groupSql(handle: FilesHandle, splits: readonly Split[], columns: readonly Column[]): string {
  const payloads = splits.map(payloadOf);
  const first = payloads[0]!;
  const expressions = columns.map((column) => `${columnSql(handle, first, column)} AS ${identifier(column.name)}`);
  const select = `SELECT ${expressions.join(', ') || NO_COLUMNS} FROM`;
  const whole = [...new Set(payloads.filter((payload) => !payload.range).map((payload) => payload.path))];
  const parts = whole.length > 0 ? [`${select} ${readerSql(handle, whole, first, columns, '')}`] : [];
  const ranged = payloads.filter((payload) => payload.range);
  for (const [path, ranges] of groupBy(ranged, (payload) => payload.path)) {
    // Ranges of row numbers let the kernel skip the row groups outside of them.
    const conditions = mergeRanges(ranges.map((payload) => payload.range!)).map(
      ([start, end]) => `(file_row_number >= ${start} AND file_row_number < ${end})`,
    );
    const reader = readerSql(handle, [path], first, columns, ', file_row_number = true');
    parts.push(`${select} ${reader} WHERE ${conditions.join(' OR ')}`);
  }
  return parts.join(' UNION ALL ');
}

function mergeRanges(ranges: readonly (readonly [number, number])[]): readonly (readonly [number, number])[] {
  const merged: [number, number][] = [];
  for (const [start, end] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last && last[1] === start) last[1] = end;
    else merged.push([start, end]);
  }
  return merged;
}

function columnSql(handle: FilesHandle, payload: FilesSplit, column: Column): string {
  if (column.name === PATH_COLUMN) return 'filename';
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

function readerSql(
  handle: FilesHandle,
  paths: readonly string[],
  payload: FilesSplit,
  columns: readonly Column[],
  extra: string,
): string {
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
