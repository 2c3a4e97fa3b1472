/** Tells the parts of a plan that one worker makes faster than many: their whole input is small. */

import { sessionProperty } from '../sql/session-properties.ts';
import { isDeterministic } from './determinism.ts';
import type { PlanNode } from './nodes.ts';
import { sourcesOf } from './nodes.ts';
import type { RuleContext } from './rule.ts';
import { describeRows } from './join-distribution.ts';
import type { Estimator } from './statistics.ts';

/** Rows and bytes of written input that one task works through in about the time that one more stage costs. */
export const SMALL_INPUT_ROWS = 300_000;
export const SMALL_INPUT_BYTES = 4 * 1024 * 1024;

/** What the stages, files and second readings of a distributed plan cost beside its work, as measured over TPC-H. */
const DISTRIBUTING_MS = 45;
/** Of the columns that are read, as one thread works through them, filters, joins and groups included. */
const BYTES_PER_MS = 650_000;
/** Narrow rows take time too. */
const ROWS_PER_MS = 40_000;

/** Within a larger plan a stage of one task keeps the others waiting, so less input is worth one. */
const SMALL_PART_ROWS = 60_000;
/** Rows that every task reads again rather than wait for a stage that reads them once. */
const REPEATED_ROWS = 20_000;

export type Smallness = {
  /** Why one task should make the node with all below it, or undefined. */
  readonly ofWhole: (node: PlanNode) => string | undefined;
  /** The same for a part of a plan that does not run whole in one task. */
  readonly ofPart: (node: PlanNode) => string | undefined;
  readonly isRepeatable: (node: PlanNode) => boolean;
};

export function smallness(context: RuleContext, estimator: Estimator): Smallness {
  const distribution = sessionProperty(context.session.properties, 'distribution');
  if (distribution === 'NONE') return always('distribution = NONE');
  if (distribution === 'AUTOMATIC' && context.cluster.workers <= 1) return always('there is one worker');
  const inputRows = sumOverScans(estimator.rows);
  const isRepeatable = (node: PlanNode): boolean =>
    (inputRows(node) ?? Infinity) <= REPEATED_ROWS && isDeterministic(node);
  if (distribution === 'FORCED') {
    const readsNothing = (node: PlanNode): boolean => inputRows(node) === 0 && isDeterministic(node);
    return { ofWhole: () => undefined, ofPart: () => undefined, isRepeatable: readsNothing };
  }
  const inputBytes = sumOverScans(estimator.bytes);
  const { workers, threadsPerWorker } = context.cluster;
  // Many workers save no more than the work that is not the one's own share.
  const worthMs = DISTRIBUTING_MS / (1 - 1 / workers);
  const ofWhole = (node: PlanNode): string | undefined => {
    const [rows, bytes] = [inputRows(node), inputBytes(node)];
    if (rows === undefined || bytes === undefined) return undefined;
    const workMs = Math.max(bytes / BYTES_PER_MS, rows / ROWS_PER_MS) / threadsPerWorker;
    return workMs <= worthMs ? `the input is ${describeRows(rows)}` : undefined;
  };
  const ofPart = (node: PlanNode): string | undefined => {
    const rows = inputRows(node);
    return rows !== undefined && rows <= SMALL_PART_ROWS ? `the input is ${describeRows(rows)}` : undefined;
  };
  return { ofWhole, ofPart, isRepeatable };
}

const always = (reason: string): Smallness => ({
  ofWhole: () => reason,
  ofPart: () => reason,
  isRepeatable: () => false,
});

/** Over the tables below a node; undefined where a table's size is unknown. */
function sumOverScans(sizeOf: (scan: PlanNode) => number | undefined): (node: PlanNode) => number | undefined {
  const known = new WeakMap<PlanNode, { readonly size: number | undefined }>();
  const count = (node: PlanNode): number | undefined => {
    if (node.kind === 'TableScan') return sizeOf(node);
    let sum = 0;
    for (const source of sourcesOf(node)) {
      const size = read(source);
      if (size === undefined) return undefined;
      sum += size;
    }
    return sum;
  };
  const read = (node: PlanNode): number | undefined => {
    const before = known.get(node) ?? { size: count(node) };
    known.set(node, before);
    return before.size;
  };
  return read;
}
