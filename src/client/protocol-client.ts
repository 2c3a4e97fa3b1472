/** Speaks Trino's client protocol: a statement goes out, its pages come back, one page ahead of whoever reads them. */
import type { IncomingMessage } from 'node:http';
import type { Column } from './column-kind.ts';
import { ConnectionFailure, StatementFailure } from './failures.ts';
import { HttpClient, type HttpOptions, type HttpRequest, type HttpResponse } from './http.ts';
import { type RowBytes, splitPage } from './page-bytes.ts';
import { type ClientSession, sessionAfter, sessionHeaders } from './session.ts';

export type ClientOptions = {
  readonly url: URL;
  readonly session: ClientSession;
  readonly password?: string | undefined;
  readonly http?: Partial<HttpOptions>;
};

export class ProtocolClient {
  readonly url: URL;
  /** What the statements so far have set; replaced by every response that changes it. */
  session: ClientSession;
  readonly #http: HttpClient;
  readonly #authorization: string | undefined;

  constructor({ url, session, password, http }: ClientOptions) {
    this.url = url;
    this.session = session;
    this.#http = new HttpClient({ retryMs: RETRY_MS, sleep, now: () => performance.now(), ...http });
    const credentials = Buffer.from(`${session.user}:${password ?? ''}`).toString('base64');
    this.#authorization = password === undefined ? undefined : `Basic ${credentials}`;
  }

  execute(sql: string): StatementRun {
    return new StatementRun(this, sql);
  }

  /** The whole result as one stream of `mediaType`. Aborting the signal cancels the query. */
  async stream(sql: string, mediaType: string, signal: AbortSignal): Promise<IncomingMessage> {
    const url = new URL('v1/statement', this.url);
    const response = await this.#http.open(this.#request('POST', url, { body: sql, signal, accept: mediaType }));
    this.session = sessionAfter(this.session, response.headers);
    return response;
  }

  async get(path: string): Promise<unknown> {
    return splitPage((await this.send('GET', new URL(path, this.url))).body).envelope;
  }

  /** For StatementRun: one request with the session's headers, whose response may change the session. */
  async send(method: HttpRequest['method'], url: URL, extra: RequestExtra = {}): Promise<HttpResponse> {
    const response = await this.#http.request(this.#request(method, url, extra));
    this.session = sessionAfter(this.session, response.headers);
    if (response.status >= 200 && response.status < 300) return response;
    throw refusal(response, url);
  }

  close(): void {
    this.#http.close();
  }

  #request(method: HttpRequest['method'], url: URL, { body, signal, accept, retryMs }: RequestExtra): HttpRequest {
    const headers = {
      ...(method === 'POST' ? sessionHeaders(this.session) : { 'x-trino-user': this.session.user }),
      accept: accept ?? 'application/json',
      ...(body !== undefined && {
        'content-type': 'text/plain; charset=utf-8',
        'content-length': Buffer.byteLength(body),
      }),
      // Credentials go to the server that was named, not to wherever a page points.
      ...(this.#authorization !== undefined &&
        url.origin === this.url.origin && { authorization: this.#authorization }),
    };
    return { method, url, headers, ...(body !== undefined && { body }), signal, retryMs };
  }
}

type RequestExtra = {
  readonly body?: string;
  readonly signal?: AbortSignal;
  readonly accept?: string;
  readonly retryMs?: number;
};

export type QueryState =
  | 'QUEUED'
  | 'WAITING_FOR_RESOURCES'
  | 'DISPATCHING'
  | 'PLANNING'
  | 'STARTING'
  | 'RUNNING'
  | 'FINISHING'
  | 'FINISHED'
  | 'FAILED';

export type StageStats = {
  readonly stageId?: string;
  readonly state?: string;
  readonly done?: boolean;
  readonly nodes?: number;
  readonly totalSplits?: number;
  readonly completedSplits?: number;
  readonly processedRows?: number;
  readonly processedBytes?: number;
  readonly subStages?: readonly StageStats[];
};

export type QueryStats = {
  readonly state: QueryState;
  readonly nodes?: number;
  readonly totalSplits?: number;
  readonly queuedSplits?: number;
  readonly runningSplits?: number;
  readonly completedSplits?: number;
  readonly elapsedTimeMillis?: number;
  readonly processedRows?: number;
  readonly processedBytes?: number;
  readonly physicalInputBytes?: number;
  readonly peakMemoryBytes?: number;
  readonly progressPercentage?: number | null;
  readonly rootStage?: StageStats | null;
};

export type ResultPage = {
  readonly queryId: string;
  readonly stats: QueryStats;
  readonly columns: readonly Column[] | undefined;
  readonly rows: RowBytes | undefined;
  readonly updateType: string | undefined;
  readonly updateCount: number | undefined;
  readonly warnings: readonly string[];
};

/** One statement on its way. Read `pages` to its end, leave it early, or `cancel`: each frees the query on the server. */
export class StatementRun {
  readonly #client: ProtocolClient;
  readonly #sql: string;
  readonly #abort = new AbortController();
  #nextUri: URL | undefined;
  #cancelled = false;

  constructor(client: ProtocolClient, sql: string) {
    this.#client = client;
    this.#sql = sql;
  }

  /** Every page the server sends, also those without rows: their `stats` tell the progress. */
  async *pages(): AsyncGenerator<ResultPage, void, undefined> {
    const started = this.#client.send('POST', new URL('v1/statement', this.#client.url), { body: this.#sql });
    let page = await this.#read(started);
    let left = true;
    const heartbeat = setInterval(() => void this.#beat(), HEARTBEAT_MS).unref();
    try {
      for (;;) {
        const next = this.#nextUri;
        // Asked for before this page is used, so that server and client work at the same time.
        const ahead = next && settled(this.#read(this.#client.send('GET', next, { signal: this.#abort.signal })));
        yield page;
        const outcome = await ahead;
        if (outcome?.ok && !this.#cancelled) {
          page = outcome.value;
          continue;
        }
        left = false;
        if (!outcome) return;
        throw this.#cancelled || outcome.ok ? cancelled(page.queryId) : outcome.error;
      }
    } finally {
      clearInterval(heartbeat);
      // The reader went away before the end: the query must not run on.
      if (left) await this.cancel();
    }
  }

  /** Ends the query. The reader of `pages` gets USER_CANCELED. Throws when the server could not be told. */
  async cancel(): Promise<void> {
    if (this.#cancelled) return;
    this.#cancelled = true;
    this.#abort.abort();
    await this.#delete();
  }

  /** Tells the server that somebody still reads, however long they look at one page. */
  async #beat(): Promise<void> {
    if (!this.#nextUri) return;
    // A server that does not answer is noticed when the next page is asked for.
    await settled(this.#client.send('HEAD', this.#nextUri, { retryMs: 0 }));
  }

  async #delete(): Promise<void> {
    const uri = this.#nextUri;
    this.#nextUri = undefined;
    // While the statement is still being posted there is no address to cancel; #read does it then.
    if (uri) await this.#client.send('DELETE', uri, { retryMs: CANCEL_RETRY_MS });
  }

  async #read(response: Promise<HttpResponse>): Promise<ResultPage> {
    const { body } = await response;
    const { envelope, rows } = splitPage(body);
    const answer = asAnswer(envelope);
    this.#nextUri = answer.nextUri === undefined ? undefined : new URL(answer.nextUri, this.#client.url);
    if (answer.error) throw failureOf(answer.error, answer.id);
    if (this.#cancelled) {
      await this.#delete();
      throw cancelled(answer.id);
    }
    return {
      queryId: answer.id,
      stats: answer.stats,
      columns: answer.columns,
      rows,
      updateType: answer.updateType,
      updateCount: answer.updateCount,
      warnings: (answer.warnings ?? []).map(({ message }) => message ?? '').filter(Boolean),
    };
  }
}

/** Long enough to outlast a restart of a proxy, short enough that nobody waits for a server that is gone. */
const RETRY_MS = 20_000;
const CANCEL_RETRY_MS = 2_000;
/** Servers give up clients that are silent for five minutes. */
const HEARTBEAT_MS = 60_000;

const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', aborted, { once: true });
    function done(): void {
      signal?.removeEventListener('abort', aborted);
      resolve();
    }
    function aborted(): void {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    }
  });

type Settled<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

/** A promise that never rejects, so that a failure may be looked at later. */
const settled = <T>(promise: Promise<T>): Promise<Settled<T>> =>
  promise.then(
    (value) => ({ ok: true, value }),
    (error: unknown) => ({ ok: false, error }),
  );

type WireError = {
  readonly message?: string;
  readonly errorName?: string;
  readonly errorLocation?: { readonly lineNumber: number; readonly columnNumber: number };
};

type Answer = {
  readonly id: string;
  readonly nextUri?: string;
  readonly stats: QueryStats;
  readonly columns?: readonly Column[];
  readonly error?: WireError;
  readonly updateType?: string;
  readonly updateCount?: number;
  readonly warnings?: readonly { readonly message?: string }[];
};

function asAnswer(envelope: unknown): Answer {
  const answer = envelope as Partial<Answer> | null;
  if (typeof answer?.id === 'string' && typeof answer.stats === 'object') return answer as Answer;
  throw new ConnectionFailure('the server answered with something that is not a page of the Trino protocol');
}

function failureOf(error: WireError, queryId: string): StatementFailure {
  const at = error.errorLocation;
  return new StatementFailure({
    code: error.errorName ?? 'GENERIC_INTERNAL_ERROR',
    message: error.message ?? 'the server gave no reason',
    location: at && { line: at.lineNumber, column: at.columnNumber },
    queryId,
  });
}

/** The failure that an answer carries in place of a result; undefined where it is none that we understand. */
export function failureOfPage(body: Buffer): StatementFailure | undefined {
  try {
    const { error, id } = splitPage(body).envelope as Partial<Answer>;
    return typeof error === 'object' ? failureOf(error, id ?? '') : undefined;
  } catch (problem) {
    if (problem instanceof ConnectionFailure) return undefined;
    throw problem;
  }
}

const cancelled = (queryId: string): StatementFailure =>
  new StatementFailure({ code: 'USER_CANCELED', message: 'Query was canceled', queryId });

function refusal({ status, body }: HttpResponse, url: URL): ConnectionFailure {
  const text = refusalText(body);
  if (status === 401 || status === 403) {
    return new ConnectionFailure(`${url.origin} refuses this user (HTTP ${status}). Check user and password. ${text}`);
  }
  if (status === 404 && url.pathname.endsWith('/v1/statement')) {
    return new ConnectionFailure(`${url.origin} is no Trino server: it does not know /v1/statement`);
  }
  if (status === 404 || status === 410) {
    return new ConnectionFailure(
      `${url.origin} does not know this query any more (HTTP ${status}). Was the server restarted? Run the statement again.`,
    );
  }
  return new ConnectionFailure(`${url.origin} answered HTTP ${status}${text ? `: ${text}` : ''}`);
}

const REFUSAL_TEXT_MAX = 500;

/** The reason that a refusal's body gives: the member `error` or `message` of a JSON object, or its first characters. */
export function refusalText(body: Buffer): string {
  const text = body.toString('utf8', 0, REFUSAL_TEXT_MAX).trim();
  const [, reason] = /"(?:error|message)"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(text) ?? [];
  return reason === undefined ? text : (JSON.parse(reason) as string);
}
