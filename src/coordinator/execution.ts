/**
 * Runs one distributed plan: stages as barriers in the order of their inputs, independent ones side by side, each cut into
 * tasks that free workers pull. Failed tasks run again elsewhere, lost outputs are made again (`recovery.ts` says which),
 * and every answer about an attempt that is no longer the current one is discarded.
 */

import { assert } from '../common/assert.ts';
import type { Clock } from '../common/clock.ts';
import { QueryError } from '../common/errors.ts';
import type { InputFile, TaskRequest, TaskStatus } from '../exchange/task-protocol.ts';
import type { DistributedPlan, Fragment } from '../plan/fragment.ts';
import { judgeFailure } from './failure-policy.ts';
import { type Adapt, PlanProgress } from './plan-progress.ts';
import type { TaskRunner } from './remote-task.ts';
import type { AssignedTask } from './split-assignment.ts';
import { newTask, type Stage, type Task } from './stage.ts';
import { isNear, machinesWithoutWorker, mayRun } from './task-placement.ts';
import { type TaskEnvironment, taskRequest } from './task-request.ts';
import { noWorkers, type TaskSource, type Worker } from './worker-pool.ts';

export type ExecutionOptions = TaskEnvironment & {
  readonly plan: DistributedPlan;
  /** Hash partitions of every repartitioned output. */
  readonly partitions: number;
  readonly runner: TaskRunner;
  readonly clock: Clock;
  /** Cuts the splits of a `source` stage, or reads all of them for a `single` one. */
  readonly assign: (fragment: Fragment) => Promise<readonly AssignedTask[]>;
  readonly adapt: Adapt;
};

export class Execution implements TaskSource {
  readonly #options: ExecutionOptions;
  readonly #progress: PlanProgress;
  #failure: Error | undefined;
  #ended = false;
  #resultCopied = false;
  #waiters: { readonly resolve: (files: readonly InputFile[]) => void; readonly reject: (why: Error) => void }[] = [];
  #stopWaitingForWorkers: (() => void) | undefined;
  #retries = 0;

  constructor(options: ExecutionOptions) {
    this.#options = options;
    this.#progress = new PlanProgress(options.plan);
  }

  start(): void {
    this.#options.pool.add(this);
    this.workersChanged();
    this.#advance();
  }

  get plan(): DistributedPlan {
    return this.#progress.plan;
  }

  /** Root first; stages that have not started have no tasks. */
  stages(): readonly Stage[] {
    return this.#progress.stages();
  }

  /** Attempts beyond each task's first. */
  get retries(): number {
    return this.#retries;
  }

  /** The files of the root stage, once it is complete. Ask again after `lostFiles`. */
  resultFiles(): Promise<readonly InputFile[]> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#advance();
    });
  }

  /** The result was copied from the workers, or its delivery began: nothing is made again from here on. */
  resultCopied(): void {
    this.#resultCopied = true;
  }

  /** These outputs of tasks cannot be read any more. */
  lostFiles(files: readonly { readonly taskId: string; readonly attempt: number }[]): void {
    for (const task of this.#progress.tasks()) {
      const isLost = files.some((file) => file.taskId === task.id && file.attempt === task.attempt);
      if (task.state === 'done' && isLost) task.lost = true;
    }
    this.#recover();
  }

  workerLost(worker: Worker): void {
    for (const task of this.#progress.tasks()) {
      if (task.worker?.key !== worker.key) continue;
      if (task.state === 'running') {
        this.#callOff(task);
        this.#countFailure(
          task,
          worker,
          new QueryError('REMOTE_HOST_GONE', `Worker ${worker.announcement.nodeId} was lost`),
        );
      } else if (task.state === 'done' && (task.status?.outputs.length ?? 0) > 0) task.lost = true;
    }
    // Who was still bringing inputs from there would wait for an answer until it gives up.
    for (const task of this.#progress.tasks()) {
      const isBringing = task.state === 'running' && task.status?.state !== 'running';
      if (isBringing && task.readsFrom.has(worker.announcement.url)) this.#redo(task);
    }
    this.#recover();
    this.workersChanged();
  }

  /** A worker came or went: without any, the query waits a while for one. */
  workersChanged(): void {
    this.#stopWaitingForWorkers?.();
    this.#stopWaitingForWorkers = undefined;
    if (this.#ended) return;
    const { pool, clock } = this.#options;
    const workers = pool.workers();
    const unreadable = workers.length > 0 ? machinesWithoutWorker(this.#progress.tasks(), workers) : undefined;
    if (workers.length > 0 && !unreadable) return pool.poke();
    const say = `No worker on a machine that sees the data (${unreadable}): start one there`;
    const why = unreadable ? new QueryError('NO_NODES_AVAILABLE', say) : noWorkers();
    this.#stopWaitingForWorkers = clock.after(pool.patienceMs(), () => this.fail(why));
  }

  /** Ends it: running attempts are called off. Safe to call again. */
  fail(why: Error): void {
    if (this.#ended) return;
    this.#failure = why;
    this.end();
    for (const waiter of this.#waiters.splice(0)) waiter.reject(why);
  }

  /** Nothing runs any more and nothing will. The query removes its files from the workers. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopWaitingForWorkers?.();
    for (const task of this.#progress.tasks()) {
      if (task.state === 'running') this.#callOff(task);
      // Ended queries are shown for a while: their numbers stay, rows that travel in splits and outputs do not.
      task.splits = {};
      if (task.status) task.status = { ...task.status, outputs: [] };
    }
    this.#options.pool.remove(this);
  }

  // ------------------------------------------------------------------------------------------------- what the pool asks

  take(worker: Worker, near: boolean): Promise<void> | undefined {
    const task = this.#next(worker, { alone: false, near });
    return task && this.#run(task, worker);
  }

  wantsAlone(worker: Worker): boolean {
    return this.#next(worker, { alone: true, near: false }) !== undefined;
  }

  takeAlone(worker: Worker): Promise<void> | undefined {
    const task = this.#next(worker, { alone: true, near: false });
    return task && this.#run(task, worker);
  }

  /** A waiting task for this worker, preferring one that did not fail there. */
  #next(worker: Worker, { alone, near }: { readonly alone: boolean; readonly near: boolean }): Task | undefined {
    if (this.#ended) return undefined;
    const workers = this.#options.pool.workers();
    return this.#progress.waitingTask(
      (task) => task.alone === alone && mayRun(task, worker, workers) && (!near || isNear(task, worker, workers)),
    );
  }

  // ------------------------------------------------------------------------------------------------------ running tasks

  async #run(task: Task, worker: Worker): Promise<void> {
    const { runner, clock } = this.#options;
    assert(task.state === 'pending', 'only a waiting task is started');
    const stop = new AbortController();
    Object.assign(task, { state: 'running', worker, stop, status: undefined, lost: false, createdMs: clock.wallMs() });
    task.stage.startedMs ??= clock.elapsedMs();
    const { attempt } = task;
    const isCurrent = (): boolean => task.stop === stop;
    try {
      const status = await runner.run(worker, this.#request(task), stop.signal, (news) => {
        if (isCurrent()) task.status = news;
      });
      // An answer about an attempt that was called off meanwhile, or a query that ended, means nothing any more.
      if (isCurrent()) this.#finished(task, worker, status);
    } catch (problem) {
      if (!isCurrent()) return;
      runner.cancel(worker, task.id, attempt);
      const why = new QueryError('REMOTE_TASK_ERROR', `Task ${task.id}: ${(problem as Error).message}`);
      this.#release(task);
      this.#countFailure(task, worker, why);
      this.#advance();
    }
  }

  #request(task: Task): TaskRequest {
    const request = taskRequest(task, (id) => this.#progress.stage(id), this.#options);
    const files = Object.values(request.inputs).flat();
    task.readsFrom = new Set(files.map((file) => file.worker));
    return request;
  }

  #finished(task: Task, worker: Worker, status: TaskStatus): void {
    if (status.state === 'finished') {
      Object.assign(task, {
        state: 'done',
        wasDone: true,
        stop: undefined,
        status,
        endedMs: this.#options.clock.wallMs(),
      });
      this.#advance();
      return;
    }
    this.#release(task);
    const verdict = judgeFailure(task, status);
    switch (verdict.kind) {
      case 'fatal':
        return this.fail(verdict.error);
      case 'again':
        task.readsFailed += verdict.ofReading ? 1 : 0;
        this.#countFailure(task, worker, verdict.error);
        break;
      case 'alone':
        task.alone = true;
        task.deathsAlone += verdict.counts ? 1 : 0;
        this.#retries += 1;
        break;
      case 'input-lost':
        // Perhaps only this worker cannot reach them: another one is tried first.
        task.avoid.add(worker.announcement.nodeId);
        this.#countRemade(task);
        return this.lostFiles(verdict.inputs);
    }
    this.#advance();
  }

  /** The attempt is over without a usable result; the next one has another number. */
  #release(task: Task): void {
    Object.assign(task, { state: 'pending', worker: undefined, stop: undefined, lost: false });
    task.attempt += 1;
  }

  #callOff(task: Task): void {
    const { worker, stop, attempt } = task;
    assert(worker && stop, 'a running task has a worker');
    this.#release(task);
    stop.abort();
    this.#options.runner.cancel(worker, task.id, attempt);
  }

  #countFailure(task: Task, worker: Worker, error: Error): void {
    task.failures += 1;
    this.#retries += 1;
    task.avoid.add(worker.announcement.nodeId);
    if (task.failures >= ATTEMPTS_MAX) this.fail(error);
  }

  #recover(): void {
    if (this.#ended) return;
    for (const task of this.#progress.tasksToRedo(!this.#resultCopied)) this.#redo(task);
    this.#advance();
  }

  #redo(task: Task): void {
    if (task.state === 'running') this.#callOff(task);
    else this.#release(task);
    this.#countRemade(task);
  }

  #countRemade(task: Task): void {
    task.remade += 1;
    this.#retries += 1;
    if (task.remade > REMADE_MAX) {
      const times = `its input or output was lost ${REMADE_MAX} times`;
      this.fail(new QueryError('REMOTE_TASK_ERROR', `Task ${task.id} was given up: ${times}; look after the workers`));
    }
  }

  // ----------------------------------------------------------------------------------------------------- moving forward

  /** Every event ends here: a mistake of ours ends the query, and is not lost with the event. */
  #advance(): void {
    try {
      this.#goOn();
    } catch (problem) {
      this.fail(problem as Error);
    }
  }

  /** Starts the stages whose inputs are complete, and answers those who wait for the result. */
  #goOn(): void {
    if (this.#failure) {
      const why = this.#failure;
      for (const waiter of this.#waiters.splice(0)) waiter.reject(why);
    }
    if (this.#ended) return;
    this.#noteEnds();
    const progress = this.#progress;
    // What has no inputs starts as it was planned.
    if (progress.ready().some((fragment) => fragment.inputs.length > 0 || fragment.startsAfter)) {
      progress.adapt(this.#options.adapt);
    }
    for (const fragment of progress.ready()) void this.#makeTasks(progress.open(fragment, this.#options.partitions));
    const files = progress.resultFiles();
    if (files) for (const waiter of this.#waiters.splice(0)) waiter.resolve(files);
    this.#options.pool.poke();
  }

  /** Stops what still runs in a stage whose readers have enough. */
  #noteEnds(): void {
    for (const stage of this.#progress.readableStages()) {
      stage.endedMs ??= this.#options.clock.elapsedMs();
      for (const task of stage.tasks!) if (task.state === 'running') this.#callOff(task);
    }
  }

  async #makeTasks(stage: Stage): Promise<void> {
    const { queryId, partitions, assign } = this.#options;
    try {
      const assigned = await assign(stage.fragment);
      const isHash = stage.fragment.partitioning === 'hash';
      const work = isHash ? Array.from({ length: partitions }, () => assigned[0]!) : assigned;
      stage.tasks = work.map((each, i) => newTask(queryId, stage, i, each));
      this.workersChanged();
      this.#advance();
    } catch (problem) {
      this.fail(problem as Error);
    }
  }
}

/** Tries of one task, the first included. */
const ATTEMPTS_MAX = 4;
/** Times that one task runs again because files were lost: many workers may die, but not for ever. */
const REMADE_MAX = 12;
