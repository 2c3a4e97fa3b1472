/** Ctrl-C while a statement runs: the first cancels the statement, a second soon after ends the program. */
import type { Console } from './console.ts';

const TWICE_WITHIN_MS = 2_000;
/** The exit code of a program that an interrupt ended. */
const EXIT_INTERRUPTED = 130;

export type Cancelable = { cancel(): Promise<void> };

/**
 * Runs `work` with interrupts cancelling `run`. A cancellation that fails makes the result fail too, since the query may
 * still be running on the server.
 */
export async function cancelOnInterrupt<T>(
  console: Console,
  run: Cancelable,
  onCancel: () => void,
  work: () => Promise<T>,
): Promise<T> {
  let last = -Infinity;
  let cancelling: Promise<void> | undefined;
  const restore = console.onInterrupt(() => {
    const now = performance.now();
    if (now - last < TWICE_WITHIN_MS) console.exit(EXIT_INTERRUPTED);
    last = now;
    onCancel();
    cancelling ??= run.cancel();
    // Reported below; unobserved it would end the process.
    cancelling.catch(() => undefined);
  });
  try {
    return await work();
  } finally {
    restore();
    await cancelling;
  }
}
