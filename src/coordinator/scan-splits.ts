/** The work of a fragment that reads tables: its scans' splits, cut into tasks, or all in one for a single task. */

import type { Metadata } from '../catalog/metadata.ts';
import { mapLimited } from '../common/collections.ts';
import { QueryError } from '../common/errors.ts';
import type { Split } from '../connectors/connector.ts';
import type { Fragment } from '../plan/fragment.ts';
import { type PlanNode, sourcesOf, type TableScanNode } from '../plan/nodes.ts';
import { type AssignedTask, type AssignmentLimits, assignSplits } from './split-assignment.ts';

/** Catalogs asked at a time for one fragment. */
const SCANS_AT_A_TIME = 8;

export async function splitsOf(
  fragment: Fragment,
  metadata: Metadata,
  limits: AssignmentLimits,
): Promise<readonly AssignedTask[]> {
  const scans = scansOf(fragment.root);
  const found = await mapLimited(scans, SCANS_AT_A_TIME, (scan) => splitsOfScan(scan, metadata));
  const splits = new Map(scans.map((scan, i) => [scan.id, found[i]!]));
  return fragment.partitioning === 'single' ? [inOneTask(splits)] : assignSplits(splits, limits);
}

async function splitsOfScan(scan: TableScanNode, metadata: Metadata): Promise<readonly Split[]> {
  const { catalog, schema, table } = scan.table;
  const found = await metadata.table({ catalog, schema, table });
  if (!found) throw new QueryError('TABLE_NOT_FOUND', `Table '${catalog}.${schema}.${table}' does not exist any more`);
  const columns = scan.columns.map(({ column }) => column.name);
  return metadata.splits(found, columns, scan.constraint);
}

function inOneTask(scans: ReadonlyMap<number, readonly Split[]>): AssignedTask {
  const all = [...scans.values()].flat();
  const bytes = all.reduce((sum, split) => sum + split.bytes, 0);
  const bound = all.flatMap((split) => (split.machines ? [split.machines] : []));
  const machines = bound[0]?.filter((machine) => bound.every((others) => others.includes(machine)));
  if (machines?.length === 0) {
    throw new QueryError(
      'NO_NODES_AVAILABLE',
      'No single machine sees all of the files that this statement reads at one place',
    );
  }
  return { splits: Object.fromEntries(scans), bytes, ...(machines && { machines }) };
}

function scansOf(root: PlanNode): readonly TableScanNode[] {
  const below = sourcesOf(root).flatMap(scansOf);
  return root.kind === 'TableScan' ? [root, ...below] : below;
}
