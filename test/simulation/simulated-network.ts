/**
 * A network in memory. Messages are JSON, as over a real one; bytes are copied. It may delay (and with that reorder), lose questions or
 * answers, repeat questions, cut bodies off in the middle, and part some from others. Everything is drawn from `random`, and counted.
 */

import { type Clock } from '../../src/common/clock.ts';
import {
  type Address,
  type Bytes,
  type CallOptions,
  NetworkError,
  type Operations,
  StoreError,
  type StoreNetwork,
} from '../../src/filestore/network.ts';
import { errorOf, failureOf } from '../../src/filestore/store-messages.ts';
import type { Random } from './random.ts';

export type NetworkFaults = {
  delayed: number;
  /** That arrived before one that was sent earlier on the same way. */
  reordered: number;
  lost: number;
  answersLost: number;
  repeated: number;
  cut: number;
  parted: number;
};

/** Probabilities of each message. */
export type NetworkTroubles = {
  readonly lose?: number;
  readonly loseAnswer?: number;
  readonly repeat?: number;
  readonly cut?: number;
  /** Of every message, at most. */
  readonly delayMs?: number;
  /** That a message takes up to LONG_MS. */
  readonly delayLong?: number;
};

type Handler = (message: never, body: Bytes) => Promise<{ readonly answer: object; readonly body?: Bytes }>;

type Way = { sent: number; arrived: number };

const BODY_MS = 60_000;
const SILENCE_MS = 10_000;
const LONG_MS = 4_000;

export class SimulatedNetwork {
  readonly faults: NetworkFaults = {
    delayed: 0,
    reordered: 0,
    lost: 0,
    answersLost: 0,
    repeated: 0,
    cut: 0,
    parted: 0,
  };
  troubles: NetworkTroubles = {};
  /** An operation failed with what is no answer. */
  bug: Error | undefined;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #servers = new Map<Address, Operations>();
  readonly #parted = new Set<string>();
  /** Messages on each way that were sent, and the last of them that arrived. */
  readonly #ways = new Map<Address, Map<Address, Way>>();

  constructor(random: Random, clock: Clock) {
    this.#random = random;
    this.#clock = clock;
  }

  /** From here on the address answers; `undefined`: it does not. */
  serve(address: Address, operations: Operations | undefined): void {
    if (operations) this.#servers.set(address, operations);
    else this.#servers.delete(address);
  }

  /** What `from` says does not reach `to`. The other way is another matter. */
  part(from: Address, to: Address): void {
    this.#parted.add(`${from} ${to}`);
  }

  join(from: Address, to: Address): void {
    this.#parted.delete(`${from} ${to}`);
  }

  /** The network as `from` sees it. */
  from(from: Address): StoreNetwork {
    return {
      call: async <Answer>(to: Address, operation: string, message: object, options: CallOptions = {}) => {
        const { answer } = await this.#exchange(from, to, operation, message, options);
        return answer as Answer;
      },
      fetch: async (to, operation, message, options = {}) => {
        const { answer, body } = await this.#exchange(from, to, operation, message, options);
        return { answer, body: this.#carried(body ?? none()) };
      },
    };
  }

  async #exchange(
    from: Address,
    to: Address,
    operation: string,
    message: object,
    { body, timeoutMs = 10_000 }: CallOptions,
  ): Promise<{ readonly answer: unknown; readonly body?: Bytes }> {
    const { lose = 0, loseAnswer = 0, repeat = 0 } = this.troubles;
    const lost = async (why: string): Promise<never> => {
      await this.#sleep(timeoutMs);
      throw new NetworkError(`${operation} of ${to}: ${why}`);
    };
    await this.#travel(from, to);
    if (this.#isParted(from, to)) return lost('no answer');
    if (this.#random.chance(lose)) {
      this.faults.lost += 1;
      return lost('no answer');
    }
    const handler = this.#servers.get(to)?.[operation] as Handler | undefined;
    if (!handler) {
      if (this.#servers.has(to)) throw new StoreError('UnsupportedOperationException', `${to} has no ${operation}`);
      throw new NetworkError(`${to} refuses connections`);
    }
    // Bytes go by only once.
    if (!body && this.#random.chance(repeat)) this.#repeatLater(to, message, operation);
    const text = JSON.stringify(message);
    const work = handler(JSON.parse(text) as never, this.#carried(body ?? none())).catch((problem: unknown) => {
      // Who is dead says nothing.
      if (this.#servers.get(to)?.[operation] !== handler) throw new NetworkError('the connection was reset');
      throw this.#heard(problem, operation);
    });
    // A long body keeps the connection busy; who died in the middle says nothing any more.
    const reply = await this.#within(body ? BODY_MS : timeoutMs, work, `${operation} of ${to}`);
    if (this.#servers.get(to)?.[operation] !== handler) return lost('it is gone');
    const answer = JSON.stringify(reply.answer);
    await this.#travel(to, from);
    if (this.#isParted(to, from)) return lost('no answer');
    if (this.#random.chance(loseAnswer)) {
      this.faults.answersLost += 1;
      return lost('no answer');
    }
    return { ...reply, answer: JSON.parse(answer) as unknown };
  }

  /** A failure as the other side hears it. */
  #heard(problem: unknown, operation: string): Error {
    if (!(problem instanceof StoreError) && !(problem instanceof NetworkError)) {
      this.bug ??= new Error(`${operation} fails with what is no answer`, { cause: problem });
    }
    return errorOf(failureOf(problem));
  }

  /** A copy that was on its way for longer: whoever answers there by then hears it, and nobody hears the answer. */
  #repeatLater(to: Address, message: object, operation: string): void {
    this.faults.repeated += 1;
    const text = JSON.stringify(message);
    this.#clock.after(this.#random.below(5_000), () => {
      const handler = this.#servers.get(to)?.[operation] as Handler | undefined;
      handler?.(JSON.parse(text) as never, none()).catch((problem: unknown) => {
        if (this.#servers.get(to)?.[operation] === handler) this.#heard(problem, operation);
      });
    });
  }

  async *#carried(body: Bytes): Bytes {
    const { cut = 0, delayMs = 0 } = this.troubles;
    const isCut = this.#random.chance(cut);
    const pieces = body[Symbol.asyncIterator]();
    for (;;) {
      const { done, value: piece } = await this.#within(SILENCE_MS, pieces.next(), 'a body');
      if (done === true) return;
      if (delayMs > 0) await this.#sleep(this.#random.below(delayMs));
      if (isCut && this.#random.chance(0.5)) {
        this.faults.cut += 1;
        throw new NetworkError('the connection was cut');
      }
      yield piece.slice();
    }
  }

  async #within<T>(ms: number, work: Promise<T>, what: string): Promise<T> {
    let callOff: (() => void) | undefined;
    const silence = new Promise<never>((_, reject) => {
      callOff = this.#clock.after(ms, () => reject(new NetworkError(`${what}: no answer within ${ms} ms`)));
    });
    try {
      return await Promise.race([work, silence]);
    } finally {
      callOff?.();
    }
  }

  #isParted(from: Address, to: Address): boolean {
    const parted = this.#parted.size > 0 && this.#parted.has(`${from} ${to}`);
    if (parted) this.faults.parted += 1;
    return parted;
  }

  async #travel(from: Address, to: Address): Promise<void> {
    const { delayMs = 0, delayLong = 0 } = this.troubles;
    if (delayMs === 0) return;
    const way = this.#way(from, to);
    const number = (way.sent += 1);
    this.faults.delayed += 1;
    await this.#sleep(this.#random.below(this.#random.chance(delayLong) ? LONG_MS : delayMs));
    if (number < way.arrived) this.faults.reordered += 1;
    else way.arrived = number;
  }

  #way(from: Address, to: Address): Way {
    const ways = this.#ways.get(from) ?? new Map<Address, Way>();
    this.#ways.set(from, ways);
    const way = ways.get(to) ?? { sent: 0, arrived: 0 };
    ways.set(to, way);
    return way;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(ms, resolve));
  }
}

async function* none(): Bytes {}
