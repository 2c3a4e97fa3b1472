/** SQL in, logical plan out, checked before it is compared. */

import { expect, it } from 'vitest';
import { prepareStatement } from '../../../src/plan/logical/prepare-statement.ts';
import { checkPlan } from '../../../src/plan/plan-checker.ts';
import { printPlan } from '../../../src/plan/print-plan.ts';
import { parseStatement } from '../../../src/sql/parser.ts';
import { METADATA, SESSION } from '../../sql/analyzer/fake-metadata.ts';
import { golden } from '../../sql/analyzer/golden.ts';

it('plans statements as the golden file says', async () => {
  const { expected, actual } = await golden(new URL('plans.txt', import.meta.url), async (sql) => {
    const plan = await prepareStatement(parseStatement(sql), SESSION, METADATA, { text: sql });
    checkPlan(plan, 'the logical planner');
    return printPlan(plan);
  });
  expect(actual).toBe(expected);
});
