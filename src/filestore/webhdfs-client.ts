/**
 * Requests of the WebHDFS REST protocol (Hadoop 3), as its documentation has them: the namenode answers in JSON, or sends the caller on
 * to a datanode with a redirect that holds all it needs; errors are a `RemoteException` with the name of the Java class.
 */

import { Agent, request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { json as readJson } from 'node:stream/consumers';
import { ContentError, piecesOf } from './content.ts';
import type { Content } from './file-system.ts';
import { NetworkError, StoreError } from './network.ts';
import type { StoreErrorName } from './network.ts';

export type WebHdfsOptions = {
  /** `host:port` of the namenode's HTTP address. */
  readonly authority: string;
  /** Who asks, for a cluster without Kerberos. */
  readonly user?: string;
  /** How long the other side may say nothing. */
  readonly timeoutMs?: number;
};

type Method = 'GET' | 'PUT' | 'DELETE';

export type Parameters = Readonly<Record<string, string | number | boolean | undefined>>;

const TIMEOUT_MS = 60_000;

/** A header of answers that HDFS does not send: what is created here is seen when it is whole, or never. */
export const WHOLE_FILES = 'tutti-whole-files';

/** A namenode answers with a page of its listings at a time: this many bytes are never reached. */
const JSON_BYTES_MAX = 64 * 1024 * 1024;

export class WebHdfsClient {
  readonly #base: string;
  readonly #user: string | undefined;
  readonly #timeoutMs: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64, maxFreeSockets: 16 });
  #createsWhole = false;

  constructor({ authority, user, timeoutMs = TIMEOUT_MS }: WebHdfsOptions) {
    this.#base = `http://${authority}/webhdfs/v1`;
    this.#user = user;
    this.#timeoutMs = timeoutMs;
  }

  /** The other side has said that it shows files when they are whole, and removes those whose writers go away: a Tutti. */
  get createsWhole(): boolean {
    return this.#createsWhole;
  }

  /** The answer's JSON; undefined when it has none. Throws StoreError, and NetworkError when there is no answer. */
  async ask(method: Method, path: string, op: string, parameters: Parameters = {}): Promise<unknown> {
    const response = await this.#send(method, this.#url(path, op, parameters));
    return jsonOf(response);
  }

  /** A range of a file, from a datanode. The caller reads it to the end, or destroys it. */
  async read(path: string, offset: number, length: number): Promise<IncomingMessage> {
    const url = this.#url(path, 'OPEN', { offset, length });
    const first = await this.#send('GET', url);
    // A gateway (HttpFS) answers itself.
    return isRedirect(first) ? this.#send('GET', await targetOf(first, url)) : first;
  }

  /** Writes a whole file and tells its length. Throws what `content` throws, as ContentError. */
  async write(path: string, content: Content, parameters: Parameters): Promise<number> {
    const url = this.#url(path, 'CREATE', parameters);
    const first = await this.#send('PUT', url);
    if (!isRedirect(first)) throw new StoreError('IOException', `${path}: the namenode names no datanode to write to`);
    let length = 0;
    const response = await this.#send('PUT', await targetOf(first, url), async (request) => {
      for await (const piece of piecesOf(content)) {
        await written(request, piece);
        length += piece.length;
      }
    });
    await jsonOf(response);
    return length;
  }

  close(): void {
    this.#agent.destroy();
  }

  #url(path: string, op: string, parameters: Parameters): URL {
    // encodeURIComponent, and not URLSearchParams: a plus sign means itself to some servers, a space to others.
    const query = Object.entries({ op, 'user.name': this.#user, ...parameters })
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${encodeURIComponent(value!)}`);
    const names = path === '/' ? '/' : path.split('/').map(encodeURIComponent).join('/');
    return new URL(`${this.#base}${names}?${query.join('&')}`);
  }

  /** The answer, a redirect included. */
  async #send(
    method: Method,
    url: URL,
    body?: (request: ClientRequest) => Promise<void>,
    again = true,
  ): Promise<IncomingMessage> {
    const request = httpRequest(url, {
      method,
      // The other side may close a kept connection just now: only what may be asked twice goes there.
      agent: method === 'GET' ? this.#agent : false,
      headers: body ? { 'content-type': 'application/octet-stream' } : {},
    });
    request.setTimeout(this.#timeoutMs, () => request.destroy(new Error(`no answer within ${this.#timeoutMs} ms`)));
    const answering = new Promise<IncomingMessage>((resolve, reject) => {
      request.on('response', resolve);
      request.on('error', reject);
    });
    answering.catch(() => undefined);
    try {
      let isSent = false;
      const sending = (async () => {
        await body?.(request);
        isSent = true;
      })();
      // A refusal may come before all is sent.
      await Promise.race([sending, answering]);
      sending.catch(() => undefined);
      const wasSent = isSent;
      request.end();
      const response = await answering;
      this.#createsWhole ||= response.headers[WHOLE_FILES] !== undefined;
      if ((response.statusCode ?? 0) < 400) {
        if (wasSent) return response;
        throw new StoreError('IOException', `${url.pathname}: it was called written before all of it was sent`);
      }
      throw await remoteError(response, url);
    } catch (problem) {
      request.destroy();
      if (problem instanceof StoreError || problem instanceof ContentError) throw problem;
      if (again && request.reusedSocket) return this.#send(method, url, body, false);
      throw new NetworkError(`${method} ${url.origin}${url.pathname}: ${(problem as Error).message}`, {
        cause: problem,
      });
    }
  }
}

const isRedirect = (response: IncomingMessage): boolean =>
  response.statusCode !== undefined && response.statusCode >= 300 && response.statusCode < 400;

/** Where a redirect leads. */
async function targetOf(response: IncomingMessage, from: URL): Promise<URL> {
  const { location } = response.headers;
  response.resume();
  const target = location === undefined ? undefined : new URL(location, from);
  if (target?.protocol === 'http:') {
    // HDFS composes the accents of the path it redirects to (Java's URI.toASCIIString), which is another name.
    if (composed(target.pathname) === composed(from.pathname)) target.pathname = from.pathname;
    return target;
  }
  throw new StoreError('IOException', `${from.pathname}: the namenode sends us to ${location ?? 'nowhere'}`);
}

function composed(pathname: string): string {
  try {
    return decodeURIComponent(pathname).normalize('NFC');
  } catch {
    return pathname;
  }
}

function written(request: ClientRequest, piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(new Error('the connection was closed'));
    request.once('close', gone);
    if (request.destroyed) return gone();
    request.write(piece, (problem) => {
      request.off('close', gone);
      if (problem) reject(problem);
      else resolve();
    });
  });
}

async function jsonOf(response: IncomingMessage): Promise<unknown> {
  const announced = Number(response.headers['content-length'] ?? Number.NaN);
  if (announced === 0 || !/json/.test(response.headers['content-type'] ?? '')) {
    response.resume();
    return undefined;
  }
  if (announced > JSON_BYTES_MAX) {
    response.destroy();
    throw new NetworkError(`an answer of ${announced} bytes`);
  }
  try {
    return await readJson(response);
  } catch (problem) {
    throw new NetworkError(`an answer that cannot be read: ${(problem as Error).message}`, { cause: problem });
  }
}

/** The store has most names from HDFS; what it does not know is IOException. */
const NAMES: ReadonlySet<string> = new Set<StoreErrorName>([
  'AccessControlException',
  'AlreadyBeingCreatedException',
  'DSQuotaExceededException',
  'FileAlreadyExistsException',
  'FileNotFoundException',
  'InvalidPathException',
  'NSQuotaExceededException',
  'ParentNotDirectoryException',
  'PathComponentTooLongException',
  'PathIsNotEmptyDirectoryException',
  'SafeModeException',
  'SnapshotAccessControlException',
  'SnapshotException',
  'StandbyException',
]);

async function remoteError(response: IncomingMessage, { pathname }: URL): Promise<StoreError> {
  const answer = (await jsonOf(response).catch(() => undefined)) as RemoteException | undefined;
  const { exception = '', message = `status ${response.statusCode}` } = answer?.RemoteException ?? {};
  // As HDFS says it of a path that goes through a file, lest somebody learns what is there who may not look.
  if (exception === 'AccessControlException' && /\(is not a directory\)$/m.test(message)) {
    return new StoreError('ParentNotDirectoryException', message);
  }
  if (NAMES.has(exception)) return new StoreError(exception as StoreErrorName, message);
  const denied = response.statusCode === 401 || exception === 'SecurityException';
  return new StoreError(denied ? 'AccessControlException' : 'IOException', `${pathname}: ${exception} ${message}`);
}

type RemoteException = { readonly RemoteException?: { readonly exception?: string; readonly message?: string } };
