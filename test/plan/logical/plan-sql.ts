/** The logical plan of a statement over the fake catalog. */

import { planStatement } from '../../../src/plan/logical/plan-statement.ts';
import type { OutputNode } from '../../../src/plan/nodes.ts';
import { checkPlan } from '../../../src/plan/plan-checker.ts';
import { analyze } from '../../../src/sql/analyzer/analyze.ts';
import { analyzeShow } from '../../../src/sql/analyzer/show.ts';
import { parseStatement } from '../../../src/sql/parser.ts';
import { METADATA, SESSION } from '../../sql/analyzer/fake-metadata.ts';

export async function planSql(sql: string): Promise<OutputNode> {
  const statement = parseStatement(sql);
  const options = { text: sql };
  const analysis =
    statement.kind === 'Query'
      ? await analyze(statement, SESSION, METADATA, options)
      : await analyzeShow(statement, SESSION, METADATA, options);
  if (!analysis) throw new Error(`${statement.kind} has no plan`);
  const plan = planStatement(analysis, SESSION);
  checkPlan(plan, 'the logical planner');
  return plan;
}
