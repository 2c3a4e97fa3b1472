/** The protocol's answer about a query as it stands: JSON with the rows' text spliced in, never parsed. */

import { type ErrorInfo, errorCategory, errorNumber } from '../common/errors.ts';
import type { Query } from '../coordinator/query.ts';
import { shownState, type StageSummary, summarize } from '../coordinator/query-statistics.ts';
import type { ResultPage } from '../coordinator/result-reader.ts';
import { clientTypeName, typeSignature } from '../types/wire.ts';

export type ResultsLinks = { readonly base: string; readonly nextUri?: string };

export function resultsBody(query: Query, page: ResultPage | undefined, { base, nextUri }: ResultsLinks): Buffer {
  const { outcome, error } = query;
  const options = { parametricDatetime: !query.submission.millisecondsOnly };
  const columns = outcome?.columns.map(({ name, type }) => ({
    name,
    type: clientTypeName(type, options),
    typeSignature: typeSignature(type, options),
  }));
  const text = JSON.stringify({
    id: query.id,
    infoUri: `${base}/v1/query/${query.id}`,
    ...(nextUri !== undefined && { nextUri }),
    // Statements without a result have no columns: an empty list would look like one to some clients.
    ...(columns && columns.length > 0 && { columns }),
    stats: queryStats(query),
    ...(error && { error: errorBody(error) }),
    warnings: [],
    ...(outcome?.updateType !== undefined && { updateType: outcome.updateType }),
  });
  if (!page) return Buffer.from(text);
  return Buffer.concat([Buffer.from(`${text.slice(0, -1)},"data":[`), page.body, Buffer.from(']}')]);
}

export function errorBody(error: ErrorInfo): object {
  const code = { code: errorNumber(error.code), name: error.code, type: errorCategory(error.code) };
  const location = error.location && { lineNumber: error.location.line, columnNumber: error.location.column };
  return {
    message: error.message,
    errorCode: code.code,
    errorName: code.name,
    errorType: code.type,
    ...(location && { errorLocation: location }),
    failureInfo: {
      type: `tutti.${error.code}`,
      message: error.message,
      suppressed: [],
      stack: [],
      errorInfo: code,
      ...(location && { errorLocation: location }),
    },
  };
}

/** Trino's word for a task of ours is a split: the unit of progress that clients draw. */
export function queryStats(query: Query): object {
  const all = summarize(query);
  const elapsed = Math.round((query.endedMs ?? query.nowMs()) - query.createdMs);
  const done = query.state === 'FINISHED' || query.state === 'FINISHING';
  return {
    state: shownState(query),
    queued: query.state === 'QUEUED',
    scheduled: query.execution !== undefined,
    nodes: all.nodes,
    totalSplits: all.tasks,
    queuedSplits: all.tasks - all.runningTasks - all.doneTasks,
    runningSplits: all.runningTasks,
    completedSplits: all.doneTasks,
    planningTimeMillis: Math.round(query.planningMs),
    cpuTimeMillis: Math.round(all.statistics.cpuMs),
    wallTimeMillis: Math.round(all.statistics.wallMs),
    queuedTimeMillis: 0,
    elapsedTimeMillis: elapsed,
    processedRows: all.scanned.rows,
    processedBytes: all.scanned.bytes,
    physicalInputBytes: all.scanned.bytes,
    physicalWrittenBytes: 0,
    peakMemoryBytes: all.statistics.memoryBytes,
    spilledBytes: all.statistics.spilledBytes,
    ...(all.tasks > 0 && { progressPercentage: done ? 100 : (100 * all.doneTasks) / all.tasks }),
    ...(all.stages[0] && { rootStage: stageStats(all.stages[0], all.stages) }),
  };
}

function stageStats(summary: StageSummary, all: readonly StageSummary[]): object {
  const { stage, statistics } = summary;
  const inputs = all.filter((other) => stage.fragment.inputs.includes(other.stage.fragment.id));
  return {
    stageId: String(stage.fragment.id),
    state: summary.state,
    done: summary.state === 'FINISHED',
    nodes: summary.nodes,
    totalSplits: summary.tasks,
    queuedSplits: summary.tasks - summary.runningTasks - summary.doneTasks,
    runningSplits: summary.runningTasks,
    completedSplits: summary.doneTasks,
    cpuTimeMillis: Math.round(statistics.cpuMs),
    wallTimeMillis: Math.round(statistics.wallMs),
    processedRows: statistics.rowsRead,
    processedBytes: statistics.bytesRead,
    physicalInputBytes: stage.fragment.inputs.length === 0 ? statistics.bytesRead : 0,
    failedTasks: summary.failedAttempts,
    coordinatorOnly: false,
    subStages: inputs.map((input) => stageStats(input, all)),
  };
}
