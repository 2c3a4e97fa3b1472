/** Text files as tables of a `files` catalog, read by a plain kernel. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { systemClock } from '../../src/common/clock.ts';
import { QueryError } from '../../src/common/errors.ts';
import type { KernelQueries } from '../../src/connectors/connector.ts';
import { FilesConnector } from '../../src/connectors/files/files-connector.ts';
import { filesConfigurationSchema } from '../../src/connectors/files/configuration.ts';
import { filesScan } from '../../src/connectors/files/scan.ts';
import { FileSystems } from '../../src/filestore/file-systems.ts';
import { typeName } from '../../src/types/type.ts';
import { kernelError } from '../../src/worker/kernel/errors.ts';
import { openKernel, rowsOf } from './kernel.ts';

export class TextTables {
  readonly #folder: string;
  readonly #kernel: DuckDBConnection;

  constructor(folder: string, kernel: DuckDBConnection) {
    this.#folder = folder;
    this.#kernel = kernel;
  }

  static async open(): Promise<TextTables> {
    return new TextTables(await mkdtemp(path.join(tmpdir(), 'tutti-text-')), await openKernel());
  }

  async close(): Promise<void> {
    this.#kernel.closeSync();
    await rm(this.#folder, { recursive: true });
  }

  /** Writes files below `/data`. */
  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(this.#folder, 'data', name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, text);
    }
  }

  /** As workers answer: the kernel's errors have codes. */
  readonly #queries: KernelQueries = {
    query: (sql) =>
      rowsOf(this.#kernel, sql).catch((problem: unknown) => {
        const { code, message } = kernelError((problem as Error).message);
        throw new QueryError(code, message);
      }),
  };

  /** The schema `s` is the folder, or has the one table `t`. */
  connector(table?: Record<string, unknown>): FilesConnector {
    const schema = table ? { tables: { t: table } } : { folder: 'data' };
    return new FilesConnector({
      configuration: filesConfigurationSchema.parse({ connector: 'files', roots: ['data'], schemas: { s: schema } }),
      baseDirectory: this.#folder,
      kernel: this.#queries,
      fileSystems: new FileSystems(systemClock),
      cacheDirectory: path.join(this.#folder, 'cache'),
    });
  }

  /** Names and types of the columns. */
  async columns(table: Record<string, unknown>): Promise<readonly string[]> {
    const { columns } = (await this.connector(table).describeTable('s', 't'))!;
    return columns.filter(({ hidden }) => !hidden).map(({ name, type }) => `${name} ${typeName(type)}`);
  }

  /** All rows (of one column), or an error as `CODE message`, with paths from `/data` on. */
  async rows(table: Record<string, unknown>, only?: string): Promise<unknown> {
    try {
      const files = this.connector(table);
      const described = (await files.describeTable('s', 't'))!;
      const columns = described.columns.filter(({ name, hidden }) => !hidden && (!only || name === only));
      await files.statistics(described);
      const splits = await files.splits(described, [], {});
      return await rowsOf(this.#kernel, filesScan.scanSql(described.handle, splits, columns, { dataDirectory: '' }));
    } catch (problem) {
      const raised = problem as Error & { readonly code?: string };
      const { code, message } = raised.code ? raised : kernelError(raised.message);
      return `${code} ${message.replaceAll(this.#folder, '')}`;
    }
  }
}

/** `a bigint` → `{ name: 'a', type: 'bigint' }`. */
export const declared = (columns: readonly string[]): readonly { readonly name: string; readonly type: string }[] =>
  columns.map((column) => {
    const blank = column.indexOf(' ');
    return { name: column.slice(0, blank), type: column.slice(blank + 1) };
  });
