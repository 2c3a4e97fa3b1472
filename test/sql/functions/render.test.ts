/** What the rendered SQL must look like, where its shape matters and not only its value. */
import { expect, test } from 'vitest';
import type { Expression } from '../../../src/sql/expression.ts';
import { FunctionRegistry } from '../../../src/sql/functions/registry.ts';
import { renderExpression } from '../../../src/sql/render/render-expression.ts';
import { DATE, DOUBLE, type SqlType, varchar } from '../../../src/types/type.ts';
import { analyze } from './evaluate.ts';

const registry = new FunctionRegistry();
const query = { timeZone: 'UTC', now: '2026-11-21T06:00:00Z', user: 'tester' };
const render = (e: Expression): string => renderExpression(e, { registry, query, column: (name) => `"${name}"` });

const column = (name: string, type: SqlType): Expression => ({ kind: 'Reference', type, name });
const constant = (type: SqlType, value: string): Expression => ({ kind: 'Constant', type, value });
const compare = (operator: '<' | '>=' | '=', left: Expression, right: Expression): string =>
  render({ kind: 'Comparison', type: { kind: 'boolean' }, operator, left, right });

test('comparisons of columns with constants stay plain, so that scans can use them', () => {
  expect(compare('<', column('d', DATE), constant(DATE, '1995-01-01'))).toBe(`("d" < DATE '1995-01-01')`);
  expect(compare('=', column('s', varchar(3)), constant(varchar(3), "it's"))).toBe(`("s" = 'it''s')`);
  expect(compare('<', column('x', DOUBLE), constant(DOUBLE, '24'))).toBe('("x" < 24e0)');
  // Above: NaN is excluded by a second plain comparison.
  expect(compare('>=', column('x', DOUBLE), constant(DOUBLE, '24'))).toBe(
    `("x" >= 24e0 AND "x" <= CAST('Infinity' AS DOUBLE))`,
  );
});

test('constant divisors need no guard', () => {
  expect(render(analyze("BIGINT '7' / BIGINT '2'"))).not.toContain('DIVISION_BY_ZERO');
});

test('what is new at each call is evaluated once', () => {
  const sql = render(analyze('1 / CAST(random() * 2 AS bigint)'));
  expect(sql.match(/random\(\)/g)).toHaveLength(1);
});
