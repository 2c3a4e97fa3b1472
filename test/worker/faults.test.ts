/** What happens to tasks when kernels die, files are lost or altered, queries are called off. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InputFile, TaskStatus } from '../../src/exchange/task-protocol.ts';
import type { OutputNode, PlanNode, RemoteSourceNode } from '../../src/plan/nodes.ts';
import type { Expression, Symbol } from '../../src/sql/expression.ts';
import { BIGINT } from '../../src/types/type.ts';
import { add, big, compare, count, fragmentOf, PlanBuilder, ref } from '../plan/build.ts';
import { inputsFrom, newQueryId, queryTask, startTestCluster, taskOf, type TestCluster } from './harness.ts';

let cluster: TestCluster;
let apart: TestCluster;

beforeAll(async () => {
  cluster = await startTestCluster(1, { slots: 3 });
  apart = await startTestCluster(2, { apart: true });
  // From here on its kernel runs.
  await cluster.run(worker(), queryTask(few()));
});
afterAll(async () => {
  await cluster?.stop();
  await apart?.stop();
});

const plan = new PlanBuilder();
const symbol = (name: string): Symbol => ({ name, type: BIGINT });

function numbers(name: string, n: number): PlanNode {
  const rows = Array.from({ length: n }, (_, i) => [big(i)]);
  return { kind: 'Values', id: plan.newId(), symbols: [symbol(name)], rows };
}

/** More pairs than anyone counts in a minute. */
function long(): OutputNode {
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => numbers(name, 1000));
  const pairs = plan.join('INNER', plan.join('INNER', a!, b!, []), plan.join('INNER', c!, d!, []), []);
  const some = plan.filter(pairs, compare(add(ref('a'), ref('d')), '<>', add(ref('b'), ref('c'))));
  return plan.output(plan.aggregate(some, [], { n: count() }));
}

const few = (): OutputNode => plan.output(numbers('n', 3));
/** Too many to come back without a file. */
const many = (): OutputNode => plan.output(numbers('n', 3000));
const worker = () => cluster.workers[0]!;

test('a kernel that dies with one task says so, and the task runs alone on a fresh one', async () => {
  const dying = cluster.run(worker(), queryTask(long()));
  await sleep(300);
  const before = worker().kernelProcessId()!;
  process.kill(before, 'SIGKILL');
  const status = await dying;
  expect(status).toMatchObject({
    state: 'failed',
    failure: { kind: 'kernel-died', alone: true, outOfMemory: false },
    outputs: [],
  });
  const again = await cluster.run(worker(), queryTask(few(), { alone: true }));
  expect(again.state).toBe('finished');
  expect(worker().kernelProcessId()).not.toBe(before);
});

test('a kernel that dies with several tasks blames none of them', async () => {
  const dying = [queryTask(long()), queryTask(long())].map((request) => cluster.run(worker(), request));
  await sleep(300);
  process.kill(worker().kernelProcessId()!, 'SIGKILL');
  for (const status of await Promise.all(dying)) {
    expect(status.failure).toMatchObject({ kind: 'kernel-died', alone: false });
  }
});

test('a task that must be alone waits for others, and others wait for it', async () => {
  const first = queryTask(long(), { waitMs: 0 });
  await cluster.run(worker(), first);
  await sleep(200);
  const alone = queryTask(few(), { alone: true, waitMs: 300 });
  expect((await cluster.run(worker(), alone)).state).toBe('queued');
  const behind = queryTask(few(), { waitMs: 300 });
  expect((await cluster.run(worker(), behind)).state).toBe('queued');
  await cluster.client.json('DELETE', `${worker().url}/v1/task/${first.taskId}/0`);
  for (const request of [alone, behind]) {
    expect((await cluster.run(worker(), { ...request, waitMs: 10_000 })).state).toBe('finished');
  }
});

test('a query that is called off ends, in the kernel too', async () => {
  const request = queryTask(long());
  const running = cluster.run(worker(), request);
  await sleep(300);
  await cluster.removeQuery(worker(), request.taskId.split('.')[0]!);
  expect((await running).state).toBe('canceled');
  expect((await cluster.run(worker(), queryTask(few(), { alone: true }))).state).toBe('finished');
});

test('an attempt whose removal overtakes its creation does not start', async () => {
  const request = queryTask(few());
  await cluster.client.json('DELETE', `${worker().url}/v1/task/${request.taskId}/0`);
  expect((await cluster.run(worker(), request)).state).toBe('canceled');
  expect((await cluster.run(worker(), { ...request, attempt: 1 })).state).toBe('finished');
});

test('an attempt whose folder can neither be made nor removed fails, and its query can be removed', async () => {
  const request = queryTask(many());
  const [queryId] = request.taskId.split('.');
  const obstacle = path.join(cluster.folder, 'data', 'exchange', 'node-0', queryId!);
  writeFileSync(obstacle, 'no folder');
  expect(await cluster.run(worker(), request)).toMatchObject({ state: 'failed', failure: { kind: 'error' } });
  await cluster.removeQuery(worker(), queryId!);
  expect(existsSync(obstacle)).toBe(false);
});

test('an error of the statement has its code', async () => {
  const divide: Expression = {
    kind: 'Call',
    type: BIGINT,
    function: '$divide(bigint,bigint)',
    arguments: [ref('n'), big(0)],
  };
  const root = plan.output(plan.project(numbers('n', 3), { q: divide }));
  expect((await cluster.run(worker(), queryTask(root))).failure).toEqual({
    kind: 'error',
    error: { code: 'DIVISION_BY_ZERO', message: 'Division by zero' },
  });
});

/** A finished task's rows on the first worker, and the task that reads them. */
async function shuffled(on: TestCluster): Promise<{
  readonly files: readonly InputFile[];
  readonly read: (files: readonly InputFile[]) => Promise<TaskStatus>;
}> {
  const lower = fragmentOf(numbers('n', 1000), { id: 1, output: { kind: 'gather' } });
  const made = await on.run(
    on.workers[0]!,
    taskOf(lower, { output: { kind: 'exchange', partitions: 1, checksums: true, compressed: false } }),
  );
  const remote: RemoteSourceNode = {
    kind: 'RemoteSource',
    id: plan.newId(),
    fragment: 1,
    symbols: lower.outputSymbols,
    scope: { kind: 'gather' },
  };
  const upper = plan.output(plan.aggregate(remote, [], { c: count() }));
  return {
    files: inputsFrom(on, on.workers[0]!, made),
    read: (files) => on.run(on.workers.at(-1)!, queryTask(upper, { inputs: { [remote.id]: files } })),
  };
}

const lostOf = ({ taskId, attempt }: InputFile) => ({ kind: 'input-lost', inputs: [{ taskId, attempt }] });

test('inputs are read by path on one machine, and fetched from another', async () => {
  const near = await shuffled(cluster);
  const status = await near.read(near.files);
  expect(cluster.lines(status)).toEqual([[1000]]);
  expect(status.statistics).toMatchObject({ rowsRead: 1000, bytesFetched: 0 });
  const far = await shuffled(apart);
  const fetched = await far.read(far.files);
  expect(apart.lines(fetched)).toEqual([[1000]]);
  expect(fetched.statistics.bytesFetched).toBe(far.files[0]!.bytes);
});

test('a file that is gone, or has other bytes or rows than announced, is lost', async () => {
  for (const on of [cluster, apart]) {
    const { files, read } = await shuffled(on);
    const [file] = files;
    expect((await read([{ ...file!, rows: 999 }])).failure).toEqual(lostOf(file!));
    expect((await read([{ ...file!, bytes: file!.bytes - 1 }])).failure).toEqual(lostOf(file!));
    appendFileSync(file!.path, 'x');
    expect((await read([file!])).failure).toEqual(lostOf(file!));
    rmSync(file!.path);
    expect((await read([file!])).failure).toEqual(lostOf(file!));
  }
});

test('a damaged file is lost, not an error of the query', async () => {
  const { files, read } = await shuffled(cluster);
  const bytes = readFileSync(files[0]!.path);
  bytes.fill(0xff, 4, bytes.length - 12);
  writeFileSync(files[0]!.path, bytes);
  expect((await read(files)).failure).toEqual(lostOf(files[0]!));
});

test('a file that changed on its disk between writing and sending is lost', async () => {
  const { files, read } = await shuffled(apart);
  expect(files[0]!.checksum).toMatch(/^[0-9a-f]{1,8}$/);
  const bytes = readFileSync(files[0]!.path);
  // Among the values, where neither Parquet nor the kernel notices it.
  bytes[Math.floor(bytes.length / 3)]! ^= 1;
  writeFileSync(files[0]!.path, bytes);
  expect((await read(files)).failure).toEqual(lostOf(files[0]!));
});

test('a worker that is gone has lost its files', async () => {
  const { files, read } = await shuffled(apart);
  expect((await read([{ ...files[0]!, worker: 'http://127.0.0.1:1' }])).failure).toEqual(lostOf(files[0]!));
});

test('files of queries that no longer live are removed, and those of the living stay', async () => {
  const folder = path.join(cluster.folder, 'data', 'exchange', 'node-0');
  const request = queryTask(many());
  await cluster.run(worker(), request);
  const [queryId] = request.taskId.split('.');
  cluster.reply = { roots: [], liveQueries: [queryId!] };
  const old = readdirSync(folder).filter((name) => name.startsWith('query_') && name !== queryId);
  expect(old.length).toBeGreaterThan(0);
  await expect
    .poll(() => readdirSync(folder).filter((name) => name.startsWith('query_')), { timeout: 20_000, interval: 200 })
    .toEqual([queryId]);
});

test('leftovers of dead workers are removed at start, and those of living ones stay', async () => {
  const third = await startTestCluster(0);
  const folder = path.join(third.folder, 'data', 'exchange');
  const leave = (node: string, processId?: number): string => {
    const query = path.join(folder, node, newQueryId());
    mkdirSync(query, { recursive: true });
    const owner = path.join(folder, node, 'owner.json');
    if (processId !== undefined) writeFileSync(owner, JSON.stringify({ host: hostname(), processId }));
    return query;
  };
  const gone = spawnSync(process.execPath, ['-e', '']).pid;
  const [own, dead, living, unknown] = [leave('node-0', gone), leave('a', gone), leave('b', process.pid), leave('c')];
  const halfRemoved = leave('abandoned-before', gone);
  await third.start();
  expect([own, dead, living, unknown].map((query) => existsSync(query))).toEqual([false, false, true, true]);
  expect(existsSync(halfRemoved)).toBe(false);
  expect(readdirSync(folder).sort()).toEqual(['b', 'c', 'node-0']);
  await third.stop();
});

test('what does not fit into memory spills', async () => {
  // Its kernel has 105 MiB of these; the sort wants about twice as much.
  const small = await startTestCluster(1, { memoryBytes: 150 * 1024 * 1024 });
  const [a, b] = [numbers('a', 5000), numbers('b', 1000)];
  const pairs = plan.join('INNER', a, b, []);
  const sums = plan.project(pairs, { s: add(ref('a'), ref('b')), a: ref('a'), b: ref('b') });
  const sorted = plan.output(plan.sort(sums, 's', 'b'), 'a');
  const status = await small.run(small.workers[0]!, queryTask(sorted, { profile: true }));
  expect(status).toMatchObject({ state: 'finished', outputs: [{ rows: 5_000_000 }] });
  expect(status.statistics.spilledBytes).toBeGreaterThan(10_000_000);
  expect(status.profile?.children.length).toBeGreaterThan(0);
  await small.stop();
});
