/** From where to where blocks have to go, so that every datanode is as full as the others, give or take. As HDFS's balancer decides. */

/** What the plan looks at; anything more is the caller's. */
export type Weighed = {
  readonly capacityBytes: number;
  /** What is on its way taken into account. */
  readonly usedBytes: number;
  readonly rack: string;
  readonly host: string;
};

export type Plan<N extends Weighed> = {
  /** Percent. */
  readonly average: number;
  /** The fullest first. */
  readonly sources: readonly N[];
  /** The emptiest first. */
  readonly targets: readonly N[];
  /** That are too many on some datanodes, or too few on others: what is more. 0: balanced. */
  readonly leftBytes: number;
};

/** In percent. */
export const utilisation = ({ capacityBytes, usedBytes }: Pick<Weighed, 'capacityBytes' | 'usedBytes'>): number =>
  capacityBytes > 0 ? (usedBytes / capacityBytes) * 100 : 0;

export function averageOf(nodes: readonly Weighed[]): number {
  const sum = (of: (node: Weighed) => number): number => nodes.reduce((total, node) => total + of(node), 0);
  return utilisation({ capacityBytes: sum((node) => node.capacityBytes), usedBytes: sum((node) => node.usedBytes) });
}

/** Of the overfull to any that are below the average; of those above it to the underfull. */
export function planBalance<N extends Weighed>(nodes: readonly N[], threshold: number): Plan<N> {
  const average = averageOf(nodes);
  const most = average + threshold;
  const least = average - threshold;
  const byUse = nodes.toSorted((a, b) => utilisation(b) - utilisation(a));
  const over = byUse.filter((node) => utilisation(node) > most);
  const under = byUse.filter((node) => utilisation(node) < least).toReversed();
  const bytes = (points: number, { capacityBytes }: N): number => (points / 100) * capacityBytes;
  const tooMany = over.reduce((sum, node) => sum + bytes(utilisation(node) - most, node), 0);
  const tooFew = under.reduce((sum, node) => sum + bytes(least - utilisation(node), node), 0);
  return {
    average,
    sources: over.length > 0 ? over : byUse.filter((node) => utilisation(node) > average),
    targets: under.length > 0 ? under : byUse.filter((node) => utilisation(node) < average).toReversed(),
    leftBytes: Math.ceil(Math.max(tooMany, tooFew)),
  };
}

/** That nobody becomes too full or too empty by it, and that its replicas stand on as many racks and machines as before. */
export function mayMove(
  bytes: number,
  [source, target]: readonly [Weighed, Weighed],
  holders: readonly Pick<Weighed, 'rack' | 'host'>[],
  { average, threshold }: { readonly average: number; readonly threshold: number },
): boolean {
  const sourceAfter = utilisation({ ...source, usedBytes: source.usedBytes - bytes });
  const targetAfter = utilisation({ ...target, usedBytes: target.usedBytes + bytes });
  if (sourceAfter < average - threshold || targetAfter > average + threshold) return false;
  const after = [...holders.filter((holder) => holder !== source), target];
  const count = (all: readonly Pick<Weighed, 'rack' | 'host'>[], of: 'rack' | 'host'): number =>
    new Set(all.map((one) => one[of])).size;
  return count(after, 'rack') >= count(holders, 'rack') && count(after, 'host') >= count(holders, 'host');
}
