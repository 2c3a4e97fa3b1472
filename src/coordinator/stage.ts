/** A stage and its tasks, as the coordinator keeps book of them while a query runs. */

import type { Split } from '../connectors/connector.ts';
import { type InputFile, NO_STATISTICS, type TaskStatistics, type TaskStatus } from '../exchange/task-protocol.ts';
import type { Fragment } from '../plan/fragment.ts';
import { remoteSourcesOf } from '../plan/fragment-checker.ts';
import { isComplete, type RecoveryStage } from './recovery.ts';
import type { Worker } from './worker-pool.ts';

export type Stage = {
  fragment: Fragment;
  /** Undefined until its inputs are complete. */
  tasks: Task[] | undefined;
  /** Rows that its readers want at most. */
  readonly rowsWanted: number | undefined;
  /** Hash partitions of its output; 1 = not partitioned. */
  readonly partitions: number;
  startedMs?: number;
  endedMs?: number;
};

export type Task = {
  readonly id: string;
  readonly stage: Stage;
  readonly index: number;
  /** By the id of the scan's node. */
  splits: Readonly<Record<number, readonly Split[]>>;
  readonly machines: readonly string[] | undefined;
  readonly hosts: readonly string[] | undefined;
  state: 'pending' | 'running' | 'done';
  /** Of the running or done attempt, or of the next one. */
  attempt: number;
  /** Where it runs or its output is. */
  worker: Worker | undefined;
  /** Workers that hold what the running attempt reads, by address. */
  readsFrom: ReadonlySet<string>;
  /** Calls the running attempt off. */
  stop: AbortController | undefined;
  /** Of the running or done attempt, as last heard. */
  status: TaskStatus | undefined;
  lost: boolean;
  /** An attempt ended well once. */
  wasDone: boolean;
  /** Attempts that failed. */
  failures: number;
  /** Those among them that could not read a table's file. */
  readsFailed: number;
  /** Times its output had to be made again. */
  remade: number;
  /** The kernel died with it in it, so it runs alone from now on. */
  alone: boolean;
  /** Deaths of the kernel while it ran alone. */
  deathsAlone: number;
  /** Nodes on which it failed: others come first. */
  readonly avoid: Set<string>;
  createdMs?: number;
  endedMs?: number;
};

export function newTask(
  queryId: string,
  stage: Stage,
  index: number,
  work: { readonly splits: Task['splits']; readonly machines?: readonly string[]; readonly hosts?: readonly string[] },
): Task {
  return {
    id: `${queryId}.${stage.fragment.id}.${index}`,
    stage,
    index,
    splits: work.splits,
    machines: work.machines,
    hosts: work.hosts,
    state: 'pending',
    attempt: 0,
    worker: undefined,
    readsFrom: new Set(),
    stop: undefined,
    status: undefined,
    lost: false,
    wasDone: false,
    failures: 0,
    readsFailed: 0,
    remade: 0,
    alone: false,
    deathsAlone: 0,
    avoid: new Set(),
  };
}

/** What `recover` looks at. */
export function recoveryView(stage: Stage): RecoveryStage {
  return {
    id: stage.fragment.id,
    deterministic: stage.fragment.deterministic,
    inputs: stage.fragment.inputs,
    tasks: stage.tasks?.map((task) => ({
      state: task.state,
      lost: task.lost,
      wasDone: task.wasDone,
      rows: rowsOf(task),
    })),
    ...(stage.rowsWanted !== undefined && { rowsWanted: stage.rowsWanted }),
  };
}

/** Complete and readable: a reader may start. */
export const isReadable = (stage: Stage): boolean => isComplete(recoveryView(stage), (i) => !stage.tasks![i]!.lost);

const rowsOf = (task: Task): number => outputsOf(task).reduce((sum, file) => sum + file.rows, 0);

const outputsOf = (task: Task): TaskStatus['outputs'] => (task.state === 'done' ? (task.status?.outputs ?? []) : []);

/** The files that one task reads, by the node that reads them: of repartitioned inputs its own partition alone. */
export function inputFiles(task: Task, stageOf: (fragment: number) => Stage): Record<number, readonly InputFile[]> {
  const { fragment } = task.stage;
  const files: Record<number, readonly InputFile[]> = {};
  // Not by fragment: one side of a join may read all that another reads in parts.
  for (const remote of remoteSourcesOf(fragment.root)) {
    const own = fragment.partitioning === 'hash' && remote.scope.kind === 'repartition';
    files[remote.id] = filesOf(stageOf(remote.fragment)).filter((file) => !own || file.partition === task.index);
  }
  return files;
}

/** Everything that a complete stage wrote, in the order of its tasks. */
export function filesOf(stage: Stage): readonly InputFile[] {
  return (stage.tasks ?? []).flatMap((task) =>
    outputsOf(task).map((file) => ({
      ...file,
      taskId: task.id,
      attempt: task.attempt,
      worker: task.worker!.announcement.url,
      machineId: task.worker!.announcement.machineId,
    })),
  );
}

/** Sums over tasks; memory is the most that one task held. */
export function sumStatistics(all: Iterable<TaskStatistics>): TaskStatistics {
  const sum: { -readonly [K in keyof TaskStatistics]: number } = { ...NO_STATISTICS };
  for (const one of all) {
    for (const key of Object.keys(sum) as (keyof TaskStatistics)[]) {
      sum[key] = key === 'memoryBytes' ? Math.max(sum[key], one[key]) : sum[key] + one[key];
    }
  }
  return sum;
}
