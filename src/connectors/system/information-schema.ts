/** `information_schema`, which every catalog has: its own schemas, tables and columns as tables. */

import { QueryError } from '../../common/errors.ts';
import type { ConstantValue } from '../../types/constant.ts';
import type { TupleDomain } from '../../types/domain.ts';
import { BIGINT, typeName, VARCHAR } from '../../types/type.ts';
import type { SqlType } from '../../types/type.ts';
import type { Column, Connector, TableDescription } from '../connector.ts';
import { inlineSplits } from '../inline/inline-rows.ts';

export const INFORMATION_SCHEMA = 'information_schema';

const columns = (definition: Readonly<Record<string, SqlType>>): readonly Column[] =>
  Object.entries(definition).map(([name, type]) => ({ name, type }));

const TABLES: Readonly<Record<string, readonly Column[]>> = {
  schemata: columns({ catalog_name: VARCHAR, schema_name: VARCHAR }),
  tables: columns({ table_catalog: VARCHAR, table_schema: VARCHAR, table_name: VARCHAR, table_type: VARCHAR }),
  columns: [
    ...columns({
      table_catalog: VARCHAR,
      table_schema: VARCHAR,
      table_name: VARCHAR,
      column_name: VARCHAR,
      ordinal_position: BIGINT,
      column_default: VARCHAR,
      is_nullable: VARCHAR,
      data_type: VARCHAR,
    }),
    { name: 'column_comment', type: VARCHAR, hidden: true },
  ],
  views: columns({
    table_catalog: VARCHAR,
    table_schema: VARCHAR,
    table_name: VARCHAR,
    view_definition: VARCHAR,
  }),
};

type Row = readonly ConstantValue[];

export class InformationSchemaConnector implements Connector {
  readonly #catalog: string;
  readonly #connector: Connector;

  /** `connector` is the catalog's own. */
  constructor(catalog: string, connector: Connector) {
    this.#catalog = catalog;
    this.#connector = connector;
  }

  async listSchemas(): Promise<readonly string[]> {
    return [INFORMATION_SCHEMA];
  }

  async listTables(): Promise<readonly string[]> {
    return Object.keys(TABLES);
  }

  async describeTable(schema: string, table: string): Promise<TableDescription | undefined> {
    const found = TABLES[table];
    return found && { schema, table, columns: found, handle: null };
  }

  async statistics(): Promise<{ readonly columns: {} }> {
    return { columns: {} };
  }

  async splits(
    table: TableDescription,
    wanted: readonly string[],
    constraint: TupleDomain,
  ): ReturnType<Connector['splits']> {
    return inlineSplits(table.columns, wanted, await this.#rows(table.table, constraint));
  }

  async #rows(table: string, constraint: TupleDomain): Promise<readonly Row[]> {
    switch (table) {
      case 'schemata':
        return (await this.#schemas(constraint['schema_name'])).map((schema) => [this.#catalog, schema]);
      case 'tables': {
        const names = await this.#tables(constraint);
        return names.map(({ schema, name }) => [this.#catalog, schema, name, 'BASE TABLE']);
      }
      case 'columns':
        return this.#columns(await this.#tables(constraint), namedOnly(constraint));
      default:
        return [];
    }
  }

  async #schemas(domain: TupleDomain[string] | undefined): Promise<readonly string[]> {
    const all = [...(await this.#connector.listSchemas()), INFORMATION_SCHEMA];
    return all.filter((schema) => allows(domain, schema)).sort();
  }

  async #tables(constraint: TupleDomain): Promise<readonly { schema: string; name: string }[]> {
    const found: { schema: string; name: string }[] = [];
    for (const schema of await this.#schemas(constraint['table_schema'])) {
      const names = schema === INFORMATION_SCHEMA ? Object.keys(TABLES) : await this.#connector.listTables(schema);
      for (const name of [...names].sort()) {
        if (allows(constraint['table_name'], name)) found.push({ schema, name });
      }
    }
    return found;
  }

  /**
   * A table whose files cannot be read fails the listing only when it was asked for by name: one damaged file must not hide
   * the columns of all others from a tool that lists everything.
   */
  async #columns(tables: readonly { schema: string; name: string }[], named: boolean): Promise<readonly Row[]> {
    const rows: Row[] = [];
    for (const { schema, name } of tables) {
      const description = await this.#describe(schema, name).catch((problem: unknown) => {
        if (named || !(problem instanceof QueryError)) throw problem;
        return undefined;
      });
      const visible = description?.columns.filter((column) => !column.hidden) ?? [];
      visible.forEach((column, i) => {
        const { type, comment = null } = column;
        rows.push([this.#catalog, schema, name, column.name, String(i + 1), null, 'YES', typeName(type), comment]);
      });
    }
    return rows;
  }

  #describe(schema: string, name: string): Promise<TableDescription | undefined> {
    return schema === INFORMATION_SCHEMA
      ? this.describeTable(schema, name)
      : this.#connector.describeTable(schema, name);
  }
}

const namedOnly = (constraint: TupleDomain): boolean => constraint['table_name'] !== undefined;

/** Does the domain allow this text? Bounds of varchar columns are compared by code point, as the kernel does. */
function allows(domain: TupleDomain[string] | undefined, text: string): boolean {
  if (!domain) return true;
  const bytes = Buffer.from(text);
  return domain.ranges.some(({ low, high }) => {
    const fromLow = low ? Buffer.compare(bytes, Buffer.from(String(low.value))) : 1;
    const fromHigh = high ? Buffer.compare(bytes, Buffer.from(String(high.value))) : -1;
    return (fromLow > 0 || (fromLow === 0 && low?.inclusive)) && (fromHigh < 0 || (fromHigh === 0 && high?.inclusive));
  });
}
