/** What a finished task has read: inputs that a LIMIT may have ended early are not counted, for nobody knows how far they got. */

import type { Split } from '../connectors/connector.ts';
import type { TaskRequest, TaskStatistics } from '../exchange/task-protocol.ts';
import { type PlanNode, type RemoteSourceNode, sourcesOf, type TableScanNode } from '../plan/nodes.ts';

type Leaf = TableScanNode | RemoteSourceNode;
type InputSize = Pick<TaskStatistics, 'rowsRead' | 'bytesRead' | 'rowsScanned' | 'bytesScanned' | 'inputsCut'>;

export function inputSize({ fragment, splits, inputs }: TaskRequest, rowsWritten: number): InputSize {
  const leaves = [...leavesBelow(fragment.root, false, rowsWritten)];
  const whole = leaves.filter(({ cut }) => !cut).map(({ leaf }) => leaf);
  const scans = whole.flatMap((leaf): readonly Split[] => (leaf.kind === 'TableScan' ? (splits[leaf.id] ?? []) : []));
  const files = whole.flatMap((leaf) => (leaf.kind === 'RemoteSource' ? (inputs[leaf.id] ?? []) : []));
  const rowsScanned = sum(scans.map((split) => split.rows ?? 0));
  const bytesScanned = sum(scans.map((split) => split.bytes));
  return {
    rowsRead: rowsScanned + sum(files.map((file) => file.rows)),
    bytesRead: bytesScanned + sum(files.map((file) => file.bytes)),
    rowsScanned,
    bytesScanned,
    inputsCut: leaves.length - whole.length,
  };
}

/** `rows`: how many the node yielded, where that is known. */
function* leavesBelow(
  node: PlanNode,
  cut: boolean,
  rows: number | undefined,
): Generator<{ readonly leaf: Leaf; readonly cut: boolean }> {
  if (node.kind === 'TableScan' || node.kind === 'RemoteSource') return yield { leaf: node, cut };
  const keepsRows = node.kind === 'Output' || node.kind === 'Project';
  for (const source of sourcesOf(node))
    yield* leavesBelow(source, cutBelow(node, cut, rows), keepsRows ? rows : undefined);
}

/** Whether what is below may end before its last row, as nothing between it and a LIMIT waits for all of it. */
function cutBelow(node: PlanNode, cut: boolean, rows: number | undefined): boolean {
  if (cut && !WAITS_FOR_ALL.has(node.kind)) return true;
  if (node.kind === 'Limit' && node.count !== undefined) return rows === undefined || rows >= Number(node.count);
  return node.kind === 'EnforceSingleRow';
}

const WAITS_FOR_ALL: ReadonlySet<PlanNode['kind']> = new Set(['Aggregation', 'Sort', 'TopN']);

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
