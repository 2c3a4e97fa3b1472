/** All task attempts of this worker and the files of their queries. */

import { rm } from 'node:fs/promises';
import path from 'node:path';
import { assert } from '../common/assert.ts';
import { parseTaskId } from '../exchange/task-id.ts';
import { NO_STATISTICS, type OutputFile, type TaskRequest, type TaskStatus } from '../exchange/task-protocol.ts';
import { Task, type TaskEnvironment } from './task.ts';

/** Removed queries, and attempts, that are remembered, so that a late request of theirs starts nothing. */
const REMOVED_QUERIES_MAX = 1000;
const REMOVED_ATTEMPTS_MAX = 10_000;

/** A query that the coordinator does not name may be younger than its answer. */
const YOUNG_QUERY_MS = 5_000;

type Query = { readonly directory: string; readonly tasks: Map<string, Task>; touchedMs: number };

export class TaskManager {
  readonly #directory: string;
  readonly #environment: TaskEnvironment;
  readonly #queries = new Map<string, Query>();
  readonly #removedQueries = new Set<string>();
  /** A request to remove may overtake the one to create. */
  readonly #removedAttempts = new Set<string>();

  /** `directory` is this worker's own, for the files of its tasks. */
  constructor(directory: string, environment: TaskEnvironment) {
    this.#directory = directory;
    this.#environment = environment;
  }

  /** The same request again finds the task that it made. */
  async create(request: TaskRequest): Promise<TaskStatus> {
    const id = parseTaskId(request.taskId);
    assert(id, 'task ids are checked at the door');
    const key = keyOf(request.taskId, request.attempt);
    if (this.#removedQueries.has(id.query) || this.#removedAttempts.has(key)) {
      return canceled(request.taskId, request.attempt);
    }
    const query = this.#queries.get(id.query) ?? {
      directory: path.join(this.#directory, id.query),
      tasks: new Map<string, Task>(),
      touchedMs: 0,
    };
    this.#queries.set(id.query, query);
    query.touchedMs = this.#environment.clock.elapsedMs();
    const task = query.tasks.get(key) ?? new Task(request, query.directory, this.#environment);
    query.tasks.set(key, task);
    return this.#wait(task, request.waitMs);
  }

  /** Undefined when there is no such attempt here. */
  async status(taskId: string, attempt: number, waitMs: number): Promise<TaskStatus | undefined> {
    const task = this.#find(taskId, attempt);
    return task && this.#wait(task, waitMs);
  }

  output(taskId: string, attempt: number, partition: number): OutputFile | undefined {
    return this.#find(taskId, attempt)?.output(partition);
  }

  async remove(taskId: string, attempt: number): Promise<void> {
    remember(this.#removedAttempts, keyOf(taskId, attempt), REMOVED_ATTEMPTS_MAX);
    await this.#find(taskId, attempt)?.remove();
  }

  async removeQuery(queryId: string): Promise<void> {
    remember(this.#removedQueries, queryId, REMOVED_QUERIES_MAX);
    const query = this.#queries.get(queryId);
    this.#queries.delete(queryId);
    if (!query) return;
    await Promise.all([...query.tasks.values()].map((task) => task.callOff()));
    await rm(query.directory, { recursive: true, force: true });
  }

  /** Drops what belongs to no query that lives: its coordinator forgot it, or is another one now. */
  async removeAllBut(liveQueries: readonly string[]): Promise<void> {
    const live = new Set(liveQueries);
    const oldMs = this.#environment.clock.elapsedMs() - YOUNG_QUERY_MS;
    const leftovers = [...this.#queries].filter(([id, query]) => !live.has(id) && query.touchedMs < oldMs);
    await Promise.all(leftovers.map(([id]) => this.removeQuery(id)));
  }

  get runningTasks(): readonly string[] {
    const tasks = [...this.#queries.values()].flatMap((query) => [...query.tasks.values()]);
    return tasks.filter((task) => task.isRunning).map((task) => task.request.taskId);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#queries.keys()].map((id) => this.removeQuery(id)));
  }

  #find(taskId: string, attempt: number): Task | undefined {
    const id = parseTaskId(taskId);
    const query = id && this.#queries.get(id.query);
    if (query) query.touchedMs = this.#environment.clock.elapsedMs();
    return query?.tasks.get(keyOf(taskId, attempt));
  }

  async #wait(task: Task, waitMs: number): Promise<TaskStatus> {
    if (task.isRunning && waitMs > 0) {
      let callOff: (() => void) | undefined;
      const timeout = new Promise<void>((resolve) => {
        callOff = this.#environment.clock.after(Math.min(waitMs, WAIT_MS_MAX), resolve);
      });
      await Promise.race([task.ended, timeout]);
      callOff?.();
    }
    return task.status();
  }
}

/** Longer silences look like a lost connection. */
const WAIT_MS_MAX = 60_000;

const keyOf = (taskId: string, attempt: number): string => `${taskId}/${attempt}`;

/** The newest `max` entries stay. */
function remember(entries: Set<string>, entry: string, max: number): void {
  entries.add(entry);
  const [oldest] = entries;
  if (entries.size > max && oldest !== undefined) entries.delete(oldest);
}

/** What a request gets whose query, or attempt, is over. */
const canceled = (taskId: string, attempt: number): TaskStatus => ({
  taskId,
  attempt,
  state: 'canceled',
  outputs: [],
  statistics: NO_STATISTICS,
});
