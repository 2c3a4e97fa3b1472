/** The mounted catalogs, and the view of them that one query works with. */

import { QueryError } from '../common/errors.ts';
import type { Connector, TableDescription, TableStatistics } from '../connectors/connector.ts';
import type { CatalogTable, Metadata, QualifiedTableName } from './metadata.ts';

/** The schema that every catalog has beside its own. */
const INFORMATION_SCHEMA = 'information_schema';

export type MountedCatalog = {
  readonly name: string;
  /** The connector's name as catalog files and `system.metadata.catalogs` say it: `files`, `tpch`. */
  readonly connectorName: string;
  /** The scan provider that reads its tables on workers. */
  readonly scanProvider: string;
  readonly connector: Connector;
  /** Answers for `information_schema`, read by `informationScanProvider`. */
  readonly information: Connector;
  readonly informationScanProvider: string;
};

export class CatalogManager {
  readonly #catalogs: ReadonlyMap<string, MountedCatalog>;

  constructor(catalogs: readonly MountedCatalog[]) {
    this.#catalogs = new Map(catalogs.map((catalog) => [catalog.name, catalog]));
  }

  catalogs(): readonly MountedCatalog[] {
    return [...this.#catalogs.values()];
  }

  /** Folders that the kernels of workers must be allowed to read. */
  roots(): readonly string[] {
    return [...new Set(this.catalogs().flatMap((catalog) => catalog.connector.roots?.() ?? []))];
  }

  /** Does the table lie in files that only processes on this very machine see? */
  isLocal({ catalog, connector }: { readonly catalog: string; readonly connector: string }): boolean {
    const mounted = this.#catalogs.get(catalog);
    if (!mounted || mounted.scanProvider !== connector || mounted.connector.rootsAreShared) return false;
    return (mounted.connector.roots?.() ?? []).length > 0;
  }

  /** A view for one query: what it has seen of a table once, it sees until its end. */
  view(): Metadata {
    return new MetadataView(this.#catalogs);
  }
}

class MetadataView implements Metadata {
  readonly #catalogs: ReadonlyMap<string, MountedCatalog>;
  readonly #tables = new Map<string, Promise<CatalogTable | undefined>>();
  readonly #statistics = new Map<TableDescription, Promise<TableStatistics>>();

  constructor(catalogs: ReadonlyMap<string, MountedCatalog>) {
    this.#catalogs = catalogs;
  }

  listCatalogs(): readonly string[] {
    return [...this.#catalogs.keys()].sort();
  }

  async listSchemas(catalog: string): Promise<readonly string[]> {
    const schemas = await this.#mounted(catalog).connector.listSchemas();
    return [...schemas, INFORMATION_SCHEMA].sort();
  }

  async listTables(catalog: string, schema: string): Promise<readonly string[]> {
    const schemas = await this.listSchemas(catalog);
    const connector = this.#connector(catalog, schema);
    // A catalog may know schemas that it does not list, such as sf3 of tpch.
    const tables = await connector.listTables(schema);
    if (tables.length === 0 && !schemas.includes(schema)) {
      throw new QueryError(
        'SCHEMA_NOT_FOUND',
        `Schema '${schema}' does not exist; SHOW SCHEMAS FROM ${catalog} lists them`,
      );
    }
    return [...tables].sort();
  }

  table(name: QualifiedTableName): Promise<CatalogTable | undefined> {
    const key = JSON.stringify([name.catalog, name.schema, name.table]);
    let found = this.#tables.get(key);
    if (!found) {
      found = this.#describe(name);
      this.#tables.set(key, found);
    }
    return found;
  }

  statistics(table: CatalogTable): Promise<TableStatistics> {
    let found = this.#statistics.get(table.description);
    if (!found) {
      found = this.#connector(table.catalog, table.schema).statistics(table.description);
      this.#statistics.set(table.description, found);
    }
    return found;
  }

  splits(
    table: CatalogTable,
    columns: readonly string[],
    constraint: Parameters<Metadata['splits']>[2],
  ): ReturnType<Metadata['splits']> {
    return this.#connector(table.catalog, table.schema).splits(table.description, columns, constraint);
  }

  async #describe(name: QualifiedTableName): Promise<CatalogTable | undefined> {
    const mounted = this.#catalogs.get(name.catalog);
    const description =
      mounted && (await this.#connector(name.catalog, name.schema).describeTable(name.schema, name.table));
    if (!description) return undefined;
    const connector = name.schema === INFORMATION_SCHEMA ? mounted.informationScanProvider : mounted.scanProvider;
    return { ...name, connector, columns: description.columns, description };
  }

  #connector(catalog: string, schema: string): Connector {
    const mounted = this.#mounted(catalog);
    return schema === INFORMATION_SCHEMA ? mounted.information : mounted.connector;
  }

  #mounted(name: string): MountedCatalog {
    const mounted = this.#catalogs.get(name);
    if (mounted) return mounted;
    throw new QueryError('CATALOG_NOT_FOUND', `Catalog '${name}' does not exist; SHOW CATALOGS lists them`);
  }
}
