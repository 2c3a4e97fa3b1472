/** What single rules do, above all what they must not do where NULLs and padded rows are about. */
import { expect, test } from 'vitest';
import { domainsOf } from '../../src/plan/domains.ts';
import type { JoinNode, PlanNode } from '../../src/plan/nodes.ts';
import { printExpression } from '../../src/plan/print-expression.ts';
import { printPlan } from '../../src/plan/print-plan.ts';
import type { RuleContext } from '../../src/plan/rule.ts';
import { RULES } from '../../src/plan/rules/index.ts';
import { runRules } from '../../src/plan/run-rules.ts';
import { simplify } from '../../src/plan/simplify.ts';
import { allocatorFor } from '../../src/plan/symbols.ts';
import type { Expression } from '../../src/sql/expression.ts';
import { reference } from '../../src/sql/expression.ts';
import { BOOLEAN } from '../../src/types/type.ts';
import { ascending, big, compare, count, PlanBuilder, ref, session, symbolOf } from './build.ts';

function ruled(source: PlanNode, b: PlanBuilder, ...columns: string[]): string {
  const root = b.output(source, ...columns);
  const context: RuleContext = {
    ...allocatorFor(root),
    statistics: () => ({ columns: {} }),
    session: session({ join_reordering_strategy: 'NONE' }),
    cluster: { workers: 1, threadsPerWorker: 1 },
  };
  let plan = root;
  for (const { rules, once } of RULES) plan = runRules(plan, rules, context, once ? { rounds: 1 } : {});
  return `\n${printPlan(plan)}`;
}

const joined = (b: PlanBuilder, type: JoinNode['type'], filter?: Expression): JoinNode =>
  b.join(type, b.scan('l', ['k', 'v']), b.scan('r', ['k', 'w']), [['l_k', 'r_k']], filter);
const isNull = (argument: Expression): Expression => ({ kind: 'IsNull', type: BOOLEAN, argument });
const not = (argument: Expression): Expression => ({ kind: 'Not', type: BOOLEAN, argument });
const logical = (operator: 'AND' | 'OR', ...terms: Expression[]): Expression => ({
  kind: 'Logical',
  type: BOOLEAN,
  operator,
  terms,
});

test('a filter on a padded column turns LEFT into INNER, unless it lets NULL through', () => {
  const b = new PlanBuilder();
  const strict = b.filter(joined(b, 'LEFT'), compare(ref('r_w'), '>', big(1)));
  expect(ruled(strict, b, 'l_v')).toMatchInlineSnapshot(`
    "
    Output [l_v]
      INNER Join [l_k = r_k]
        TableScan c.s.l [l_k := k, l_v := v]
        Filter [r_w > 1]
          TableScan c.s.r [r_k := k, r_w := w] reading w (1..)
    "
  `);
  const lenient = b.filter(joined(b, 'LEFT'), isNull(ref('r_w')));
  expect(ruled(lenient, b, 'l_v')).toMatchInlineSnapshot(`
    "
    Output [l_v]
      Filter [r_w IS NULL]
        LEFT Join [l_k = r_k]
          TableScan c.s.l [l_k := k, l_v := v]
          TableScan c.s.r [r_k := k, r_w := w]
    "
  `);
});

test('what is asked of a preserved key is asked of the other side too, never the reverse', () => {
  const b = new PlanBuilder();
  expect(ruled(b.filter(joined(b, 'LEFT'), compare(ref('l_k'), '=', big(7))), b, 'l_v', 'r_w')).toMatchInlineSnapshot(`
    "
    Output [l_v, r_w]
      LEFT Join [l_k = r_k]
        Filter [l_k = 7]
          TableScan c.s.l [l_k := k, l_v := v] reading k 7
        Filter [r_k = 7]
          TableScan c.s.r [r_k := k, r_w := w] reading k 7
    "
  `);
  expect(ruled(joined(b, 'LEFT', compare(ref('r_k'), '=', big(7))), b, 'l_v', 'r_w')).toMatchInlineSnapshot(`
    "
    Output [l_v, r_w]
      LEFT Join [l_k = r_k]
        TableScan c.s.l [l_k := k, l_v := v]
        Filter [r_k = 7]
          TableScan c.s.r [r_k := k, r_w := w] reading k 7
    "
  `);
  expect(ruled(joined(b, 'LEFT', compare(ref('l_v'), '=', big(7))), b, 'l_v', 'r_w')).toMatchInlineSnapshot(`
    "
    Output [l_v, r_w]
      LEFT Join [l_k = r_k, filter l_v = 7]
        TableScan c.s.l [l_k := k, l_v := v]
        TableScan c.s.r [r_k := k, r_w := w]
    "
  `);
});

test('a FULL join becomes as strict as what stands above it', () => {
  const b = new PlanBuilder();
  const one = b.filter(joined(b, 'FULL'), compare(ref('l_v'), '>', big(1)));
  expect(ruled(one, b, 'l_v', 'r_w')).toMatchInlineSnapshot(`
    "
    Output [l_v, r_w]
      LEFT Join [l_k = r_k]
        Filter [l_v > 1]
          TableScan c.s.l [l_k := k, l_v := v] reading v (1..)
        TableScan c.s.r [r_k := k, r_w := w]
    "
  `);
  const both = b.filter(joined(b, 'FULL'), compare(ref('l_v'), '>', ref('r_w')));
  expect(ruled(both, b, 'l_v', 'r_w')).toMatchInlineSnapshot(`
    "
    Output [l_v, r_w]
      INNER Join [l_k = r_k, filter l_v > r_w]
        TableScan c.s.l [l_k := k, l_v := v]
        TableScan c.s.r [r_k := k, r_w := w]
    "
  `);
});

test('filters pass aggregations by their keys only, and not keys that a grouping set leaves out', () => {
  const b = new PlanBuilder();
  const grouped = b.aggregate(b.scan('t', ['a', 'b']), ['t_a', 't_b'], { n: count() });
  const predicate = logical('AND', compare(ref('t_a'), '=', big(1)), compare(ref('n'), '>', big(2)));
  expect(ruled(b.filter(grouped, predicate), b)).toMatchInlineSnapshot(`
    "
    Output [t_a, t_b, n]
      Filter [n > 2]
        Aggregation [by t_a, t_b; n := count(*)]
          Filter [t_a = 1]
            TableScan c.s.t [t_a := a, t_b := b] reading a 1
    "
  `);
  const sets = { ...grouped, groupingSets: [[0, 1], [0]] };
  const both = logical('AND', compare(ref('t_a'), '=', big(1)), compare(ref('t_b'), '=', big(2)));
  expect(ruled(b.filter(sets, both), b)).toMatchInlineSnapshot(`
    "
    Output [t_a, t_b, n]
      Filter [t_b = 2]
        Aggregation [by t_a, t_b; sets (t_a, t_b) (t_a); n := count(*)]
          Filter [t_a = 1]
            TableScan c.s.t [t_a := a, t_b := b] reading a 1
    "
  `);
});

test('filters do not pass a limit, nor a window but for its partition keys', () => {
  const b = new PlanBuilder();
  const limited = b.filter(b.limit(b.scan('t', ['a']), 3), compare(ref('t_a'), '=', big(1)));
  expect(ruled(limited, b)).toMatchInlineSnapshot(`
    "
    Output [t_a]
      Filter [t_a = 1]
        Limit [3]
          TableScan c.s.t [t_a := a]
    "
  `);
  const scan = b.scan('t', ['a', 'b']);
  const window: PlanNode = {
    kind: 'Window',
    id: b.newId(),
    source: scan,
    partitionBy: [symbolOf(scan, 't_a')],
    orderBy: [ascending(symbolOf(scan, 't_b'))],
    functions: [
      {
        symbol: { name: 'rank', type: ref('x').type },
        call: {
          function: 'rank()',
          type: ref('x').type,
          arguments: [],
          ignoreNulls: false,
          distinct: false,
          frame: { unit: 'RANGE', start: { kind: 'UNBOUNDED PRECEDING' }, end: { kind: 'CURRENT ROW' } },
        },
      },
    ],
  };
  const both = logical('AND', compare(ref('t_a'), '=', big(1)), compare(ref('t_b'), '=', big(2)));
  expect(ruled(b.filter(window, both), b)).toMatchInlineSnapshot(`
    "
    Output [t_a, t_b, rank]
      Filter [t_b = 2]
        Window [partition by t_a; order by t_b ASC NULLS LAST; rank := rank() RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW]
          Filter [t_a = 1]
            TableScan c.s.t [t_a := a, t_b := b] reading a 1
    "
  `);
});

test('IN that only filters becomes a join; NOT IN keeps its third truth value', () => {
  const b = new PlanBuilder();
  const mark = (): PlanNode => {
    const [source, filteringSource] = [b.scan('t', ['a']), b.scan('s', ['a'])];
    const keys = { sourceKeys: [symbolOf(source, 't_a')], filteringKeys: [symbolOf(filteringSource, 's_a')] };
    return { kind: 'SemiJoin', id: b.newId(), source, filteringSource, ...keys, output: { name: 'm', type: BOOLEAN } };
  };
  const m = reference({ name: 'm', type: BOOLEAN });
  expect(ruled(b.filter(mark(), m), b, 't_a')).toMatchInlineSnapshot(`
    "
    Output [t_a]
      SEMI Join [t_a = s_a]
        TableScan c.s.t [t_a := a]
        TableScan c.s.s [s_a := a]
    "
  `);
  expect(ruled(b.filter(mark(), not(m)), b, 't_a')).toMatchInlineSnapshot(`
    "
    Output [t_a]
      Filter [NOT m]
        SemiJoin [m := (t_a) IN (s_a)]
          TableScan c.s.t [t_a := a]
          TableScan c.s.s [s_a := a]
    "
  `);
});

test('what every branch of an OR says stands before it; equalities become a list', () => {
  const [a, x, y] = [compare(ref('a'), '=', ref('b')), compare(ref('x'), '=', big(1)), compare(ref('x'), '=', big(2))];
  expect(printExpression(simplify(logical('OR', logical('AND', a, x), logical('AND', a, y))))).toBe(
    '(a = b) AND (x IN (1, 2))',
  );
  expect(printExpression(simplify(logical('OR', a, logical('AND', a, x))))).toBe('a = b');
  expect(printExpression(simplify(not(logical('OR', a, x))))).toBe('(a <> b) AND (x <> 1)');
});

const domains = (predicate: Expression): string =>
  JSON.stringify(Object.fromEntries([...domainsOf(predicate)].map(([name, { domain }]) => [name, domain])));

test('domains tell what a column may be, and say nothing where unsure', () => {
  const range = logical('AND', compare(ref('a'), '>', big(3)), compare(ref('a'), '<=', big(9)));
  expect(domains(range)).toBe(
    '{"a":{"ranges":[{"low":{"value":"3","inclusive":false},"high":{"value":"9","inclusive":true}}],"nullAllowed":false}}',
  );
  expect(domains(logical('AND', range, compare(ref('a'), '=', big(11))))).toBe(
    '{"a":{"ranges":[],"nullAllowed":false}}',
  );
  expect(domains(logical('OR', compare(ref('a'), '=', big(1)), compare(ref('b'), '=', big(1))))).toBe('{}');
  expect(domains(logical('OR', compare(ref('a'), '=', big(10)), isNull(ref('a'))))).toBe(
    '{"a":{"ranges":[{"low":{"value":"10","inclusive":true},"high":{"value":"10","inclusive":true}}],"nullAllowed":true}}',
  );
  expect(domains(not(compare(ref('a'), '=', big(1))))).toBe('{}');
});

test('limits merge, and a sort that nobody sees goes', () => {
  const b = new PlanBuilder();
  expect(ruled(b.limit(b.limit(b.sort(b.scan('t', ['a']), 't_a'), 9), 4), b)).toMatchInlineSnapshot(`
    "
    Output [t_a]
      TopN [4; t_a ASC NULLS LAST]
        TableScan c.s.t [t_a := a]
    "
  `);
  expect(ruled(b.aggregate(b.sort(b.scan('t', ['a']), 't_a'), [], { n: count() }), b)).toMatchInlineSnapshot(`
    "
    Output [n]
      Aggregation [n := count(*)]
        TableScan c.s.t [t_a := a]
    "
  `);
});
