/** The plans of TPC-H's 22 queries at scale 1: on one worker, and cut for four. `UPDATE=1` writes them anew. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { CatalogManager } from '../../src/catalog/catalog-manager.ts';
import { TpchConnector } from '../../src/connectors/tpch/tpch-connector.ts';
import { planStatement } from '../../src/plan/logical/plan-statement.ts';
import { optimize } from '../../src/plan/optimizer.ts';
import { printDistributedPlan } from '../../src/plan/print-plan.ts';
import { analyze } from '../../src/sql/analyzer/analyze.ts';
import { parseStatement } from '../../src/sql/parser.ts';
import type { Session } from '../../src/sql/session.ts';
import { QUERY_NUMBERS, querySql } from '../tpch/answers.ts';

const connector = new TpchConnector({ connector: 'tpch', columnNaming: 'standard', doubleMapping: 'decimal' });
const catalogs = new CatalogManager([
  {
    name: 'tpch',
    connectorName: 'tpch',
    scanProvider: 'tpch',
    connector,
    information: connector,
    informationScanProvider: 'tpch',
  },
]);

const session: Session = {
  queryId: 'golden',
  user: 'test',
  catalog: 'tpch',
  schema: 'sf1',
  timeZone: 'UTC',
  now: '2024-01-01T00:00:00.000000Z',
  properties: {},
};

async function planned(sql: string, workers: number): Promise<string> {
  const metadata = catalogs.view();
  const statement = parseStatement(sql);
  if (statement.kind !== 'Query') throw new Error('TPC-H has queries only');
  const logical = planStatement(await analyze(statement, session, metadata, { text: sql }), session);
  const cluster = { workers, threadsPerWorker: 1 };
  const { plan, estimatedRows } = await optimize(logical, { session, metadata, cluster, checkEachStep: true });
  return printDistributedPlan(plan, { estimatedRows: (node) => estimatedRows.get(node.id) });
}

test.each(QUERY_NUMBERS)('query %i', async (query) => {
  const name = `q${String(query).padStart(2, '0')}.txt`;
  const sql = querySql(query);
  const actual = `-- one worker\n${await planned(sql, 1)}\n-- four workers\n${await planned(sql, 4)}`;
  const file = path.join(import.meta.dirname, 'tpch', name);
  if (process.env['UPDATE'] === '1') {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, actual);
  }
  expect(actual).toBe(readFileSync(file, 'utf8'));
});
