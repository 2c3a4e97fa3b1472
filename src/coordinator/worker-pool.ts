/**
 * Hands tasks of all queries to workers' free slots: workers pull, the least busy first, queries in turn. A task that must
 * run alone gets a worker that is emptied for it.
 */

import type { Member, Membership } from '../cluster/membership.ts';
import { QueryError } from '../common/errors.ts';
import type { Announcement } from '../exchange/task-protocol.ts';

export type Worker = Member<Announcement>;

/** A query, as far as the pool is concerned. */
export interface TaskSource {
  /**
   * Starts a task that may run there and answers when it has ended; undefined when none is wanting. With `near`, only one that has
   * no better place.
   */
  take(worker: Worker, near: boolean): Promise<void> | undefined;
  /** A task waits that must be alone on its worker, and may run on this one. */
  wantsAlone(worker: Worker): boolean;
  /** As `take`, for such a task. */
  takeAlone(worker: Worker): Promise<void> | undefined;
}

type Members = Pick<Membership<Announcement>, 'members' | 'emptyMs'>;

/** A cluster without workers is given so long: it is starting, or a worker is being started again, which takes two seconds. */
const NO_WORKER_MS = 8000;
/** Also when it has had none for longer: a worker that is there after all announces itself within this. */
const NO_WORKER_MS_LEAST = 1000;

export const noWorkers = (): QueryError =>
  new QueryError('NO_NODES_AVAILABLE', 'The cluster has no workers: start one with "tutti worker --coordinator URL"');

export class WorkerPool {
  readonly #membership: Members;
  readonly #sources = new Set<TaskSource>();
  /** Running tasks by the key of the worker's stay. */
  readonly #running = new Map<string, number>();
  /** Workers that run, or are being emptied for, a task alone: by key, for which query. */
  readonly #reserved = new Map<string, TaskSource>();
  #planned = false;

  constructor(membership: Members) {
    this.#membership = membership;
  }

  workers(): readonly Worker[] {
    return this.#membership.members();
  }

  /** How long it is worth waiting for a first worker. */
  patienceMs(): number {
    return Math.max(NO_WORKER_MS_LEAST, NO_WORKER_MS - this.#membership.emptyMs());
  }

  /** Machines whose workers see the files that this process sees. */
  machinesOfHost(host: string): readonly string[] {
    const here = this.workers().filter(({ announcement }) => announcement.hostId === host);
    return [...new Set(here.map(({ announcement }) => announcement.machineId))].sort();
  }

  /** Tasks that the cluster can run at a time. */
  slots(): number {
    return this.workers().reduce((sum, worker) => sum + worker.announcement.slots, 0);
  }

  /** The same of each machine (`hostId`). */
  slotsByHost(): ReadonlyMap<string, number> {
    const slots = new Map<string, number>();
    for (const { announcement } of this.workers()) {
      slots.set(announcement.hostId, (slots.get(announcement.hostId) ?? 0) + announcement.slots);
    }
    return slots;
  }

  runningOn(worker: Worker): number {
    return this.#running.get(worker.key) ?? 0;
  }

  add(source: TaskSource): void {
    this.#sources.add(source);
    this.poke();
  }

  remove(source: TaskSource): void {
    this.#sources.delete(source);
    for (const [key, reserver] of this.#reserved) {
      if (reserver === source && !this.#running.get(key)) this.#reserved.delete(key);
    }
    this.poke();
  }

  /** Something changed: a worker came, a task ended, a task waits. Dispatches once, after the present event. */
  poke(): void {
    if (this.#planned) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    this.#forgetLost();
    this.#reserve();
    // A slot that nobody needs who reads its tables near it is not left empty: to wait would cost more than the network.
    for (const near of [true, false]) this.#fill(near);
  }

  #fill(near: boolean): void {
    // One task a worker and round, so that a few tasks spread over the cluster.
    for (let started = true; started;) {
      started = false;
      const byLoad = this.workers().toSorted((a, b) => this.#load(a) - this.#load(b));
      for (const worker of byLoad) {
        const reserver = this.#reserved.get(worker.key);
        if (reserver) {
          if (this.runningOn(worker) === 0) this.#startAlone(worker, reserver);
        } else if (this.#load(worker) < 1 && this.#startOne(worker, near)) started = true;
      }
    }
  }

  #load(worker: Worker): number {
    return this.runningOn(worker) / Math.max(1, worker.announcement.slots);
  }

  #startOne(worker: Worker, near: boolean): boolean {
    for (const source of this.#sources) {
      const run = source.take(worker, near);
      if (!run) continue;
      // To the end of the line: queries take turns.
      this.#sources.delete(source);
      this.#sources.add(source);
      this.#track(worker, run);
      return true;
    }
    return false;
  }

  #startAlone(worker: Worker, source: TaskSource): void {
    const run = source.takeAlone(worker);
    if (run) this.#track(worker, run);
    else this.#reserved.delete(worker.key);
  }

  #track(worker: Worker, run: Promise<void>): void {
    this.#running.set(worker.key, this.runningOn(worker) + 1);
    void run.finally(() => {
      const running = this.#running.get(worker.key);
      if (running !== undefined) this.#running.set(worker.key, running - 1);
      if (this.runningOn(worker) === 0) this.#reserved.delete(worker.key);
      this.poke();
    });
  }

  /** One worker for each query that wants to run a task alone. */
  #reserve(): void {
    const held = new Set(this.#reserved.values());
    for (const source of this.#sources) {
      if (held.has(source)) continue;
      const free = this.workers().filter((worker) => !this.#reserved.has(worker.key) && source.wantsAlone(worker));
      const least = free.toSorted((a, b) => this.#load(a) - this.#load(b))[0];
      if (least) this.#reserved.set(least.key, source);
    }
  }

  #forgetLost(): void {
    const keys = new Set(this.workers().map((worker) => worker.key));
    for (const map of [this.#running, this.#reserved]) {
      for (const key of map.keys()) if (!keys.has(key)) map.delete(key);
    }
  }
}
