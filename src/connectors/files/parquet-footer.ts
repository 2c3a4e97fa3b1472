/** Parquet footers: row groups with their rows, bytes and column ranges, which is what split planning needs. */

import parquet from 'parquetjs-lite';
import { QueryError } from '../../common/errors.ts';
import type { Range } from '../../common/ranges.ts';
import type { ConstantValue } from '../../types/constant.ts';
import type { SqlType } from '../../types/type.ts';
import type { FileBytes } from '../../filestore/file-system.ts';

export type ParquetFooter = {
  readonly rows: number;
  /** Top-level columns as the file writes them. */
  readonly columnNames: readonly string[];
  readonly rowGroups: readonly ParquetRowGroup[];
};

export type ParquetRowGroup = {
  readonly rows: number;
  readonly bytes: number;
  readonly chunks: readonly ChunkPlace[];
  /** By lower-case name; top-level columns that are not nested. */
  readonly columns: ReadonlyMap<string, ParquetColumnChunk>;
};

/** Where a column chunk, its dictionary before it, is in the file: surely all of `least`, and nothing outside of `most`. */
type ChunkPlace = {
  /** The top-level column that it belongs to, in lower case. */
  readonly column: string;
  readonly least: Range;
  readonly most: Range;
};

export type ParquetColumnChunk = {
  readonly bytes: number;
  readonly nulls?: number;
  readonly encoding: ColumnEncoding;
  /** As Parquet's plain encoding has them. Bounds, not always values: writers may cut long strings. */
  readonly low?: Buffer;
  readonly high?: Buffer;
};

/** Parquet's physical types that carry bounds we read, and what the schema says they mean. */
type ColumnEncoding = {
  readonly physical: 'INT32' | 'INT64' | 'FLOAT' | 'DOUBLE' | 'BYTE_ARRAY' | 'other';
  readonly meaning: 'decimal' | 'milliseconds' | 'microseconds' | 'unsigned' | 'plain';
  /** Digits behind a decimal's point in this file; those of the table may be more. */
  readonly scale?: number;
};

/** Codec number of Parquet's format. */
const BROTLI = 4;

/** `file` is how errors call it. Throws FILE_CORRUPT and FILE_UNSUPPORTED, and what `bytes` throws. */
export async function readParquetFooter(file: string, bytes: FileBytes): Promise<ParquetFooter> {
  const metadata = await readMetadata(file, bytes);
  const root = metadata.schema[0];
  const elements: SchemaElement[] = [];
  for (let i = 1; i < metadata.schema.length; i = nextSibling(metadata.schema, i)) elements.push(metadata.schema[i]!);
  const names = elements.map((element) => element.name);
  const encodings = new Map(elements.map((element) => [element.name, encodingOf(element)]));
  const twin = names.find((name, i) => names.some((other, j) => j < i && other.toLowerCase() === name.toLowerCase()));
  if (twin !== undefined) {
    // The kernel would rename one of them, and bounds of one would be taken for the other's.
    throw new QueryError(
      'FILE_UNSUPPORTED',
      `${file} has two columns "${twin.toLowerCase()}", perhaps in other cases: rename one of them`,
    );
  }
  if (names.length !== root?.num_children) throw corrupt(file, 'its schema has other columns than it says');
  const rowGroups = metadata.row_groups.map((group) => {
    const chunks = group.columns.map((column) => column.meta_data ?? refuseExternal(file));
    if (chunks.some((chunk) => chunk.codec === BROTLI)) {
      throw new QueryError(
        'FILE_UNSUPPORTED',
        `${file} is compressed with BROTLI, which is not read: write it with ZSTD or SNAPPY`,
      );
    }
    const columns = new Map<string, ParquetColumnChunk>();
    for (const chunk of chunks) {
      const [name, ...nested] = chunk.path_in_schema;
      const encoding = encodings.get(name ?? '');
      if (name === undefined || !encoding) throw corrupt(file, `it has a column "${name}" that its schema lacks`);
      if (nested.length === 0) columns.set(name.toLowerCase(), columnChunk(chunk, encoding));
    }
    const bytes = chunks.reduce((sum, chunk) => sum + toNumber(chunk.total_compressed_size), 0);
    return { rows: toNumber(group.num_rows), bytes, chunks: chunks.map(placeOf), columns };
  });
  const rows = toNumber(metadata.num_rows);
  if (rowGroups.reduce((sum, group) => sum + group.rows, 0) !== rows) {
    throw corrupt(file, 'its row groups hold other rows than the footer says');
  }
  return { rows, columnNames: names, rowGroups };
}

type Metadata = Awaited<ReturnType<InstanceType<typeof parquet.ParquetEnvelopeReader>['readFooter']>>;
type SchemaElement = Metadata['schema'][number];
type Chunk = NonNullable<Metadata['row_groups'][number]['columns'][number]['meta_data']>;

/** Bytes at a file's end that are asked for at once: most footers are in them. */
const TAIL_BYTES = 64 * 1024;

async function readMetadata(file: string, bytes: FileBytes): Promise<Metadata> {
  const { length } = bytes;
  const tailStart = Math.max(0, length - TAIL_BYTES);
  const tail = await bytes.read(tailStart, length - tailStart);
  // The library makes its own errors of whatever is thrown: what the file system says must not become damage of the file.
  let failure: unknown;
  const read = async (offset: number, count: number): Promise<Buffer> => {
    const inTail = offset >= tailStart && offset + count <= length;
    if (inTail) return Buffer.from(tail.subarray(offset - tailStart, offset - tailStart + count));
    return Buffer.from(
      await bytes.read(Math.max(0, offset), count).catch((problem: unknown) => {
        failure = problem;
        throw problem;
      }),
    );
  };
  const reader = new parquet.ParquetEnvelopeReader(read, () => undefined, length);
  try {
    await reader.readHeader();
    return await reader.readFooter();
  } catch (problem) {
    if (failure !== undefined) throw failure;
    // The library throws strings and its own range errors: whatever it stumbled on is damage in the file.
    throw corrupt(file, problem instanceof Error ? problem.message : String(problem));
  }
}

function placeOf(chunk: Chunk): ChunkPlace {
  const size = toNumber(chunk.total_compressed_size);
  // Writers that have no dictionary may write 0 or a place behind the data.
  const starts = [chunk.data_page_offset, chunk.dictionary_page_offset, chunk.index_page_offset]
    .map((offset) => (offset ? toNumber(offset) : 0))
    .filter((offset) => offset > 0);
  const [first, last] = [Math.min(...starts), Math.max(...starts)];
  return {
    column: chunk.path_in_schema[0]!.toLowerCase(),
    least: [last, Math.max(last, first + size)],
    most: [first, last + size],
  };
}

const corrupt = (file: string, what: string): QueryError =>
  new QueryError(
    'FILE_CORRUPT',
    `${file} is no readable Parquet file: ${what}. Replace the file or take it out of the table`,
  );

const refuseExternal = (file: string): never => {
  throw new QueryError('FILE_UNSUPPORTED', `${file} keeps its columns in other files, which is not read`);
};

/** Thrift writes a schema depth first. */
function nextSibling(schema: Metadata['schema'], at: number): number {
  let next = at + 1;
  for (let children = schema[at]?.num_children ?? 0; children > 0; children--) next = nextSibling(schema, next);
  return next;
}

const toNumber = (value: { readonly buffer: Buffer; readonly offset: number }): number =>
  Number(value.buffer.readBigInt64BE(value.offset));

const PHYSICAL: Readonly<Record<number, ColumnEncoding['physical']>> = {
  1: 'INT32',
  2: 'INT64',
  4: 'FLOAT',
  5: 'DOUBLE',
  6: 'BYTE_ARRAY',
};

/** Numbers of Parquet's `ConvertedType`. */
const MEANING: Readonly<Record<number, ColumnEncoding['meaning']>> = {
  5: 'decimal',
  9: 'milliseconds',
  10: 'microseconds',
  11: 'unsigned',
  12: 'unsigned',
  13: 'unsigned',
  14: 'unsigned',
};

type TimestampLogicalType = {
  readonly TIMESTAMP?: { readonly unit?: { readonly MILLIS?: object; readonly MICROS?: object } };
};

function encodingOf(element: SchemaElement): ColumnEncoding {
  const physical = PHYSICAL[element.type ?? -1] ?? 'other';
  const unit = (element.logicalType as TimestampLogicalType | null)?.TIMESTAMP?.unit;
  if (unit) return { physical, meaning: unit.MICROS ? 'microseconds' : unit.MILLIS ? 'milliseconds' : 'unsigned' };
  const meaning = MEANING[element.converted_type ?? -1] ?? 'plain';
  return { physical, meaning, ...(meaning === 'decimal' && { scale: element.scale ?? 0 }) };
}

function columnChunk(chunk: Chunk, encoding: ColumnEncoding): ParquetColumnChunk {
  const statistics = chunk.statistics;
  const low = statistics?.min_value;
  const high = statistics?.max_value;
  return {
    bytes: toNumber(chunk.total_compressed_size),
    encoding,
    ...(statistics?.null_count && { nulls: toNumber(statistics.null_count) }),
    // The older `min` and `max` fields order strings as signed bytes: they are not used.
    ...(low && { low: Buffer.from(low) }),
    ...(high && { high: Buffer.from(high) }),
  };
}

/** A bound of a column chunk as a constant of the column's type; undefined where its encoding is not certain. */
export function decodeBound(
  type: SqlType,
  encoding: ColumnEncoding,
  bytes: Buffer | undefined,
): ConstantValue | undefined {
  if (!bytes || encoding.meaning === 'unsigned') return undefined;
  const { physical, meaning } = encoding;
  if (physical === 'BYTE_ARRAY') {
    const text = bytes.toString('utf8');
    return type.kind === 'varchar' && Buffer.from(text).equals(bytes) ? text : undefined;
  }
  if (physical === 'DOUBLE' && type.kind === 'double' && bytes.length === 8) return doubleText(bytes.readDoubleLE());
  if (physical === 'FLOAT' && type.kind === 'real' && bytes.length === 4) return doubleText(bytes.readFloatLE());
  const integer = decodeInteger(physical, bytes);
  if (integer === undefined) return undefined;
  if (meaning === 'decimal') {
    return type.kind === 'decimal' && type.scale === encoding.scale ? decimalText(integer, type.scale) : undefined;
  }
  if (meaning === 'microseconds' || meaning === 'milliseconds') {
    if (type.kind !== 'timestamp' || type.precision !== (meaning === 'microseconds' ? 6 : 3)) return undefined;
    return timestampText(meaning === 'microseconds' ? integer : integer * 1000n, type.precision);
  }
  if (type.kind === 'date') return dateText(integer);
  return ['tinyint', 'smallint', 'integer', 'bigint'].includes(type.kind) ? String(integer) : undefined;
}

function decodeInteger(physical: ColumnEncoding['physical'], bytes: Buffer): bigint | undefined {
  if (physical === 'INT32' && bytes.length === 4) return BigInt(bytes.readInt32LE());
  if (physical === 'INT64' && bytes.length === 8) return bytes.readBigInt64LE();
  return undefined;
}

/** NaN is no bound. */
const doubleText = (value: number): string | undefined => (Number.isNaN(value) ? undefined : String(value));

function decimalText(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const sign = unscaled < 0n ? '-' : '';
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

const MS_PER_DAY = 86_400_000;

const dateText = (days: bigint): string | undefined => isoText(Number(days) * MS_PER_DAY)?.slice(0, 10);

function timestampText(micros: bigint, precision: number): string | undefined {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = isoText(Number((micros - fraction) / 1000n))?.slice(0, 19);
  return seconds && `${seconds.replace('T', ' ')}.${String(fraction).padStart(6, '0').slice(0, precision)}`;
}

/** Undefined outside of years of four digits, whose text would not order. */
function isoText(milliseconds: number): string | undefined {
  const moment = new Date(milliseconds);
  if (Number.isNaN(moment.getTime())) return undefined;
  const text = moment.toISOString();
  return /^\d{4}-/.test(text) ? text : undefined;
}
