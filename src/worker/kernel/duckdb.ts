/** The kernel itself: the only file that knows DuckDB's package. Runs in the kernel process alone. */

import { createRequire } from 'node:module';
import {
  BIGINT,
  DATE,
  DECIMAL,
  DOUBLE,
  DuckDBDataChunk,
  DuckDBInstance,
  INTEGER,
  VARCHAR,
  type DuckDBConnection,
  type DuckDBType,
} from '@duckdb/node-api';
import { assert } from '../../common/assert.ts';
import type { ColumnBatch, GeneratedColumn } from '../../connectors/connector.ts';
import { globFree, identifier, quote } from '../../types/kernel.ts';
import type { KernelOptions, KernelRows } from './protocol.ts';
import { Chunk, type RawVectors } from './vector.ts';

/** One instance with its settings locked, and connections that are used again. */
export class DuckDb {
  readonly #instance: DuckDBInstance;
  readonly #idle: Connection[] = [];
  readonly #busy = new Set<Connection>();

  private constructor(instance: DuckDBInstance) {
    this.#instance = instance;
  }

  static async open(options: KernelOptions): Promise<DuckDb> {
    const instance = await DuckDBInstance.create(':memory:', { threads: String(options.threads) });
    const connection = await instance.connect();
    for (const [name, value] of settings(options)) await connection.run(`SET GLOBAL ${name} = ${value}`);
    connection.closeSync();
    return new DuckDb(instance);
  }

  async connect(): Promise<Connection> {
    const connection = this.#idle.pop() ?? new Connection(await this.#instance.connect());
    this.#busy.add(connection);
    return connection;
  }

  release(connection: Connection): void {
    this.#busy.delete(connection);
    this.#idle.push(connection);
  }

  close(): void {
    assert(this.#busy.size === 0, 'nothing runs in a kernel that is closed');
    for (const connection of this.#idle) connection.close();
    this.#instance.closeSync();
  }
}

/** In this order: the last one closes all others, but for those that stay allowed. */
function settings(options: KernelOptions): readonly (readonly [name: string, value: string])[] {
  // Paths that are read stand as globs: both ways to write a folder are its.
  const folders = options.folders
    .flatMap((folder) => [folder, globFree(folder)])
    .map((folder) => quote(folder.endsWith('/') ? folder : `${folder}/`));
  return [
    ['memory_limit', quote(`${Math.floor(options.memoryBytes / 1024)}KiB`)],
    ['temp_directory', quote(options.spillDirectory)],
    // Obeyed through SET only.
    ['max_temp_directory_size', quote(`${Math.floor(options.spillBytesMax / 1024)}KiB`)],
    // The planner has ordered the joins, from statistics that the kernel cannot see behind an exchange.
    ['disabled_optimizers', quote('join_order,build_side_probe_side')],
    // Rows without ORDER BY have no order; keeping one costs memory and holds threads up.
    ['preserve_insertion_order', 'false'],
    // Zones stand in the statements themselves; offsets such as +05:30 are no zones to the kernel.
    ['TimeZone', quote('UTC')],
    // One file for each partition, however many there are.
    ['partitioned_write_max_open_files', '10000'],
    ['autoinstall_known_extensions', 'false'],
    ['autoload_known_extensions', 'false'],
    ['allow_community_extensions', 'false'],
    ['allowed_directories', `[${folders.join(', ')}]`],
    ['allowed_configs', `['enable_profiling', 'profiling_output']`],
    ['enable_external_access', 'false'],
    ['lock_configuration', 'true'],
  ];
}

export class Connection {
  readonly #connection: DuckDBConnection;

  constructor(connection: DuckDBConnection) {
    this.#connection = connection;
  }

  /**
   * The rows of a statement that yields few. Materialised by the kernel first, since a stream may end early on an error.
   * With `profilePath`, the kernel's profile of the statement goes there as JSON.
   */
  async run(sql: string, rowsMax: number, profilePath?: string): Promise<KernelRows> {
    if (profilePath === undefined) return this.#run(sql, rowsMax);
    await this.#connection.run(`SET enable_profiling = 'json'`);
    try {
      await this.#connection.run(`SET profiling_output = ${quote(profilePath)}`);
      return await this.#run(sql, rowsMax);
    } finally {
      await this.#connection.run(`SET enable_profiling = 'no_output'`);
      await this.#connection.run('PRAGMA disable_profiling');
    }
  }

  async #run(sql: string, rowsMax: number): Promise<KernelRows> {
    const reader = await this.#connection.runAndReadAll(sql);
    const rows = reader.currentRowCount;
    if (rows > rowsMax) throw new Error(`Invalid Input Error: the statement yields ${rows} rows, more than ${rowsMax}`);
    return reader.getRowsJson();
  }

  /**
   * Rows while they are made, the next ones on their way while these are used. **May end early without an error**: whoever
   * reads must know how many rows there are. Nothing else may run on the connection meanwhile.
   */
  async *stream(sql: string): AsyncGenerator<Chunk, void> {
    const result = await this.#connection.stream(sql);
    let ahead = result.fetchChunk();
    try {
      for (;;) {
        const chunk = await ahead;
        if (!chunk || chunk.rowCount === 0) return;
        ahead = result.fetchChunk();
        yield new Chunk(raw, chunk.chunk);
      }
    } finally {
      // A reader that leaves lets the kernel come to rest first. What it no longer wants to know cannot matter to it.
      await ahead.catch(() => null);
    }
  }

  interrupt(): void {
    this.#connection.interrupt();
  }

  close(): void {
    this.#connection.closeSync();
  }

  /** Appends batches to a new temporary table of that name, which must be dropped after use. */
  async load(
    table: string,
    columnNames: readonly string[],
    batches: Iterable<ColumnBatch> | AsyncIterable<ColumnBatch>,
  ): Promise<number> {
    let rows = 0;
    let loader: Loader | undefined;
    for await (const batch of batches) {
      loader ??= await this.#createTable(table, columnNames, batch.columns);
      loader.append(batch);
      rows += batch.rows;
    }
    assert(loader, 'generated data has at least one batch');
    loader.close();
    return rows;
  }

  async #createTable(
    table: string,
    columnNames: readonly string[],
    columns: readonly GeneratedColumn[],
  ): Promise<Loader> {
    assert(columns.length === columnNames.length, 'each generated column has a name');
    const types = columns.map(columnType);
    const definitions = types.map((type, i) => `${identifier(columnNames[i]!)} ${type.toString()}`);
    await this.#connection.run(`CREATE TEMP TABLE "${table}" (${definitions.join(', ')})`);
    const appender = await this.#connection.createAppender(table, 'main', 'temp');
    const chunk = DuckDBDataChunk.create(types);
    return {
      append: (batch) => {
        for (let start = 0; start < batch.rows; start += VECTOR_ROWS) {
          const count = Math.min(VECTOR_ROWS, batch.rows - start);
          chunk.reset();
          chunk.rowCount = count;
          batch.columns.forEach((column, i) => fill(chunk, i, column, start, count));
          appender.appendDataChunk(chunk);
        }
      },
      close: () => appender.closeSync(),
    };
  }
}

type Loader = { append(batch: ColumnBatch): void; close(): void };

/** Rows that one of the kernel's vectors holds. */
const VECTOR_ROWS = 2048;

function columnType(column: GeneratedColumn): DuckDBType {
  switch (column.kind) {
    case 'integer':
      return INTEGER;
    case 'date':
      return DATE;
    case 'bigint':
      return BIGINT;
    case 'double':
      return DOUBLE;
    case 'varchar':
      return VARCHAR;
    case 'decimal':
      // Narrower ones stand in fewer than the eight bytes of a cell here.
      assert(column.precision >= 10 && column.precision <= 18, 'generated decimals have 10 to 18 digits');
      return DECIMAL(column.precision, column.scale);
  }
}

/** The package's own writers make a JavaScript value of each cell; these copy bytes. */
type RawWriters = {
  copy_data_to_vector(vector: unknown, at: number, source: ArrayBufferLike, offset: number, bytes: number): void;
  vector_assign_string_element_len(vector: unknown, index: number, bytes: Uint8Array): void;
};

const here = createRequire(import.meta.url);
const raw = createRequire(here.resolve('@duckdb/node-api'))('@duckdb/node-bindings') as RawVectors & RawWriters;

function fill(chunk: DuckDBDataChunk, index: number, column: GeneratedColumn, start: number, count: number): void {
  const vector = raw.data_chunk_get_vector(chunk.chunk, index);
  if (column.kind !== 'varchar') {
    const { values } = column;
    const width = values.BYTES_PER_ELEMENT;
    raw.copy_data_to_vector(vector, 0, values.buffer, values.byteOffset + start * width, count * width);
    return;
  }
  const { bytes, offsets } = column;
  for (let row = 0; row < count; row++) {
    const cell = bytes.subarray(offsets[start + row], offsets[start + row + 1]);
    raw.vector_assign_string_element_len(vector, row, cell);
  }
}
