/** SQL in, logical plan out, checked before it is compared. */

import { describe } from 'vitest';
import { prepareStatement } from '../../../src/plan/logical/prepare-statement.ts';
import { checkPlan } from '../../../src/plan/plan-checker.ts';
import { printPlan } from '../../../src/plan/print-plan.ts';
import { parseStatement } from '../../../src/sql/parser.ts';
import { METADATA, SESSION } from '../../sql/analyzer/fake-metadata.ts';
import { goldenTests } from '../../sql/analyzer/golden.ts';

describe('logical plans', () => {
  goldenTests(new URL('plans.txt', import.meta.url), async (sql) => {
    const plan = await prepareStatement(parseStatement(sql), SESSION, METADATA, { text: sql });
    checkPlan(plan, 'the logical planner');
    return printPlan(plan);
  });
});
