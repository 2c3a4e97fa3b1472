/** A plain kernel for tests of what is rendered for it: no sandbox, no child process. */

import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { JsonValue, KernelQueries } from '../../src/connectors/connector.ts';

export async function openKernel(): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  return instance.connect();
}

/** All rows as JSON values; integers wider than 32 bits as text. */
export async function rowsOf(kernel: DuckDBConnection, sql: string): Promise<readonly (readonly JsonValue[])[]> {
  const reader = await kernel.runAndReadAll(sql);
  return reader.getRowsJson();
}

export const kernelQueries = (kernel: DuckDBConnection): KernelQueries => ({ query: (sql) => rowsOf(kernel, sql) });
