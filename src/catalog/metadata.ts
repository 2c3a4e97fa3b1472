/** What the analyzer and the planner may know of the mounted catalogs: one view per query. */

import type { Column, Split, TableDescription, TableStatistics } from '../connectors/connector.ts';
import type { TupleDomain } from '../types/domain.ts';

export type QualifiedTableName = { readonly catalog: string; readonly schema: string; readonly table: string };

/** A table as one query sees it. */
export type CatalogTable = QualifiedTableName & {
  /** The connector kind that reads it on workers. */
  readonly connector: string;
  readonly columns: readonly Column[];
  readonly description: TableDescription;
};

/** Names in lower case. Every method may throw a connector's QueryError (a damaged file, an unreadable folder). */
export interface Metadata {
  listCatalogs(): readonly string[];
  /** Throws CATALOG_NOT_FOUND. */
  listSchemas(catalog: string): Promise<readonly string[]>;
  /** Throws CATALOG_NOT_FOUND and SCHEMA_NOT_FOUND. */
  listTables(catalog: string, schema: string): Promise<readonly string[]>;
  /** Undefined when catalog, schema or table does not exist; the analyzer says which, with a suggestion and a position. */
  table(name: QualifiedTableName): Promise<CatalogTable | undefined>;
  statistics(table: CatalogTable): Promise<TableStatistics>;
  splits(table: CatalogTable, columns: readonly string[], constraint: TupleDomain): Promise<readonly Split[]>;
}
