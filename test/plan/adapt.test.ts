/** What becomes of a plan once the sizes of finished stages are known. */
import { expect, test } from 'vitest';
import { adapt } from '../../src/plan/adapt.ts';
import type { FragmentResult } from '../../src/plan/fragment-edits.ts';
import type { DistributedPlan } from '../../src/plan/fragment.ts';
import type { OutputNode } from '../../src/plan/nodes.ts';
import { optimize } from '../../src/plan/optimizer.ts';
import { printDistributedPlan } from '../../src/plan/print-plan.ts';
import { count, fakeMetadata, PlanBuilder, session } from './build.ts';

const tables = {
  big: { rows: 100_000_000, columns: {} },
  other: { rows: 50_000_000, columns: {} },
  third: { rows: 40_000_000, columns: {} },
};
const cluster = { workers: 4, threadsPerWorker: 1 };

async function planned(root: OutputNode): Promise<DistributedPlan> {
  const environment = {
    session: session({ join_distribution_type: 'PARTITIONED', distribution: 'FORCED' }),
    metadata: fakeMetadata(tables),
    cluster,
  };
  return (await optimize(root, environment)).plan;
}

const joinPlan = (b: PlanBuilder): OutputNode => {
  const joined = b.join('LEFT', b.scan('big', ['k', 'g']), b.scan('other', ['k', 'v']), [['big_k', 'other_k']]);
  return b.output(b.aggregate(joined, ['big_g'], { n: count() }));
};

/** The fragment that reads this table without anything above. */
function fragmentReading(plan: DistributedPlan, table: string): number {
  const found = plan.fragments.find(({ root }) => root.kind === 'TableScan' && root.table.table === table);
  if (!found) throw new Error(`no fragment reads ${table}`);
  return found.id;
}

const NONE: ReadonlySet<number> = new Set();

const result = (rows: number): FragmentResult => ({ rows, bytes: rows * 20 });

test('a build side that turned out small is copied, and the probe side not shuffled', async () => {
  const plan = await planned(joinPlan(new PlanBuilder()));
  expect(`\n${printDistributedPlan(plan)}`).toMatchInlineSnapshot(`
    "
    Fragment 0 [HASH]  output to the client, about 10,000,001 rows
      because grouped by big_g
      Output [big_g, n]
        Project [big_g, n := coalesce(n_2, 0)]
          Aggregation [by big_g; n_2 := sum(n_1)]
            RemoteSource [fragment 1, repartition by big_g: big_g, n_1]

    Fragment 1 [HASH]  output repartition by big_g, about 10,000,001 rows
      because join_distribution_type; build side about 50,000,000 rows
      Aggregation (partial) [by big_g; n_1 := count(*)]
        LEFT Join (partitioned) [big_k = other_k]
          RemoteSource [fragment 2, repartition by big_k: big_k, big_g]
          RemoteSource [fragment 3, repartition by other_k: other_k]

    Fragment 2 [SOURCE]  output repartition by big_k, about 100,000,000 rows
      because the splits of big are shared out
      TableScan c.s.big [big_k := k, big_g := g]

    Fragment 3 [SOURCE]  output repartition by other_k, about 50,000,000 rows
      because the splits of other are shared out
      TableScan c.s.other [other_k := k]
    "
  `);
  const adapted = adapt(plan, new Map([[fragmentReading(plan, 'other'), result(100)]]), cluster, NONE);
  expect(`\n${printDistributedPlan(adapted)}`).toMatchInlineSnapshot(`
    "
    Fragment 0 [HASH]  output to the client, about 10,000,001 rows
      because grouped by big_g
      Output [big_g, n]
        Project [big_g, n := coalesce(n_2, 0)]
          Aggregation [by big_g; n_2 := sum(n_1)]
            RemoteSource [fragment 1, repartition by big_g: big_g, n_1]

    Fragment 1 [SOURCE]  output repartition by big_g, about 10,000,001 rows
      because build side turned out small: exactly 100 rows
      Aggregation (partial) [by big_g; n_1 := count(*)]
        LEFT Join (broadcast) [big_k = other_k]
          TableScan c.s.big [big_k := k, big_g := g]
          RemoteSource [fragment 3, broadcast: other_k]

    Fragment 3 [SOURCE]  output repartition by other_k, about 50,000,000 rows
      because the splits of other are shared out
      TableScan c.s.other [other_k := k]
    "
  `);
});

test('a large build side, or a probe side on its way, changes nothing', async () => {
  const plan = await planned(joinPlan(new PlanBuilder()));
  const [big, other] = [fragmentReading(plan, 'big'), fragmentReading(plan, 'other')];
  expect(adapt(plan, new Map([[other, result(30_000_000)]]), cluster, NONE)).toBe(plan);
  expect(adapt(plan, new Map([[other, result(100)]]), cluster, new Set([big]))).toBe(plan);
});

test('a large side that has not started is reduced to what can meet the small one', async () => {
  const plan = await planned(joinPlan(new PlanBuilder()));
  const adapted = adapt(plan, new Map([[fragmentReading(plan, 'big'), result(100)]]), cluster, NONE);
  // The padded rows of the left side forbid to copy it.
  expect(`\n${printDistributedPlan(adapted)}`).toMatchInlineSnapshot(`
    "
    Fragment 0 [HASH]  output to the client, about 10,000,001 rows
      because grouped by big_g
      Output [big_g, n]
        Project [big_g, n := coalesce(n_2, 0)]
          Aggregation [by big_g; n_2 := sum(n_1)]
            RemoteSource [fragment 1, repartition by big_g: big_g, n_1]

    Fragment 1 [HASH]  output repartition by big_g, about 10,000,001 rows
      because join_distribution_type; build side about 50,000,000 rows
      Aggregation (partial) [by big_g; n_1 := count(*)]
        LEFT Join (partitioned) [big_k = other_k]
          RemoteSource [fragment 2, repartition by big_k: big_k, big_g]
          RemoteSource [fragment 3, repartition by other_k: other_k]

    Fragment 2 [SOURCE]  output repartition by big_k, about 100,000,000 rows
      because the splits of big are shared out
      TableScan c.s.big [big_k := k, big_g := g]

    Fragment 3 [SOURCE]  output repartition by other_k, about 50,000,000 rows
      because the splits of other are shared out
      SEMI Join (broadcast) [other_k = big_k]
        TableScan c.s.other [other_k := k]
        RemoteSource [fragment 2, broadcast: big_k, big_g]
    "
  `);
});

test('when both sides turned out small the rest runs in one task', async () => {
  const plan = await planned(joinPlan(new PlanBuilder()));
  const finished = new Map(
    [fragmentReading(plan, 'big'), fragmentReading(plan, 'other')].map((id) => [id, result(100)]),
  );
  expect(`\n${printDistributedPlan(adapt(plan, finished, cluster, NONE))}`).toMatchInlineSnapshot(`
    "
    Fragment 0 [SINGLE]  output to the client, about 10,000,001 rows
      because its inputs turned out small: exactly 200 rows
      Output [big_g, n]
        Project [big_g, n := coalesce(n_2, 0)]
          Aggregation [by big_g; n_2 := sum(n_1)]
            Aggregation (partial) [by big_g; n_1 := count(*)]
              LEFT Join (partitioned) [big_k = other_k]
                RemoteSource [fragment 2, gather: big_k, big_g]
                RemoteSource [fragment 3, gather: other_k]

    Fragment 2 [SOURCE]  output repartition by big_k, about 100,000,000 rows
      because the splits of big are shared out
      TableScan c.s.big [big_k := k, big_g := g]

    Fragment 3 [SOURCE]  output repartition by other_k, about 50,000,000 rows
      because the splits of other are shared out
      TableScan c.s.other [other_k := k]
    "
  `);
});

test('groups by the key of a second join stay whole when its build side turns out small', async () => {
  const b = new PlanBuilder();
  const first = b.join('INNER', b.scan('big', ['k', 'g']), b.scan('other', ['k', 'v']), [['big_k', 'other_k']]);
  const second = b.join('INNER', first, b.scan('third', ['g']), [['big_g', 'third_g']]);
  const plan = await planned(b.output(b.aggregate(second, ['big_g'], { n: count() })));
  const third = fragmentReading(plan, 'third');
  const aggregating = plan.fragments.find(({ inputs }) => inputs.includes(third))!;
  // Groups are made where the join is, by its key: tasks of the first join, cut by another key, would each yield a part.
  expect(printDistributedPlan({ ...plan, fragments: [aggregating] })).toContain('Aggregation [by big_g');
  const adapted = adapt(plan, new Map([[third, result(100)]]), cluster, NONE);
  expect(adapted.fragments.find(({ id }) => id === aggregating.id)).toEqual(aggregating);
});

test('a last step over few rows is taken by each of its readers instead of in a stage of its own', async () => {
  const b = new PlanBuilder();
  const counted = b.aggregate(b.scan('other', ['v']), [], { n: count() });
  const crossed = b.join('INNER', b.scan('big', ['k', 'g']), counted, []);
  const plan = await planned(b.output(b.aggregate(crossed, ['big_g', 'n'], { c: count() })));
  const partial = plan.fragments.find(({ root }) => root.kind === 'Aggregation' && root.keys.length === 0)!;
  const adapted = adapt(plan, new Map([[partial.id, result(4)]]), cluster, NONE);
  expect(adapted.fragments.length).toBe(plan.fragments.length - 1);
  const scanning = adapted.fragments.find(({ inputs }) => inputs.includes(partial.id))!;
  expect(`\n${printDistributedPlan({ ...adapted, fragments: [scanning] })}`).toMatchInlineSnapshot(`
    "
    Fragment 1 [SOURCE]  output repartition by big_g, n, about 100,000,000 rows
      because the splits of big are shared out
      CROSS Join (broadcast) []
        TableScan c.s.big [big_g := g]
        Project [n := coalesce(n_2, 0)]
          Aggregation [n_2 := sum(n_1)]
            RemoteSource [fragment 3, broadcast: n_1]
    "
  `);
  // Many partial rows are combined once.
  expect(adapt(plan, new Map([[partial.id, result(100_000)]]), cluster, NONE)).toBe(plan);
});

test('a side of which nearly every row has a match is not reduced', async () => {
  const known = { ...tables, other: { rows: 50_000_000, columns: { k: { distinctValues: 150 } } } };
  const environment = {
    session: session({ join_distribution_type: 'PARTITIONED', distribution: 'FORCED' }),
    metadata: fakeMetadata(known),
    cluster,
  };
  const { plan } = await optimize(joinPlan(new PlanBuilder()), environment);
  const big = fragmentReading(plan, 'big');
  expect(adapt(plan, new Map([[big, result(100)]]), cluster, NONE)).toBe(plan);
  expect(adapt(plan, new Map([[big, result(50)]]), cluster, NONE)).not.toBe(plan);
});
