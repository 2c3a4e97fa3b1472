/** The worker's side of `files`: splits as kernel table functions over the files themselves. */

import { groupBy } from '../../common/collections.ts';
import type { ConstantValue } from '../../types/constant.ts';
import { globFree, constantSql, emptySelect, identifier, NO_COLUMNS, quote } from '../../types/kernel.ts';
import type { Column, JsonValue, ScanProvider, Split } from '../connector.ts';
import { convert, parseFileType } from './kernel-schema.ts';

export type FileFormat = 'parquet' | 'csv' | 'tsv' | 'json';

/** A `files` table as plans carry it. */
export type FilesHandle = {
  readonly format: FileFormat;
  /** Column name → how the files have it. Partition columns are absent: their values stand in the splits. */
  readonly columns: Readonly<Record<string, { readonly name: string; readonly type: string }>>;
  readonly csv?: CsvOptions;
  /** Of text: not every line was looked at. The kernel would round 1.5 to a whole number, or cut a time off its date. */
  readonly unproven?: true;
};

export type CsvOptions = { readonly header: boolean; readonly delimiter: string; readonly nullText: string };

/** A file, or the rows `start` to `end` (excluded) of a Parquet file. */
export type FilesSplit = {
  readonly path: string;
  readonly range?: readonly [start: number, end: number];
  /** Columns that this file lacks: NULL in all its rows. */
  readonly missing?: readonly string[];
  readonly partition?: Readonly<Record<string, ConstantValue>>;
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

/** Splits of one shape are read by one table function: same missing columns, same partition. */
const shapeOf = (split: Split): string => {
  const { missing, partition } = payloadOf(split);
  return JSON.stringify([missing ?? [], partition ?? {}]);
};

function groupSql(handle: FilesHandle, splits: readonly Split[], columns: readonly Column[]): string {
  const payloads = splits.map(payloadOf);
  const first = payloads[0]!;
  const expressions = columns.map((column) => `${columnSql(handle, first, column)} AS ${identifier(column.name)}`);
  const select = `SELECT ${expressions.join(', ') || NO_COLUMNS} FROM`;
  const whole = [...new Set(payloads.filter((payload) => !payload.range).map((payload) => payload.path))];
  const parts = whole.length > 0 ? [`${select} ${readerSql(handle, whole, first, '')}`] : [];
  const ranged = payloads.filter((payload) => payload.range);
  for (const [path, ranges] of groupBy(ranged, (payload) => payload.path)) {
    // Ranges of row numbers let the kernel skip the row groups outside of them.
    const conditions = mergeRanges(ranges.map((payload) => payload.range!)).map(
      ([start, end]) => `(file_row_number >= ${start} AND file_row_number < ${end})`,
    );
    const reader = readerSql(handle, [path], first, ', file_row_number = true');
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
  if (handle.unproven) {
    const checked = checkedSql(handle.format === 'json' ? `(${value} ->> '$')` : value, column.name, source.type);
    if (checked !== undefined) return convert(checked, parseFileType(source.type), column.type);
  }
  // One file may have it in a narrower type than the table, which joins and shuffles must not see.
  const typed = handle.format === 'parquet' ? `CAST(${value} AS ${source.type})` : value;
  return convert(typed, parseFileType(source.type), column.type);
}

/** The text as a value of `type`, or an error that names file and column; undefined where the kernel is strict by itself. */
function checkedSql(value: string, column: string, type: string): string | undefined {
  const isExact = exactText(value, type);
  if (isExact === undefined) return undefined;
  // A mark before it, since the kernel takes whatever begins with a date for that date.
  const told = `'"' || ${value} || ${quote(`" in column "${column}" of `)} || filename`;
  const failing = `CASE WHEN ${value} IS NOT NULL THEN CAST(${told} AS ${type}) END`;
  return `COALESCE(TRY_CAST(CASE WHEN ${isExact} THEN ${value} END AS ${type}), ${failing})`;
}

function exactText(value: string, type: string): string | undefined {
  if (/^(TINYINT|SMALLINT|INTEGER|BIGINT)$/.test(type)) {
    const isPlain = `NOT contains(${value}, '.') AND NOT contains(lower(${value}), 'e')`;
    // 1.0 is a whole number too.
    return `(${isPlain}) OR TRY_CAST(${value} AS DECIMAL(38,10)) = TRY_CAST(${value} AS ${type})`;
  }
  if (type === 'DATE') return `regexp_full_match(${value}, '\\s*[-+0-9]+\\s*')`;
  return type === 'TIMESTAMP' ? `NOT regexp_matches(${value}, '[+zZ]|:.*-')` : undefined;
}

/** Hidden column: the file a row comes from. */
export const PATH_COLUMN = '$path';

function readerSql(handle: FilesHandle, paths: readonly string[], payload: FilesSplit, extra: string): string {
  const list = `[${paths.map(globFree).map(quote).join(', ')}]`;
  if (handle.format === 'parquet') {
    // By itself the kernel casts what later files hold to the types of the first.
    const union = paths.length > 1 ? 'union_by_name = true, ' : '';
    return `read_parquet(${list}, ${union}hive_partitioning = false, filename = true${extra})`;
  }
  const present = Object.entries(handle.columns).filter(([name]) => !payload.missing?.includes(name));
  const asText = handle.format === 'json' ? 'JSON' : 'VARCHAR';
  const readAs = (type: string): string => (handle.unproven && checkedSql('', '', type) !== undefined ? asText : type);
  const types = present.map(([, { name, type }]) => `${quote(name)}: ${quote(readAs(type))}`).join(', ');
  if (handle.format === 'json') {
    return `read_json(${list}, format = 'newline_delimited', columns = {${types}}, hive_partitioning = false, filename = true)`;
  }
  const { header, delimiter, nullText } = handle.csv!;
  return (
    `read_csv(${list}, header = ${header}, delim = ${quote(delimiter)}, nullstr = ${quote(nullText)}, quote = '"', escape = '"', ` +
    `columns = {${types}}, auto_detect = false, hive_partitioning = false, filename = true)`
  );
}

export const filesHandle = (handle: FilesHandle): JsonValue => handle;
