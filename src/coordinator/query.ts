/** One statement from its submission to its last page, or to its failure: states, statistics, cancellation, cleanup. */

import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../common/clock.ts';
import { type ErrorInfo, QueryError, toErrorInfo } from '../common/errors.ts';
import { normalZone } from '../sql/analyzer/date-time-literals.ts';
import type { Session } from '../sql/session.ts';
import { sessionProperty } from '../sql/session-properties.ts';
import type { SqlType } from '../types/type.ts';
import type { Execution } from './execution.ts';
import type { ResultPage } from './result-reader.ts';

/** In the order in which a query passes them; FAILED may follow any but FINISHED. */
export type QueryState = 'QUEUED' | 'PLANNING' | 'STARTING' | 'RUNNING' | 'FINISHING' | 'FINISHED' | 'FAILED';

export type ResultColumn = { readonly name: string; readonly type: SqlType };

/** What a statement changed in the client's session: response headers of the protocol. */
export type SessionChange =
  | { readonly kind: 'set-catalog' | 'set-schema' | 'started-transaction-id'; readonly value: string }
  | { readonly kind: 'clear-transaction-id' }
  | { readonly kind: 'set-session' | 'added-prepare'; readonly name: string; readonly value: string }
  | { readonly kind: 'clear-session' | 'deallocated-prepare'; readonly name: string };

/** What a client sends with a statement. */
export type Submission = {
  readonly text: string;
  readonly user: string;
  readonly source?: string;
  readonly catalog?: string;
  readonly schema?: string;
  readonly timeZone: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly prepared: ReadonlyMap<string, string>;
  /** Of the transaction that the statement runs in. */
  readonly transactionId?: string;
  readonly format: 'json-lines' | 'arrow';
  /** The client does not know datetimes of other precisions than 3. */
  readonly millisecondsOnly: boolean;
};

/** What a statement comes to: its columns, and its pages as they are asked for. */
export type Outcome = {
  readonly columns: readonly ResultColumn[];
  readonly pages: AsyncIterator<ResultPage, void> | Iterator<ResultPage, void>;
  /** Bytes of a result in another format than pages of JSON. */
  readonly stream?: AsyncIterable<Uint8Array>;
  readonly updateType?: string;
  readonly sessionChanges?: readonly SessionChange[];
};

/** Runs a query's statement; the query hands itself over to be told what happens. */
export type StatementRunner = (query: Query) => Promise<Outcome>;

export class Query {
  readonly id: string;
  /** Unguessable: who knows only the id cannot read the result. */
  readonly slug = randomBytes(16).toString('hex');
  readonly submission: Submission;
  readonly session: Session;
  readonly createdMs: number;
  readonly createdWallMs: number;
  /** Calls everything off that the query waits for. */
  readonly abort = new AbortController();
  readonly #clock: Clock;
  readonly #onEnd: (query: Query) => void;
  readonly #waiting = new Set<() => void>();
  #state: QueryState = 'QUEUED';
  #error: ErrorInfo | undefined;
  #outcome: Outcome | undefined;
  #next: Promise<ResultPage | undefined> | undefined;
  #heardMs: number;
  #stopTimeout: (() => void) | undefined;
  execution: Execution | undefined;
  /** Whether the cluster has anybody to run it. */
  hasWorkers = (): boolean => true;
  planningMs = 0;
  startedWallMs: number | undefined;
  endedMs: number | undefined;
  endedWallMs: number | undefined;
  resultRows = 0;

  constructor(id: string, submission: Submission, clock: Clock, onEnd: (query: Query) => void) {
    const { user, source, catalog, schema, timeZone, properties } = submission;
    this.id = id;
    this.submission = submission;
    this.#clock = clock;
    this.#onEnd = onEnd;
    this.createdMs = clock.elapsedMs();
    this.createdWallMs = clock.wallMs();
    this.#heardMs = this.createdMs;
    this.session = {
      queryId: id,
      user,
      ...(source !== undefined && { source }),
      ...(catalog !== undefined && { catalog }),
      ...(schema !== undefined && { schema }),
      timeZone: normalZone(timeZone) ?? timeZone,
      now: new Date(this.createdWallMs).toISOString().replace('Z', '000Z'),
      properties,
    };
  }

  get state(): QueryState {
    return this.#state;
  }

  get error(): ErrorInfo | undefined {
    return this.#error;
  }

  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  get isDone(): boolean {
    return this.#state === 'FINISHED' || this.#state === 'FAILED';
  }

  /** Since its client last asked for something. */
  get silentMs(): number {
    return this.#clock.elapsedMs() - this.#heardMs;
  }

  /** On the clock that `createdMs` and `endedMs` are read from. */
  nowMs(): number {
    return this.#clock.elapsedMs();
  }

  /** The client asked for something. */
  touch(): void {
    this.#heardMs = this.#clock.elapsedMs();
  }

  async run(runner: StatementRunner): Promise<void> {
    try {
      // The answer to the submission goes out first; parsing may take a while.
      await nextTurn();
      if (this.isDone) return;
      this.enter('PLANNING');
      this.#stopTimeout = this.#limitTime();
      const outcome = await runner(this);
      if (this.isDone) return;
      this.#outcome = outcome;
      this.enter('FINISHING');
    } catch (problem) {
      this.fail(problem);
    }
  }

  enter(state: Exclude<QueryState, 'FAILED'>): void {
    if (this.isDone) return;
    this.#state = state;
    if (state === 'STARTING') {
      this.planningMs = this.#clock.elapsedMs() - this.createdMs;
      this.startedWallMs = this.#clock.wallMs();
    }
    if (state === 'FINISHED') this.#ended();
    this.#tell();
  }

  /** Safe to call again; the first reason stays. */
  fail(problem: unknown): void {
    if (this.isDone) return;
    this.#state = 'FAILED';
    this.#error = toErrorInfo(problem);
    this.abort.abort();
    this.execution?.fail(problem instanceof Error ? problem : new Error(String(problem)));
    this.#ended();
    this.#tell();
  }

  cancel(): void {
    this.fail(new QueryError('USER_CANCELED', 'Query was canceled'));
  }

  /**
   * The next page, undefined after the last one. The same promise until it is settled and taken: a client that stops waiting
   * finds the page when it asks again. A page that cannot be had fails the query.
   */
  nextPage(): Promise<ResultPage | undefined> {
    this.#next ??= this.#readPage();
    return this.#next;
  }

  /** The page was handed to the client. */
  takePage(page: ResultPage): void {
    this.resultRows += page.rows;
    this.#next = undefined;
  }

  /** Resolves when the state changes, or after `ms`. */
  news(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const told = (): void => {
        stop();
        this.#waiting.delete(told);
        resolve();
      };
      const stop = this.#clock.after(ms, told);
      this.#waiting.add(told);
    });
  }

  async #readPage(): Promise<ResultPage | undefined> {
    try {
      const page = await this.#outcome?.pages.next();
      if (page && !page.done) return page.value;
      this.enter('FINISHED');
    } catch (problem) {
      this.fail(problem);
    }
    return undefined;
  }

  #limitTime(): () => void {
    const { properties } = this.submission;
    // Names and values that no one will read are refused all the same.
    for (const name of Object.keys(properties)) sessionProperty(properties, name);
    const seconds = Number(sessionProperty(properties, 'query_max_run_time_s'));
    const say = `Query ran longer than ${seconds} s; SET SESSION query_max_run_time_s raises the limit`;
    return this.#clock.after(Math.min(seconds, TIMER_SECONDS_MAX) * 1000, () =>
      this.fail(new QueryError('EXCEEDED_TIME_LIMIT', say)),
    );
  }

  #ended(): void {
    this.#stopTimeout?.();
    // The result's rows may go; what it was stays for those who ask about the query.
    if (this.#outcome) {
      const { stream: _, ...rest } = this.#outcome;
      this.#outcome = { ...rest, pages: [].values() };
    }
    this.endedMs = this.#clock.elapsedMs();
    this.endedWallMs = this.#clock.wallMs();
    this.execution?.end();
    this.#onEnd(this);
  }

  #tell(): void {
    for (const told of this.#waiting) told();
  }
}

/** Timers of Node run at once beyond 2^31 ms. */
const TIMER_SECONDS_MAX = 2_000_000;
