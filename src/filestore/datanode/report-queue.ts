/**
 * What a namenode has not been told yet. Of each replica only the last word counts, so that a report may be sent again, with what came
 * since, and say the same. A full report goes in slices; what changes while it goes is in the slices still to come, or told after.
 */

import type { BlockReport, Replica } from '../protocol.ts';
import type { ReplicaChange } from './block-store.ts';

/** Replicas in one report: a hundred kilobytes of JSON, and some five milliseconds of the namenode. */
export const REPLICAS_PER_REPORT = 2_000;

export type Report = {
  readonly change: BlockReport['change'];
  /** The namenode has heard it. */
  readonly heard: () => void;
};

type Slice = { readonly from: number; readonly to: number | undefined; readonly changes: readonly ReplicaChange[] };

const nameOf = ({ block, generation }: Omit<Replica, 'length'>): string => `${block}_${generation}`;

export class ReportQueue {
  readonly #replicasPerReport: number;
  readonly #changes = new Map<string, ReplicaChange>();
  #slices: Slice[] = [];

  constructor(replicasPerReport = REPLICAS_PER_REPORT) {
    this.#replicasPerReport = replicasPerReport;
  }

  add(change: ReplicaChange): void {
    this.#changes.set(nameOf(change.replica), change);
  }

  /** Whether the namenode is still to hear of the replica's last change. */
  has(replica: Omit<Replica, 'length'>): boolean {
    return this.#changes.has(nameOf(replica));
  }

  /** Begins a full report of these replicas; what was to be told before is in it. */
  begin(replicas: { readonly sound: readonly Replica[]; readonly corrupt: readonly Replica[] }): void {
    this.#changes.clear();
    const all: readonly ReplicaChange[] = [
      ...replicas.sound.map((replica) => ({ kind: 'received', replica }) as const),
      ...replicas.corrupt.map((replica) => ({ kind: 'corrupt', replica }) as const),
    ].toSorted((a, b) => a.replica.block - b.replica.block);
    this.#slices = slicesOf(all, this.#replicasPerReport);
  }

  /** Undefined when all is told. Until `heard` is called the same is told again. */
  next(): Report | undefined {
    const [slice] = this.#slices;
    if (slice) return this.#full(slice);
    if (this.#changes.size === 0) return undefined;
    const changes = [...this.#changes.values()].slice(0, this.#replicasPerReport);
    const of = (kind: ReplicaChange['kind']): readonly Replica[] =>
      changes.filter((change) => change.kind === kind).map(({ replica }) => replica);
    const deleted = of('deleted').map(({ block, generation }) => ({ block, generation }));
    return {
      change: { kind: 'incremental', received: of('received'), deleted, corrupt: of('corrupt') },
      heard: () => this.#told(changes),
    };
  }

  #full(slice: Slice): Report {
    const { from, to } = slice;
    const since = [...this.#changes.values()].filter(
      ({ replica: { block } }) => block >= from && (to === undefined || block < to),
    );
    const last = new Map([...slice.changes, ...since].map((change) => [nameOf(change.replica), change]));
    const of = (kind: ReplicaChange['kind']): readonly Replica[] =>
      [...last.values()].filter((change) => change.kind === kind).map(({ replica }) => replica);
    return {
      change: { kind: 'full', from, to, replicas: of('received'), corrupt: of('corrupt') },
      heard: () => {
        if (this.#slices[0] === slice) this.#slices.shift();
        this.#told(since);
      },
    };
  }

  /** What changed once more while it was told stays. */
  #told(changes: readonly ReplicaChange[]): void {
    for (const change of changes) {
      const name = nameOf(change.replica);
      if (this.#changes.get(name) === change) this.#changes.delete(name);
    }
  }
}

/** Each begins with the id where the one before ended; generations of one block are not parted. */
function slicesOf(all: readonly ReplicaChange[], size: number): Slice[] {
  const slices: Slice[] = [];
  for (let start = 0, from = 0; ;) {
    let end = Math.min(all.length, start + size);
    while (end > start && end < all.length && all[end]!.replica.block === all[end - 1]!.replica.block) end += 1;
    const to = end < all.length ? all[end]!.replica.block : undefined;
    slices.push({ from, to, changes: all.slice(start, end) });
    if (to === undefined) return slices;
    [start, from] = [end, to];
  }
}
