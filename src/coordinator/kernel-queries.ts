/** Runs generated kernel SQL for connectors on some worker: schema inference, sketches. */

import { ClusterError, type ClusterClient } from '../cluster/cluster-client.ts';
import type { Clock } from '../common/clock.ts';
import { fromErrorInfo } from '../common/errors.ts';
import type { JsonValue, KernelFile, KernelQueries } from '../connectors/connector.ts';
import type { KernelRequest, KernelResponse } from '../exchange/task-protocol.ts';
import { noWorkers, type WorkerPool } from './worker-pool.ts';

/** Reading a large CSV file for its schema may take a while. */
const TIMEOUT_MS = 60_000;
const TRIES = 3;
const NO_WORKER_CHECK_MS = 50;

/** What a worker takes at most to copy files that it has no replica of: 10 MB/s, a slow network. */
const copyMs = (files: readonly KernelFile[]): number =>
  files.reduce((sum, { file }) => sum + (file.part === undefined ? file.bytes : 0), 0) / 10_000;

export class WorkerKernelQueries implements KernelQueries {
  readonly #pool: WorkerPool;
  readonly #client: ClusterClient;
  readonly #clock: Clock;
  readonly #hostId: string;
  #turn = 0;

  constructor(pool: WorkerPool, client: ClusterClient, clock: Clock, hostId: string) {
    this.#hostId = hostId;
    this.#pool = pool;
    this.#client = client;
    this.#clock = clock;
  }

  async query(
    sql: string,
    roots: readonly string[],
    files: readonly KernelFile[] = [],
  ): Promise<readonly (readonly JsonValue[])[]> {
    const timeoutMs = TIMEOUT_MS + copyMs(files);
    const request: KernelRequest = { sql, roots, ...(files.length > 0 && { files }) };
    for (let tries = 1; ; tries++) {
      const url = `${await this.#someWorker()}/v1/kernel`;
      try {
        const answer = await this.#client.json<KernelResponse>('POST', url, request, { timeoutMs });
        if ('error' in answer) throw fromErrorInfo(answer.error);
        return answer.rows;
      } catch (problem) {
        if (!(problem instanceof ClusterError) || tries === TRIES) throw problem;
      }
    }
  }

  /** In turn, so that a try again asks another one. */
  async #someWorker(): Promise<string> {
    const until = this.#clock.elapsedMs() + this.#pool.patienceMs();
    for (;;) {
      const all = this.#pool.workers();
      // Files are where the coordinator found them: on its own machine, or on all of them.
      const near = all.filter(({ announcement }) => announcement.hostId === this.#hostId);
      const workers = near.length > 0 ? near : all;
      this.#turn += 1;
      const worker = workers[this.#turn % Math.max(1, workers.length)];
      if (worker) return worker.announcement.url;
      if (this.#clock.elapsedMs() > until) throw noWorkers();
      await new Promise<void>((resolve) => void this.#clock.after(NO_WORKER_CHECK_MS, resolve));
    }
  }
}
