/** Tables from Parquet, CSV, TSV and JSON-lines files that already lie somewhere. */

import path from 'node:path';
import { mapLimited } from '../../common/collections.ts';
import { QueryError } from '../../common/errors.ts';
import type { Range } from '../../common/ranges.ts';
import { mayContain } from '../../types/compare.ts';
import type { ConstantValue } from '../../types/constant.ts';
import type { TupleDomain } from '../../types/domain.ts';
import { listAll } from '../../filestore/file-system.ts';
import type { FileLocation } from '../../filestore/file-system.ts';
import type { FileSystems } from '../../filestore/file-systems.ts';
import type { Connector, JsonValue, KernelQueries, Split, TableDescription, TableStatistics } from '../connector.ts';
import type { FilesConfiguration, TableConfiguration } from './configuration.ts';
import { FileReader } from './file-reader.ts';
import { inferSchema } from './infer-schema.ts';
import type { FilesSchema } from './infer-schema.ts';
import { EXTENSIONS, locateFiles } from './locate.ts';
import type { DataFile } from './locate.ts';
import { JsonNumbers } from './json-numbers.ts';
import { decodeBound } from './parquet-footer.ts';
import type { ParquetFooter } from './parquet-footer.ts';
import { isLocal, locationText, resolveLocation, uriOf } from './location.ts';
import { filesHandle, PATH_COLUMN } from './scan.ts';
import type { FileFormat, FilesSplit } from './scan.ts';
import { CsvSniffer } from './sniff-csv.ts';
import { tableStatistics } from './statistics.ts';
import { asQueryError } from '../store-failure.ts';

export type FilesConnectorOptions = {
  readonly configuration: FilesConfiguration;
  /** Folder of the catalog's file: relative paths start here. */
  readonly baseDirectory: string;
  readonly kernel: KernelQueries;
  readonly fileSystems: FileSystems;
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

/** Files whose replicas are looked up at a time. */
const LOCATIONS_AT_ONCE = 16;

/** Compressed bytes of row groups that one split covers: a task takes several. */
const SPLIT_BYTES = 8 * 1024 * 1024;

export class FilesConnector implements Connector {
  readonly #options: FilesConnectorOptions;
  readonly #roots: readonly string[];
  readonly #reader: FileReader;
  readonly #sniffer: CsvSniffer;
  readonly #jsonNumbers: JsonNumbers;
  /** By schema and table; replaced when the files have changed. */
  readonly #located = new Map<string, LocatedTable>();
  readonly #described = new WeakMap<TableDescription, LocatedTable>();

  constructor(options: FilesConnectorOptions) {
    this.#options = options;
    this.#roots = options.configuration.roots.map((root) => resolveLocation(root, options.baseDirectory));
    for (const place of placesOf(options.configuration)) resolveLocation(place, options.baseDirectory);
    const { kernel, fileSystems } = options;
    this.#reader = new FileReader({ kernel, fileSystems, roots: this.roots() });
    this.#sniffer = new CsvSniffer(this.#reader);
    this.#jsonNumbers = new JsonNumbers(this.#reader);
  }

  get rootsAreShared(): boolean {
    return this.#options.configuration.shared ?? false;
  }

  roots(): readonly string[] {
    return this.#roots.filter(isLocal);
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
    return tableStatistics(input, this.#reader, this.#options.cacheDirectory);
  }

  async splits(
    table: TableDescription,
    _columns: readonly string[],
    constraint: TupleDomain,
  ): Promise<readonly Split[]> {
    const located = this.#locatedOf(table);
    const splits = this.#splits(located, table, constraint);
    return this.#withHosts(located, splits);
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
    const folder = resolveLocation(entry.folder, this.#options.baseDirectory);
    const found = new Map<string, string[]>();
    for (const { location, isFolder } of await this.#children(schema, folder)) {
      const child = path.posix.basename(location);
      if (/^[._]/.test(child)) continue;
      const extension = path.extname(child).toLowerCase();
      if (!isFolder && !(extension in EXTENSIONS)) continue;
      const name = (isFolder ? child : child.slice(0, -extension.length)).toLowerCase();
      const paths = found.get(name) ?? [];
      found.set(name, [...paths, location]);
    }
    return Object.fromEntries(
      [...found].map(([name, paths]) => [
        name,
        paths.length === 1 ? { path: paths[0]! } : { candidates: paths.sort() },
      ]),
    );
  }

  async #children(
    schema: string,
    folder: string,
  ): Promise<readonly { readonly location: string; readonly isFolder: boolean }[]> {
    const uri = uriOf(folder);
    return asQueryError(folder, async () => {
      const fileSystem = this.#options.fileSystems.of(uri);
      // A folder of a store may come with its first file.
      if (isLocal(folder) && (await fileSystem.stat(folder))?.kind !== 'folder') {
        throw new QueryError('FILE_NOT_FOUND', `Schema '${schema}' is the folder ${folder}, which cannot be read`);
      }
      const children: { location: string; isFolder: boolean }[] = [];
      for await (const entry of listAll(fileSystem, uri.path)) {
        children.push({ location: locationText({ ...uri, path: entry.path }), isFolder: entry.kind === 'folder' });
      }
      return children;
    });
  }

  async #locate(schema: string, table: string, configuration: TableConfiguration): Promise<LocatedTable> {
    const pattern = resolveLocation(configuration.path, this.#options.baseDirectory);
    const { fileSystems } = this.#options;
    const files = await locateFiles(pattern, this.#roots, configuration.hint ?? '', fileSystems);
    const identity = JSON.stringify(files.map((file) => [file.path, file.id, file.bytes, file.modifiedMs]));
    const key = JSON.stringify([schema, table]);
    const known = this.#located.get(key);
    if (known?.identity === identity) return known;
    const format = configuration.format ?? formatOf(files[0]!);
    // Footers first: a codec that is not read is refused before the kernel sees the file.
    const footers =
      format === 'parquet' ? await mapLimited(files, FOOTERS_AT_ONCE, (file) => this.#reader.footer(file)) : undefined;
    const inferred = await inferSchema(files, format, configuration, this.#reader, this.#sniffer, this.#jsonNumbers);
    const located = { files, identity, schema: inferred, footers };
    this.#located.set(key, located);
    return located;
  }

  /** Machines with copies of their own have their own times of them. */
  #identityOf({ path: at, id, bytes, modifiedMs }: DataFile): FilesSplit['file'] {
    if (!isLocal(at)) return { bytes, modifiedMs, id };
    return { bytes, ...(!this.rootsAreShared && { modifiedMs }) };
  }

  /** Replicas move: they are looked up for each query. */
  async #withHosts({ files, footers }: LocatedTable, splits: readonly Split[]): Promise<readonly Split[]> {
    const stored = splits.filter((split) => !isLocal(payloadOf(split).path));
    if (stored.length === 0) return splits;
    const paths = [...new Set(stored.map((split) => payloadOf(split).path))];
    const places = new Map(
      await mapLimited(paths, LOCATIONS_AT_ONCE, async (at) => [at, await this.#locations(at)] as const),
    );
    const footerOf = new Map(files.map((file, i) => [file.path, footers?.[i]]));
    return splits.map((split) => {
      const { path: at, range } = payloadOf(split);
      const known = places.get(at);
      return known ? { ...split, hosts: hostsOf(known, bytesOf(footerOf.get(at), range)) } : split;
    });
  }

  async #locations(at: string): Promise<readonly FileLocation[]> {
    const uri = uriOf(at);
    return asQueryError(at, async () => (await this.#options.fileSystems.of(uri).locations?.(uri.path)) ?? []);
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
        file: this.#identityOf(file),
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

/** All places that a catalog file names besides its roots. */
const placesOf = ({ schemas }: FilesConfiguration): readonly string[] =>
  Object.values(schemas).flatMap((schema) =>
    'tables' in schema ? Object.values(schema.tables).map((table) => table.path) : [schema.folder],
  );

const payloadOf = (split: Split): FilesSplit => split.payload as unknown as FilesSplit;

/** Where the row groups of these rows are in their file; undefined = anywhere in it. */
function bytesOf(footer: ParquetFooter | undefined, rows: FilesSplit['range']): Range | undefined {
  if (!footer || !rows) return undefined;
  let first = 0;
  const places = footer.rowGroups.flatMap((group) => {
    const start = first;
    first += group.rows;
    return start < rows[1] && rows[0] < first ? group.chunks.map(({ most }) => most) : [];
  });
  return [Math.min(...places.map(([start]) => start)), Math.max(...places.map(([, end]) => end))];
}

/** The machines that have the most of these bytes. */
function hostsOf(places: readonly FileLocation[], [start, end]: Range = [0, Infinity]): readonly string[] {
  const bytes = new Map<string, number>();
  for (const { offset, length, hosts } of places) {
    const covered = Math.min(end, offset + length) - Math.max(start, offset);
    // Several replicas on one machine are no more than one.
    if (covered > 0) for (const host of new Set(hosts)) bytes.set(host, (bytes.get(host) ?? 0) + covered);
  }
  const most = Math.max(...bytes.values());
  return [...bytes].filter(([, covered]) => covered === most).map(([host]) => host);
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
