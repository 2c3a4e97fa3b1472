/**
 * The store's network over real machines. Bytes go in HTTP requests of their own, signed and framed with the cluster's secret
 * (`cluster/frames.ts`), over connections that are kept; calls without any share one connection (`call-channel.ts`). The other side is
 * `store-routes.ts`.
 */

import { Agent, request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { FRAMES_TYPE, FrameError, frameKey, FrameReader, FrameWriter } from '../cluster/frames.ts';
import type { FrameTimes } from '../cluster/frames.ts';
import { FRAMED, SIGNATURE_HEADERS, signatureHeaders } from '../cluster/signature.ts';
import type { Clock } from '../common/clock.ts';
import { CallChannels } from './call-channel.ts';
import { NetworkError } from './network.ts';
import type { Address, Bytes, CallOptions, StoreNetwork } from './network.ts';
import { OutgoingBody } from './outgoing-body.ts';
import { bytesOf, errorOf, refusalOf, STORE_PATH } from './store-messages.ts';

const TIMEOUT_MS = 10_000;

type Answered = { readonly answer: unknown; readonly body: Bytes };

export class HttpNetwork implements StoreNetwork {
  readonly #secret: string;
  readonly #clock: Clock;
  readonly #channels: CallChannels;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: 64 });

  constructor(secret: string, clock: Clock) {
    this.#secret = secret;
    this.#clock = clock;
    this.#channels = new CallChannels(secret, clock);
  }

  async call<Answer>(to: Address, operation: string, message: object, options?: CallOptions): Promise<Answer> {
    if (!options?.body) return (await this.#channels.call(to, operation, message, options)) as Answer;
    const { answer, body } = await this.fetch(to, operation, message, options);
    for await (const piece of body) {
      throw new NetworkError(`${operation} at ${to}: ${piece.length} bytes behind an answer that has none`);
    }
    return answer as Answer;
  }

  async fetch(to: Address, operation: string, message: object, options: CallOptions = {}): Promise<Answered> {
    const where = `${operation} at ${to}`;
    const body = await OutgoingBody.begin(options.body, this.#clock, options.signal);
    try {
      try {
        // A body that cannot be sent again takes a connection of its own, which nobody can have closed.
        return await this.#exchange(to, operation, message, body, options, body.whole ? this.#agent : false);
      } catch (problem) {
        if (!(problem instanceof StaleConnection)) throw problem;
        return await this.#exchange(to, operation, message, body, options, false);
      }
    } catch (problem) {
      const fromNetwork = problem instanceof NetworkError || problem instanceof FrameError;
      // A body that failed says so itself, also when it came from the network.
      if (problem === body.problem || !fromNetwork) throw problem;
      throw new NetworkError(`${where}: ${problem.message}`, { cause: problem });
    }
  }

  /** Ends idle connections; running calls go on. */
  close(): void {
    this.#agent.destroy();
    this.#channels.close();
  }

  async #exchange(
    to: Address,
    operation: string,
    message: object,
    body: OutgoingBody,
    options: CallOptions,
    agent: Agent | false,
  ): Promise<Answered> {
    const url = new URL(STORE_PATH + encodeURIComponent(operation), to);
    const times: FrameTimes = { clock: this.#clock, silenceMs: options.timeoutMs ?? TIMEOUT_MS };
    const headers = signatureHeaders(
      this.#secret,
      { method: 'POST', path: url.pathname, body: FRAMED },
      this.#clock.wallMs(),
    );
    const nonce = headers[SIGNATURE_HEADERS.nonce]!;
    const request = httpRequest({
      agent,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      method: 'POST',
      path: url.pathname,
      ...(options.signal && { signal: options.signal }),
      headers: { 'content-type': FRAMES_TYPE, ...headers },
    });
    const answering = responseOf(request);
    const writer = new FrameWriter(request, frameKey(this.#secret, nonce), times);
    const sending = body.send(writer, message);
    let response: IncomingMessage | undefined;
    try {
      response = await answered(answering, sending, times);
      if (response.statusCode !== 200) throw await refusalOf(response.statusCode, response);
      const theirs = response.headers[SIGNATURE_HEADERS.nonce];
      if (typeof theirs !== 'string') throw new NetworkError('the answer comes from something else');
      const reader = new FrameReader(response, frameKey(this.#secret, nonce, theirs), times);
      const frame = await reader.next();
      if (frame.kind === 'failure') throw errorOf(frame.value);
      if (frame.kind !== 'message') throw new NetworkError('the answer begins without its message');
      return { answer: frame.value, body: leftBy(bytesOf(reader, `${operation} at ${to}`), leave) };
    } catch (problem) {
      leave();
      throw problem;
    }

    /** A connection on which all was said, and heard, stays. */
    function leave(): void {
      body.stop();
      if (!request.writableFinished || !response?.readableEnded) request.destroy();
    }
  }
}

/** The other side closed the kept connection before it heard anything. */
class StaleConnection extends NetworkError {}

function responseOf(request: ClientRequest): Promise<IncomingMessage> {
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    let isAnswered = false;
    request.on('response', (answer) => {
      isAnswered = true;
      resolve(answer);
    });
    request.on('close', () => {
      if (!isAnswered) reject(new NetworkError('the connection was closed'));
    });
    request.on('error', (problem: NodeJS.ErrnoException) => {
      const stale = request.reusedSocket && (problem.code === 'ECONNRESET' || problem.code === 'EPIPE');
      const Failure = stale ? StaleConnection : NetworkError;
      reject(new Failure(problem.message, { cause: problem }));
    });
  });
  // It may be known before that the body failed, and nobody looks here then.
  response.catch(() => undefined);
  return response;
}

/** The answer, which may come before all is sent: a refusal. */
function answered(
  answering: Promise<IncomingMessage>,
  sending: Promise<unknown>,
  { clock, silenceMs }: FrameTimes,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const waiting = { heard: false, stop: (): void => undefined };
    const wait = (): void => {
      if (waiting.heard) return;
      waiting.stop = clock.after(silenceMs, () => reject(new NetworkError(`no answer within ${silenceMs} ms`)));
    };
    answering.then(resolve, reject).finally(() => {
      waiting.heard = true;
      waiting.stop();
    });
    sending.then(wait, (problem) => {
      // What became of the connection, `answering` knows better: an answer may have come before.
      if (!(problem instanceof FrameError)) reject(problem);
    });
  });
}

/** `leave` is called once nobody reads on, for whatever reason. */
function leftBy(bytes: Bytes, leave: () => void): Bytes {
  const iterator = bytes[Symbol.asyncIterator]();
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    try {
      const read = await iterator.next();
      if (read.done) leave();
      return read;
    } catch (problem) {
      leave();
      throw problem;
    }
  };
  const end = async (): Promise<IteratorResult<Uint8Array>> => {
    leave();
    await iterator.return?.();
    return { done: true, value: undefined };
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: end }) };
}
