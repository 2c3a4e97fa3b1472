/** Bytes per second at most, over everything that shares it. */

import type { Clock } from '../../common/clock.ts';

export class Throttle {
  readonly #clock: Clock;
  readonly #bytesPerMs: number;
  /** When what was taken so far is paid for. */
  #paidAt = -Infinity;

  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerMs = bytesPerSecond / 1_000;
  }

  /** Waits until the bytes taken before are paid for; rejects with the signal's reason when it fires. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const now = this.#clock.elapsedMs();
    const start = Math.max(now, this.#paidAt);
    this.#paidAt = start + bytes / this.#bytesPerMs;
    await sleep(this.#clock, start - now, signal);
  }
}

export async function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (ms <= 0) return;
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      callOff();
      reject(signal.reason as Error);
    };
    const callOff = clock.after(ms, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    signal.addEventListener('abort', stop, { once: true });
  });
}
