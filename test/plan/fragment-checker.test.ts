/** The checker refuses fragments that rely on rows being together that are not: plans are broken by hand. */
import { expect, test } from 'vitest';
import type { DistributedPlan, Fragment } from '../../src/plan/fragment.ts';
import { checkFragments, violationIn } from '../../src/plan/fragment-checker.ts';
import type { AggregationNode, JoinNode, PlanNode, RemoteSourceNode, WindowNode } from '../../src/plan/nodes.ts';
import { optimize } from '../../src/plan/optimizer.ts';
import type { Symbol } from '../../src/sql/expression.ts';
import { BIGINT } from '../../src/types/type.ts';
import { add, count, fakeMetadata, fragmentOf, PlanBuilder, ref, session } from './build.ts';

const b = new PlanBuilder();
const symbols = (...names: readonly string[]): readonly Symbol[] => names.map((name) => ({ name, type: BIGINT }));

/** Rows of another fragment, cut by `keys`. */
const cut = (columns: readonly string[], keys: readonly string[]): RemoteSourceNode =>
  b.remote(1, symbols(...columns), { kind: 'repartition', keys: symbols(...keys) });
const whole = (...columns: readonly string[]): RemoteSourceNode =>
  b.remote(1, symbols(...columns), { kind: 'broadcast' });
const wrongIn = (root: PlanNode): string | undefined => violationIn(fragmentOf(root, { partitioning: 'hash' }));

const group = (source: PlanNode, ...keys: readonly string[]): AggregationNode =>
  b.aggregate(source, keys, { n: count() });
const window = (source: PlanNode, ...by: readonly string[]): WindowNode => ({
  kind: 'Window',
  id: b.newId(),
  source,
  partitionBy: symbols(...by),
  orderBy: [],
  functions: [],
});
const setOperation = (operation: 'UNION ALL' | 'EXCEPT', ...sources: readonly PlanNode[]): PlanNode => ({
  kind: 'SetOperation',
  id: b.newId(),
  operation,
  sources,
  symbols: symbols('x', 'y'),
  inputs: sources.map((_, i) => (i === 0 ? symbols('a', 'b') : symbols('c', 'd'))),
});
const ab = (...keys: readonly string[]): PlanNode => cut(['a', 'b'], keys);
const cd = (...keys: readonly string[]): PlanNode => cut(['c', 'd'], keys);
const join = (type: JoinNode['type'], left: PlanNode, right: PlanNode): PlanNode =>
  b.join(type, left, right, [
    ['a', 'c'],
    ['b', 'd'],
  ]);
const renamed = b.project(ab('a'), { p: ref('a'), q: ref('b') });
const computed = b.project(ab('a'), { a: add(ref('a'), ref('b')), b: ref('b') });
const inner = join('INNER', ab('a'), cd('c'));
/** Keys that a grouping set leaves out are NULL in its rows. */
const sets = (source: PlanNode): PlanNode => ({ ...group(source, 'a', 'b'), groupingSets: [[0, 1], [1]] });

test.each([
  ['groups by its keys', group(ab('a'), 'a')],
  ['groups by more than its keys', group(ab('a'), 'a', 'b')],
  ['windows by its keys', window(ab('a', 'b'), 'b', 'a')],
  ['keys under another name', group(renamed, 'p')],
  ['keys of a partial aggregation', group({ ...group(ab('a'), 'a', 'b'), partial: true }, 'a')],
  ['grouping sets that all have the key', sets(ab('b'))],
  ['an inner join, grouped by either side', group(inner, 'c')],
  ['a join cut by some of what it holds equal', join('FULL', ab('b'), cd('d'))],
  ['an outer join, grouped by the side that is kept', group(join('LEFT', ab('a'), cd('c')), 'a')],
  ['an inner join with a whole side, grouped by that', group(join('INNER', ab('a'), whole('c', 'd')), 'c')],
  ['a union, grouped by what both are cut by', group(setOperation('UNION ALL', ab('a'), cd('c')), 'x')],
  ['equal rows of both sides', setOperation('EXCEPT', ab('b'), cd('d'))],
])('it lets pass %s', (_what, root) => {
  expect(wrongIn(root)).toBeUndefined();
});

test.each([
  ['groups by other columns', group(ab('a'), 'b'), /groups are spread/],
  ['groups by some of the keys', group(ab('a', 'b'), 'a'), /groups are spread/],
  ['groups of rows that are spread evenly', group(ab(), 'a'), /groups are spread/],
  ['one group of all', group(ab('a')), /groups are spread/],
  ['grouping sets of which one lacks the key', sets(ab('a')), /groups are spread/],
  [
    'a partial aggregation that lost the key',
    group({ ...group(ab('a'), 'b'), partial: true }, 'b'),
    /groups are spread/,
  ],
  ['windows by other columns', window(ab('a'), 'b'), /window partitions are spread/],
  ['a key that was computed anew', group(computed, 'a'), /groups are spread/],
  ['a key that a projection lost', group(renamed, 'q'), /groups are spread/],
  ['a join of sides in other orders', join('INNER', ab('a', 'b'), cd('d', 'c')), /both sides of a join are spread/],
  ['a join of which one side is cut by less', join('INNER', ab('a', 'b'), cd('c')), /both sides of a join are spread/],
  ['a join cut by what it does not compare', b.join('INNER', ab('b'), cd('d'), [['a', 'c']]), /both sides of a join/],
  [
    'an outer join, grouped by the side that is padded',
    group(join('LEFT', ab('a'), cd('c')), 'c'),
    /groups are spread/,
  ],
  ['a full join, grouped by either side', group(join('FULL', ab('a'), cd('c')), 'a'), /groups are spread/],
  [
    'an outer join with a whole side, grouped by that',
    group(join('LEFT', ab('a'), whole('c', 'd')), 'c'),
    /groups are spread/,
  ],
  ['a union of parts that are cut otherwise', group(setOperation('UNION ALL', ab('a'), cd('d')), 'x'), /groups are/],
  [
    'a union, grouped by what only one part is cut by',
    group(setOperation('UNION ALL', b.project(inner, { a: ref('a'), b: ref('c') }), cd('d')), 'x'),
    /groups are spread/,
  ],
  ['equal rows that do not meet', setOperation('EXCEPT', ab('a'), cd('d')), /equal rows for EXCEPT/],
])('it refuses %s', (_what, root, why) => {
  expect(wrongIn(root)).toMatch(why);
});

const reader = (...keys: readonly string[]): Fragment =>
  fragmentOf(group(ab(...keys), 'a'), { partitioning: 'hash', inputs: [1] });

test('it refuses a reader that believes in other keys than the writer cut by', () => {
  const scope = { kind: 'repartition', keys: symbols('b') } as const;
  const writer: Fragment = fragmentOf(
    { kind: 'Values', id: b.newId(), symbols: symbols('a', 'b'), rows: [] },
    { id: 1, output: scope },
  );
  const plan: DistributedPlan = { fragments: [reader('a'), writer], columns: [] };
  expect(() => checkFragments(plan, 'test')).toThrow(/it reads partitions that fragment 1 does not cut/);
});

test('the planner cuts a union anew when its parts are not cut alike', async () => {
  const two = b.join('INNER', b.scan('l', ['k']), b.scan('r', ['k']), [['l_k', 'r_k']]);
  const other = b.aggregate(b.scan('s', ['k', 'v']), ['s_k'], { v: count() });
  const union: PlanNode = {
    kind: 'SetOperation',
    id: b.newId(),
    operation: 'UNION ALL',
    sources: [two, other],
    symbols: symbols('x', 'y'),
    inputs: [symbols('l_k', 'r_k'), symbols('v', 's_k')],
  };
  const root = b.output(
    b.aggregate(union, ['x'], { sum: { ...count(), function: 'sum(bigint)', arguments: [ref('y')] } }),
  );
  const { plan } = await optimize(root, {
    session: session({ distribution: 'FORCED', join_distribution_type: 'PARTITIONED' }),
    metadata: fakeMetadata(Object.fromEntries(['l', 'r', 's'].map((name) => [name, { rows: 1e6, columns: {} }]))),
    cluster: { workers: 3, threadsPerWorker: 1 },
  });
  const keys = plan.fragments.flatMap(({ output }) => (output?.kind === 'repartition' ? [output.keys] : []));
  expect(keys.map((each) => each.map(({ name }) => name))).toContainEqual(['x']);
});
