/** Tells the coordinator that this worker is here, again and again: its heartbeat. */

import { type ClusterClient, ClusterError } from '../cluster/cluster-client.ts';
import type { Clock } from '../common/clock.ts';
import type { Announcement, AnnouncementReply } from '../exchange/task-protocol.ts';

/** A coordinator misses a worker after a few of these. */
const ANNOUNCE_EVERY_MS = 500;
const ANNOUNCE_TIMEOUT_MS = 3000;

/** What came of an announcement; a number is the status of a refusal. */
type Standing = 'answered' | 'silent' | number;

/** What is wrong when an announcement fails, and what helps. */
export function announcementProblem({ status, message }: ClusterError, coordinatorUrl: string): string {
  if (status === 401) {
    const hint = message.includes('secret') ? '. Start both with the same TUTTI_SECRET' : '';
    return `the coordinator refuses this worker: ${message}${hint}`;
  }
  if (status === 404) {
    return `${coordinatorUrl} takes no workers: --coordinator wants the coordinator's address for workers, not the one for clients`;
  }
  if (status === 409) {
    return `the coordinator refuses this worker: ${message}. Give it another --node-id, or stop the other one: it waits for that`;
  }
  return `the coordinator does not answer: ${message}`;
}

export class Announcer {
  readonly #client: ClusterClient;
  readonly #clock: Clock;
  readonly #url: string;
  readonly #announcement: () => Announcement;
  readonly #heard: (reply: AnnouncementReply) => void;
  readonly #failed: (problem: ClusterError) => void;
  #callOff = (): void => {};
  #stopped = false;

  constructor(options: {
    readonly client: ClusterClient;
    readonly clock: Clock;
    readonly coordinatorUrl: string;
    readonly announcement: () => Announcement;
    readonly heard: (reply: AnnouncementReply) => void;
    /** Once for each time that the coordinator stops to answer, or begins to refuse. */
    readonly failed: (problem: ClusterError) => void;
  }) {
    this.#client = options.client;
    this.#clock = options.clock;
    this.#url = new URL('/v1/announce', options.coordinatorUrl).href;
    this.#announcement = options.announcement;
    this.#heard = options.heard;
    this.#failed = options.failed;
  }

  start(): void {
    void this.#announce('answered');
  }

  stop(): void {
    this.#stopped = true;
    this.#callOff();
  }

  async #announce(before: Standing): Promise<void> {
    let standing: Standing = 'silent';
    try {
      const options = { timeoutMs: ANNOUNCE_TIMEOUT_MS };
      const reply = await this.#client.json<AnnouncementReply>('POST', this.#url, this.#announcement(), options);
      standing = 'answered';
      if (!this.#stopped) this.#heard(reply);
    } catch (problem) {
      if (!(problem instanceof ClusterError)) throw problem;
      standing = problem.status ?? 'silent';
      if (standing !== before) this.#failed(problem);
    }
    if (this.#stopped) return;
    this.#callOff = this.#clock.after(ANNOUNCE_EVERY_MS, () => void this.#announce(standing));
  }
}
