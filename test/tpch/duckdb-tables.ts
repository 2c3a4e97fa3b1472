/** TPC-H's tables in a plain DuckDB, the oracle: loaded without any of Tutti's own kernel code. */
import type { DuckDBConnection, DuckDBType, DuckDBValue } from '@duckdb/node-api';
import { BIGINT, DuckDBDataChunk, INTEGER, VARCHAR } from '@duckdb/node-api';
import type { ColumnBatch, GeneratedColumn } from '../../src/connectors/connector.ts';
import { generateRows, unitsOf } from '../../src/connectors/tpch/generate.ts';
import { scaleOf } from '../../src/connectors/tpch/scale.ts';
import { TPCH_TABLE_NAMES, TPCH_TABLES } from '../../src/connectors/tpch/schema.ts';
import type { TpchTableName } from '../../src/connectors/tpch/schema.ts';
import { generateTextPool } from '../../src/connectors/tpch/text-pool.ts';
import type { Answer } from './answers.ts';

/** Rows of one of DuckDB's vectors. */
const VECTOR_ROWS = 2048;

export async function loadTpch(connection: DuckDBConnection, scaleFactor: number): Promise<void> {
  const pool = await generateTextPool();
  const scale = scaleOf(scaleFactor);
  for (const table of TPCH_TABLE_NAMES) {
    await loadTable(connection, table, generateRows(table, scale, { first: 0, count: unitsOf(table, scale) }, pool));
  }
}

/** Numbers arrive as they are generated, in days and cents, and become dates and decimals in SQL. */
export async function loadTable(
  connection: DuckDBConnection,
  table: TpchTableName,
  batches: Iterable<ColumnBatch> | AsyncIterable<ColumnBatch>,
): Promise<void> {
  const columns = TPCH_TABLES[table];
  const staged = columns.map(({ standardName, type }) => `${standardName} ${STAGED[type.kind] ?? 'VARCHAR'}`);
  await connection.run(`CREATE TEMP TABLE staged_${table} (${staged.join(', ')})`);
  const appender = await connection.createAppender(`staged_${table}`);
  for await (const { rows, columns: generated } of batches) {
    for (let start = 0; start < rows; start += VECTOR_ROWS) {
      const count = Math.min(VECTOR_ROWS, rows - start);
      const chunk = DuckDBDataChunk.create(generated.map(stagedType), count);
      generated.forEach((column, index) => chunk.setColumnValues(index, valuesOf(column, start, count)));
      appender.appendDataChunk(chunk);
    }
  }
  appender.closeSync();
  const final = columns.map(({ standardName: name, type }) => {
    if (type.kind === 'decimal') return `CAST(CAST(${name} AS DECIMAL(16,0)) * 0.01 AS DECIMAL(12,2)) AS ${name}`;
    return type.kind === 'date' ? `DATE '1970-01-01' + ${name} AS ${name}` : name;
  });
  await connection.run(`CREATE TABLE ${table} AS SELECT ${final.join(', ')} FROM staged_${table}`);
  await connection.run(`DROP TABLE staged_${table}`);
}

const STAGED: Readonly<Record<string, string>> = {
  bigint: 'BIGINT',
  integer: 'INTEGER',
  date: 'INTEGER',
  decimal: 'BIGINT',
};

function stagedType({ kind }: GeneratedColumn): DuckDBType {
  if (kind === 'varchar') return VARCHAR;
  return kind === 'integer' || kind === 'date' ? INTEGER : BIGINT;
}

function valuesOf(column: GeneratedColumn, start: number, count: number): DuckDBValue[] {
  if (column.kind !== 'varchar') return [...column.values.subarray(start, start + count)];
  const bytes = Buffer.from(column.bytes.buffer, column.bytes.byteOffset, column.bytes.byteLength);
  return Array.from({ length: count }, (_, i) =>
    bytes.toString('utf8', column.offsets[start + i], column.offsets[start + i + 1]),
  );
}

export async function runForAnswer(connection: DuckDBConnection, sql: string): Promise<Answer> {
  const reader = await connection.runAndReadAll(sql);
  const rows = reader.getRows().map((row) => row.map((value) => (value === null ? null : String(value))));
  return { columns: reader.columnNames(), rows };
}
