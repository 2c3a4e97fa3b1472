/** A small catalog for tests of the analyzer and the planner: no connector behind it. */

import type { CatalogTable, Metadata } from '../../../src/catalog/metadata.ts';
import { QueryError } from '../../../src/common/errors.ts';
import type { Session } from '../../../src/sql/session.ts';
import { parseType } from '../../../src/types/parse-type.ts';

export const SESSION: Session = {
  queryId: 'test',
  user: 'tester',
  catalog: 'shop',
  schema: 'main',
  timeZone: 'Europe/Vienna',
  now: '2026-03-04T05:06:07.123456Z',
  properties: {},
};

const TABLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  orders: {
    id: 'bigint',
    customer: 'bigint',
    status: 'varchar(1)',
    total: 'decimal(12,2)',
    day: 'date',
    placed: 'timestamp(3)',
    tags: 'array(varchar)',
    extra: 'map(varchar, bigint)',
  },
  customers: { id: 'bigint', name: 'varchar(25)', nation: 'integer', address: 'row(city varchar, zip integer)' },
  nations: { id: 'integer', name: 'varchar' },
  numbers: { x: 'integer', y: 'double', z: 'varchar', $path: 'varchar' },
};

const table = (name: string): CatalogTable | undefined => {
  const columns = TABLES[name] && Object.entries(TABLES[name]);
  if (!columns) return undefined;
  const described = columns.map(([column, type]) => ({
    name: column,
    type: parseType(type),
    ...(column.startsWith('$') && { hidden: true }),
  }));
  return {
    catalog: 'shop',
    schema: 'main',
    table: name,
    connector: 'fake',
    columns: described,
    description: { schema: 'main', table: name, columns: described, handle: null },
  };
};

export const METADATA: Metadata = {
  listCatalogs: () => ['shop', 'system'],
  listSchemas: async (catalog) => {
    if (catalog === 'shop') return ['information_schema', 'main'];
    throw new QueryError('CATALOG_NOT_FOUND', `Catalog '${catalog}' does not exist`);
  },
  listTables: async (_catalog, schema) => {
    if (schema === 'main') return Object.keys(TABLES);
    throw new QueryError('SCHEMA_NOT_FOUND', `Schema '${schema}' does not exist`);
  },
  table: async ({ catalog, schema, table: name }) =>
    catalog === 'shop' && schema === 'main' ? table(name) : undefined,
  statistics: async () => ({ columns: {} }),
  splits: async () => [],
};
