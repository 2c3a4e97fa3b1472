/**
 * Where the replicas of a block go, as HDFS documents it: the first where its writer is, the second on another rack, the third on the
 * second's rack, further ones spread over the racks. What cannot be had so is had otherwise: a block with too few racks is better
 * than no block.
 */

/** What placement looks at; anything more is the caller's. */
export type Candidate = {
  readonly node: string;
  readonly rack: string;
  readonly host: string;
  readonly freeBytes: number;
  /** Blocks on their way in or out. */
  readonly transfers: number;
};

export type PlacementRequest = {
  /** Replicas to place; fewer come back when there are no more datanodes. */
  readonly count: number;
  readonly bytes: number;
  /** Who holds the block already, or is promised it. */
  readonly existing: readonly Candidate[];
  /** Nodes that failed the caller, or must not take part. */
  readonly excluded: ReadonlySet<string>;
  /** The machine that writes. */
  readonly writer?: string;
};

/** Below 1. */
export type Random = () => number;

/** The targets in the order of the pipeline. */
export function placeReplicas<C extends Candidate>(
  candidates: readonly C[],
  request: PlacementRequest,
  random: Random,
): readonly C[] {
  const { count, bytes, existing, excluded, writer } = request;
  const taken = new Set([...excluded, ...existing.map(({ node }) => node)]);
  const chosen: C[] = [];
  for (let i = 0; i < count; i++) {
    const fit = candidates.filter(({ node, freeBytes }) => !taken.has(node) && freeBytes >= bytes);
    if (fit.length === 0) break;
    const next = leastBusy(preferred(fit, [...existing, ...chosen], writer), random);
    taken.add(next.node);
    chosen.push(next);
  }
  return chosen;
}

/** Those among `fit` that serve the block best after `placed`. */
function preferred<C extends Candidate>(
  fit: readonly C[],
  placed: readonly Candidate[],
  writer: string | undefined,
): readonly C[] {
  const [first, second] = placed;
  if (!first) return orElse(fit, ({ host }) => host === writer);
  const racks = new Set(placed.map(({ rack }) => rack));
  if (racks.size === 1) {
    return orElse(
      fit,
      ({ rack }) => rack !== first.rack,
      // One rack is all there is: at least another machine.
      ({ host }) => placed.every((one) => one.host !== host),
    );
  }
  const otherMachine = fit.filter(({ host }) => placed.every((one) => one.host !== host));
  const machines = otherMachine.length > 0 ? otherMachine : fit;
  if (placed.length === 2) return orElse(machines, ({ rack }) => rack === second!.rack);
  // Spread: a rack with fewer replicas of it comes first.
  const on = (rack: string): number => placed.filter((one) => one.rack === rack).length;
  const least = Math.min(...machines.map(({ rack }) => on(rack)));
  return machines.filter(({ rack }) => on(rack) === least);
}

/** By the first wish that anything fulfils; all when none does. */
function orElse<C>(fit: readonly C[], ...wishes: ((one: C) => boolean)[]): readonly C[] {
  for (const wish of wishes) {
    const good = fit.filter(wish);
    if (good.length > 0) return good;
  }
  return fit;
}

/** Of two drawn at random the one that does less: nobody is asked by all at once, and nobody idles. */
function leastBusy<C extends Candidate>(among: readonly C[], random: Random): C {
  const draw = (): C => among[Math.floor(random() * among.length)]!;
  const [one, two] = [draw(), draw()];
  return two.transfers < one.transfers ? two : one;
}

/**
 * Which replicas of a block with too many are to go, so that racks stay as many as they can, and full datanodes are relieved.
 * `count` of them.
 */
export function chooseExcess<C extends Candidate>(replicas: readonly C[], count: number): readonly C[] {
  const rest = [...replicas];
  const excess: C[] = [];
  for (let i = 0; i < count; i++) {
    const on = (rack: string): number => rest.filter((one) => one.rack === rack).length;
    const crowded = rest.filter(({ rack }) => on(rack) > 1);
    const among = crowded.length > 0 ? crowded : rest;
    const fullest = among.reduce((most, one) => (one.freeBytes < most.freeBytes ? one : most));
    rest.splice(rest.indexOf(fullest), 1);
    excess.push(fullest);
  }
  return excess;
}

/** Replicas as a reader should try them: on its own machine first, then on its rack, then the rest in random order. */
export function nearestFirst<C extends Candidate>(
  replicas: readonly C[],
  reader: { readonly host?: string; readonly rack?: string },
  random: Random,
): readonly C[] {
  const distance = ({ host, rack }: C): number => (host === reader.host ? 0 : rack === reader.rack ? 1 : 2);
  return replicas
    .map((replica) => ({ replica, at: distance(replica) + random() / 2 }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ replica }) => replica);
}
