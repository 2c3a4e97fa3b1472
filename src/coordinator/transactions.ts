/**
 * Transactions that clients open around statements. Nothing is written yet, so that there is nothing to keep or undo: each
 * statement sees its tables as they are when it starts. An id stays valid until its end, or until nobody has used it for long.
 */

import { randomUUID } from 'node:crypto';
import type { Clock } from '../common/clock.ts';
import { QueryError } from '../common/errors.ts';
import type { Commit, Rollback, StartTransaction } from '../sql/ast.ts';
import type { SessionChange } from './query.ts';

/** A client that says nothing for so long has gone. */
const IDLE_MS = 5 * 60_000;
/** Beyond that the one used longest ago is forgotten. */
const OPEN_MAX = 10_000;

export class Transactions {
  readonly #clock: Clock;
  /** When each was last used; in that order. */
  readonly #open = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A statement runs in it. Throws UNKNOWN_TRANSACTION. */
  use(id: string): void {
    const usedMs = this.#open.get(id);
    this.#open.delete(id);
    if (usedMs === undefined || this.#clock.elapsedMs() - usedMs > IDLE_MS) {
      throw new QueryError(
        'UNKNOWN_TRANSACTION',
        `Transaction ${id} is not open: it ended, or nobody used it for long`,
      );
    }
    this.#open.set(id, this.#clock.elapsedMs());
  }

  run(statement: StartTransaction | Commit | Rollback, current: string | undefined): SessionChange {
    if (statement.kind === 'StartTransaction') return this.#start(statement, current);
    if (current === undefined) {
      throw new QueryError('NOT_IN_TRANSACTION', 'No transaction in progress', statement.location);
    }
    this.#open.delete(current);
    return { kind: 'clear-transaction-id' };
  }

  #start({ modes, location }: StartTransaction, current: string | undefined): SessionChange {
    if (current !== undefined) {
      throw new QueryError('NOT_SUPPORTED', 'Nested transactions are not supported', location);
    }
    for (const kind of ['Isolation', 'TransactionAccess']) {
      const again = modes.filter((mode) => mode.kind === kind)[1];
      if (again) throw new QueryError('SYNTAX_ERROR', 'A transaction mode is given twice', again.location);
    }
    for (const mode of modes) {
      if (mode.kind !== 'Isolation' || mode.level.startsWith('READ')) continue;
      const say = `Isolation level ${mode.level} is not supported: each statement sees its tables as they are when it starts`;
      throw new QueryError('NOT_SUPPORTED', say, mode.location);
    }
    const [oldest] = this.#open.keys();
    if (oldest !== undefined && this.#open.size >= OPEN_MAX) this.#open.delete(oldest);
    const value = randomUUID();
    this.#open.set(value, this.#clock.elapsedMs());
    return { kind: 'started-transaction-id', value };
  }
}
