/**
 * Subqueries as joins. The golden file shows the plans; and whatever the rules make of a statement, the kernel must find the
 * same rows with it as with its own correlated subqueries, which it runs the untouched plan by.
 */

import { beforeAll, expect, it } from 'vitest';
import type { KernelQueries } from '../../../src/connectors/connector.ts';
import type { OutputNode, PlanNode } from '../../../src/plan/nodes.ts';
import { sourcesOf } from '../../../src/plan/nodes.ts';
import { checkPlan } from '../../../src/plan/plan-checker.ts';
import { printPlan } from '../../../src/plan/print-plan.ts';
import type { RuleContext } from '../../../src/plan/rule.ts';
import { decorrelate } from '../../../src/plan/rules/decorrelate.ts';
import { RULES, type RuleGroup } from '../../../src/plan/rules/index.ts';
import { runRules } from '../../../src/plan/run-rules.ts';
import { allocatorFor } from '../../../src/plan/symbols.ts';
import { FunctionRegistry } from '../../../src/sql/functions/registry.ts';
import { renderPlan } from '../../../src/worker/render/render-plan.ts';
import { SESSION } from '../../sql/analyzer/fake-metadata.ts';
import { golden } from '../../sql/analyzer/golden.ts';
import { kernelQueries, openKernel } from '../../support/kernel.ts';
import { planSql } from '../logical/plan-sql.ts';
import { RandomSubqueries } from './random-subqueries.ts';

let kernel: KernelQueries;

beforeAll(async () => {
  kernel = kernelQueries(await openKernel());
});

const DECORRELATION: RuleGroup = { because: 'it is what is tested', rules: [decorrelate], once: true };

function decorrelated(plan: OutputNode, groups: readonly RuleGroup[] = [DECORRELATION]): OutputNode {
  const context: RuleContext = {
    ...allocatorFor(plan),
    statistics: () => ({ columns: {} }),
    session: SESSION,
    cluster: { workers: 1, threadsPerWorker: 1 },
  };
  let current = plan;
  for (const { rules, once } of groups) {
    current = runRules(current, rules, context, {
      ...(once && { rounds: 1 }),
      onChange: (next, names) => checkPlan(next, names.join(', ')),
    });
  }
  return current;
}

/** What the kernel answers to correlated subqueries that it cannot run. */
const CANNOT = 'the kernel cannot';

/** Sorted, or the kernel's complaint. */
async function rowsOf(plan: OutputNode): Promise<readonly string[]> {
  const columns = plan.columns.map(({ symbol }) => `"${symbol.name}"`).join(', ');
  const source = renderPlan(plan.source, {
    expressions: {
      registry: new FunctionRegistry(),
      query: { timeZone: SESSION.timeZone, now: SESSION.now, user: SESSION.user },
      column: (name) => `"${name}"`,
    },
    scan: () => {
      throw new Error('these tests read VALUES only');
    },
    remote: () => {
      throw new Error('these tests run on one task');
    },
    task: 0,
    seed: 1,
  });
  const sql = `SELECT ${columns} FROM (${source})`;
  try {
    const rows = await kernel.query(sql, []);
    return rows.map((row) => JSON.stringify(row)).toSorted();
  } catch (problem) {
    if (String(problem).includes('SUBQUERY_MULTIPLE_ROWS')) return ['SUBQUERY_MULTIPLE_ROWS'];
    if (String(problem).includes('Not implemented')) return [CANNOT];
    throw new Error(`the kernel refuses:\n${sql}`, { cause: problem });
  }
}

const appliesIn = (node: PlanNode): number =>
  (node.kind === 'Apply' ? 1 : 0) + sourcesOf(node).reduce((sum, source) => sum + appliesIn(source), 0);

const TABLES = `WITH
  a (k, x) AS (VALUES (1, 10), (1, 20), (2, 30), (3, NULL), (NULL, 40), (5, 5)),
  b (k, y) AS (VALUES (1, 10), (1, 15), (2, NULL), (2, 30), (3, 7), (NULL, 40), (6, 6)),
  u (k, z) AS (VALUES (1, 100), (2, 200), (3, NULL)),
  e (k, y) AS (SELECT * FROM (VALUES (1, 1)) WHERE false),
  l (k, tags) AS (VALUES (1, ARRAY[3, 1, 2]), (2, ARRAY[]), (3, NULL), (4, ARRAY[NULL, 4]))`;

it('turns subqueries over tables into the joins of the golden file', async () => {
  const { expected, actual } = await golden(new URL('plans.txt', import.meta.url), async (sql) =>
    printPlan(decorrelated(await planSql(sql))),
  );
  expect(actual).toBe(expected);
});

it('keeps the rows of every form of subquery, NULLs and empty sides included', async () => {
  const { expected, actual } = await golden(new URL('rows.txt', import.meta.url), async (sql) => {
    const plan = await planSql(`${TABLES} ${sql}`);
    const joined = decorrelated(plan);
    const rows = await rowsOf(joined);
    expect(rows, `${sql}\n${printPlan(joined)}`).toEqual(await rowsOf(plan));
    const left = appliesIn(joined);
    return `${left > 0 ? `${left} left as they are\n` : ''}${rows.join('\n')}`;
  });
  expect(actual).toBe(expected);
});

/** Small numbers that meet often. */
const SMALL_TABLES = `WITH
  a (k, x) AS (VALUES (1, 1), (1, 2), (2, 3), (3, NULL), (NULL, 4), (5, 5), (4, 0)),
  b (k, y) AS (VALUES (1, 1), (1, 5), (2, NULL), (2, 3), (3, 0), (NULL, 4), (6, 6), (1, 1)),
  u (k, z) AS (VALUES (1, 2), (2, 2), (3, NULL), (0, 5))`;

const SEEDS = Number(process.env['SEEDS'] ?? '150');

it('keeps the rows of random subqueries', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const sql = new RandomSubqueries(seed).statement();
    const plan = await planSql(`${SMALL_TABLES} ${sql}`);
    const expected = await rowsOf(plan);
    if (expected[0] === CANNOT) continue;
    for (const groups of [[DECORRELATION], RULES]) {
      const joined = decorrelated(plan, groups);
      expect(await rowsOf(joined), `seed ${seed}: ${sql}\n${printPlan(joined)}`).toEqual(expected);
    }
  }
}, 120_000);
