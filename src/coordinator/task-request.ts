/** What a worker is told to do: a task's fragment with its splits and inputs, and how it hands on its rows. */

import type { TaskOutput, TaskRequest, TaskSession } from '../exchange/task-protocol.ts';
import type { Fragment } from '../plan/fragment.ts';
import { inputFiles, type Stage, type Task } from './stage.ts';
import { taskSeed } from './task-seed.ts';
import type { WorkerPool } from './worker-pool.ts';

/** What all tasks of a query have in common. */
export type TaskEnvironment = {
  readonly queryId: string;
  readonly session: Omit<TaskSession, 'seed'>;
  readonly result: Extract<TaskOutput, { kind: 'result' }>;
  readonly profile: boolean;
  readonly pool: WorkerPool;
};

export function taskRequest(
  task: Task,
  stageOf: (fragment: number) => Stage,
  { queryId, session, result, profile, pool }: TaskEnvironment,
): TaskRequest {
  const { fragment, partitions } = task.stage;
  return {
    taskId: task.id,
    attempt: task.attempt,
    fragment,
    splits: task.splits,
    inputs: inputFiles(task, stageOf),
    output: fragment.output ? exchangeOutput(fragment, partitions, pool) : result,
    session: { ...session, seed: taskSeed(queryId, task.id) },
    alone: task.alone,
    profile,
    waitMs: 0,
  };
}

/** Files that no network carries, and that stay in memory mostly, are not worth the work of making them smaller. */
function exchangeOutput({ estimatedRows }: Fragment, partitions: number, pool: WorkerPool): TaskOutput {
  const machines = new Set(pool.workers().map(({ announcement }) => announcement.machineId));
  const checksums = machines.size > 1;
  const compressed = checksums || (estimatedRows ?? Infinity) > UNCOMPRESSED_ROWS_MAX;
  return { kind: 'exchange', partitions, checksums, compressed };
}

/** Some hundreds of megabytes at most, mostly. */
const UNCOMPRESSED_ROWS_MAX = 10_000_000;
