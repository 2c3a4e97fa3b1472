/**
 * The worker's side of `tpch`. A split is generated once for each machine, as a Parquet file with the specification's names
 * and decimals, which all catalogs of this kind read. Two processes may find the same file missing at once: then both
 * make it, in about a second, and the later rename replaces a file by its equal. A lock would save that work now and then,
 * and would have to be taken over from dead processes.
 */

import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { assert } from '../../common/assert.ts';
import { globFree, emptySelect, identifier, kernelType, NO_COLUMNS, quote } from '../../types/kernel.ts';
import type { Column, ColumnBatch, GeneratedFile, JsonValue, ScanContext, ScanProvider, Split } from '../connector.ts';
import { generateRows } from './generate.ts';
import type { UnitRange } from './generate.ts';
import { scaleOf } from './scale.ts';
import { TPCH_TABLES } from './schema.ts';
import type { TpchColumn, TpchTableName } from './schema.ts';
import { splitPath } from './splits.ts';
import { SharedTextPool } from './text-pool.ts';
import { handleOf } from './tpch-connector.ts';
import type { TpchHandle } from './tpch-connector.ts';

/** What `generate` makes one file from. */
export type TpchRecipe = TpchHandle & UnitRange;

export class TpchScan implements ScanProvider {
  /** One for the process: every split needs it, and it is large. */
  readonly #pool = new SharedTextPool();

  filesToGenerate(table: JsonValue, splits: readonly Split[], context: ScanContext): readonly GeneratedFile[] {
    const handle = handleOf(table);
    return splits.map((split) => {
      const { first, count } = payloadOf(split);
      const recipe: TpchRecipe = { ...handle, first, count };
      return { path: pathOf(handle, split, context), columnNames: standardNames(handle.table), recipe };
    });
  }

  async *generate(recipe: JsonValue): AsyncGenerator<ColumnBatch> {
    const { table, scaleFactor, first, count } = recipe as unknown as TpchRecipe;
    try {
      const pool = await this.#pool.acquire();
      for (const batch of generateRows(table, scaleOf(scaleFactor), { first, count }, pool)) {
        yield batch;
        // The kernel process goes on answering while it generates.
        await setImmediate();
      }
    } finally {
      this.#pool.release();
    }
  }

  scanSql(table: JsonValue, splits: readonly Split[], columns: readonly Column[], context: ScanContext): string {
    const handle = handleOf(table);
    if (splits.length === 0) return emptySelect(columns);
    const expressions = columns.map((column) => `${columnSql(handle.table, column)} AS ${identifier(column.name)}`);
    const paths = splits.map((split) => quote(globFree(pathOf(handle, split, context))));
    return `SELECT ${expressions.join(', ') || NO_COLUMNS} FROM read_parquet([${paths.join(', ')}], hive_partitioning = false)`;
  }
}

/** Every column's name in the files. */
export const standardNames = (table: TpchTableName): readonly string[] =>
  TPCH_TABLES[table].map((column) => column.standardName);

type Payload = UnitRange & { readonly index: number };

const payloadOf = (split: Split): Payload => split.payload as unknown as Payload;

const pathOf = ({ table, scaleFactor }: TpchHandle, split: Split, { dataDirectory }: ScanContext): string =>
  path.join(dataDirectory, splitPath(table, scaleOf(scaleFactor), payloadOf(split).index));

function columnSql(table: TpchTableName, { name, type }: Column): string {
  const inFile = TPCH_TABLES[table].find((column: TpchColumn) =>
    [column.standardName, column.simpleName].includes(name),
  );
  assert(inFile, `${table} has a column ${name}`);
  const value = identifier(inFile.standardName);
  return kernelType(type) === kernelType(inFile.type) ? value : `CAST(${value} AS ${kernelType(type)})`;
}
