/** Tasks through workers over HTTP: what they compute, where their rows go, how they end. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KernelResponse } from '../../src/exchange/task-protocol.ts';
import type { PlanNode, RemoteSourceNode } from '../../src/plan/nodes.ts';
import type { Expression } from '../../src/sql/expression.ts';
import { big, compare, count, fragmentOf, PlanBuilder, ref } from '../plan/build.ts';
import { inputsFrom, queryTask, startTestCluster, taskOf, type TestCluster } from './harness.ts';
import { BIGINT, type SqlType } from '../../src/types/type.ts';

let cluster: TestCluster;
let apart: TestCluster;

beforeAll(async () => {
  cluster = await startTestCluster(1);
  apart = await startTestCluster(2, { apart: true });
});
afterAll(async () => {
  await cluster.stop();
  await apart.stop();
});

const plan = new PlanBuilder();

/** Rows 0 … n-1 with a key of seven values. */
function numbers(n: number): PlanNode {
  const rows = Array.from({ length: n }, (_, i) => [big(i), big(i % 7)]);
  const symbols = [
    { name: 'n', type: BIGINT },
    { name: 'k', type: BIGINT },
  ];
  return { kind: 'Values', id: plan.newId(), symbols, rows };
}

test('SELECT 1', async () => {
  const root = plan.output({ kind: 'Values', id: 1, symbols: [{ name: 'x', type: BIGINT }], rows: [[big(1)]] });
  const status = await cluster.run(cluster.workers[0]!, queryTask(root));
  expect(cluster.lines(status)).toEqual([[1]]);
  expect(status.outputs).toMatchObject([{ partition: 0, rows: 1, bytes: 4 }]);
});

/** One row of a text with what JSON escapes and what takes four bytes. */
function text(type: SqlType): PlanNode {
  const row: Expression = { kind: 'Constant', type, value: 'a\u0001\u{1F600}' };
  return { kind: 'Values', id: plan.newId(), symbols: [{ name: 'x', type }], rows: [[row]] };
}

test('a result that is sure to be tiny makes no file; one that may not be does', async () => {
  const [worker] = cluster.workers;
  const isFile = async (root: PlanNode, options: Parameters<typeof queryTask>[1] = {}): Promise<boolean> => {
    const status = await cluster.run(worker!, queryTask(plan.output(root), options));
    expect(cluster.lines(status)).toHaveLength(status.outputs[0]!.rows);
    return existsSync(status.outputs[0]!.path);
  };
  expect(await isFile(numbers(100))).toBe(false);
  expect(await isFile(numbers(1000))).toBe(true);
  expect(await isFile(text({ kind: 'varchar', length: 3 }))).toBe(false);
  expect(await isFile(text({ kind: 'varchar' }))).toBe(true);
  expect(await isFile(numbers(100), { profile: true })).toBe(true);
});

test('a partitioned aggregation over two machines', async () => {
  const [first, second] = apart.workers;
  const source = numbers(1000);
  const keys = [{ name: 'k', type: BIGINT }];
  const lower = fragmentOf(source, { id: 1, output: { kind: 'repartition', keys }, partitioning: 'source' });
  const made = await apart.run(
    first!,
    taskOf(lower, { output: { kind: 'exchange', partitions: 3, checksums: true, compressed: false } }),
  );
  const files = inputsFrom(apart, first!, made);
  expect(files.reduce((sum, file) => sum + file.rows, 0)).toBe(1000);
  const remote: PlanNode = {
    kind: 'RemoteSource',
    id: plan.newId(),
    fragment: 1,
    symbols: lower.outputSymbols,
    scope: lower.output!,
  };
  const upper = plan.output(plan.aggregate(remote, ['k'], { c: count() }));
  const rows: [number, number][] = [];
  for (let partition = 0; partition < 3; partition++) {
    const inputs = { [remote.id]: files.filter((file) => file.partition === partition) };
    const status = await apart.run(second!, queryTask(upper, { inputs }));
    rows.push(...(apart.lines(status) as [number, number][]));
  }
  expect(rows.sort(([a], [b]) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6].map((k) => [k, k < 6 ? 143 : 142]));
});

test('one output is read whole at one place of a plan and in parts at another', async () => {
  const [worker] = cluster.workers;
  const keys = [{ name: 'k', type: BIGINT }];
  const lower = fragmentOf(numbers(1000), { id: 1, output: { kind: 'repartition', keys }, partitioning: 'source' });
  const made = await cluster.run(
    worker!,
    taskOf(lower, { output: { kind: 'exchange', partitions: 3, checksums: true, compressed: false } }),
  );
  const files = inputsFrom(cluster, worker!, made);
  const remote = (scope: RemoteSourceNode['scope']): RemoteSourceNode => ({
    kind: 'RemoteSource',
    id: plan.newId(),
    fragment: 1,
    symbols: lower.outputSymbols,
    scope,
  });
  const [part, whole] = [remote(lower.output!), remote({ kind: 'broadcast' })];
  const symbols = [{ name: 'all_n', type: BIGINT }];
  const all = plan.project(whole, { all_n: ref('n') });
  const both: PlanNode = {
    kind: 'SetOperation',
    id: plan.newId(),
    operation: 'UNION ALL',
    sources: [part, all],
    symbols: [{ name: 'n', type: BIGINT }],
    inputs: [[{ name: 'n', type: BIGINT }], symbols],
  };
  const own = files.filter((file) => file.partition === files[0]!.partition);
  const root = plan.output(plan.aggregate(both, [], { c: count() }));
  const status = await cluster.run(worker!, queryTask(root, { inputs: { [part.id]: own, [whole.id]: files } }));
  expect(own.length).toBeLessThan(files.length);
  expect(cluster.lines(status)).toEqual([[1000 + own[0]!.rows]]);
});

test('a filtered, sorted result keeps its order; a result without rows has no files', async () => {
  const filtered = plan.filter(numbers(500), compare(ref('k'), '=', big(3)));
  const sorted = plan.output(plan.sort(filtered, 'n'));
  const status = await cluster.run(cluster.workers[0]!, queryTask(sorted));
  expect(cluster.lines(status)).toEqual(Array.from({ length: 71 }, (_, i) => [7 * i + 3, 3]));
  const none = plan.output(plan.filter(numbers(5), compare(ref('k'), '=', big(9))));
  expect((await cluster.run(cluster.workers[0]!, queryTask(none))).outputs).toEqual([]);
});

test('the same request twice is one task; a removed query leaves no files and starts nothing', async () => {
  const [worker] = cluster.workers;
  const request = queryTask(plan.output(numbers(3000)));
  const [one, two] = await Promise.all([cluster.run(worker!, request), cluster.run(worker!, request)]);
  expect(two).toEqual(one);
  const [queryId] = request.taskId.split('.');
  const folder = path.join(cluster.folder, 'data', 'exchange', 'node-0');
  expect(readdirSync(folder)).toContain(queryId);
  await cluster.removeQuery(worker!, queryId!);
  expect(existsSync(path.join(folder, queryId!))).toBe(false);
  expect((await cluster.run(worker!, request)).state).toBe('canceled');
  expect(existsSync(path.join(folder, queryId!))).toBe(false);
});

test('statements for connectors: rows as JSON, errors with codes, folders as named', async () => {
  const folder = path.join(cluster.folder, 'tables');
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'a.csv'), 'a,b\n1,x\n');
  const ask = (sql: string, roots: readonly string[]): Promise<KernelResponse> =>
    cluster.client.json('POST', `${cluster.workers[0]!.url}/v1/kernel`, { sql, roots });
  const describe = `DESCRIBE SELECT * FROM read_csv('${folder}/a.csv')`;
  expect(await ask(describe, [])).toMatchObject({ error: { code: 'PERMISSION_DENIED' } });
  expect(await ask(describe, [folder])).toMatchObject({
    rows: [
      ['a', 'BIGINT', 'YES', null, null, null],
      ['b', 'VARCHAR', 'YES', null, null, null],
    ],
  });
  expect(await ask('SELECT * FROM range(200000)', [])).toMatchObject({ error: {} });
});
