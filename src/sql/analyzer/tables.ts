/** Looks up every table that a statement names before it is analyzed, so that the analysis itself need not wait. */

import type { CatalogTable, Metadata, QualifiedTableName } from '../../catalog/metadata.ts';
import type * as ast from '../ast.ts';
import { nearest, QueryError, type SourceLocation } from '../../common/errors.ts';
import type { Session } from '../session.ts';

export type TableLookup = (name: ast.QualifiedName, location: SourceLocation) => CatalogTable;

export async function lookUpTables(
  statement: ast.Statement,
  session: Session,
  metadata: Metadata,
): Promise<TableLookup> {
  const { names, withNames } = tableNames(statement);
  const found = new Map<string, CatalogTable | QueryError>();
  for (const name of names) {
    const key = textOf(name);
    if (found.has(key)) continue;
    const qualified = qualify(name, session);
    const table = qualified instanceof QueryError ? qualified : await metadata.table(qualified);
    if (table) found.set(key, table);
    else if (!withNames.has(key)) found.set(key, await missing(qualified as QualifiedTableName, metadata));
  }
  return (name, location) => {
    const entry = found.get(textOf(name));
    if (entry && !(entry instanceof QueryError)) return entry;
    const problem = entry ?? new QueryError('TABLE_NOT_FOUND', `Table '${textOf(name)}' does not exist`);
    throw new QueryError(problem.code, problem.message, location, { cause: problem });
  };
}

const textOf = (name: ast.QualifiedName): string => name.map((part) => part.value.toLowerCase()).join('.');

/** A name of one to three parts completed by the session; the error when it cannot be. */
export function qualify(name: ast.QualifiedName, session: Session): QualifiedTableName | QueryError {
  const parts = name.map((part) => part.value.toLowerCase());
  if (parts.length > 3) return new QueryError('SYNTAX_ERROR', `Too many dots in table name: ${parts.join('.')}`);
  const table = parts.at(-1)!;
  const schema = parts.at(-2) ?? session.schema;
  const catalog = parts.at(-3) ?? session.catalog;
  if (catalog === undefined) {
    return new QueryError(
      'MISSING_CATALOG_NAME',
      `Catalog must be specified when session catalog is not set: write catalog.schema.${table}, or say USE catalog.schema first`,
    );
  }
  if (schema === undefined) {
    return new QueryError(
      'MISSING_SCHEMA_NAME',
      `Schema must be specified when session schema is not set: write ${catalog}.schema.${table}, or say USE ${catalog}.schema first`,
    );
  }
  return { catalog, schema, table };
}

/** Which part of a name does not exist, and what it may have been meant to be. */
export async function missing(name: QualifiedTableName, metadata: Metadata): Promise<QueryError> {
  const { catalog, schema, table } = name;
  const catalogs = metadata.listCatalogs();
  if (!catalogs.includes(catalog)) {
    return new QueryError('CATALOG_NOT_FOUND', `Catalog '${catalog}' not found${meant(catalog, catalogs)}`);
  }
  const schemas = await metadata.listSchemas(catalog);
  let tables: readonly string[];
  try {
    tables = await metadata.listTables(catalog, schema);
  } catch (problem) {
    if (!(problem instanceof QueryError) || problem.code !== 'SCHEMA_NOT_FOUND') throw problem;
    return new QueryError('SCHEMA_NOT_FOUND', `Schema '${schema}' does not exist${meant(schema, schemas)}`);
  }
  return new QueryError(
    'TABLE_NOT_FOUND',
    `Table '${catalog}.${schema}.${table}' does not exist${meant(table, tables)}`,
  );
}

function meant(wanted: string, candidates: readonly string[]): string {
  const near = nearest(wanted, candidates);
  return near === undefined || near === wanted ? '' : `; did you mean '${near}'?`;
}

/** The names of all tables in the tree, and those that WITH gives. */
function tableNames(statement: ast.Statement): {
  readonly names: readonly ast.QualifiedName[];
  readonly withNames: ReadonlySet<string>;
} {
  const names: ast.QualifiedName[] = [];
  const withNames = new Set<string>();
  const pending: unknown[] = [statement];
  while (pending.length > 0) {
    const node = pending.pop();
    if (typeof node !== 'object' || node === null) continue;
    if ('kind' in node && node.kind === 'Table') names.push((node as ast.Table).name);
    if ('kind' in node && node.kind === 'WithQuery') withNames.add((node as ast.WithQuery).name.value.toLowerCase());
    for (const child of Object.values(node)) if (typeof child === 'object') pending.push(child);
  }
  return { names, withNames };
}
