/** Queries end right, whatever dies meanwhile: never a mixture of attempts, always an end. */
import { expect, test } from 'vitest';
import { QueryError } from '../../src/common/errors.ts';
import type { DistributedPlan } from '../../src/plan/fragment.ts';
import { Random } from './random.ts';
import { passing, randomPlan } from './random-plan.ts';
import { type Chances, mixtures, SimulatedCluster } from './simulated-cluster.ts';

const CALM: Chances = { workerDies: 0, kernelDies: 0, taskFails: 0, lateAnswer: 0, idleWorkerDies: 0, adapted: 0 };
const STORM: Chances = {
  workerDies: 0.03,
  kernelDies: 0.02,
  taskFails: 0.03,
  lateAnswer: 0.5,
  idleWorkerDies: 0.02,
  adapted: 0.3,
};

const GATHER = { kind: 'gather' } as const;
const SHUFFLE = { kind: 'repartition', keys: [] } as const;

/** source → shuffle → result, `deterministic` of the source stage. */
const shuffling = (deterministic: boolean): DistributedPlan => ({
  fragments: [
    passing(0, 'single', [[1, GATHER]]),
    passing(1, 'hash', [[2, SHUFFLE]], { output: GATHER }),
    passing(2, 'source', [], { output: SHUFFLE, deterministic }),
  ],
  columns: [],
});

const attempts = (cluster: SimulatedCluster, task: string): number =>
  cluster.log.filter((line) => line.startsWith(`q.${task}#`)).length;

test('stages run in the order of their inputs, each task once', async () => {
  const cluster = new SimulatedCluster(new Random(1), 2, 3, CALM);
  const execution = cluster.execute(shuffling(true), () => 4);
  const files = await cluster.settle(execution.resultFiles());
  expect(cluster.log.map((line) => line.split('#')[0])).toEqual(
    ['2.0', '2.1', '2.2', '2.3', '1.0', '1.1', '1.2', '0.0'].map((task) => `q.${task}`),
  );
  expect(files.map((file) => file.taskId)).toEqual(['q.0.0']);
  expect(execution.retries).toBe(0);
});

test('a mistake in adaptive planning fails the query and does not leave it hanging', async () => {
  const cluster = new SimulatedCluster(new Random(1), 2, 3, CALM);
  const execution = cluster.execute(shuffling(true), () => 4, {
    adapt: () => {
      throw new Error('fragment 1 can run as hash');
    },
  });
  await expect(cluster.settle(execution.resultFiles())).rejects.toThrow('fragment 1 can run as hash');
});

test.each([
  [true, 1, 'only what was lost is made again'],
  [false, 2, 'whoever read it reads it again'],
])('an output lost while it is read, deterministic = %s: %s times, %s', async (deterministic, times) => {
  // One task at a time runs in the shuffling stage, so that its first one has ended when the second one starts.
  const cluster = new SimulatedCluster(new Random(3), 3, 6, CALM);
  const execution = cluster.execute(shuffling(deterministic), () => 3);
  const result = execution.resultFiles();
  for (;;) {
    const stage = execution.stages()[1]!;
    const done = stage.tasks?.filter((task) => task.state === 'done') ?? [];
    if (done.length > 0) break;
    await new Promise((resolve) => void setImmediate(resolve));
    cluster.clock.step();
  }
  const early = execution.stages()[1]!.tasks!.find((task) => task.state === 'done')!;
  const holder = execution.stages()[2]!.tasks!.find((task) => task.worker!.key !== early.worker!.key)!.worker!;
  cluster.kill(holder);
  const files = await cluster.settle(result);
  expect(attempts(cluster, `1.${early.index}`)).toBe(times);
  expect(mixtures(files, cluster.contents)).toEqual([]);
});

test('random plans under random deaths: no mixture, always an end', { timeout: 120_000 }, async () => {
  const base = Number(process.env['SEED'] ?? 20_261_121);
  const runs = Number(process.env['RUNS'] ?? 150);
  let answered = 0;
  for (let seed = base; seed < base + runs; seed++) {
    const random = new Random(seed);
    const plan = randomPlan(random, random.integer(2, 7));
    const cluster = new SimulatedCluster(random, random.integer(1, 4), random.integer(1, 4), STORM);
    const execution = cluster.execute(plan, () => random.integer(1, 4));
    try {
      const files = await cluster.settle(execution.resultFiles());
      expect(mixtures(files, cluster.contents), `seed ${seed}`).toEqual([]);
      answered += 1;
    } catch (problem) {
      if (!(problem instanceof QueryError)) throw new Error(`seed ${seed}`, { cause: problem });
    }
    execution.end();
  }
  expect(answered / runs, 'most queries end with an answer').toBeGreaterThan(0.8);
});

test('results are made again until they are copied', async () => {
  const cluster = new SimulatedCluster(new Random(5), 2, 2, CALM);
  const execution = cluster.execute(shuffling(false), () => 2);
  const files = await cluster.settle(execution.resultFiles());
  execution.lostFiles(files);
  const again = await cluster.settle(execution.resultFiles());
  expect(again.map((file) => file.attempt)).toEqual([1]);
  expect(attempts(cluster, '1.0')).toBe(1);
});

test('a LIMIT without order stops the tasks that are left', async () => {
  const cluster = new SimulatedCluster(new Random(7), 1, 1, CALM);
  const plan: DistributedPlan = {
    fragments: [
      passing(0, 'single', [[1, GATHER]], { limit: 2, deterministic: false }),
      passing(1, 'source', [], { output: GATHER, deterministic: false }),
    ],
    columns: [],
  };
  const execution = cluster.execute(plan, () => 20);
  await cluster.settle(execution.resultFiles());
  expect(cluster.log.length).toBeLessThan(8);
});

test('a task that kills its kernel twice while alone fails its query', async () => {
  const cluster = new SimulatedCluster(new Random(9), 2, 1, { ...CALM, kernelDies: 1 });
  const execution = cluster.execute(shuffling(true), () => 1);
  await expect(cluster.settle(execution.resultFiles())).rejects.toMatchObject({ code: 'REMOTE_TASK_ERROR' });
  expect(cluster.log.map((line) => line.endsWith(' alone'))).toEqual([false, true, true]);
});

test('a task that fails everywhere is tried four times', async () => {
  const cluster = new SimulatedCluster(new Random(11), 2, 1, { ...CALM, taskFails: 1 });
  const execution = cluster.execute(shuffling(true), () => 1);
  await expect(cluster.settle(execution.resultFiles())).rejects.toMatchObject({ code: 'GENERIC_INTERNAL_ERROR' });
  expect(cluster.log).toHaveLength(4);
  const nodes = cluster.log.map((line) => line.split(' on ')[1]!.split('/')[0]);
  expect(nodes[0]).not.toBe(nodes[1]);
});

test.each([
  // Another worker may reach what the first one could not.
  ['FILE_SYSTEM_ERROR', 2],
  // No worker reads what nobody has.
  ['FILE_UNAVAILABLE', 1],
] as const)('a task that fails with %s is tried so often: %s', async (failsWith, times) => {
  const cluster = new SimulatedCluster(new Random(11), 3, 1, { ...CALM, taskFails: 1, failsWith });
  const execution = cluster.execute(shuffling(true), () => 1);
  await expect(cluster.settle(execution.resultFiles())).rejects.toMatchObject({ code: failsWith });
  const nodes = cluster.log.map((line) => line.split(' on ')[1]!.split('/')[0]);
  expect(nodes).toHaveLength(times);
  expect(new Set(nodes).size).toBe(times);
});

test('without workers a query fails with what to do', async () => {
  const cluster = new SimulatedCluster(new Random(13), 0, 1, CALM);
  const execution = cluster.execute(shuffling(true), () => 1);
  await expect(cluster.settle(execution.resultFiles())).rejects.toMatchObject({ code: 'NO_NODES_AVAILABLE' });
});
