/**
 * Reads all replicas again and again, slowly, so that damage is found while other replicas are left. A pass begins every half interval
 * and is paced to end within one half: between two looks at a replica lies at most the interval.
 */

import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../observe/logger.ts';
import type { Replica } from '../protocol.ts';
import type { BlockStore } from './block-store.ts';
import { sleep, Throttle } from './throttle.ts';

export type ScrubOptions = {
  /** Every replica is read at least once in it, if the bound lets it. */
  readonly scrubIntervalMs: number;
  /** What the disks can spare; it comes before the interval. */
  readonly scrubBytesPerSecond: number;
};

/** Three weeks, as HDFS has it, and the pace for 12 TB in half of it. */
export const SCRUB_DEFAULTS: ScrubOptions = { scrubIntervalMs: 21 * 86_400_000, scrubBytesPerSecond: 16 * 1024 * 1024 };

/** Little is read without haste, but not as slowly as it could. */
const BYTES_PER_SECOND_MIN = 1024 * 1024;

export type ScrubberOptions = ScrubOptions & {
  readonly store: BlockStore;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn'>;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
  readonly signal: AbortSignal;
};

/** Until the signal fires. */
export async function scrubForever(options: ScrubberOptions): Promise<void> {
  const { clock, scrubIntervalMs, signal } = options;
  // The first pass begins anywhere: a process that never lives through one would else never read the last replicas.
  let first = options.random();
  try {
    for (;;) {
      const start = clock.elapsedMs();
      await scrubAll(options, start, first);
      first = 0;
      await sleep(clock, Math.max(1, start + scrubIntervalMs / 2 - clock.elapsedMs()), signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function scrubAll(options: ScrubberOptions, since: number, first: number): Promise<void> {
  const { store, clock, logger, scrubIntervalMs, scrubBytesPerSecond, signal } = options;
  const replicas = store.replicas().sound.toSorted((a, b) => a.block - b.block || a.generation - b.generation);
  const bytesPerSecond = paceFor(replicas, scrubIntervalMs / 2);
  if (bytesPerSecond > scrubBytesPerSecond) {
    logger.warn({ bytesPerSecond, scrubBytesPerSecond }, 'the replicas cannot all be scrubbed within the interval');
  }
  const throttle = new Throttle(clock, Math.min(bytesPerSecond, scrubBytesPerSecond));
  const middle = Math.floor(first * replicas.length);
  for (const replica of [...replicas.slice(middle), ...replicas.slice(0, middle)]) {
    signal.throwIfAborted();
    try {
      await store.scrub(replica, since, (bytes) => throttle.take(bytes, signal));
    } catch {
      // What it found is reported; what was removed meanwhile is nobody's concern.
    }
  }
}

const paceFor = (replicas: readonly Replica[], ms: number): number =>
  Math.max(BYTES_PER_SECOND_MIN, (replicas.reduce((sum, { length }) => sum + length, 0) / ms) * 1_000);
