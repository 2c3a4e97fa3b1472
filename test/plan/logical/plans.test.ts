/** SQL in, logical plan out. */

import { expect, it } from 'vitest';
import { printPlan } from '../../../src/plan/print-plan.ts';
import { golden } from '../../sql/analyzer/golden.ts';
import { planSql } from './plan-sql.ts';

it('plans statements as the golden file says', async () => {
  const { expected, actual } = await golden(new URL('plans.txt', import.meta.url), async (sql) =>
    printPlan(await planSql(sql)),
  );
  expect(actual).toBe(expected);
});
