/**
 * A cluster of fake workers under simulated time: tasks take random times, workers die with their files and come back,
 * kernels die, inputs vanish while they are read, answers arrive late. Every output carries what it was made from, so that
 * a test can see whether an answer mixes two attempts of one task.
 */

import { createHash } from 'node:crypto';
import { ClusterError } from '../../src/cluster/cluster-client.ts';
import type { ErrorCode } from '../../src/common/errors.ts';
import { Execution, type ExecutionOptions } from '../../src/coordinator/execution.ts';
import type { TaskRunner } from '../../src/coordinator/remote-task.ts';
import { type Worker, WorkerPool } from '../../src/coordinator/worker-pool.ts';
import {
  type InputFile,
  NO_STATISTICS,
  type OutputFile,
  type TaskFailure,
  type TaskRequest,
  type TaskStatus,
} from '../../src/exchange/task-protocol.ts';
import type { DistributedPlan, Fragment } from '../../src/plan/fragment.ts';
import { type PlanNode, sourcesOf, withSources } from '../../src/plan/nodes.ts';
import { SimulatedClock } from '../cluster/simulated-clock.ts';
import { announcementOf } from './fakes.ts';
import type { Random } from './random.ts';

export type Chances = {
  /** Of one attempt: its worker dies while it runs. */
  readonly workerDies: number;
  readonly kernelDies: number;
  readonly taskFails: number;
  /** With what; GENERIC_INTERNAL_ERROR when left out. */
  readonly failsWith?: ErrorCode;
  /** Of a called-off attempt: it answers all the same. */
  readonly lateAnswer: number;
  /** Of a worker, after each finished attempt anywhere: it dies with what it holds. */
  readonly idleWorkerDies: number;
  /** Of a shuffle that has not started, each time the plan is looked at again. */
  readonly adapted: number;
};

/** What a piece of output was made of: `stage.task` → id of that task's content, directly and through its inputs. */
type Content = { readonly id: string; readonly task: string; readonly madeOf: readonly string[] };

export class SimulatedCluster implements TaskRunner {
  readonly clock = new SimulatedClock();
  readonly pool: WorkerPool;
  readonly contents = new Map<string, Content>();
  readonly log: string[] = [];
  readonly #random: Random;
  readonly #chances: Chances;
  readonly #partitions: number;
  #workers: Worker[] = [];
  /** Files by worker key and path. */
  readonly #files = new Map<string, Set<string>>();
  #starts = 0;
  execution: Execution | undefined;
  running = 0;

  readonly #hostOf: (nodeId: string) => string;

  constructor(
    random: Random,
    workers: number,
    partitions: number,
    chances: Chances,
    hostOf: (nodeId: string) => string = () => 'h',
  ) {
    this.#hostOf = hostOf;
    this.#random = random;
    this.#chances = chances;
    this.#partitions = partitions;
    this.pool = new WorkerPool({ members: () => this.#workers, emptyMs: () => 0 });
    for (let i = 0; i < workers; i++) this.#join(`w${i}`);
  }

  execute(
    plan: DistributedPlan,
    tasksOf: (fragment: number) => number,
    changes: Partial<ExecutionOptions> = {},
  ): Execution {
    const options: ExecutionOptions = {
      queryId: 'q',
      plan,
      session: { user: 'test', timeZone: 'UTC', now: '2026-01-01T00:00:00.000000Z' },
      result: { kind: 'result', format: 'json-lines', millisecondsOnly: false },
      profile: false,
      partitions: this.#partitions,
      pool: this.pool,
      runner: this,
      clock: this.clock,
      assign: async ({ id, partitioning }) =>
        Array.from({ length: partitioning === 'single' ? 1 : tasksOf(id) }, () => ({ splits: {}, bytes: 1 })),
      adapt: (same, _finished, started) => this.#adapted(same, started),
      ...changes,
    };
    this.execution = new Execution(options);
    this.execution.start();
    return this.execution;
  }

  /** Now and then a shuffle that has not started becomes the work of one task, as adaptive planning does. */
  #adapted(plan: DistributedPlan, started: ReadonlySet<number>): DistributedPlan {
    const fragments = plan.fragments.map((fragment): Fragment => {
      const isOpen = fragment.partitioning === 'hash' && !started.has(fragment.id);
      if (!isOpen || !this.#random.chance(this.#chances.adapted)) return fragment;
      return { ...fragment, partitioning: 'single', root: gathered(fragment.root) };
    });
    return { ...plan, fragments };
  }

  /** Runs until `done` settles; throws when nothing is left that could happen. */
  async settle<T>(done: Promise<T>): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    done.then(mark, mark);
    for (let steps = 0; ; steps++) {
      // Promises first, then the next moment.
      await new Promise((resolve) => void setImmediate(resolve));
      if (settled) return done;
      if (steps > 20_000) throw new Error('the query does not end');
      if (!this.clock.step()) throw new Error('the query hangs: nothing is left to happen');
    }
  }

  run(worker: Worker, request: TaskRequest, signal: AbortSignal): Promise<TaskStatus> {
    const name = `${request.taskId}#${request.attempt}`;
    this.log.push(`${name} on ${worker.key}${request.alone ? ' alone' : ''}`);
    this.running += 1;
    return new Promise<TaskStatus>((resolve, reject) => {
      const late = this.#random.chance(this.#chances.lateAnswer);
      signal.addEventListener('abort', () => {
        if (!late) reject(new ClusterError('called off'));
      });
      const end = (work: () => void): void => void this.clock.after(this.#random.integer(1, 1000), work);
      const fail = (failure: TaskFailure): void => resolve({ ...this.#status(request, 'failed'), failure });
      end(() => {
        if (this.#random.chance(this.#chances.workerDies)) this.kill(worker);
        if (!this.#isThere(worker)) return end(() => reject(new ClusterError('unreachable')));
        if (this.#random.chance(this.#chances.kernelDies)) {
          return fail({ kind: 'kernel-died', alone: request.alone, outOfMemory: false, message: 'killed' });
        }
        if (this.#random.chance(this.#chances.taskFails)) {
          const { failsWith: code = 'GENERIC_INTERNAL_ERROR' } = this.#chances;
          return fail({ kind: 'error', error: { code, message: 'a hiccup' } });
        }
        const inputs = Object.values(request.inputs).flat();
        const lost = inputs.filter((file) => !this.holds(file));
        if (lost.length > 0) return fail({ kind: 'input-lost', inputs: lost });
        const outputs = this.#write(worker, request, inputs);
        end(() => {
          if (this.#isThere(worker)) resolve({ ...this.#status(request, 'finished'), outputs });
          else reject(new ClusterError('unreachable'));
          for (const other of this.#workers) {
            if (this.#random.chance(this.#chances.idleWorkerDies)) this.kill(other);
          }
        });
      });
    }).finally(() => {
      this.running -= 1;
    });
  }

  cancel(): void {}

  holds(file: InputFile): boolean {
    return [...this.#files].some(
      ([key, paths]) => this.#workers.some((worker) => worker.key === key) && paths.has(file.path),
    );
  }

  kill(worker: Worker): void {
    if (!this.#isThere(worker)) return;
    this.log.push(`${worker.key} dies`);
    this.#workers = this.#workers.filter((other) => other !== worker);
    this.#files.delete(worker.key);
    // Noticed some time later, or at once.
    const notice = (): void => {
      this.log.push(`${worker.key} is missed`);
      this.execution?.workerLost(worker);
    };
    this.clock.after(this.#random.chance(0.5) ? 0 : this.#random.integer(1, 3000), notice);
    this.clock.after(this.#random.integer(1, 5000), () => this.#join(worker.announcement.nodeId));
  }

  workers(): readonly Worker[] {
    return this.#workers;
  }

  #join(nodeId: string): void {
    this.#starts += 1;
    const incarnation = String(this.#starts);
    const announcement = announcementOf(nodeId, { incarnation, slots: 2, hostId: this.#hostOf(nodeId) });
    const now = this.clock.elapsedMs();
    this.#workers = [
      ...this.#workers,
      { key: `${nodeId}/${incarnation}`, announcement, heardMs: now, heardWallMs: now },
    ];
    this.execution?.workersChanged();
  }

  #isThere = (worker: Worker): boolean => this.#workers.includes(worker);

  #write(worker: Worker, request: TaskRequest, inputs: readonly InputFile[]): readonly OutputFile[] {
    const madeOf = [...new Set(inputs.map((file) => file.path.split('/')[0]!))].sort();
    const [, stage, index] = request.taskId.split('.');
    const chance = request.fragment.deterministic ? '' : this.#random.integer(0, 1e9);
    const id = createHash('sha256')
      .update(JSON.stringify([stage, index, madeOf, chance]))
      .digest('hex')
      .slice(0, 12);
    this.contents.set(id, { id, task: `${stage}.${index}`, madeOf });
    const partitions = request.output.kind === 'exchange' ? request.output.partitions : 1;
    const files = Array.from({ length: partitions }, (_, partition) => {
      const path = `${id}/${worker.key}/${request.attempt}/${partition}`;
      return { partition, rows: 1, bytes: 10, path };
    });
    const held = this.#files.get(worker.key) ?? new Set();
    files.forEach((file) => held.add(file.path));
    this.#files.set(worker.key, held);
    return files;
  }

  #status(request: TaskRequest, state: TaskStatus['state']): TaskStatus {
    return { taskId: request.taskId, attempt: request.attempt, state, outputs: [], statistics: NO_STATISTICS };
  }
}

const gathered = (node: PlanNode): PlanNode =>
  node.kind === 'RemoteSource'
    ? { ...node, scope: { kind: 'gather' } }
    : withSources(node, sourcesOf(node).map(gathered));

/** Tasks of which the answer holds two different contents: must be none. */
export function mixtures(files: readonly InputFile[], contents: ReadonlyMap<string, Content>): readonly string[] {
  const versions = new Map<string, Set<string>>();
  const visited = new Set<string>();
  const visit = (id: string): void => {
    if (visited.has(id)) return;
    visited.add(id);
    const content = contents.get(id)!;
    versions.set(content.task, (versions.get(content.task) ?? new Set()).add(id));
    content.madeOf.forEach(visit);
  };
  files.forEach((file) => visit(file.path.split('/')[0]!));
  return [...versions].filter(([, ids]) => ids.size > 1).map(([task, ids]) => `${task}: ${[...ids].join(' and ')}`);
}
