/** The `system` catalog: what the cluster is and does, as tables. Rows come from the coordinator through a port. */

import type { TupleDomain } from '../../types/domain.ts';
import type { Connector, RuntimeTables, TableDescription } from '../connector.ts';
import { inlineSplits } from '../inline/inline-rows.ts';
import { SYSTEM_TABLES } from './tables.ts';

export class SystemConnector implements Connector {
  readonly #runtime: RuntimeTables;

  constructor(runtime: RuntimeTables) {
    this.#runtime = runtime;
  }

  async listSchemas(): Promise<readonly string[]> {
    return Object.keys(SYSTEM_TABLES);
  }

  async listTables(schema: string): Promise<readonly string[]> {
    return Object.keys(SYSTEM_TABLES[schema] ?? {});
  }

  async describeTable(schema: string, table: string): Promise<TableDescription | undefined> {
    const columns = SYSTEM_TABLES[schema]?.[table];
    return columns && { schema, table, columns, handle: null };
  }

  async statistics(): Promise<{ readonly columns: {} }> {
    return { columns: {} };
  }

  async splits(
    { schema, table, columns: all }: TableDescription,
    columns: readonly string[],
    constraint: TupleDomain,
  ): ReturnType<Connector['splits']> {
    const rows = await this.#runtime.rows(schema, table, constraint);
    return inlineSplits(
      all,
      columns,
      rows.map((row) => all.map(({ name }) => row[name] ?? null)),
    );
  }
}
