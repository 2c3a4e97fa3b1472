/** The work of a fragment that reads tables: its scans' splits, cut into tasks, or all in one for a single task. */

import type { Metadata } from '../catalog/metadata.ts';
import { mapLimited } from '../common/collections.ts';
import { QueryError } from '../common/errors.ts';
import type { Split } from '../connectors/connector.ts';
import type { Fragment } from '../plan/fragment.ts';
import { type PlanNode, sourcesOf, type TableReference, type TableScanNode } from '../plan/nodes.ts';
import { type AssignedTask, type AssignmentLimits, assignSplits, hostsOfAll } from './split-assignment.ts';

/** The only machines that can read a table's files; undefined = all. */
type MachinesFor = (table: TableReference) => readonly string[] | undefined;

/** Catalogs asked at a time for one fragment. */
const SCANS_AT_A_TIME = 8;

/** Of a `hash` fragment, what each of its tasks reads: repeated scans. */
export async function splitsOf(
  fragment: Fragment,
  metadata: Metadata,
  limits: AssignmentLimits,
  machinesFor: MachinesFor,
): Promise<readonly AssignedTask[]> {
  const scans = scansOf(fragment.root);
  const found = await mapLimited(scans, SCANS_AT_A_TIME, (scan) => splitsOfScan(scan, metadata, machinesFor));
  const splitsWhere = (isWanted: (scan: TableScanNode) => boolean): ReadonlyMap<number, readonly Split[]> =>
    new Map(scans.flatMap((scan, i) => (isWanted(scan) ? [[scan.id, found[i]!] as const] : [])));
  if (fragment.partitioning !== 'source') return [inOneTask(splitsWhere(() => true))];
  const tasks = assignSplits(
    splitsWhere((scan) => !scan.repeated),
    limits,
  );
  const repeated = inOneTask(splitsWhere((scan) => scan.repeated ?? false));
  return tasks.map((task) => withRepeated(task, repeated));
}

/** The task reads all splits of repeated scans beside its own. */
function withRepeated(task: AssignedTask, { splits, machines }: AssignedTask): AssignedTask {
  const both = machines && task.machines ? machines.filter((machine) => task.machines!.includes(machine)) : undefined;
  if (both?.length === 0) throw noSingleMachine();
  const where = both ?? machines ?? task.machines;
  return { ...task, splits: { ...task.splits, ...splits }, ...(where && { machines: where }) };
}

async function splitsOfScan(
  scan: TableScanNode,
  metadata: Metadata,
  machinesFor: MachinesFor,
): Promise<readonly Split[]> {
  const { catalog, schema, table } = scan.table;
  const found = await metadata.table({ catalog, schema, table });
  if (!found) throw new QueryError('TABLE_NOT_FOUND', `Table '${catalog}.${schema}.${table}' does not exist any more`);
  const columns = scan.columns.map(({ column }) => column.name);
  const splits = await metadata.splits(found, columns, scan.constraint);
  const machines = machinesFor(scan.table);
  if (!machines || !splits.some(isBound)) return splits;
  if (machines.length === 0) {
    const say = `The files of catalog '${catalog}' lie on the coordinator's machine, where no worker is`;
    throw new QueryError(
      'NO_NODES_AVAILABLE',
      `${say}: start one there, or, where all machines see the same files, set "shared": true in the catalog's file`,
    );
  }
  return splits.map((split) => (isBound(split) ? { machines, ...split } : split));
}

/** To the machines that see the files: those of a store are read anywhere. */
const isBound = (split: Split): boolean => split.hosts === undefined;

function inOneTask(scans: ReadonlyMap<number, readonly Split[]>): AssignedTask {
  const all = [...scans.values()].flat();
  const bytes = all.reduce((sum, split) => sum + split.bytes, 0);
  const bound = all.flatMap((split) => (split.machines ? [split.machines] : []));
  const machines = bound[0]?.filter((machine) => bound.every((others) => others.includes(machine)));
  if (machines?.length === 0) throw noSingleMachine();
  return { splits: Object.fromEntries(scans), bytes, ...(machines && { machines }), ...hostsOfAll(all) };
}

function scansOf(root: PlanNode): readonly TableScanNode[] {
  const below = sourcesOf(root).flatMap(scansOf);
  return root.kind === 'TableScan' ? [root, ...below] : below;
}

const noSingleMachine = (): QueryError =>
  new QueryError(
    'NO_NODES_AVAILABLE',
    'No single machine sees all of the files that this statement reads at one place',
  );
