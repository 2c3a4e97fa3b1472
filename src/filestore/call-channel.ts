/**
 * Calls without bytes, the caller's side: all that one process asks of another goes over one kept connection (`cluster/frame-channel.ts`)
 * and is answered in any order. The other side is `serve-calls.ts`.
 *
 * A call that is not answered in time fails alone. If nothing at all was heard since it was sent, the connection may be dead: later calls
 * take a new one, and those that are under way have their own patience. A connection that ends fails all that were under way, but for calls
 * of which it may never have known: a kept connection that the other side had closed already. Those are sent once more.
 */

import { request as httpRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import { FrameChannel } from '../cluster/frame-channel.ts';
import { frameKey } from '../cluster/frames.ts';
import { FRAMED, SIGNATURE_HEADERS, signatureHeaders } from '../cluster/signature.ts';
import type { Clock } from '../common/clock.ts';
import { diskErrorCode } from '../common/disk.ts';
import { NetworkError, StoreError } from './network.ts';
import type { Address, Bytes, CallOptions } from './network.ts';
import { CALLS_MAX, CALLS_TARGET, channelKeys, errorOf, refusalOf } from './store-messages.ts';
import type { AnswerEntry } from './store-messages.ts';

const TIMEOUT_MS = 10_000;

/** How long a connection may take to be made; calls that wait for it may give up before. */
const CONNECT_MS = 10_000;

/** After so long without a word the system looks whether the other machine is still there. */
const KEEP_ALIVE_MS = 30_000;

type Call = {
  readonly id: number;
  readonly text: string;
  readonly settle: (answer: unknown, problem?: Error) => void;
  /** Frames that had been heard when it was sent; undefined until then. */
  sentAfter: number | undefined;
};

/** The connections to all processes that are called. */
export class CallChannels {
  readonly #secret: string;
  readonly #clock: Clock;
  readonly #channels = new Map<Address, CallChannel>();
  #ids = 0;

  constructor(secret: string, clock: Clock) {
    this.#secret = secret;
    this.#clock = clock;
  }

  /** Rejects with NetworkError, or with StoreError as the other side threw it. */
  call(to: Address, operation: string, message: object, options: CallOptions = {}): Promise<unknown> {
    const { timeoutMs = TIMEOUT_MS, signal } = options;
    this.#ids += 1;
    const id = this.#ids;
    // Throws here what cannot be sent.
    const text = JSON.stringify([id, operation, message]);
    return new Promise((resolve, reject) => {
      let channel: CallChannel;
      let isSentAgain = false;
      const aborted = (): void => {
        channel?.giveUp(id);
        settle(undefined, new NetworkError('the caller gave up', { cause: signal!.reason }));
      };
      const late = (): void => {
        if (channel.giveUp(id)) channel.retire();
        settle(undefined, new NetworkError(`no answer within ${timeoutMs} ms`));
      };
      const stop = this.#clock.after(timeoutMs, late);
      const settle = (answer: unknown, problem?: Error): void => {
        if (problem instanceof StaleChannel && !isSentAgain) {
          isSentAgain = true;
          return send();
        }
        stop();
        signal?.removeEventListener('abort', aborted);
        if (!problem) resolve(answer);
        else if (!(problem instanceof NetworkError)) reject(problem);
        else reject(new NetworkError(`${operation} at ${to}: ${problem.message}`, { cause: problem.cause ?? problem }));
      };
      const send = (): void => {
        channel = this.#to(to);
        channel.send({ id, text, settle, sentAfter: undefined });
      };
      if (signal?.aborted) return aborted();
      signal?.addEventListener('abort', aborted);
      send();
    });
  }

  #to(to: Address): CallChannel {
    const known = this.#channels.get(to);
    if (known?.isOpen) return known;
    const channel = new CallChannel(to, this.#secret, this.#clock);
    this.#channels.set(to, channel);
    return channel;
  }

  /** Ends idle connections; running calls go on. */
  close(): void {
    for (const channel of this.#channels.values()) channel.retire();
    this.#channels.clear();
  }
}

/** The other side closed the kept connection before it heard the call, as it seems. */
class StaleChannel extends NetworkError {}

/** One connection. */
class CallChannel {
  /** It takes calls. */
  isOpen = true;
  readonly #calls = new Map<number, Call>();
  /** Not sent yet: the connection is being made, or as many as it may have are under way. */
  #waiting: Call[] = [];
  #underWay = 0;
  #channel: FrameChannel | undefined;
  #socket: (Duplex & { ref?: () => void; unref?: () => void }) | undefined;
  readonly #abort = new AbortController();

  constructor(to: Address, secret: string, clock: Clock) {
    this.#open(to, secret, clock).catch((problem: unknown) => this.#closed(problem as Error));
  }

  send(call: Call): void {
    this.#calls.set(call.id, call);
    this.#waiting.push(call);
    this.#sendWaiting();
  }

  /** Nobody waits for it any more. True: nothing at all was heard since it was sent. */
  giveUp(id: number): boolean {
    const call = this.#calls.get(id);
    if (!call) return false;
    this.#calls.delete(id);
    if (call.sentAfter === undefined) {
      this.#waiting = this.#waiting.filter((one) => one !== call);
    } else {
      this.#underWay -= 1;
      this.#channel!.send(`[${id}]`);
    }
    this.#sendWaiting();
    this.#rest();
    return call.sentAfter === this.#channel?.heard;
  }

  /** No more calls; it ends with the last one. */
  retire(): void {
    this.isOpen = false;
    this.#rest();
  }

  async #open(to: Address, secret: string, clock: Clock): Promise<void> {
    const stop = clock.after(CONNECT_MS, () => this.#abort.abort(new NetworkError('the connection is not made')));
    try {
      const { socket, head, nonces } = await connect(to, secret, clock, this.#abort.signal);
      this.#socket = socket;
      this.#channel = new FrameChannel(
        socket,
        channelKeys((...more) => frameKey(secret, ...nonces, ...more), 'caller'),
        {
          heard: (answers) => this.#heard(answers as readonly AnswerEntry[]),
          closed: (problem) => this.#closed(problem),
        },
      );
      this.#channel.begin(head);
    } finally {
      stop();
    }
    this.#sendWaiting();
    this.#rest();
  }

  #sendWaiting(): void {
    const channel = this.#channel;
    if (!channel) return;
    while (this.#underWay < CALLS_MAX && this.#waiting.length > 0) {
      const call = this.#waiting.shift()!;
      call.sentAfter = channel.heard;
      this.#underWay += 1;
      if (this.#underWay === 1) this.#socket!.ref?.();
      channel.send(call.text);
    }
  }

  #heard(answers: readonly AnswerEntry[]): void {
    for (const [id, answer, failure] of answers) {
      const call = this.#calls.get(id);
      // Given up meanwhile.
      if (call?.sentAfter === undefined) continue;
      this.#calls.delete(id);
      this.#underWay -= 1;
      call.settle(answer, failure && errorOf(failure));
    }
    this.#sendWaiting();
    this.#rest();
  }

  /** Without calls it keeps no process alive, and one that takes no more is not needed. */
  #rest(): void {
    if (this.#calls.size > 0) return;
    this.#socket?.unref?.();
    if (this.isOpen) return;
    this.#abort.abort(new NetworkError('it was closed'));
    this.#channel?.destroy();
  }

  #closed(problem: Error): void {
    this.isOpen = false;
    const { heard = 0 } = this.#channel ?? {};
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    this.#waiting = [];
    for (const { settle, sentAfter } of calls) {
      // The connection was refused, for good.
      if (problem instanceof StoreError) {
        settle(undefined, problem);
        continue;
      }
      const isStale = heard > 0 && (sentAfter === undefined || sentAfter === heard);
      const Failure = isStale ? StaleChannel : NetworkError;
      settle(undefined, new Failure(problem.message, { cause: problem.cause ?? problem }));
    }
  }
}

type Connected = { readonly socket: Duplex; readonly head: Buffer; readonly nonces: readonly string[] };

/** Asks for the connection with a signed request; from its answer on both sides speak frames. */
function connect(to: Address, secret: string, clock: Clock, signal: AbortSignal): Promise<Connected> {
  const url = new URL(to);
  const signed = { method: 'CONNECT', path: CALLS_TARGET, body: FRAMED } as const;
  const headers = signatureHeaders(secret, signed, clock.wallMs());
  const request = httpRequest({
    agent: false,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port,
    method: signed.method,
    path: signed.path,
    headers,
    signal,
  });
  return new Promise((resolve, reject) => {
    request.on('error', (problem) => {
      // A name with several addresses fails with one error for all of them, which says nothing but its code.
      const text = problem.message || (diskErrorCode(problem) ?? problem.name);
      reject(new NetworkError(text, { cause: signal.reason ?? problem }));
    });
    request.on('connect', (response, socket, head) => {
      const theirs = response.headers[SIGNATURE_HEADERS.nonce];
      if (response.statusCode === 200 && typeof theirs === 'string') {
        socket.setNoDelay(true);
        socket.setKeepAlive(true, KEEP_ALIVE_MS);
        return resolve({ socket, head, nonces: [headers[SIGNATURE_HEADERS.nonce]!, theirs] });
      }
      refusalOf(response.statusCode, socket as Bytes, head.toString('utf8'))
        .finally(() => socket.destroy())
        .then(reject, reject);
    });
    request.end();
  });
}
