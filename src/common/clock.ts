/** Time as a value passed in, so that membership, scheduling and timeouts run under simulated time in tests. */
export type Clock = {
  /** Milliseconds since the epoch, for people and for other machines; may jump. */
  readonly wallMs: () => number;
  /** Milliseconds that never run backwards, for durations. */
  readonly elapsedMs: () => number;
  /** Runs `work` once after `ms`; the returned function calls it off. */
  readonly after: (ms: number, work: () => void) => () => void;
};

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  elapsedMs: () => performance.now(),
  after: (ms, work) => {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
};

/** Runs `work` every `ms` until the returned function is called. */
export function every(clock: Clock, ms: number, work: () => void): () => void {
  let stop = clock.after(ms, run);
  function run(): void {
    stop = clock.after(ms, run);
    work();
  }
  return () => stop();
}
