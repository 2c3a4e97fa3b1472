/** EXPLAIN: a plan as text or JSON; EXPLAIN ANALYZE: the same after it ran, with what each stage and task did. */

import { QueryError } from '../common/errors.ts';
import { NO_STATISTICS, type OperatorProfile, type ScanReads } from '../exchange/task-protocol.ts';
import type { OptimizedQuery } from '../plan/optimizer.ts';
import { type PlanNode, sourcesOf } from '../plan/nodes.ts';
import { planToJson, printDistributedPlan, printPlan, type PrintOptions } from '../plan/print-plan.ts';
import type { Explain, Statement } from '../sql/ast.ts';
import { BOOLEAN, VARCHAR } from '../types/type.ts';
import type { Execution } from './execution.ts';
import type { Outcome, ResultColumn } from './query.ts';
import { pagesOf } from './result-reader.ts';
import { type Stage, sumStatistics, type Task } from './stage.ts';

export async function explainStatement(
  { options, statement, location }: Explain,
  plan: (statement: Statement) => Promise<OptimizedQuery>,
): Promise<Outcome> {
  const format = options.find((option) => option.kind === 'ExplainFormat')?.format ?? 'TEXT';
  const type = options.find((option) => option.kind === 'ExplainType')?.type ?? 'DISTRIBUTED';
  if (format === 'GRAPHVIZ' || type === 'IO') {
    const asked = format === 'GRAPHVIZ' ? 'FORMAT GRAPHVIZ' : 'TYPE IO';
    throw new QueryError('NOT_SUPPORTED', `EXPLAIN (${asked}) is not supported; FORMAT TEXT and JSON are`, location);
  }
  const planned = await plan(statement);
  const rows = { estimatedRows: estimates(planned) };
  if (type === 'VALIDATE') return oneRow({ name: 'Valid', type: BOOLEAN }, 'true');
  if (format === 'JSON') return planRow(planToJson(planned.plan, rows));
  return planRow(type === 'LOGICAL' ? printPlan(planned.root, rows) : printDistributedPlan(planned.plan, rows));
}

/** `execution` has ended; its plan is the one that ran, after adaptive changes. */
export function explainAnalyze(planned: OptimizedQuery, execution: Execution): Outcome {
  const annotations = new Map(execution.stages().map((stage) => [stage.fragment.id, stageLines(stage)]));
  return planRow(printDistributedPlan(execution.plan, { estimatedRows: estimates(planned), annotations }));
}

const estimates =
  ({ estimatedRows }: OptimizedQuery): NonNullable<PrintOptions['estimatedRows']> =>
  (node) =>
    estimatedRows.get(node.id);

const planRow = (text: string): Outcome => oneRow({ name: 'Query Plan', type: VARCHAR }, JSON.stringify(text));

const oneRow = (column: ResultColumn, value: string): Outcome => ({
  columns: [column],
  pages: pagesOf(Buffer.from(`[${value}]\n`)),
});

function stageLines(stage: Stage): readonly string[] {
  const tasks = stage.tasks ?? [];
  const all = sumStatistics(tasks.map((task) => task.status?.statistics ?? NO_STATISTICS));
  const elapsed = (stage.endedMs ?? 0) - (stage.startedMs ?? 0);
  const failed = tasks.reduce((sum, task) => sum + task.attempt, 0);
  const facts = [
    `${plural(tasks.length, 'task')} in ${elapsed.toFixed(0)} ms`,
    `read ${rows(all.rowsRead)}, ${bytes(all.bytesRead)}${all.bytesFetched > 0 ? ` (${bytes(all.bytesFetched)} from other machines)` : ''}`,
    ...(all.inputsCut > 0 ? [`cut ${plural(all.inputsCut, 'input')} short by a LIMIT (not counted)`] : []),
    `wrote ${rows(all.rowsWritten)}, ${bytes(all.bytesWritten)}`,
    `cpu ${all.cpuMs.toFixed(0)} ms`,
    `memory ${bytes(all.memoryBytes)}`,
    ...(all.spilledBytes > 0 ? [`spilled ${bytes(all.spilledBytes)}`] : []),
    ...(failed > 0 ? [`${plural(failed, 'attempt')} repeated`] : []),
  ];
  return [facts.join('; '), ...readLines(stage.fragment.root, tasks), ...tasks.flatMap(taskLines)];
}

/** Of each table in a file store, how much was read without a network. */
function readLines(node: PlanNode, tasks: readonly Task[]): readonly string[] {
  const below = sourcesOf(node).flatMap((source) => readLines(source, tasks));
  const reads = tasks.flatMap(({ status }) => status?.reads?.filter(({ scan }) => scan === node.id) ?? []);
  if (node.kind !== 'TableScan' || !reads.some(({ isStored }) => isStored)) return below;
  const total = (of: (one: ScanReads) => number): number => reads.reduce((sum, one) => sum + of(one), 0);
  const [all, local] = [total((one) => one.bytes), total((one) => one.localBytes)];
  const share = all === 0 ? 100 : Math.floor((100 * local) / all);
  const splits = `${total((one) => one.localSplits)} of ${plural(
    total((one) => one.splits),
    'split',
  )}`;
  const { catalog, schema, table } = node.table;
  return [
    `local reads of ${catalog}.${schema}.${table}: ${splits}, ${bytes(local)} of ${bytes(all)} (${share} %)`,
    ...below,
  ];
}

function taskLines(task: Task): readonly string[] {
  const { statistics, profile } = task.status ?? { statistics: NO_STATISTICS };
  const where = task.worker?.announcement.nodeId ?? 'no worker';
  const line = `task ${task.index} on ${where}: ${plural(statistics.splits, 'split')}, wrote ${rows(statistics.rowsWritten)} in ${statistics.wallMs.toFixed(0)} ms`;
  return [line, ...(profile ? profileLines(profile, 1) : [])];
}

function profileLines(
  { name, rows: count, wallMs, detail, children }: OperatorProfile,
  depth: number,
): readonly string[] {
  const line = `${'  '.repeat(depth)}${name}: ${rows(count)}, ${wallMs.toFixed(1)} ms${detail && ` [${detail}]`}`;
  return [line, ...children.flatMap((child) => profileLines(child, depth + 1))];
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
const rows = (count: number): string => `${count.toLocaleString('en')} row${count === 1 ? '' : 's'}`;

function bytes(count: number): string {
  if (count < 1e3) return `${count} B`;
  const [unit, scale] = count < 1e6 ? ['kB', 1e3] : ['MB', 1e6];
  const value = count / scale;
  return `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`;
}
