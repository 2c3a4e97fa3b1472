/** Groups the splits of a stage's scans into tasks: near in size, together where the data is, small enough to retry cheaply. */

import { groupBy } from '../common/collections.ts';
import type { Split } from '../connectors/connector.ts';

export type AssignedTask = {
  /** By the id of the scan's plan node. */
  readonly splits: Readonly<Record<number, readonly Split[]>>;
  readonly bytes: number;
  /** Only workers on one of these machines can read it; absent = any worker. */
  readonly machines?: readonly string[];
  /** Machines (`hostId`) that need no network for it: workers there come first. */
  readonly hosts?: readonly string[];
};

export type AssignmentLimits = {
  /** Tasks that the cluster runs at a time. */
  readonly slots: number;
  /** The same of each machine (`hostId`). */
  readonly slotsByHost: ReadonlyMap<string, number>;
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
  const hosts = hostsFor(all, limits.slotsByHost);
  const placeOf = (item: ScanSplit): string =>
    `${item.split.machines?.toSorted().join() ?? ''} ${hosts.get(item) ?? ''}`;
  for (const group of groupBy(all, placeOf).values()) tasks.push(...fill(group, target));
  return tasks;
}

/** One of each split's machines, each machine as much as its slots are of all; neighbours together. */
function hostsFor(all: readonly ScanSplit[], slotsByHost: ReadonlyMap<string, number>): ReadonlyMap<ScanSplit, string> {
  const placed = all.filter(({ split }) => split.hosts?.some((host) => slotsByHost.has(host)));
  const bytes = placed.reduce((sum, { split }) => sum + split.bytes, 0);
  const slots = [...slotsByHost.values()].reduce((sum, each) => sum + each, 0);
  const given = new Map<string, number>();
  /** Of what the machine should get, the part that it has; 1 = all. */
  const filled = (host: string): number => (given.get(host) ?? 0) / ((bytes * slotsByHost.get(host)!) / slots);
  const chosen = new Map<ScanSplit, string>();
  let last: string | undefined;
  for (const item of placed) {
    const near = item.split.hosts!.filter((host) => slotsByHost.has(host));
    const goesOn = last !== undefined && near.includes(last) && filled(last) < 1;
    const host: string = goesOn
      ? last!
      : near.reduce((least, other) => (filled(other) < filled(least) ? other : least));
    given.set(host, (given.get(host) ?? 0) + item.split.bytes);
    chosen.set(item, host);
    last = host;
  }
  return chosen;
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
      ...hostsOfAll(bin.map(({ split }) => split)),
    }));
}

/** Machines that have all of it that any machine has. */
export function hostsOfAll(splits: readonly Split[]): Pick<AssignedTask, 'hosts'> {
  const placed = splits.flatMap(({ hosts }) => (hosts && hosts.length > 0 ? [hosts] : []));
  const hosts = placed[0]?.filter((host) => placed.every((others) => others.includes(host))) ?? [];
  return hosts.length > 0 ? { hosts } : {};
}
