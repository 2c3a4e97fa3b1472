/** Tells the operator of workers that are turned away, which announce themselves twice a second. */

import type { Clock } from '../common/clock.ts';
import type { Logger } from '../observe/logger.ts';

/** One line an address and reason in this time. */
const REPEAT_AFTER_MS = 60_000;

/** Lines in that time: any stranger can be refused from many addresses. */
const LINES_MAX = 100;

export class RefusalLog {
  readonly #logger: Pick<Logger, 'warn'>;
  readonly #clock: Clock;
  readonly #toldAt = new Map<string, number>();

  constructor(logger: Pick<Logger, 'warn'>, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  readonly tell = (address: string, why: string): void => {
    const now = this.#clock.elapsedMs();
    for (const [told, at] of this.#toldAt) if (now - at >= REPEAT_AFTER_MS) this.#toldAt.delete(told);
    // A reason may name the seconds by which clocks differ.
    const line = `${address} ${why.replaceAll(/\d+/g, 'n')}`;
    if (this.#toldAt.has(line) || this.#toldAt.size >= LINES_MAX) return;
    this.#toldAt.set(line, now);
    this.#logger.warn({ address, why }, 'a request of the cluster is refused');
  };
}
