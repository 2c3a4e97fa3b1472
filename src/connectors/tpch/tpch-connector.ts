/** The benchmark tables of TPC-H at any scale, generated where and when they are first read. */

import { assert } from '../../common/assert.ts';
import { mayContain } from '../../types/compare.ts';
import type { TupleDomain } from '../../types/domain.ts';
import { DOUBLE } from '../../types/type.ts';
import type { Column, Connector, JsonValue, Split, TableDescription, TableStatistics } from '../connector.ts';
import type { TpchConfiguration } from './configuration.ts';
import { LISTED_SCHEMAS, scaleFactorOf, scaleOf } from './scale.ts';
import { isTpchTable, TPCH_TABLE_NAMES, TPCH_TABLES } from './schema.ts';
import type { TpchTableName } from './schema.ts';
import { leadingKeys, splitsOf } from './splits.ts';
import { averageBytes, tableStatistics } from './statistics.ts';

/** A table as plans carry it. */
export type TpchHandle = { readonly table: TpchTableName; readonly scaleFactor: number };

/** Compressed bytes in the files for every byte in memory, roughly. */
const COMPRESSION = 1 / 3;

export class TpchConnector implements Connector {
  readonly #configuration: TpchConfiguration;
  /** By table and scale: counting lineitem's rows takes a moment. */
  readonly #statistics = new Map<string, TableStatistics>();

  constructor(configuration: TpchConfiguration) {
    this.#configuration = configuration;
  }

  async listSchemas(): Promise<readonly string[]> {
    return LISTED_SCHEMAS;
  }

  async listTables(schema: string): Promise<readonly string[]> {
    return scaleFactorOf(schema) === undefined ? [] : TPCH_TABLE_NAMES;
  }

  async describeTable(schema: string, table: string): Promise<TableDescription | undefined> {
    const scaleFactor = scaleFactorOf(schema);
    if (scaleFactor === undefined || !isTpchTable(table)) return undefined;
    const handle: TpchHandle = { table, scaleFactor };
    return { schema, table, columns: this.#columns(table), handle };
  }

  async statistics(description: TableDescription): Promise<TableStatistics> {
    const { table, scaleFactor } = handleOf(description.handle);
    const key = `${table} ${scaleFactor}`;
    const known = this.#statistics.get(key) ?? tableStatistics(table, scaleOf(scaleFactor), description.columns);
    this.#statistics.set(key, known);
    return known;
  }

  async splits(
    description: TableDescription,
    columns: readonly string[],
    constraint: TupleDomain,
  ): Promise<readonly Split[]> {
    const { table, scaleFactor } = handleOf(description.handle);
    const scale = scaleOf(scaleFactor);
    const key = description.columns[0]!;
    const keyDomain = constraint[key.name];
    const rowBytes = columns.reduce((sum, name) => sum + averageBytes(table, columnIndex(description, name)), 1);
    return splitsOf(table, scale)
      .filter((split) => {
        const [low, high] = leadingKeys(table, split);
        return !keyDomain || mayContain(key.type, keyDomain, String(low), String(high), false);
      })
      .map(({ index, first, count, rows }) => ({
        id: String(index),
        payload: { index, first, count },
        rows,
        bytes: Math.ceil(rows * rowBytes * COMPRESSION),
      }));
  }

  #columns(table: TpchTableName): readonly Column[] {
    const { columnNaming, doubleMapping } = this.#configuration;
    return TPCH_TABLES[table].map(({ standardName, simpleName, type }) => ({
      name: columnNaming === 'standard' ? standardName : simpleName,
      type: type.kind === 'decimal' && doubleMapping === 'double' ? DOUBLE : type,
    }));
  }
}

export const handleOf = (handle: JsonValue): TpchHandle => handle as unknown as TpchHandle;

function columnIndex(description: TableDescription, name: string): number {
  const index = description.columns.findIndex((column) => column.name === name);
  assert(index >= 0, `${description.table} has a column ${name}`);
  return index;
}
