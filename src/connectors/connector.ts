/**
 * What a connector is to the rest of the house. `Connector` lives in the coordinator and answers what there is;
 * `ScanProvider` lives in workers and turns splits into kernel SQL. Both of one kind share the shape of handles and
 * splits, which travel as JSON and mean nothing to anyone else.
 */

import type { Range } from '../common/ranges.ts';
import type { FileBytes } from '../filestore/file-system.ts';
import type { ConstantValue } from '../types/constant.ts';
import type { TupleDomain } from '../types/domain.ts';
import type { SqlType } from '../types/type.ts';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

export type Column = {
  /** As Trino shows it: lower case. */
  readonly name: string;
  readonly type: SqlType;
  /** Selectable by name, absent from `*` (`$path`). */
  readonly hidden?: boolean;
  readonly comment?: string;
};

export type TableDescription = {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly Column[];
  /** The connector's own reference to the table as it stands now (its files and their identity). */
  readonly handle: JsonValue;
};

export type ColumnStatistics = {
  readonly distinctValues?: number;
  /** 0 to 1. */
  readonly nullFraction?: number;
  readonly low?: ConstantValue;
  readonly high?: ConstantValue;
  /** Mean bytes of a value in memory. */
  readonly averageBytes?: number;
};

export type TableStatistics = {
  /** Absent when nobody knows. */
  readonly rows?: number;
  readonly columns: Readonly<Record<string, ColumnStatistics>>;
};

/** A range of a table's data that one task reads as a whole. */
export type Split = {
  /** Unique within the scan. */
  readonly id: string;
  readonly payload: JsonValue;
  /** Estimated; exact where a footer says so. */
  readonly rows?: number;
  readonly bytes: number;
  /** Ids of the only machines that see the data; absent = any worker does. */
  readonly machines?: readonly string[];
  /**
   * Of data in a file store, which every worker reads: the machines (`hostId`) that need no network for it, as far as is known. They
   * are preferred.
   */
  readonly hosts?: readonly string[];
};

/** Methods throw QueryErrors that say what to do next. Names arrive in lower case. */
export interface Connector {
  listSchemas(): Promise<readonly string[]>;
  listTables(schema: string): Promise<readonly string[]>;
  /** Undefined when there is no such table. */
  describeTable(schema: string, table: string): Promise<TableDescription | undefined>;
  statistics(table: TableDescription): Promise<TableStatistics>;
  /** Every row that can satisfy `constraint` is in exactly one split. */
  splits(table: TableDescription, columns: readonly string[], constraint: TupleDomain): Promise<readonly Split[]>;
  /** Folders that workers' kernels must be allowed to read for this catalog. */
  roots?(): readonly string[];
  /** Every machine of the cluster sees the same files under its roots; otherwise only this machine does. */
  readonly rootsAreShared?: boolean;
}

/** A column batch made in JavaScript for the kernel's appender, see `GeneratedColumn`. */
export type ColumnBatch = { readonly rows: number; readonly columns: readonly GeneratedColumn[] };

/** Dates as days since 1970-01-01, decimals as unscaled integers, strings as one UTF-8 buffer with rows + 1 offsets. */
export type GeneratedColumn =
  | { readonly kind: 'integer' | 'date'; readonly values: Int32Array }
  | { readonly kind: 'bigint'; readonly values: BigInt64Array }
  | { readonly kind: 'double'; readonly values: Float64Array }
  | {
      readonly kind: 'decimal';
      readonly precision: number;
      readonly scale: number;
      readonly values: BigInt64Array;
    }
  | { readonly kind: 'varchar'; readonly bytes: Uint8Array; readonly offsets: Uint32Array };

/** A file that a task needs and a worker makes on its own machine before the scan (the tpch generator's splits). */
export type GeneratedFile = {
  /** Final path; the kernel process writes a temporary name beside it and renames. */
  readonly path: string;
  readonly columnNames: readonly string[];
  /** Handed back to `ScanProvider.generate` inside the kernel process. */
  readonly recipe: JsonValue;
};

/** A file that a task reads, as it was when its splits were made. */
export type ScanFile = {
  /** An absolute path on the worker's machine, or a location in a file store: `tutti:///a`, `webhdfs://host:port/a`. */
  readonly location: string;
  readonly bytes: number;
  /** Of local files, left out where machines have copies of their own. */
  readonly modifiedMs?: number;
  /** See FileStatus; of file stores. */
  readonly id?: string;
  /** What the kernel is going to read of it, for `ScanProvider.bytesOf`; absent = all. */
  readonly part?: JsonValue;
};

export type ScanContext = {
  /** The worker's data directory, shared by the workers of one machine. */
  readonly dataDirectory: string;
  /** Where the kernel finds the files of `filesToOpen`, by their locations; those that are not here are at their location. */
  readonly files?: ReadonlyMap<string, string>;
};

/** The worker's side of a connector kind. Pure: no I/O of its own except inside `generate`. */
export interface ScanProvider {
  /** Files that must exist on this machine before `scanSql` runs. */
  filesToGenerate?(table: JsonValue, splits: readonly Split[], context: ScanContext): readonly GeneratedFile[];
  /** Files that the worker holds, unchanged and within the kernel's reach, while the statement runs. */
  filesToOpen?(table: JsonValue, splits: readonly Split[], columns: readonly Column[]): readonly ScanFile[];
  /** All bytes that the kernel may look at when it reads that part of a file: the others may be zeros. */
  bytesOf?(part: JsonValue, location: string, file: FileBytes): Promise<readonly Range[]>;
  /** Runs inside the kernel process, off the worker's event loop. */
  generate?(recipe: JsonValue, context: ScanContext): Iterable<ColumnBatch> | AsyncIterable<ColumnBatch>;
  /**
   * A kernel SELECT that yields the rows of `splits` with exactly `columns`, in that order and under those names
   * (quoted by `"`), each in the kernel representation of its type. `splits` may be empty: no rows, right types.
   */
  scanSql(table: JsonValue, splits: readonly Split[], columns: readonly Column[], context: ScanContext): string;
}

/** A file of a store in a statement: `as` stands where the kernel wants its path, and nowhere else. */
export type KernelFile = { readonly as: string; readonly connector: string; readonly file: ScanFile };

/** Port: runs generated kernel SQL on some worker, for schema inference and column sketches. Few, small rows. */
export interface KernelQueries {
  /** Values as JSON; BIGINT and wider as text. Throws QueryError for what the kernel refuses. */
  query(
    sql: string,
    roots: readonly string[],
    files?: readonly KernelFile[],
  ): Promise<readonly (readonly JsonValue[])[]>;
}

/** Port of the `system` connector: the rows of one of its tables at this moment. */
export interface RuntimeTables {
  /** At least those that satisfy `constraint`. */
  rows(schema: string, table: string, constraint: TupleDomain): Promise<readonly SystemRow[]>;
}

/** Values by the name of their column; absent = NULL. */
export type SystemRow = Readonly<Record<string, ConstantValue | undefined>>;
