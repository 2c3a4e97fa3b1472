/** The rows of `system.runtime`: nodes, queries, stages and tasks as they are at this moment. */

import { errorCategory } from '../common/errors.ts';
import type { RuntimeTables, SystemRow as Row } from '../connectors/connector.ts';
import { NO_STATISTICS } from '../exchange/task-protocol.ts';
import { moment, whole } from '../types/constant.ts';
import type { Coordinator } from './coordinator.ts';
import type { Query } from './query.ts';
import { shownState, type StageSummary, summarize } from './query-statistics.ts';
import type { Task } from './stage.ts';

export type RuntimeSources = {
  readonly coordinator: Coordinator;
  readonly nodeId: string;
  readonly url: () => string;
  readonly version: string;
};

/** Tables of other schemas are answered by `others`: the mounted catalogs and their comments, and the file store. */
export function runtimeTables(sources: RuntimeSources, others: RuntimeTables): RuntimeTables {
  return {
    async rows(schema, table, constraint) {
      const rows = schema === 'runtime' ? runtimeRows(table, sources) : undefined;
      return rows ?? others.rows(schema, table, constraint);
    },
  };
}

function runtimeRows(table: string, sources: RuntimeSources): readonly Row[] | undefined {
  const queries = sources.coordinator.queries.all();
  switch (table) {
    case 'nodes':
      return nodeRows(sources);
    case 'queries':
      return queries.map(queryRow);
    case 'stages':
      return queries.flatMap((query) => summarize(query).stages.map((stage) => stageRow(query, stage)));
    case 'tasks':
      return queries.flatMap((query) =>
        (query.execution?.stages() ?? []).flatMap((stage) => (stage.tasks ?? []).map((task) => taskRow(query, task))),
      );
    default:
      return undefined;
  }
}

function nodeRows({ coordinator, nodeId, url, version }: RuntimeSources): readonly Row[] {
  const self: Row = {
    node_id: nodeId,
    http_uri: url(),
    node_version: version,
    coordinator: true,
    state: 'active',
    threads: '0',
    slots: '0',
    running_tasks: '0',
    memory_bytes: null,
    memory_used_bytes: whole(process.memoryUsage.rss()),
    last_heartbeat: moment(Date.now()),
  };
  const workers = coordinator.membership.members().map(({ announcement, heardWallMs }): Row => ({
    node_id: announcement.nodeId,
    http_uri: announcement.url,
    node_version: announcement.version,
    coordinator: false,
    state: 'active',
    threads: whole(announcement.threads),
    slots: whole(announcement.slots),
    running_tasks: whole(announcement.runningTasks.length),
    memory_bytes: whole(announcement.memoryBytes),
    memory_used_bytes: whole(announcement.memoryUsedBytes),
    last_heartbeat: moment(heardWallMs),
  }));
  return [self, ...workers];
}

function queryRow(query: Query): Row {
  const all = summarize(query);
  const elapsed = (query.endedMs ?? query.nowMs()) - query.createdMs;
  return {
    query_id: query.id,
    state: shownState(query),
    user: query.session.user,
    source: query.session.source,
    query: query.submission.text,
    queued_time_ms: '0',
    planning_time_ms: whole(query.planningMs),
    elapsed_time_ms: whole(elapsed),
    rows_scanned: whole(all.scanned.rows),
    bytes_scanned: whole(all.scanned.bytes),
    bytes_shuffled: whole(all.shuffledBytes),
    result_rows: whole(query.resultRows),
    peak_memory_bytes: whole(all.statistics.memoryBytes),
    task_retries: whole(all.retries),
    created: moment(query.createdWallMs),
    started: query.startedWallMs === undefined ? null : moment(query.startedWallMs),
    end: query.endedWallMs === undefined ? null : moment(query.endedWallMs),
    error_type: query.error && errorCategory(query.error.code),
    error_code: query.error?.code,
    error_message: query.error?.message,
  };
}

const stageId = (query: Query, fragment: number): string => `${query.id}.${fragment}`;

function stageRow(query: Query, { stage, statistics, ...summary }: StageSummary): Row {
  return {
    query_id: query.id,
    stage_id: stageId(query, stage.fragment.id),
    state: summary.state,
    partitioning: stage.fragment.partitioning,
    tasks: whole(summary.tasks),
    completed_tasks: whole(summary.doneTasks),
    failed_attempts: whole(summary.failedAttempts),
    splits: whole(statistics.splits),
    input_rows: whole(statistics.rowsRead),
    input_bytes: whole(statistics.bytesRead),
    output_rows: whole(statistics.rowsWritten),
    output_bytes: whole(statistics.bytesWritten),
    wall_time_ms: whole(statistics.wallMs),
    cpu_time_ms: whole(statistics.cpuMs),
  };
}

function taskRow(query: Query, task: Task): Row {
  const statistics = task.status?.statistics ?? NO_STATISTICS;
  return {
    node_id: task.worker?.announcement.nodeId,
    task_id: task.id,
    attempt: whole(task.attempt),
    stage_id: stageId(query, task.stage.fragment.id),
    query_id: query.id,
    state: taskState(task),
    splits: whole(statistics.splits),
    local_splits: whole(statistics.localSplits),
    input_rows: whole(statistics.rowsRead),
    input_bytes: whole(statistics.bytesRead),
    output_rows: whole(statistics.rowsWritten),
    output_bytes: whole(statistics.bytesWritten),
    wall_time_ms: whole(statistics.wallMs),
    cpu_time_ms: whole(statistics.cpuMs),
    memory_bytes: whole(statistics.memoryBytes),
    spilled_bytes: whole(statistics.spilledBytes),
    created: task.createdMs === undefined ? null : moment(task.createdMs),
    end: task.endedMs === undefined ? null : moment(task.endedMs),
  };
}

const STATES = { pending: 'QUEUED', running: 'RUNNING', done: 'FINISHED' } as const;

export const taskState = (task: Task): (typeof STATES)[Task['state']] => STATES[task.state];
