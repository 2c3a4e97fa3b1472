/**
 * Where requests become records: decided on the newest state, answered once that is durable. Refusals too, since what they were decided
 * on may come to nothing.
 */

import type { Clock } from '../../common/clock.ts';
import { JournalError } from '../../journal/errors.ts';
import type { Journal } from '../../journal/journal.ts';
import type { Decision } from '../namespace/decision.ts';
import type { NamespaceRecord } from '../namespace/records.ts';
import type { Namespace } from '../namespace/state.ts';
import { StoreError } from '../network.ts';

export type LedgerOptions = {
  readonly journal: Journal<Namespace, NamespaceRecord>;
  readonly clock: Clock;
  /** Throws SafeModeException or ManualSafeModeException while nothing may be changed. */
  readonly refuseChanges: () => void;
  readonly onDurable: (record: NamespaceRecord) => void;
};

type AppendOptions = { readonly inSafeMode?: boolean };

export class Ledger {
  readonly #options: LedgerOptions;
  readonly #journal: Journal<Namespace, NamespaceRecord>;
  /** Settles when the newest record, and with it all before, is durable. */
  #newest: Promise<unknown> = Promise.resolve();

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#journal = options.journal;
  }

  /** What is durable. */
  get state(): Namespace {
    return this.#journal.durable;
  }

  /** With what is in flight. Decide on it and append with no await in between. */
  get tip(): Namespace {
    return this.#journal.tip;
  }

  get epoch(): number {
    return this.#journal.epoch;
  }

  /** Throws SafeModeException while nothing may be changed: before work that would be for nothing. */
  refuseChanges(): void {
    this.#options.refuseChanges();
  }

  wallMs(): number {
    return Math.round(this.#options.clock.wallMs());
  }

  /** Resolves when what was decided, and all that it was decided on, is durable. Throws StoreError. */
  async decided<Result>(decide: (tip: Namespace) => Decision<Result>): Promise<Result> {
    return this.settled(this.append(decide(this.tip)));
  }

  /** In flight when it returns; nothing is while changes are refused. `inSafeMode`: it is about no file. */
  append<Result>(decision: Decision<Result>, options?: AppendOptions): Decision<Result> {
    if (options?.inSafeMode !== true) this.#options.refuseChanges();
    if (decision.kind !== 'change') return decision;
    const durable = this.#journal.append(decision.record).catch((problem: unknown) => {
      // Nothing is in flight any more: what is decided from here on is decided on what is durable.
      if (this.#newest === durable) this.#newest = Promise.resolve();
      throw refusalOf(problem);
    });
    this.#newest = durable;
    // Not every caller waits for its own record.
    durable.catch(() => undefined);
    return decision;
  }

  /** Throws StoreError, DiskOutOfSpaceException when the journal had no room for it. */
  async settled<Result>(decision: Decision<Result>): Promise<Result> {
    await this.#newest;
    if (decision.kind === 'refused') throw new StoreError(decision.name, decision.message);
    if (decision.kind === 'change') this.#options.onDurable(decision.record);
    return decision.result;
  }
}

function refusalOf(problem: unknown): unknown {
  if (!(problem instanceof JournalError && problem.code === 'JOURNAL_FULL')) return problem;
  return new StoreError('DiskOutOfSpaceException', `The namenode's journal: ${problem.message}`, { cause: problem });
}
