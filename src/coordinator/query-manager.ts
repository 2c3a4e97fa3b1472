/** All queries of a coordinator: takes statements in, forgets ended ones, ends those whose clients have gone. */

import { randomInt } from 'node:crypto';
import { type Clock, every } from '../common/clock.ts';
import { errorCategory, QueryError } from '../common/errors.ts';
import { Query, type StatementRunner, type Submission } from './query.ts';

export type QueryManagerOptions = {
  readonly clock: Clock;
  readonly runStatement: StatementRunner;
  /** The query is over, however it ended: its files on workers may go. */
  readonly onEnd: (query: Query) => void;
};

/** A client that asks for nothing for so long has gone. */
const SILENCE_MS = 5 * 60_000;
const CHECK_MS = 1000;
/** Ended queries that `system.runtime.queries` and `/v1/query` still show. */
const ENDED_MAX = 200;
/** Of their texts together. */
const ENDED_CHARACTERS_MAX = 10_000_000;
/** Beyond that the coordinator would rather refuse than drown. */
const LIVE_MAX = 1000;

export class QueryManager {
  readonly #options: QueryManagerOptions;
  readonly #queries = new Map<string, Query>();
  readonly #stop: () => void;
  /** Of this start, so that ids of two starts within a second differ. */
  readonly #suffix = Array.from({ length: 5 }, () => 'abcdefghijkmnpqrstuvwxyz23456789'[randomInt(32)]).join('');
  /** Ended queries by how: `finished`, or the error's category. */
  readonly ended = new Map<string, number>();
  #count = 0;
  #accepting = true;
  #drained: (() => void)[] = [];

  constructor(options: QueryManagerOptions) {
    this.#options = options;
    this.#stop = every(options.clock, CHECK_MS, () => this.#check());
  }

  /** Never throws for what the statement says: such errors are the query's. */
  submit(submission: Submission): Query {
    const { clock, onEnd, runStatement } = this.#options;
    const query = new Query(this.#newId(), submission, clock, (ended) => {
      const how = ended.error ? errorCategory(ended.error.code).toLowerCase() : 'finished';
      this.ended.set(how, (this.ended.get(how) ?? 0) + 1);
      onEnd(ended);
      this.#forgetOldest();
      this.#tellDrained();
    });
    this.#queries.set(query.id, query);
    const live = this.live();
    if (!this.#accepting) query.fail(new QueryError('SERVER_SHUTTING_DOWN', 'The server is shutting down'));
    else if (live.length > LIVE_MAX) {
      query.fail(new QueryError('QUERY_QUEUE_FULL', `${LIVE_MAX} queries are running or being read; try again later`));
    } else void query.run(runStatement);
    return query;
  }

  get(id: string): Query | undefined {
    return this.#queries.get(id);
  }

  /** Oldest first. */
  all(): readonly Query[] {
    return [...this.#queries.values()];
  }

  /** Those that may still have files on workers. */
  live(): readonly Query[] {
    return this.all().filter((query) => !query.isDone);
  }

  /** No new queries; resolves when those that run have ended and their results were read. */
  drain(): Promise<void> {
    this.#accepting = false;
    return new Promise((resolve) => {
      this.#drained.push(resolve);
      this.#tellDrained();
    });
  }

  /** No new queries; those that run are failed. */
  close(): void {
    this.#accepting = false;
    this.#stop();
    for (const query of this.live()) query.fail(new QueryError('SERVER_SHUTTING_DOWN', 'The server is shutting down'));
  }

  #check(): void {
    for (const query of this.live()) {
      if (query.silentMs <= SILENCE_MS) continue;
      const minutes = SILENCE_MS / 60_000;
      query.fail(new QueryError('ABANDONED_QUERY', `The client asked for nothing for ${minutes} minutes`));
    }
  }

  #tellDrained(): void {
    if (!this.#accepting && this.live().length === 0) for (const resolve of this.#drained.splice(0)) resolve();
  }

  #forgetOldest(): void {
    let count = 0;
    let characters = 0;
    for (const query of this.all().toReversed()) {
      if (!query.isDone) continue;
      count += 1;
      characters += query.submission.text.length;
      if (count > ENDED_MAX || characters > ENDED_CHARACTERS_MAX) this.#queries.delete(query.id);
    }
  }

  // As Trino's: the moment in UTC, a count, and which coordinator.
  #newId(): string {
    this.#count += 1;
    const moment = new Date(this.#options.clock.wallMs())
      .toISOString()
      .replaceAll(/[-:]|\..*/g, '')
      .replace('T', '_');
    return `${moment}_${String(this.#count).padStart(5, '0')}_${this.#suffix}`;
  }
}
