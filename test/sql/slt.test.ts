/**
 * Every golden SQL file, three ways: plain DuckDB where the semantics agree, one worker, and three workers among which every
 * query is distributed by force. `UPDATE=1` writes the rows of one worker, after DuckDB has agreed with them, and marks as
 * `nooracle` what it does not agree with: review those.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/common/clock.ts';
import type { Connector } from '../../src/connectors/connector.ts';
import { filesConfigurationSchema } from '../../src/connectors/files/configuration.ts';
import { FilesConnector } from '../../src/connectors/files/files-connector.ts';
import { tpchConfigurationSchema } from '../../src/connectors/tpch/configuration.ts';
import { TpchConnector } from '../../src/connectors/tpch/tpch-connector.ts';
import { FileSystems } from '../../src/filestore/file-systems.ts';
import { kernelQueries, openKernel, rowsOf } from '../support/kernel.ts';
import { openOracle } from '../support/oracle.ts';
import type { OracleTable } from '../support/oracle.ts';
import { startServer } from '../support/server.ts';
import type { TestServer } from '../support/server.ts';
import { difference, parseSlt, printRow, printSlt } from '../support/slt.ts';
import type { SltRecord } from '../support/slt.ts';
import { runStatement, StatementFailed } from '../support/trino.ts';

const update = process.env['UPDATE'] === '1';
const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.slt'));
const goldens = new Map(
  files.map((name) => [name, parseSlt(readFileSync(path.join(import.meta.dirname, name), 'utf8'))] as const),
);

let dataDirectory: string;
let alone: TestServer;
let together: TestServer;
let oracle: DuckDBConnection;

const SESSION = { 'X-Trino-Catalog': 'tpch', 'X-Trino-Schema': 'tiny', 'X-Trino-Time-Zone': 'UTC' };
const FORCED = { ...SESSION, 'X-Trino-Session': 'distribution=FORCED' };

const tablesOf = async (
  catalog: string,
  schema: string,
  provider: string,
  connector: Connector,
): Promise<OracleTable[]> =>
  (await connector.listTables(schema)).map((table) => ({ catalog, schema, table, provider, connector }));

async function demoTables(): Promise<readonly OracleTable[]> {
  const catalogs = path.resolve(import.meta.dirname, '../../catalog');
  const properties: unknown = JSON.parse(readFileSync(path.join(catalogs, 'demo.json'), 'utf8'));
  const demo = new FilesConnector({
    configuration: filesConfigurationSchema.parse(properties),
    baseDirectory: catalogs,
    kernel: kernelQueries(await openKernel()),
    fileSystems: new FileSystems(systemClock),
    cacheDirectory: path.join(dataDirectory, 'statistics'),
  });
  const tpch = new TpchConnector(tpchConfigurationSchema.parse({ connector: 'tpch' }));
  return [...(await tablesOf('demo', 'air', 'files', demo)), ...(await tablesOf('tpch', 'tiny', 'tpch', tpch))];
}

beforeAll(async () => {
  dataDirectory = await mkdtemp(path.join(tmpdir(), 'tutti-slt-'));
  alone = await startServer({ workers: 1, dataDirectory: path.join(dataDirectory, 'alone') });
  together = await startServer({ workers: 3, dataDirectory: path.join(dataDirectory, 'together') });
  const tables = await demoTables();
  // The generator writes a table's files when it is first read: the oracle reads them from the one-worker cluster.
  for (const { catalog, schema, table } of tables) {
    await runStatement(alone.url, `SELECT count(*) FROM ${catalog}.${schema}.${table}`, SESSION);
  }
  oracle = await openOracle(tables, path.join(dataDirectory, 'alone'), 'tpch.tiny');
});

afterAll(async () => {
  oracle?.closeSync();
  await Promise.all([alone?.stop(), together?.stop()]);
  await rm(dataDirectory, { recursive: true, force: true });
});

/** The record's rows, or undefined when it failed with the expected code. Any other failure is thrown. */
async function answer(
  server: TestServer,
  record: SltRecord,
  headers: Record<string, string>,
): Promise<string[] | undefined> {
  try {
    return (await runStatement(server.url, record.sql, headers)).rows.map(printRow);
  } catch (problem) {
    if (record.kind === 'error' && problem instanceof StatementFailed && problem.code === record.code) return undefined;
    throw problem;
  }
}

async function verify(
  record: SltRecord,
  rows: string[] | undefined,
  expected: readonly string[],
): Promise<string | undefined> {
  if (record.kind === 'error') return rows && `it succeeded, but must fail with ${record.code}`;
  return difference(rows ?? [], expected, record.ordered);
}

/** DuckDB's rows. It says nothing of a fraction of zero, and writes wide integers within lists as text. */
async function oracleRows(record: SltRecord): Promise<string[]> {
  return (await rowsOf(oracle, record.sql)).map((row) =>
    printRow(row.map((cell) => (Array.isArray(cell) ? cell.map(numeric) : cell))),
  );
}

const numeric = (value: unknown): unknown =>
  typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;

async function failures(
  records: readonly SltRecord[],
  check: (record: SltRecord) => Promise<string | undefined>,
): Promise<string[]> {
  const found: string[] = [];
  for (const record of records) {
    const wrong = await check(record).catch((problem: unknown) => String(problem));
    if (wrong !== undefined) found.push(`line ${record.line}: ${record.sql}\n    ${wrong}`);
  }
  return found;
}

// Not one of two kinds of test is skipped: each run has the kind that was asked for.
const verifyAll = (): unknown =>
  describe('golden SQL', () => {
    test('there are enough of them', () => {
      const count = [...goldens.values()].reduce((sum, golden) => sum + golden.records.length, 0);
      expect(count).toBeGreaterThanOrEqual(400);
    });

    test.each(files)('%s on plain DuckDB', async (name) => {
      const records = goldens.get(name)!.records.filter((record) => record.oracle);
      const wrong = await failures(records, async (record) => verify(record, await oracleRows(record), record.rows));
      expect(wrong).toEqual([]);
    });

    test.each(files)('%s on one worker', async (name) => {
      const wrong = await failures(goldens.get(name)!.records, async (record) =>
        verify(record, await answer(alone, record, SESSION), record.rows),
      );
      expect(wrong).toEqual([]);
    });

    test.each(files)('%s distributed over three workers', async (name) => {
      const wrong = await failures(goldens.get(name)!.records, async (record) =>
        verify(record, await answer(together, record, FORCED), record.rows),
      );
      expect(wrong).toEqual([]);
    });
  });

const updateAll = (): unknown =>
  test.each(files)('update %s', async (name) => {
    const { title, records } = goldens.get(name)!;
    const updated: SltRecord[] = [];
    for (const record of records) {
      if (record.kind === 'error') {
        updated.push(record);
        continue;
      }
      const rows =
        (await answer(alone, record, SESSION).catch((problem: unknown) => [`FAILED ${String(problem)}`])) ?? [];
      const compared = await oracleRows(record).then(
        (theirs) => difference(rows, theirs, record.ordered),
        (problem: unknown) => String(problem),
      );
      if (compared !== undefined) console.log(`${name}:${record.line} ${record.sql}\n    DuckDB: ${compared}`);
      // A multiset has no order: the text of the file should not change with it.
      const kept = record.ordered ? rows : rows.toSorted();
      updated.push({ ...record, rows: kept, oracle: compared === undefined });
    }
    writeFileSync(path.join(import.meta.dirname, name), printSlt(title, updated));
    expect(updated).toHaveLength(records.length);
  });

if (update) updateAll();
else verifyAll();
