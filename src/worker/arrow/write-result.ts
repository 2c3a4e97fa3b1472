/**
 * Runs a query in the kernel and writes its rows as Arrow. The rows are made into a temporary table first: only there does
 * every error show, while a stream of rows may just end early. The table is then streamed and its rows counted again.
 */

import { assert } from '../../common/assert.ts';
import { isInterrupted } from '../kernel/errors.ts';
import type { ArrowTarget } from '../kernel/protocol.ts';
import type { Chunk } from '../kernel/vector.ts';
import { type ArrowFile, writeArrowBatches } from './write-batches.ts';

/** What it needs of a connection to the kernel, which nobody else uses meanwhile. */
export type ArrowConnection = {
  /** The statement's rows, as JSON has them. */
  run(sql: string, rowsMax: number, profilePath?: string): Promise<readonly (readonly unknown[])[]>;
  /** The rows as they come; may end early without an error. */
  stream(sql: string): AsyncIterable<Chunk>;
};

/** Rows keep the query's order. There is no file when it fails, nor when there are no rows. */
export async function writeArrowResult(
  connection: ArrowConnection,
  query: string,
  { path, types }: ArrowTarget,
  profilePath?: string,
): Promise<ArrowFile> {
  try {
    const [created] = await connection.run(`CREATE TEMP TABLE ${TABLE} AS ${query}`, 1, profilePath);
    const rows = Number(created?.[0]);
    assert(Number.isSafeInteger(rows), 'the kernel tells how many rows a new table has');
    if (rows === 0) return { rows: 0, bytes: 0 };
    // Counting rows makes the kernel read the table in its order, one part after the other; `rowid` proves it.
    const ordered = connection.stream(`SELECT *, rowid, row_number() OVER () FROM ${TABLE}`);
    return await writeArrowBatches(ordered, types, rows, path);
  } finally {
    await dropTable(connection);
  }
}

/** Temporary tables belong to a connection. */
const TABLE = 'arrow_result';

/** A job that is called off gets interrupts until it ends, and this must not leave the table behind. */
async function dropTable(connection: ArrowConnection): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await connection.run(`DROP TABLE IF EXISTS ${TABLE}`, 1);
      return;
    } catch (problem) {
      if (!(problem instanceof Error) || !isInterrupted(problem.message) || tries === DROP_TRIES) throw problem;
    }
  }
}

const DROP_TRIES = 10;
