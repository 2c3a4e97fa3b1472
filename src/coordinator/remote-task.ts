/** One attempt of a task on one worker: creates it, asks until it has ended, calls it off. */

import { ClusterError, type ClusterClient } from '../cluster/cluster-client.ts';
import type { Clock } from '../common/clock.ts';
import type { TaskRequest, TaskStatus } from '../exchange/task-protocol.ts';
import type { Worker } from './worker-pool.ts';

/** Runs attempts: over HTTP here, in a simulated cluster in tests. */
export interface TaskRunner {
  /**
   * Answers with the final status. `onStatus` hears of progress. Rejects with ClusterError when the worker refuses the
   * task or cannot be reached, and when `signal` calls the attempt off.
   */
  run(
    worker: Worker,
    request: TaskRequest,
    signal: AbortSignal,
    onStatus: (status: TaskStatus) => void,
  ): Promise<TaskStatus>;
  /** Best effort: an attempt whose result nobody wants any more. */
  cancel(worker: Worker, taskId: string, attempt: number): void;
}

/** How long one answer may take: progress is heard of that often. */
const WAIT_MS = 1000;
/** Beyond that an answer is overdue: the worker's event loop stands still, or its answers do not arrive. */
const ANSWER_TIMEOUT_MS = WAIT_MS + 4000;
/** Between tries while a worker does not answer. */
const RETRY_MS = 200;
/** A worker that announces itself but cannot be reached for so long counts as lost. */
const UNREACHABLE_MS = 3500;

export class HttpTaskRunner implements TaskRunner {
  readonly #client: ClusterClient;
  readonly #clock: Clock;
  readonly #gone: (worker: Worker, why: string) => void;

  constructor(client: ClusterClient, clock: Clock, gone: (worker: Worker, why: string) => void) {
    this.#client = client;
    this.#clock = clock;
    this.#gone = gone;
  }

  async run(
    worker: Worker,
    request: TaskRequest,
    signal: AbortSignal,
    onStatus: (status: TaskStatus) => void,
  ): Promise<TaskStatus> {
    const { url } = worker.announcement;
    const first = { ...request, waitMs: WAIT_MS };
    const status = `${url}/v1/task/${request.taskId}/${request.attempt}?waitMs=${WAIT_MS}`;
    const options = { signal, timeoutMs: ANSWER_TIMEOUT_MS };
    let created = false;
    for (;;) {
      const answer = await this.#persist(worker, signal, () =>
        created
          ? this.#client.json<TaskStatus>('GET', status, undefined, options)
          : this.#client.json<TaskStatus>('POST', `${url}/v1/task`, first, options),
      );
      created = true;
      if (answer.state !== 'queued' && answer.state !== 'running') return answer;
      onStatus(answer);
    }
  }

  cancel(worker: Worker, taskId: string, attempt: number): void {
    // A worker that cannot be reached drops the query's leftovers when it next hears which queries live.
    this.#client.json('DELETE', `${worker.announcement.url}/v1/task/${taskId}/${attempt}`).catch(ignoreUnreachable);
  }

  /** Asks again while the worker does not answer; after a while it is reported as lost, and `signal` fires. */
  async #persist<T>(worker: Worker, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
    const since = this.#clock.elapsedMs();
    for (;;) {
      try {
        return await ask();
      } catch (problem) {
        const answered = !(problem instanceof ClusterError) || problem.status !== undefined;
        if (answered || signal.aborted) throw problem;
        if (problem.refused) this.#gone(worker, 'its port refuses connections');
        else if (this.#clock.elapsedMs() - since > UNREACHABLE_MS)
          this.#gone(worker, `it cannot be reached: ${problem.message}`);
        // Telling that it is gone calls this very attempt off.
        if (isAborted(signal)) throw problem;
      }
      await new Promise<void>((resolve) => void this.#clock.after(RETRY_MS, resolve));
    }
  }
}

const isAborted = (signal: AbortSignal): boolean => signal.aborted;

/** Only what is expected of a worker that may be gone is passed over. */
export function ignoreUnreachable(problem: unknown): void {
  if (!(problem instanceof ClusterError)) throw problem;
}
