/** Plain DuckDB over the very tables that Tutti's catalogs show, set to Trino's defaults where it has a setting. */

import type { DuckDBConnection } from '@duckdb/node-api';
import type { Connector } from '../../src/connectors/connector.ts';
import { SCAN_PROVIDERS } from '../../src/connectors/scan-providers.ts';
import { openKernel, rowsOf } from './kernel.ts';

export type OracleTable = {
  readonly catalog: string;
  readonly schema: string;
  readonly table: string;
  readonly provider: string;
  readonly connector: Connector;
};

/** `use` is the schema that unqualified names are looked up in. Files of generated tables must exist already. */
export async function openOracle(
  tables: readonly OracleTable[],
  dataDirectory: string,
  use: string,
): Promise<DuckDBConnection> {
  const kernel = await openKernel();
  await kernel.run("SET default_null_order = 'nulls_last'; SET integer_division = true; SET TimeZone = 'UTC'");
  for (const { catalog, schema, table, provider, connector } of tables) {
    const description = (await connector.describeTable(schema, table))!;
    const columns = description.columns.filter((column) => !column.hidden);
    const splits = await connector.splits(
      description,
      columns.map((column) => column.name),
      {},
    );
    const sql = SCAN_PROVIDERS[provider]!.scanSql(description.handle, splits, columns, { dataDirectory });
    const attached = await rowsOf(kernel, `SELECT 1 FROM duckdb_databases() WHERE database_name = '${catalog}'`);
    if (attached.length === 0) await kernel.run(`ATTACH ':memory:' AS ${catalog}`);
    await kernel.run(`CREATE SCHEMA IF NOT EXISTS ${catalog}.${schema}`);
    await kernel.run(`CREATE VIEW ${catalog}.${schema}.${table} AS ${sql}`);
  }
  await kernel.run(`USE ${use}`);
  return kernel;
}
