/** The bytes behind a message, on their way to the other side. */

import type { FrameWriter } from '../cluster/frames.ts';
import type { Clock } from '../common/clock.ts';
import { NetworkError } from './network.ts';
import type { Bytes } from './network.ts';
import { failureOf } from './store-messages.ts';

/** After so long without a piece, the other side is told that its caller lives. */
const IDLE_MS = 5_000;

/** Bodies up to here are kept until they are answered, so that they can be sent again. */
const WHOLE_BYTES_MAX = 256 * 1024;

export class OutgoingBody {
  /** What the source threw. */
  problem: unknown;
  /** All of it is in memory. */
  readonly whole: boolean;
  readonly #first: readonly Uint8Array[];
  readonly #rest: AsyncIterator<Uint8Array>;
  readonly #clock: Clock;
  #stopped = false;

  private constructor(first: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>, whole: boolean, clock: Clock) {
    this.#first = first;
    this.#rest = rest;
    this.#clock = clock;
    this.whole = whole;
  }

  /** Rejects as the source does, or when `signal` says so. */
  static async begin(source: Bytes | undefined, clock: Clock, signal: AbortSignal | undefined): Promise<OutgoingBody> {
    const iterator = (source ?? nothing())[Symbol.asyncIterator]();
    const first: Uint8Array[] = [];
    let length = 0;
    while (length <= WHOLE_BYTES_MAX) {
      const { done, value } = await unlessAborted(iterator, signal);
      if (done === true) return new OutgoingBody(first, iterator, true, clock);
      // The source may use the bytes for something else once it is asked for more.
      first.push(Uint8Array.from(value));
      length += value.length;
    }
    return new OutgoingBody(first, iterator, false, clock);
  }

  /** The message and all that is behind it. Rejects when the source failed, which the other side hears, or the connection did. */
  async send(writer: FrameWriter, message: object): Promise<void> {
    if (this.whole) return writer.whole(message, this.#first);
    try {
      await writer.message(message);
      for (const piece of this.#first) await writer.bytes(piece);
      while (!this.#stopped) {
        const next = await this.#next(writer);
        if (next.done) break;
        await writer.bytes(next.value);
      }
      if (!this.#stopped) await writer.end();
    } finally {
      this.stop();
    }
  }

  /** Nobody wants more of it. */
  stop(): void {
    if (this.#stopped || this.whole) return;
    this.#stopped = true;
    // It may be waiting for its next piece: nobody waits for it here.
    this.#rest.return?.().catch(() => undefined);
  }

  async #next(writer: FrameWriter): Promise<IteratorResult<Uint8Array>> {
    const next = this.#rest.next();
    try {
      while (!(await settlesWithin(next, IDLE_MS, this.#clock))) await writer.idle();
    } catch (problem) {
      next.catch(() => undefined);
      throw problem;
    }
    try {
      return await next;
    } catch (problem) {
      this.problem = problem;
      await writer.failure(failureOf(problem));
      throw problem;
    }
  }
}

async function* nothing(): Bytes {}

function unlessAborted<T>(iterator: AsyncIterator<T>, signal: AbortSignal | undefined): Promise<IteratorResult<T>> {
  if (!signal) return iterator.next();
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      iterator.return?.().catch(() => undefined);
      reject(new NetworkError('the caller gave up', { cause: signal.reason }));
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort);
    const settle = (): void => signal.removeEventListener('abort', abort);
    iterator.next().then(resolve, reject).finally(settle);
  });
}

/** Whether it is settled by then, either way. */
function settlesWithin(promise: Promise<unknown>, ms: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const stop = clock.after(ms, () => resolve(false));
    const settled = (): void => {
      stop();
      resolve(true);
    };
    promise.then(settled, settled);
  });
}
