/** Where exchanges stand, and how a plan is cut at them. */
import { expect, test } from 'vitest';
import { optimize } from '../../src/plan/optimizer.ts';
import { printDistributedPlan } from '../../src/plan/print-plan.ts';
import type { OutputNode, PlanNode } from '../../src/plan/nodes.ts';
import type { Expression } from '../../src/sql/expression.ts';
import { DOUBLE } from '../../src/types/type.ts';
import { big, compare, count, fakeMetadata, PlanBuilder, ref, session } from './build.ts';

const tables = { big: { rows: 10_000_000, columns: {} }, dim: { rows: 100, columns: {} } };

async function printed(root: OutputNode, workers = 4, properties: Record<string, string> = {}): Promise<string> {
  const { plan } = await optimize(root, {
    session: session(properties),
    metadata: fakeMetadata(tables),
    cluster: { workers, threadsPerWorker: 1 },
  });
  expect(plan.fragments.filter(({ id, startsAfter }) => startsAfter?.includes(id))).toEqual([]);
  return `\n${printDistributedPlan(plan)}`;
}

test('one worker runs everything as one fragment', async () => {
  const b = new PlanBuilder();
  const plan = b.output(b.limit(b.filter(b.scan('big', ['a']), compare(ref('big_a'), '>', big(3))), 5));
  expect(await printed(plan, 1)).toMatchInlineSnapshot(`
    "
    Fragment 0 [SINGLE]  output to the client, about 5 rows, not deterministic
      because there is one worker
      Output [big_a]
        Limit [5]
          Filter [big_a > 3]
            TableScan c.s.big [big_a := a] reading a (3..)
    "
  `);
});

test('small input runs as one fragment whatever the cluster', async () => {
  const b = new PlanBuilder();
  expect(await printed(b.output(b.scan('dim', ['a'])))).toMatchInlineSnapshot(`
    "
    Fragment 0 [SINGLE]  output to the client, about 100 rows
      because the input is about 100 rows
      Output [dim_a]
        TableScan c.s.dim [dim_a := a]
    "
  `);
});

test('a limit is taken in every task, then once more', async () => {
  const b = new PlanBuilder();
  expect(await printed(b.output(b.limit(b.scan('big', ['a']), 5)))).toMatchInlineSnapshot(`
    "
    Fragment 0 [SINGLE]  output to the client, about 5 rows, not deterministic
      because 5 rows of every task at most
      Output [big_a]
        Limit [5]
          RemoteSource [fragment 1, gather: big_a]

    Fragment 1 [SOURCE]  output gather, about 5 rows, not deterministic
      because the splits of big are shared out
      Limit (partial) [5]
        TableScan c.s.big [big_a := a]
    "
  `);
});

test('a small build side goes to every task, and groups are brought together', async () => {
  const b = new PlanBuilder();
  const joined = b.join('INNER', b.scan('big', ['k', 'g']), b.scan('dim', ['k']), [['big_k', 'dim_k']]);
  const grouped = b.aggregate(joined, ['big_g'], { n: count() });
  expect(await printed(b.output(b.sort(grouped, 'n')))).toMatchInlineSnapshot(`
    "
    Fragment 0 [SINGLE]  output to the client, about 1,000,001 rows, ordered
      because an ordered result is made by one task
      Output [big_g, n]
        Sort [n ASC NULLS LAST]
          RemoteSource [fragment 1, gather: big_g, n]

    Fragment 1 [HASH]  output gather, about 1,000,001 rows
      because grouped by big_g
      Project [big_g, n := coalesce(n_2, 0)]
        Aggregation [by big_g; n_2 := sum(n_1)]
          RemoteSource [fragment 2, repartition by big_g: big_g, n_1]

    Fragment 2 [SOURCE]  output repartition by big_g, about 1,000,001 rows
      because the splits of big are shared out
      Aggregation (partial) [by big_g; n_1 := count(*)]
        INNER Join (broadcast) [big_k = dim_k]
          TableScan c.s.big [big_k := k, big_g := g]
          TableScan c.s.dim [dim_k := k]
    "
  `);
});

test('a group by the join key needs no second shuffle', async () => {
  const b = new PlanBuilder();
  const joined = b.join('INNER', b.scan('big', ['k']), b.scan('dim', ['k']), [['big_k', 'dim_k']]);
  const plan = b.output(b.aggregate(joined, ['dim_k'], { n: count() }));
  expect(await printed(plan, 4, { join_distribution_type: 'PARTITIONED' })).toMatchInlineSnapshot(`
    "
    Fragment 0 [HASH]  output to the client, about 1,000,001 rows
      because join_distribution_type; build side about 100 rows
      Output [dim_k, n]
        Aggregation [by dim_k; n := count(*)]
          INNER Join (partitioned) [big_k = dim_k]
            RemoteSource [fragment 1, repartition by big_k: big_k]
            RemoteSource [fragment 2, repartition by dim_k: dim_k]

    Fragment 1 [SOURCE]  output repartition by big_k, about 10,000,000 rows
      because the splits of big are shared out
      TableScan c.s.big [big_k := k]

    Fragment 2 [SINGLE]  output repartition by dim_k, about 100 rows
      because little to read
      TableScan c.s.dim [dim_k := k]
    "
  `);
});

test('distribution = FORCED distributes small input too', async () => {
  const b = new PlanBuilder();
  expect(await printed(b.output(b.scan('dim', ['a'])), 4, { distribution: 'FORCED' })).toMatchInlineSnapshot(`
    "
    Fragment 0 [SOURCE]  output to the client, about 100 rows
      because the splits of dim are shared out
      Output [dim_a]
        TableScan c.s.dim [dim_a := a]
    "
  `);
});

test('what two places compute alike is made once and read by both', async () => {
  const b = new PlanBuilder();
  const counted = (prefix: string): PlanNode => {
    const scan = b.scan('big', ['k']);
    const named = b.project(scan, { [`${prefix}_k`]: ref('big_k') });
    return b.aggregate(named, [`${prefix}_k`], { [`${prefix}_n`]: count() });
  };
  const joined = b.join('INNER', counted('x'), counted('y'), [['x_n', 'y_n']]);
  expect(await printed(b.output(joined, 'x_k', 'y_k'), 4, { distribution: 'FORCED' })).toMatchInlineSnapshot(`
    "
    Fragment 0 [HASH]  output to the client, about 1,000,001 rows
      because build side about 1,000,001 rows is dearer to copy to every task than to shuffle
      Output [x_k, y_k]
        INNER Join (partitioned) [y_n = x_n]
          Project [y_k := x_k, y_n := x_n]
            RemoteSource [fragment 3, repartition by x_n: x_k, x_n]
          RemoteSource [fragment 3, repartition by x_n: x_k, x_n]

    Fragment 3 [HASH]  output repartition by x_n, about 1,000,001 rows
      because grouped by x_k
      Project [x_k, x_n := coalesce(x_n_4, 0)]
        Aggregation [by x_k; x_n_4 := sum(x_n_3)]
          RemoteSource [fragment 4, repartition by x_k: x_k, x_n_3]

    Fragment 4 [SOURCE]  output repartition by x_k, about 1,000,001 rows
      because the splits of big are shared out
      Aggregation (partial) [by x_k; x_n_3 := count(*)]
        Project [x_k := big_k]
          TableScan c.s.big [big_k := k]
    "
  `);
});

test('a small side that may come out otherwise each time is made once, not by every task', async () => {
  const b = new PlanBuilder();
  const random: Expression = { kind: 'Call', type: DOUBLE, function: 'random()', arguments: [] };
  const drawn = b.project(b.scan('dim', ['a']), { dim_a: ref('dim_a'), drawn: random });
  const plan = await printed(b.output(b.join('INNER', b.scan('big', ['a']), drawn, [['big_a', 'dim_a']])));
  expect(plan).toContain('RemoteSource [fragment 1, broadcast: dim_a, drawn]');
  const fixed = b.join('INNER', b.scan('big', ['b']), b.scan('dim', ['b']), [['big_b', 'dim_b']]);
  expect(await printed(b.output(fixed))).not.toContain('RemoteSource [fragment 1');
});
