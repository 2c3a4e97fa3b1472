/**
 * Signed HTTP requests to the cluster's other processes, over kept-alive connections. Every internal route is idempotent,
 * so a request that dies on a kept connection which the other side closed meanwhile is sent once more.
 */

import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Clock } from '../common/clock.ts';
import { signatureHeaders } from './signature.ts';

/** Why a request brought no answer. `status` is absent when the other process could not be reached or did not answer. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
  readonly status: number | undefined;
  /** Nobody listens there: the process is gone, not slow. */
  readonly refused: boolean;

  constructor(message: string, status?: number, options?: ErrorOptions & { readonly refused?: boolean }) {
    super(message, options);
    this.status = status;
    this.refused = options?.refused ?? false;
  }
}

export type RequestOptions = {
  /** Until the headers of the answer, and then between any two chunks of it. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Bytes first … last, both inclusive; without `last` to the end. */
  readonly range?: { readonly first: number; readonly last?: number };
};

const TIMEOUT_MS = 10_000;

/** Longer answers than any internal route should give are refused. */
const BODY_BYTES_MAX = 256 * 1024 * 1024;

export class ClusterClient {
  readonly #secret: string;
  readonly #clock: Clock;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: 64 });

  constructor(secret: string, clock: Clock) {
    this.#secret = secret;
    this.#clock = clock;
  }

  /** The JSON answer of a 2xx; undefined for 204. Throws ClusterError. */
  async json<T>(method: string, url: string, body?: unknown, options: RequestOptions = {}): Promise<T> {
    const bytes = await this.#whole(method, url, body, options);
    try {
      return (bytes.length === 0 ? undefined : JSON.parse(bytes.toString('utf8'))) as T;
    } catch (problem) {
      throw failed(method, url, problem);
    }
  }

  /** The whole body of a 2xx. Throws ClusterError. */
  bytes(method: string, url: string, options: RequestOptions = {}): Promise<Buffer> {
    return this.#whole(method, url, undefined, options);
  }

  async #whole(method: string, url: string, body: unknown, options: RequestOptions): Promise<Buffer> {
    const response = await this.stream(method, url, body, options);
    const chunks: Buffer[] = [];
    let length = 0;
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        length += chunk.length;
        if (length > BODY_BYTES_MAX) throw new Error(`answer is longer than ${BODY_BYTES_MAX} bytes`);
        chunks.push(chunk);
      }
    } catch (problem) {
      throw failed(method, url, problem);
    }
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  }

  /** The answer's body as a stream, once its status is known to be 2xx. The caller reads or destroys it. */
  async stream(method: string, url: string, body?: unknown, options: RequestOptions = {}): Promise<IncomingMessage> {
    const payload = body === undefined ? '' : JSON.stringify(body);
    let response: IncomingMessage;
    try {
      response = await this.#send(method, new URL(url), payload, options, true);
    } catch (problem) {
      throw failed(method, url, problem);
    }
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    throw new ClusterError(`${method} ${url}: status ${status}: ${await excerpt(response)}`, status);
  }

  /** Ends idle connections; running requests go on. */
  close(): void {
    this.#agent.destroy();
  }

  #send(method: string, url: URL, payload: string, options: RequestOptions, again: boolean): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const path = url.pathname + url.search;
      const { range } = options;
      const request = httpRequest({
        agent: this.#agent,
        host: url.hostname.replace(/^\[|\]$/g, ''),
        port: url.port,
        method,
        path,
        ...(options.signal && { signal: options.signal }),
        headers: {
          ...(payload !== '' && {
            'content-type': 'application/json',
            'content-length': String(Buffer.byteLength(payload)),
          }),
          ...(range && { range: `bytes=${range.first}-${range.last ?? ''}` }),
          ...signatureHeaders(this.#secret, { method, path, body: payload }, this.#clock.wallMs()),
        },
      });
      request.setTimeout(options.timeoutMs ?? TIMEOUT_MS, () => {
        request.destroy(new Error(`no answer within ${options.timeoutMs ?? TIMEOUT_MS} ms`));
      });
      request.on('response', resolve);
      request.on('error', (problem: NodeJS.ErrnoException) => {
        const stale = request.reusedSocket && (problem.code === 'ECONNRESET' || problem.code === 'EPIPE');
        // Signed anew: the other side may have seen the first one's nonce.
        if (again && stale) resolve(this.#send(method, url, payload, options, false));
        else reject(problem);
      });
      request.end(payload);
    });
  }
}

function failed(method: string, url: string, problem: unknown): ClusterError {
  const cause = problem as NodeJS.ErrnoException;
  return new ClusterError(`${method} ${url}: ${cause.message}`, undefined, {
    cause,
    refused: cause.code === 'ECONNREFUSED',
  });
}

/** The beginning of an error's body, for the log. */
async function excerpt(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response as AsyncIterable<Buffer>) {
    text += chunk.toString('utf8');
    if (text.length > 2000) break;
  }
  return text.slice(0, 2000);
}
