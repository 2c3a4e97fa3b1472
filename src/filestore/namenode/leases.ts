/**
 * Who still writes. Writers say so every few seconds; what one of them leaves open is removed when it has been silent for too long,
 * since nobody has seen it. Soft state on a clock that never jumps: a namenode that starts gives every writer the whole time again.
 */

import type { Clock } from '../../common/clock.ts';

/** Writers renew four times within it. */
export const LEASE_MS = 60_000;

export class Leases {
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #heardMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.elapsedMs();
  }

  renew(client: string): void {
    this.#heardMs.set(client, this.#clock.elapsedMs());
  }

  isExpired(client: string): boolean {
    return this.#clock.elapsedMs() - (this.#heardMs.get(client) ?? this.#startedMs) > LEASE_MS;
  }

  /** Clients without open files need not be remembered. */
  keepOnly(isWriting: (client: string) => boolean): void {
    for (const client of this.#heardMs.keys()) if (!isWriting(client)) this.#heardMs.delete(client);
  }
}
