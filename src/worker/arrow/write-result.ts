/**
 * Runs a query in the kernel and writes its rows as Arrow. The rows are made into a temporary table first: only there does
 * every error show, while a stream of rows may just end early. The table is then streamed and its rows counted again.
 */

import { assert } from '../../common/assert.ts';
import type { SqlType } from '../../types/type.ts';
import type { Chunk } from '../kernel/vector.ts';
import { arrowSql } from './projection.ts';
import { type ArrowFile, writeArrowBatches } from './write-batches.ts';

/** What it needs of a connection to the kernel, which nobody else uses meanwhile. */
export type ArrowConnection = {
  /** The statement's rows, as JSON has them. */
  run(sql: string, rowsMax: number): Promise<readonly (readonly unknown[])[]>;
  /** The rows as they come; may end early without an error. */
  stream(sql: string): AsyncIterable<Chunk>;
};

export type ResultColumn = { readonly type: SqlType; readonly sql: string };

/**
 * `columns` are kernel expressions over the rows of `from`, what follows FROM in a kernel query; each is repeated. The rows
 * keep their order. Leaves no file when it fails, nor where there are no rows.
 */
export async function writeArrowResult(
  connection: ArrowConnection,
  columns: readonly ResultColumn[],
  from: string,
  path: string,
): Promise<ArrowFile> {
  assert(columns.length > 0, 'a result has columns');
  const projection = columns.map(({ type, sql }, i) => `${arrowSql(type, sql)} AS c${i}`);
  try {
    const [created] = await connection.run(`CREATE TEMP TABLE ${TABLE} AS SELECT ${projection.join(', ')} FROM ${from}`, 1);
    const rows = Number(created?.[0]);
    assert(Number.isSafeInteger(rows), 'the kernel tells how many rows a new table has');
    if (rows === 0) return { rows: 0, bytes: 0 };
    // Counting rows makes the kernel read the table in its order, one part after the other; `rowid` proves it.
    const ordered = connection.stream(`SELECT *, rowid, row_number() OVER () FROM ${TABLE}`);
    return await writeArrowBatches(
      ordered,
      columns.map((column) => column.type),
      rows,
      path,
    );
  } finally {
    await connection.run(`DROP TABLE IF EXISTS ${TABLE}`, 1);
  }
}

/** Temporary tables belong to a connection. */
const TABLE = 'temp.arrow_result';
