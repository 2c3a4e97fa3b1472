/** The checker refuses plans that mean something else than they say: plans are broken by hand. */
import { expect, test } from 'vitest';
import type { AggregationNode, JoinNode, PlanNode } from '../../src/plan/nodes.ts';
import { checkPlan } from '../../src/plan/plan-checker.ts';
import { count, PlanBuilder } from './build.ts';

const b = new PlanBuilder();
const check = (source: PlanNode): void => checkPlan(b.output(source), 'test');

/** Parts of groups by `y.k`, on one side of a join. */
function besideParts(type: JoinNode['type'], side: 'left' | 'right' = 'right'): JoinNode {
  const parts: AggregationNode = { ...b.aggregate(b.scan('y', ['k']), ['y_k'], { n: count() }), partial: true };
  const x = b.scan('x', ['k', 'a']);
  return side === 'right' ? b.join(type, x, parts, [['x_k', 'y_k']]) : b.join(type, parts, x, [['y_k', 'x_k']]);
}
const grouped = (source: PlanNode): PlanNode => b.aggregate(source, ['x_a'], { c: count() });

test('parts of groups go through the padded side of an outer join, to an aggregation', () => {
  expect(() => check(grouped(besideParts('LEFT')))).not.toThrow();
  expect(() => check(grouped(besideParts('RIGHT', 'left')))).not.toThrow();
});

test.each([
  ['nothing combines them', besideParts('LEFT')],
  ['an inner join', grouped(besideParts('INNER'))],
  ['the kept side', grouped(besideParts('LEFT', 'left'))],
  ['a limit counts them', b.limit(besideParts('LEFT'), 5)],
])('parts of groups are refused: %s', (_name, plan) => {
  expect(() => check(plan)).toThrow(/brought together above .* a partial Aggregation made/);
});
