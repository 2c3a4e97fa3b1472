/** Tasks run where their tables are, if anybody is free there; nobody waits, and nobody starves. */
import { expect, test } from 'vitest';
import { type TaskSource, type Worker, WorkerPool } from '../../src/coordinator/worker-pool.ts';
import type { AssignedTask } from '../../src/coordinator/split-assignment.ts';
import { passing } from './random-plan.ts';
import { Random } from './random.ts';
import { announcementOf } from './fakes.ts';
import { type Chances, SimulatedCluster } from './simulated-cluster.ts';

const CALM: Chances = { workerDies: 0, kernelDies: 0, taskFails: 0, lateAnswer: 0, idleWorkerDies: 0, adapted: 0 };

/** A cluster of as many machines as workers; which worker ran which task of the scan. */
async function placesOf(
  workers: number,
  hosts: readonly (readonly string[] | undefined)[],
): Promise<Map<string, string>> {
  const cluster = new SimulatedCluster(new Random(7), workers, 1, CALM, (name) => `host-of-${name}`);
  const assign = async (): Promise<readonly AssignedTask[]> =>
    hosts.map((each) => ({ splits: {}, bytes: 1, ...(each && { hosts: each }) }));
  const plan = {
    fragments: [
      passing(0, 'single', [[1, { kind: 'gather' }]]),
      passing(1, 'source', [], { output: { kind: 'gather' } }),
    ],
    columns: [],
  };
  const execution = cluster.execute(plan, () => hosts.length, {
    assign: async (fragment) => (fragment.id === 1 ? assign() : [{ splits: {}, bytes: 1 }]),
  });
  await cluster.settle(execution.resultFiles());
  const runs = cluster.log.map((line) => /^q\.(1\.\d+)#0 on (\S+)/.exec(line)).filter((found) => found !== null);
  return new Map(runs.map(([, task, key]) => [task!, key!.split('/')[0]!]));
}

test('each task to the worker beside its data, in whatever order they come', async () => {
  const places = await placesOf(
    4,
    ['w3', 'w1', 'w0', 'w2'].map((name) => [`host-of-${name}`]),
  );
  expect(places).toEqual(
    new Map([
      ['1.0', 'w3'],
      ['1.1', 'w1'],
      ['1.2', 'w0'],
      ['1.3', 'w2'],
    ]),
  );
});

test('one task of many workers is not taken by the first who asks', async () => {
  expect(await placesOf(4, [['host-of-w2', 'host-of-w9']])).toEqual(new Map([['1.0', 'w2']]));
});

test('a free slot is not left empty while tasks wait for another machine', async () => {
  const places = await placesOf(
    3,
    Array.from({ length: 6 }, () => ['host-of-w1']),
  );
  expect([...new Set(places.values())].sort()).toEqual(['w0', 'w1', 'w2']);
});

test('data that is near nobody is read by anybody', async () => {
  expect((await placesOf(2, [['host-of-w7'], ['host-of-w8']])).size).toBe(2);
});

test('who wants near workers alone is asked first, and then everybody', async () => {
  const members = ['a', 'b'].map((name) => ({ key: name, announcement: announcementOf(name) }) as Worker);
  const pool = new WorkerPool({ members: () => members, emptyMs: () => 0 });
  const asked: string[] = [];
  const source: TaskSource = {
    take: (worker, near) => {
      asked.push(`${worker.key} ${near ? 'near' : 'any'}`);
      return undefined;
    },
    wantsAlone: () => false,
    takeAlone: () => undefined,
  };
  pool.add(source);
  await Promise.resolve();
  expect(asked).toEqual(['a near', 'b near', 'a any', 'b any']);
});
