/** A process in a simulation: when it is killed, its timers never ring and its words reach nobody. */

import type { Clock } from '../../src/common/clock.ts';
import type { Address, StoreNetwork } from '../../src/filestore/network.ts';
import type { SimulatedNetwork } from './simulated-network.ts';

export class SimulatedProcess {
  readonly clock: Clock;
  readonly network: StoreNetwork;
  #alive = true;

  constructor(address: Address, clock: Clock, network: SimulatedNetwork) {
    this.clock = {
      wallMs: clock.wallMs,
      elapsedMs: clock.elapsedMs,
      after: (ms, work) => clock.after(ms, () => void (this.#alive && work())),
    };
    const words = network.from(address);
    this.network = {
      call: (...call) => this.#whileAlive(() => words.call(...call)),
      fetch: (...call) => this.#whileAlive(() => words.fetch(...call)),
    };
  }

  kill(): void {
    this.#alive = false;
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
}

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);
