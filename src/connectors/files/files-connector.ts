/** Tables from Parquet, CSV, TSV and JSON-lines files that already lie somewhere. */

import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { mapLimited } from '../../common/collections.ts';
import { QueryError } from '../../common/errors.ts';
import { mayContain } from '../../types/compare.ts';
import type { ConstantValue } from '../../types/constant.ts';
import type { TupleDomain } from '../../types/domain.ts';
import type { Connector, JsonValue, KernelQueries, Split, TableDescription, TableStatistics } from '../connector.ts';
import type { FilesConfiguration, TableConfiguration } from './configuration.ts';
import { inferSchema } from './infer-schema.ts';
import type { FilesSchema } from './infer-schema.ts';
import { EXTENSIONS, locateFiles } from './locate.ts';
import type { DataFile } from './locate.ts';
import { JsonNumbers } from './json-numbers.ts';
import { decodeBound, readParquetFooter } from './parquet-footer.ts';
import type { ParquetFooter } from './parquet-footer.ts';
import { resolvePath } from './resolve-path.ts';
import { filesHandle, PATH_COLUMN } from './scan.ts';
import type { FileFormat, FilesSplit } from './scan.ts';
import { CsvSniffer } from './sniff-csv.ts';
import { tableStatistics } from './statistics.ts';

export type FilesConnectorOptions = {
  readonly configuration: FilesConfiguration;
  /** Folder of the catalog's file: relative paths start here. */
  readonly baseDirectory: string;
  readonly kernel: KernelQueries;
  /** Where sketches are kept. */
  readonly cacheDirectory: string;
};

/** A table at one moment: its files, their schema and footers. */
type LocatedTable = {
  readonly files: readonly DataFile[];
  readonly identity: string;
  readonly schema: FilesSchema;
  readonly footers: readonly ParquetFooter[] | undefined;
};

/** Several files or subfolders of a folder have one name. The others of the folder are tables all the same. */
type AmbiguousTable = { readonly candidates: readonly string[] };

/** Footers read at a time. */
const FOOTERS_AT_ONCE = 16;

/** Compressed bytes of row groups that one split covers: a task takes several. */
const SPLIT_BYTES = 8 * 1024 * 1024;

export class FilesConnector implements Connector {
  readonly #options: FilesConnectorOptions;
  readonly #roots: readonly string[];
  readonly #sniffer: CsvSniffer;
  readonly #jsonNumbers: JsonNumbers;
  /** By schema and table; replaced when the files have changed. */
  readonly #located = new Map<string, LocatedTable>();
  readonly #described = new WeakMap<TableDescription, LocatedTable>();

  constructor(options: FilesConnectorOptions) {
    this.#options = options;
    this.#roots = options.configuration.roots.map((root) => resolvePath(root, options.baseDirectory));
    this.#sniffer = new CsvSniffer(options.kernel, this.#roots);
    this.#jsonNumbers = new JsonNumbers(options.kernel, this.#roots);
  }

  get rootsAreShared(): boolean {
    return this.#options.configuration.shared ?? false;
  }

  roots(): readonly string[] {
    return this.#roots;
  }

  async listSchemas(): Promise<readonly string[]> {
    return Object.keys(this.#options.configuration.schemas).map((name) => name.toLowerCase());
  }

  async listTables(schema: string): Promise<readonly string[]> {
    return Object.keys(await this.#tables(schema));
  }

  async describeTable(schema: string, table: string): Promise<TableDescription | undefined> {
    const configuration = (await this.#tables(schema))[table];
    if (!configuration) return undefined;
    if ('candidates' in configuration) {
      const paths = configuration.candidates.join(' and ');
      throw new QueryError('FILE_UNSUPPORTED', `Table "${table}" would be both ${paths}: rename one of them`);
    }
    const located = await this.#locate(schema, table, configuration);
    const { columns, handle } = located.schema;
    const description = { schema, table, columns, handle: filesHandle(handle) };
    this.#described.set(description, located);
    return description;
  }

  async statistics(table: TableDescription): Promise<TableStatistics> {
    const located = this.#locatedOf(table);
    const splits = this.#splits(located, table, {});
    const input = { ...located, columns: table.columns, handle: located.schema.handle, splits };
    return tableStatistics(input, this.#options.kernel, this.#roots, this.#options.cacheDirectory);
  }

  async splits(
    table: TableDescription,
    _columns: readonly string[],
    constraint: TupleDomain,
  ): Promise<readonly Split[]> {
    return this.#splits(this.#locatedOf(table), table, constraint);
  }

  #locatedOf(table: TableDescription): LocatedTable {
    const located = this.#described.get(table);
    if (!located)
      throw new QueryError('TABLE_NOT_FOUND', `Table ${table.schema}.${table.table} was not described before`);
    return located;
  }

  async #tables(schema: string): Promise<Readonly<Record<string, TableConfiguration | AmbiguousTable>>> {
    const entry = Object.entries(this.#options.configuration.schemas).find(
      ([name]) => name.toLowerCase() === schema,
    )?.[1];
    if (!entry) return {};
    if ('tables' in entry) return lowerCaseKeys(entry.tables);
    const folder = resolvePath(entry.folder, this.#options.baseDirectory);
    const found = new Map<string, string[]>();
    const children = await readdir(folder, { withFileTypes: true }).catch(() => {
      throw new QueryError('FILE_NOT_FOUND', `Schema '${schema}' is the folder ${folder}, which cannot be read`);
    });
    for (const child of children) {
      if (/^[._]/.test(child.name)) continue;
      const extension = path.extname(child.name).toLowerCase();
      if (!child.isDirectory() && !(extension in EXTENSIONS)) continue;
      const name = (child.isDirectory() ? child.name : child.name.slice(0, -extension.length)).toLowerCase();
      const paths = found.get(name) ?? [];
      found.set(name, [...paths, path.join(folder, child.name)]);
    }
    return Object.fromEntries(
      [...found].map(([name, paths]) => [
        name,
        paths.length === 1 ? { path: paths[0]! } : { candidates: paths.sort() },
      ]),
    );
  }

  async #locate(schema: string, table: string, configuration: TableConfiguration): Promise<LocatedTable> {
    const pattern = resolvePath(configuration.path, this.#options.baseDirectory);
    const files = await locateFiles(pattern, this.#roots, configuration.hint ?? '');
    const identity = JSON.stringify(files.map((file) => [file.path, file.bytes, file.modifiedMs]));
    const key = JSON.stringify([schema, table]);
    const known = this.#located.get(key);
    if (known?.identity === identity) return known;
    const format = configuration.format ?? formatOf(files[0]!);
    // Footers first: a codec that is not read is refused before the kernel sees the file.
    const footers =
      format === 'parquet'
        ? await mapLimited(files, FOOTERS_AT_ONCE, (file) => readParquetFooter(file.path))
        : undefined;
    const inferred = await inferSchema(
      files,
      format,
      configuration,
      this.#options.kernel,
      this.#roots,
      this.#sniffer,
      this.#jsonNumbers,
    );
    const located = { files, identity, schema: inferred, footers };
    this.#located.set(key, located);
    return located;
  }

  #splits(located: LocatedTable, table: TableDescription, constraint: TupleDomain): readonly Split[] {
    const { files, footers, schema } = located;
    const splits: Split[] = [];
    files.forEach((file, i) => {
      const footer = footers?.[i];
      const partition = partitionValues(file, table);
      if (!partitionMatches(table, partition, constraint)) return;
      const missing = footer ? missingColumns(schema, footer) : [];
      const shared: FilesSplit = {
        path: file.path,
        ...(missing.length > 0 && { missing }),
        ...(partition && { partition }),
        ...(schema.longNumbers?.has(file.path) && { longNumbers: true }),
      };
      if (!footer) splits.push({ id: `${i}`, payload: asJson(shared), bytes: file.bytes });
      else splits.push(...footerSplits(i, footer, table, constraint, shared));
    });
    return splits;
  }
}

const asJson = (payload: FilesSplit): JsonValue => payload;

const lowerCaseKeys = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key.toLowerCase(), value]));

function formatOf(file: DataFile): FileFormat {
  const format = EXTENSIONS[path.extname(file.path).toLowerCase()];
  if (format) return format as FileFormat;
  throw new QueryError(
    'FILE_UNSUPPORTED',
    `${file.path}: the extension tells no format; set "format" in the catalog file`,
  );
}

const missingColumns = (schema: FilesSchema, footer: ParquetFooter): readonly string[] => {
  const present = new Set(footer.columnNames.map((name) => name.toLowerCase()));
  return Object.keys(schema.handle.columns).filter((name) => !present.has(name));
};

/** Undefined when the file lies in no `key=value` folder. */
function partitionValues(file: DataFile, table: TableDescription): Readonly<Record<string, ConstantValue>> | undefined {
  const values = Object.entries(file.partition);
  if (values.length === 0) return undefined;
  const known = new Set(table.columns.map((column) => column.name));
  return Object.fromEntries(values.filter(([name]) => known.has(name)));
}

function partitionMatches(
  table: TableDescription,
  partition: Readonly<Record<string, ConstantValue>> | undefined,
  constraint: TupleDomain,
): boolean {
  return Object.entries(partition ?? {}).every(([name, value]) => {
    const domain = constraint[name];
    const type = table.columns.find((column) => column.name === name)!.type;
    if (!domain) return true;
    return value === null ? domain.nullAllowed : mayContain(type, domain, value, value, false);
  });
}

/** Neighbouring row groups that the constraint does not exclude, in runs of about `SPLIT_BYTES`. */
function footerSplits(
  fileIndex: number,
  footer: ParquetFooter,
  table: TableDescription,
  constraint: TupleDomain,
  shared: FilesSplit,
): readonly Split[] {
  const splits: Split[] = [];
  let start = 0;
  let open: { start: number; end: number; bytes: number } | undefined;
  const close = (): void => {
    if (!open) return;
    const whole = open.start === 0 && open.end === footer.rows;
    const payload = whole ? shared : { ...shared, range: [open.start, open.end] as const };
    splits.push({
      id: `${fileIndex}:${open.start}`,
      payload: asJson(payload),
      rows: open.end - open.start,
      bytes: open.bytes,
    });
    open = undefined;
  };
  for (const group of footer.rowGroups) {
    const end = start + group.rows;
    if (groupMatches(group, table, constraint)) {
      open = { start: open?.start ?? start, end, bytes: (open?.bytes ?? 0) + group.bytes };
      if (open.bytes >= SPLIT_BYTES) close();
    } else close();
    start = end;
  }
  close();
  return splits;
}

function groupMatches(
  group: ParquetFooter['rowGroups'][number],
  table: TableDescription,
  constraint: TupleDomain,
): boolean {
  return Object.entries(constraint).every(([name, domain]) => {
    const chunk = group.columns.get(name);
    const column = table.columns.find((candidate) => candidate.name === name);
    if (!chunk || !column || name === PATH_COLUMN) return true;
    if (chunk.nulls === group.rows) return domain.nullAllowed;
    const [low, high] = [chunk.low, chunk.high].map((bound) => decodeBound(column.type, chunk.encoding, bound));
    return mayContain(column.type, domain, low, high, chunk.nulls !== 0);
  });
}
