/** Groups the splits of a stage's scans into tasks: near in size, together where the data is, small enough to retry cheaply. */

import { groupBy } from '../common/collections.ts';
import type { Split } from '../connectors/connector.ts';

export type AssignedTask = {
  /** By the id of the scan's plan node. */
  readonly splits: Readonly<Record<number, readonly Split[]>>;
  readonly bytes: number;
  /** Only workers on one of these machines can read it; absent = any worker. */
  readonly machines?: readonly string[];
};

export type AssignmentLimits = {
  /** Tasks that the cluster runs at a time. */
  readonly slots: number;
  readonly bytesMax: number;
  /** Less than this is not worth a task of its own, unless distribution is forced. */
  readonly bytesMin: number;
};

/** Every split is in exactly one task. At least one task, which may have no splits. */
export function assignSplits(scans: ReadonlyMap<number, readonly Split[]>, limits: AssignmentLimits): AssignedTask[] {
  const all = [...scans].flatMap(([scan, splits]) => splits.map((split) => ({ scan, split })));
  if (all.length === 0) return [{ splits: {}, bytes: 0 }];
  const total = all.reduce((sum, { split }) => sum + split.bytes, 0);
  const even = Math.max(limits.bytesMin, Math.ceil(total / limits.slots));
  const target = Math.min(limits.bytesMax, even);
  const tasks: AssignedTask[] = [];
  for (const group of groupBy(all, ({ split }) => split.machines?.toSorted().join() ?? '').values()) {
    tasks.push(...fill(group, target));
  }
  return tasks;
}

type ScanSplit = { readonly scan: number; readonly split: Split };

/** Takes splits in their order, so that a task reads neighbouring ranges; cuts where the running total passes a target. */
function fill(group: readonly ScanSplit[], target: number): AssignedTask[] {
  const bytes = group.reduce((sum, { split }) => sum + split.bytes, 0);
  const count = Math.min(group.length, Math.max(1, Math.ceil(bytes / target)));
  const machines = group[0]?.split.machines;
  const bins: ScanSplit[][] = Array.from({ length: count }, () => []);
  let passed = 0;
  group.forEach((item, i) => {
    // By the middle of the split on the line of all bytes; without bytes by its number.
    const middle = bytes === 0 ? (i + 0.5) / group.length : (passed + item.split.bytes / 2) / bytes;
    bins[Math.min(count - 1, Math.floor(middle * count))]!.push(item);
    passed += item.split.bytes;
  });
  return bins
    .filter((bin) => bin.length > 0)
    .map((bin) => ({
      splits: Object.fromEntries(
        [...groupBy(bin, ({ scan }) => scan)].map(([scan, items]) => [scan, items.map(({ split }) => split)]),
      ),
      bytes: bin.reduce((sum, { split }) => sum + split.bytes, 0),
      ...(machines && { machines }),
    }));
}
