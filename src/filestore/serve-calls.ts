/** Calls without bytes, the answering side (`call-channel.ts` is the caller's): kept connections, asked for by a signed CONNECT. */

import { STATUS_CODES } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { FrameChannel, watchSilence } from '../cluster/frame-channel.ts';
import { FrameError } from '../cluster/frames.ts';
import type { FrameTimes } from '../cluster/frames.ts';
import { newNonce, SIGNATURE_HEADERS } from '../cluster/signature.ts';
import type { SignatureVerifier } from '../cluster/signature.ts';
import { NetworkError, StoreError } from './network.ts';
import type { Bytes, Operations } from './network.ts';
import { CALLS_MAX, CALLS_TARGET, channelKeys, failureOf } from './store-messages.ts';
import type { CallEntry } from './store-messages.ts';

export type ServeOptions = FrameTimes & {
  readonly verifier: SignatureVerifier;
  /** Told of what should never happen: an operation that throws anything but StoreError and NetworkError. */
  readonly onBug: (problem: unknown, operation: string) => void;
};

/** Answers the connections that the server is asked for, until it closes. */
export function serveCalls(app: FastifyInstance, operations: () => Promise<Operations>, options: ServeOptions): void {
  const { verifier } = options;
  const channels = new Set<FrameChannel>();
  let isClosing = false;
  app.server.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const check = verifier.check('CONNECT', request.url ?? '', request.headers);
    if (request.url !== CALLS_TARGET) return refuse(socket, 404, 'There is no such thing here');
    if (!check.ok) return refuse(socket, 401, `This is for the cluster's own processes: the request was ${check.why}`);
    if (!check.framed) return refuse(socket, 400, 'The connection is one of frames');
    if (isClosing) return refuse(socket, 503, 'The server is closing');
    socket.setNoDelay(true);
    // An answer's nonce: the same request, sent again to another process, or to this one when it was started again, opens nothing.
    const nonce = newNonce();
    socket.write(`HTTP/1.1 200 OK\r\n${SIGNATURE_HEADERS.nonce}: ${nonce}\r\n\r\n`);
    const keys = channelKeys((direction) => verifier.frameKey(check.nonce, nonce, direction), 'server');
    const answering = new Answering(socket, keys, operations, options, () => channels.delete(answering.channel));
    channels.add(answering.channel);
    answering.channel.begin(head);
  });
  app.addHook('preClose', async () => {
    isClosing = true;
    for (const channel of channels) channel.destroy();
  });
}

function refuse(socket: Duplex, status: number, error: string): void {
  const body = JSON.stringify({ error });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

/** One connection. */
class Answering {
  readonly channel: FrameChannel;
  readonly #operations: () => Promise<Operations>;
  readonly #onBug: ServeOptions['onBug'];
  /** Calls that somebody waits for. */
  readonly #calls = new Set<number>();

  constructor(
    socket: Duplex,
    keys: ReturnType<typeof channelKeys>,
    operations: () => Promise<Operations>,
    { clock, silenceMs, onBug }: ServeOptions,
    onClosed: () => void,
  ) {
    this.#operations = operations;
    this.#onBug = onBug;
    const watch = { stop: (): void => undefined };
    this.channel = new FrameChannel(socket, keys, {
      heard: (entries) => this.#heard(entries as readonly CallEntry[]),
      closed: () => {
        watch.stop();
        onClosed();
      },
    });
    watch.stop = watchSilence(this.channel, { clock, silenceMs }, () => this.#calls.size > 0);
  }

  #heard(entries: readonly CallEntry[]): void {
    for (const [id, operation, message] of entries) {
      if (operation === undefined) {
        this.#calls.delete(id);
        continue;
      }
      this.#calls.add(id);
      if (this.#calls.size > CALLS_MAX) throw new FrameError('too many calls at once');
      void this.#answer(id, operation, message!);
    }
  }

  async #answer(id: number, operation: string, message: object): Promise<void> {
    let text: string;
    try {
      const { answer, body } = await carryOut(await this.#operations(), operation, message, none());
      if (body) await refuseBody(body, operation);
      text = JSON.stringify([id, answer]);
    } catch (problem) {
      tellBug(problem, operation, this.#onBug);
      text = JSON.stringify([id, null, failureOf(problem)]);
    }
    if (this.#calls.delete(id)) this.channel.send(text);
  }
}

/** What the process has to say to it. Throws UnsupportedOperationException. */
export function carryOut(
  operations: Operations,
  operation: string,
  message: unknown,
  body: Bytes,
): ReturnType<Operations[string]> {
  const work = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
  if (!work) throw new StoreError('UnsupportedOperationException', `There is no operation ${operation} here`);
  return work(message as never, body);
}

/** Anything but what callers should hear. */
export function tellBug(problem: unknown, operation: string, onBug: ServeOptions['onBug']): void {
  if (!(problem instanceof StoreError) && !(problem instanceof NetworkError)) onBug(problem, operation);
}

async function refuseBody(body: Bytes, operation: string): Promise<never> {
  await body[Symbol.asyncIterator]().return?.();
  throw new NetworkError(`${operation}: bytes behind an answer that has none`);
}

async function* none(): Bytes {}
