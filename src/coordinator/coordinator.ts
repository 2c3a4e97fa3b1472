/** The coordinator's parts put together: who is in the cluster, what runs on it, and the queries. */

import { ClusterClient } from '../cluster/cluster-client.ts';
import { Membership } from '../cluster/membership.ts';
import type { Clock } from '../common/clock.ts';
import type { Announcement, AnnouncementReply, RemovalRequest } from '../exchange/task-protocol.ts';
import type { Logger } from '../observe/logger.ts';
import type { Query } from './query.ts';
import { QueryManager } from './query-manager.ts';
import { summarize } from './query-statistics.ts';
import { HttpTaskRunner, ignoreUnreachable } from './remote-task.ts';
import { runStatement, type StatementEnvironment } from './run-statement.ts';
import { Transactions } from './transactions.ts';
import { WorkerPool } from './worker-pool.ts';

export type CoordinatorOptions = {
  readonly clock: Clock;
  readonly secret: string;
  readonly logger: Logger;
  /** Folders of all mounted catalogs, which workers' kernels may read. */
  readonly roots: () => readonly string[];
  readonly workerLost: () => void;
} & Pick<StatementEnvironment, 'metadata' | 'planStatement' | 'adapt' | 'hostId' | 'isLocal'>;

export class Coordinator {
  readonly queries: QueryManager;
  readonly membership: Membership<Announcement>;
  readonly pool: WorkerPool;
  readonly client: ClusterClient;
  readonly #options: CoordinatorOptions;
  /** Queries whose files workers are, or will be, told to remove. */
  readonly #removed = new WeakSet<Query>();
  readonly #scannedBytes = { local: 0, remote: 0 };
  /** Their ids, until workers are told. */
  #untold: string[] = [];

  constructor(options: CoordinatorOptions) {
    const { clock, secret, logger } = options;
    this.#options = options;
    this.client = new ClusterClient(secret, clock);
    this.membership = new Membership<Announcement>(clock, {
      onJoined: ({ announcement }) => {
        logger.info({ worker: announcement.nodeId, url: announcement.url }, 'worker joined');
        this.pool.poke();
        for (const query of this.queries.live()) query.execution?.workersChanged();
      },
      onLost: (worker, why) => {
        logger.warn({ worker: worker.announcement.nodeId, url: worker.announcement.url, why }, 'worker lost');
        for (const query of this.queries.live()) query.execution?.workerLost(worker);
        options.workerLost();
      },
    });
    this.pool = new WorkerPool(this.membership);
    const runner = new HttpTaskRunner(this.client, clock, (worker, why) => this.membership.gone(worker.key, why));
    const environment: StatementEnvironment = {
      ...options,
      pool: this.pool,
      transactions: new Transactions(clock),
      runner,
      client: this.client,
      removeFiles: (query) => this.#removeFiles(query),
    };
    this.queries = new QueryManager({
      clock,
      runStatement: (query) => runStatement(query, environment),
      onEnd: (query) => this.#ended(query),
    });
  }

  /** Of the tables of all queries that have ended: read without a network, and over one. */
  get scannedBytes(): { readonly local: number; readonly remote: number } {
    return this.#scannedBytes;
  }

  /** A worker's heartbeat. Throws NameTakenError. */
  announce(announcement: Announcement): AnnouncementReply {
    this.membership.announce(announcement);
    return { roots: this.#options.roots(), liveQueries: this.queries.live().map((query) => query.id) };
  }

  close(): void {
    this.queries.close();
    this.membership.close();
    this.client.close();
  }

  #ended(query: Query): void {
    const { id, state, error, session } = query;
    const ms = Math.round((query.endedMs ?? 0) - query.createdMs);
    this.#options.logger.info(
      { query: id, state, user: session.user, ms, ...(error && { code: error.code }) },
      'query ended',
    );
    const { statistics } = summarize(query);
    this.#scannedBytes.local += statistics.localBytes;
    this.#scannedBytes.remote += statistics.remoteBytes;
    if (error?.stack) this.#options.logger.error({ query: id, stack: error.stack }, error.message);
    this.#removeFiles(query);
  }

  /** A worker that cannot be reached now drops them when it next hears which queries live. */
  #removeFiles(query: Query): void {
    if (!query.execution || this.#removed.has(query)) return;
    this.#removed.add(query);
    this.#untold.push(query.id);
    if (query.state === 'FAILED') this.#tellToRemove();
    else if (this.#untold.length === 1) this.#options.clock.after(REMOVAL_DELAY_MS, () => this.#tellToRemove());
  }

  #tellToRemove(): void {
    const request: RemovalRequest = { queries: this.#untold };
    this.#untold = [];
    if (request.queries.length === 0) return;
    for (const { announcement } of this.pool.workers()) {
      this.client.json('POST', `${announcement.url}/v1/removal`, request).catch(ignoreUnreachable);
    }
  }
}

/** The answer that the client waits for goes out first, and short queries one after another share a request. */
const REMOVAL_DELAY_MS = 50;
