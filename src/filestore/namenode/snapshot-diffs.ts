/**
 * Pages of what has changed between two snapshots. All of it is found out first, in turns: of a tree that goes on changing, pages that are
 * found out one by one would not fit each other. It is kept while its pages are asked for.
 */

import type { Clock } from '../../common/clock.ts';
import { type Difference, snapshotDiff, type SnapshotDiffRequest } from '../namespace/snapshot-diff.ts';
import type { Namespace } from '../namespace/state.ts';
import { StoreError } from '../network.ts';
import { orThrow } from './answer.ts';
import { LongAnswers, type StillAtWork } from './long-answers.ts';
import { inTurns } from './turns.ts';

/** Differences that an answer has. */
const PAGE = 1_000;
/** Who asks for page after page asks sooner. */
const KEPT_MS = 60_000;
/** At most, since each may be large; the one that nobody has asked for longest goes first. */
const KEPT_MAX = 4;

export type SnapshotDiffPageRequest = SnapshotDiffRequest & {
  /** A name of its own, of who asks again when the answer says `stillAtWork`, and for the next page. */
  readonly request: string;
  /** Differences that were in pages before. */
  readonly after: number;
};

export type SnapshotDiffPage = { readonly differences: readonly Difference[]; readonly remaining: number };

type Kept = { readonly differences: readonly Difference[]; askedMs: number };

export class SnapshotDiffs {
  readonly #clock: Clock;
  readonly #state: () => Namespace;
  readonly #answers: LongAnswers;
  /** By request; what was asked for last stands last. */
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Clock, state: () => Namespace) {
    this.#clock = clock;
    this.#state = state;
    this.#answers = new LongAnswers(clock);
  }

  /** Throws StoreError. */
  async page(message: SnapshotDiffPageRequest): Promise<SnapshotDiffPage | StillAtWork> {
    const { request, after, caller } = message;
    this.#forgetOld();
    if (!this.#kept.has(request)) {
      if (after > 0) throw new StoreError('SnapshotException', 'The differences are not known any more: ask again');
      const answer = await this.#answers.answer(request, () => this.#findOut(message));
      if ('stillAtWork' in answer) return answer as StillAtWork;
    }
    const kept = this.#kept.get(request);
    // Found out, and others since.
    if (!kept)
      throw new StoreError('SnapshotException', `Too many ask for differences at once, ${caller.user} as well`);
    this.#keep(request, kept.differences);
    const differences = kept.differences.slice(after, after + PAGE);
    return { differences, remaining: Math.max(0, kept.differences.length - after - differences.length) };
  }

  async #findOut(message: SnapshotDiffPageRequest): Promise<object> {
    this.#keep(message.request, orThrow(await inTurns(this.#clock, snapshotDiff(this.#state(), message))));
    return {};
  }

  #keep(request: string, differences: readonly Difference[]): void {
    this.#kept.delete(request);
    this.#kept.set(request, { differences, askedMs: this.#clock.elapsedMs() });
    const [first] = this.#kept.keys();
    if (this.#kept.size > KEPT_MAX) this.#kept.delete(first!);
  }

  #forgetOld(): void {
    const before = this.#clock.elapsedMs() - KEPT_MS;
    for (const [request, { askedMs }] of this.#kept) if (askedMs < before) this.#kept.delete(request);
  }
}
