/** What a query has done so far, summed over its stages and tasks. */

import { NO_STATISTICS, type TaskStatistics } from '../exchange/task-protocol.ts';
import type { Query, QueryState } from './query.ts';
import { type Stage, sumStatistics, type Task } from './stage.ts';

export type StageSummary = {
  readonly stage: Stage;
  readonly state: 'PLANNED' | 'SCHEDULING' | 'RUNNING' | 'FINISHED' | 'FAILED';
  readonly tasks: number;
  readonly runningTasks: number;
  readonly doneTasks: number;
  /** Attempts that were given up. */
  readonly failedAttempts: number;
  readonly nodes: number;
  readonly statistics: TaskStatistics;
};

export type QuerySummary = {
  readonly stages: readonly StageSummary[];
  readonly tasks: number;
  readonly runningTasks: number;
  readonly doneTasks: number;
  readonly nodes: number;
  readonly statistics: TaskStatistics;
  /** Of the tables, not of other stages' outputs: what people mean by "processed". Scans that were cut short do not count. */
  readonly scanned: { readonly rows: number; readonly bytes: number };
  readonly shuffledBytes: number;
  readonly retries: number;
};

/** The state that clients see: of a query that has to wait for its first worker Trino says WAITING_FOR_RESOURCES. */
export function shownState(query: Query): QueryState | 'WAITING_FOR_RESOURCES' {
  const { state } = query;
  const needsWorkers = state === 'PLANNING' || state === 'STARTING' || state === 'RUNNING';
  return needsWorkers && !query.hasWorkers() ? 'WAITING_FOR_RESOURCES' : state;
}

export function summarize(query: Query): QuerySummary {
  const all = query.execution?.stages() ?? [];
  const stages = all.map((stage) => summarizeStage(stage, query));
  const statistics = sumStatistics(stages.map((stage) => stage.statistics));
  return {
    stages,
    tasks: sum(stages.map((stage) => stage.tasks)),
    runningTasks: sum(stages.map((stage) => stage.runningTasks)),
    doneTasks: sum(stages.map((stage) => stage.doneTasks)),
    nodes: nodesOf(all.flatMap((stage) => stage.tasks ?? [])),
    statistics,
    scanned: { rows: statistics.rowsScanned, bytes: statistics.bytesScanned },
    shuffledBytes: sum(
      stages.filter(({ stage }) => stage.fragment.output).map((stage) => stage.statistics.bytesWritten),
    ),
    retries: query.execution?.retries ?? 0,
  };
}

function summarizeStage(stage: Stage, query: Query): StageSummary {
  const tasks = stage.tasks ?? [];
  const count = (state: Task['state']): number => tasks.filter((task) => task.state === state).length;
  const ended = stage.endedMs !== undefined;
  const state = ended
    ? 'FINISHED'
    : query.state === 'FAILED'
      ? 'FAILED'
      : stage.startedMs !== undefined
        ? 'RUNNING'
        : stage.tasks
          ? 'SCHEDULING'
          : 'PLANNED';
  return {
    stage,
    state,
    tasks: tasks.length,
    runningTasks: count('running'),
    doneTasks: count('done'),
    failedAttempts: sum(tasks.map((task) => task.attempt)),
    nodes: nodesOf(tasks),
    statistics: sumStatistics(tasks.map((task) => task.status?.statistics ?? NO_STATISTICS)),
  };
}

const nodesOf = (tasks: readonly Task[]): number =>
  new Set(tasks.flatMap((task) => (task.worker ? [task.worker.announcement.nodeId] : []))).size;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
