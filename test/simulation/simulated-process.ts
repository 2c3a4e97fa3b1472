/** A process in a simulation: when it is killed, its timers never ring, its words reach nobody, and what it was sending is cut off. */

import type { Clock } from '../../src/common/clock.ts';
import {
  type Address,
  type Bytes,
  type CallOptions,
  NetworkError,
  type StoreNetwork,
} from '../../src/filestore/network.ts';
import type { SimulatedNetwork } from './simulated-network.ts';

export class SimulatedProcess {
  readonly clock: Clock;
  readonly network: StoreNetwork;
  /** Resolves when it is killed. */
  readonly death: Promise<void>;
  #alive = true;
  #die!: () => void;

  constructor(address: Address, clock: Clock, network: SimulatedNetwork) {
    this.death = new Promise((resolve) => (this.#die = resolve));
    this.clock = {
      wallMs: clock.wallMs,
      elapsedMs: clock.elapsedMs,
      after: (ms, work) => clock.after(ms, () => void (this.#alive && work())),
    };
    const words = network.from(address);
    this.network = {
      call: (to, operation, message, options) =>
        this.#whileAlive(() => words.call(to, operation, message, this.#mortal(options))),
      fetch: (to, operation, message, options) =>
        this.#whileAlive(() => words.fetch(to, operation, message, this.#mortal(options))),
    };
  }

  get isAlive(): boolean {
    return this.#alive;
  }

  kill(): void {
    this.#alive = false;
    this.#die();
  }

  async #whileAlive<T>(say: () => Promise<T>): Promise<T> {
    if (!this.#alive) return never();
    try {
      const answer = await say();
      return this.#alive ? answer : await never();
    } catch (problem) {
      if (!this.#alive) return never();
      throw problem;
    }
  }

  #mortal(options: CallOptions | undefined): CallOptions | undefined {
    return options?.body ? { ...options, body: this.#sent(options.body) } : options;
  }

  #sent(body: Bytes): Bytes {
    return {
      [Symbol.asyncIterator]: () => {
        const pieces = body[Symbol.asyncIterator]();
        return {
          next: async () => {
            const piece = await pieces.next();
            if (!this.#alive) throw new NetworkError('the connection was reset');
            return piece;
          },
          return: async () => (await pieces.return?.()) ?? { done: true, value: undefined },
        };
      },
    };
  }
}

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);
