/** HTTP requests to one server: kept-alive connections, whole bodies, and retries where asking again is harmless. */
import http from 'node:http';
import https from 'node:https';
import { ConnectionFailure } from './failures.ts';

export type HttpRequest = {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'HEAD';
  readonly url: URL;
  readonly headers: http.OutgoingHttpHeaders;
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
  /** Instead of the client's own `retryMs`, for requests that a person waits for. */
  readonly retryMs?: number | undefined;
};

export type HttpResponse = {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
};

export type HttpOptions = {
  /** How long transient failures are retried before one is reported. */
  readonly retryMs: number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly now: () => number;
};

/** A server or proxy that says so itself wants to be asked again. */
const TRANSIENT_STATUS = new Set([429, 502, 503, 504]);
/** The connection broke; asking a page again returns the same page. Not so for statements, which may have begun. */
const BROKEN = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ETIMEDOUT', 'UND_ERR_SOCKET']);
/** Nobody listens: worth waiting for while a query is under way, a plain error at its start. */
const ABSENT = new Set(['ECONNREFUSED']);

const PAUSE_FIRST_MS = 50;
const PAUSE_MAX_MS = 2_000;
/** Long polls last about a second; a server silent for this long hangs. */
const SILENCE_MAX_MS = 120_000;

export class HttpClient {
  readonly #options: HttpOptions;
  readonly #agents = {
    'http:': new http.Agent({ keepAlive: true }),
    'https:': new https.Agent({ keepAlive: true }),
  };

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    const { sleep, now } = this.#options;
    const deadline = now() + (request.retryMs ?? this.#options.retryMs);
    for (let attempt = 0; ; attempt++) {
      let pause = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** attempt);
      try {
        const response = await this.#exchange(request);
        if (!TRANSIENT_STATUS.has(response.status)) return response;
        const asked = Number(response.headers['retry-after']) * 1000;
        if (asked >= 0) pause = asked;
        if (now() + pause > deadline) return response;
      } catch (error) {
        if (!isTransient(error, request.method) || now() + pause > deadline) throw describe(error, request);
      }
      await sleep(pause, request.signal);
    }
  }

  /** The response as soon as its headers are there, for bodies that are passed on as they come. Never retried. */
  async open(request: HttpRequest): Promise<http.IncomingMessage> {
    try {
      return await this.#send(request);
    } catch (error) {
      throw describe(error, request);
    }
  }

  close(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  async #exchange(request: HttpRequest): Promise<HttpResponse> {
    const response = await this.#send(request);
    return { status: response.statusCode ?? 0, headers: response.headers, body: await readBody(response) };
  }

  #send(request: HttpRequest): Promise<http.IncomingMessage> {
    const { url, method, headers, body, signal } = request;
    return new Promise((resolve, reject) => {
      const secure = url.protocol === 'https:';
      const options = { method, headers, signal, agent: this.#agents[secure ? 'https:' : 'http:'] };
      const outgoing = (secure ? https : http).request(url, options, resolve);
      outgoing.setTimeout(SILENCE_MAX_MS, () => {
        outgoing.destroy(Object.assign(new Error('the server is silent'), { code: 'ETIMEDOUT' }));
      });
      outgoing.once('error', reject);
      outgoing.end(body);
    });
  }
}

async function readBody(response: http.IncomingMessage): Promise<Buffer> {
  const length = Number(response.headers['content-length']);
  if (length > 0 && response.headers['content-encoding'] === undefined) {
    // One allocation of the right size instead of joining pieces.
    const body = Buffer.allocUnsafe(length);
    let filled = 0;
    for await (const piece of response as AsyncIterable<Buffer>) filled += piece.copy(body, filled);
    if (filled === length) return body;
    throw Object.assign(new Error('the answer was cut short'), { code: 'ECONNRESET' });
  }
  const pieces: Buffer[] = [];
  for await (const piece of response as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

function isTransient(error: unknown, method: HttpRequest['method']): boolean {
  return method !== 'POST' && (BROKEN.has(codeOf(error)) || ABSENT.has(codeOf(error)));
}

/** What a person can do about it, instead of what the socket said. */
function describe(error: unknown, { url, signal }: HttpRequest): Error {
  if (signal?.aborted) return error instanceof Error ? error : new Error(String(error));
  const where = url.origin;
  const code = codeOf(error);
  const options = { cause: error };
  if (ABSENT.has(code)) {
    return new ConnectionFailure(
      `no server answers at ${where}. Is it running? Start one with: tutti server --port ${url.port || '8080'}`,
      options,
    );
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new ConnectionFailure(`the host "${url.hostname}" is not known. Check the spelling of ${where}`, options);
  }
  if (BROKEN.has(code)) return new ConnectionFailure(`the connection to ${where} broke (${code})`, options);
  const text = error instanceof Error ? error.message : String(error);
  return new ConnectionFailure(`cannot talk to ${where}: ${text}`, options);
}
