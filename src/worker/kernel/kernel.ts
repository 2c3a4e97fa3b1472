/**
 * The worker's handle on its kernel process: starts it, hands it jobs, and replaces it when it dies. A death fails every
 * job that was in it with `KernelDied`.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { assert } from '../../common/assert.ts';
import type { Clock } from '../../common/clock.ts';
import { SECRET } from '../../types/kernel.ts';
import type { JobUsage, KernelJob, KernelOptions, KernelReply, KernelRequest, KernelRows } from './protocol.ts';

/** A statement failed; `message` is the kernel's text. */
export class KernelFailure extends Error {
  override readonly name = 'KernelFailure';
}

/** The kernel process ended with the job in it. */
export class KernelDied extends Error {
  override readonly name = 'KernelDied';
  /** Nothing else ran in it. */
  readonly alone: boolean;
  /** It was refused memory, as far as one can tell from how it ended. */
  readonly outOfMemory: boolean;

  constructor(message: string, alone: boolean, outOfMemory: boolean) {
    super(message);
    this.alone = alone;
    this.outOfMemory = outOfMemory;
  }
}

/** Rows of each statement. */
export type JobResult = { readonly rows: readonly KernelRows[]; readonly usage: JobUsage };

/** A job that got an interrupt has this long to end before its kernel is killed. */
const INTERRUPT_GRACE_MS = 1000;

/**
 * Writable memory of the kernel process beyond the limit that it keeps by itself: the runtime, its threads, and what the
 * kernel allocates outside of its buffer manager. Whoever needs more is stopped by the operating system, alone.
 */
const HEADROOM_BYTES = 1024 * 1024 * 1024;
const HEADROOM_FACTOR = 1.25;

/** Statements that run at a time hold one of the runtime's threads each; its own file access needs some too. */
const THREAD_POOL_SIZE = 64;

type Pending = {
  readonly resolve: (result: JobResult) => void;
  readonly reject: (problem: Error) => void;
  /** What stood for `SECRET` in its statements. */
  readonly secret: string;
};

export class Kernel {
  readonly #clock: Clock;
  #options: KernelOptions;
  #child: ChildProcess | undefined;
  #phase: 'down' | 'opening' | 'open' | 'stopped' = 'down';
  /** Other options than those it was opened with are wanted. */
  #stale = false;
  /** Why it could not be opened; jobs fail with it until there are other options. */
  #refusal: KernelFailure | undefined;
  /** Processes in a row that ended before they were open. */
  #failedStarts = 0;
  readonly #pending = new Map<number, Pending>();
  #waiting: (() => void)[] = [];
  #nextId = 1;
  /** Jobs that the process got since it started. */
  #jobs = 0;

  constructor(options: KernelOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  start(): void {
    assert(this.#phase === 'down' && !this.#child, 'a kernel has one process at a time');
    const child = spawnKernel(this.#options);
    this.#child = child;
    this.#jobs = 0;
    let complaint = '';
    child.stderr?.on('data', (text: Buffer) => {
      complaint = (complaint + text.toString('utf8')).slice(-COMPLAINT_LENGTH);
    });
    child.on('error', (problem) => this.#died(child, problem.message, false));
    child.on('exit', (code, signal) => {
      const words = complaint.trim().split('\n').at(-1) ?? '';
      const how = `${signal ? `killed by ${signal}` : `exit code ${code}`}${words && `: ${words}`}`;
      this.#died(child, how, signal ? MEMORY_SIGNALS.has(signal) : MEMORY_EXIT_CODES.has(code ?? 0));
    });
    child.on('message', (reply: KernelReply) => {
      if (child === this.#child) this.#receive(reply);
    });
    this.#open();
  }

  get processId(): number | undefined {
    return this.#child?.pid;
  }

  /** Of its process, as last heard. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  #memoryBytes = 0;

  /** Other folders or limits: taken up when nothing runs, and before the next job. */
  reconfigure(options: KernelOptions): void {
    if (JSON.stringify(options) === JSON.stringify(this.#options)) return;
    this.#options = options;
    this.#stale = true;
    this.#refusal = undefined;
    this.#openWhenIdle();
  }

  /** Makes sure that the next job is the first one in its process. Nothing may run. */
  renew(): void {
    assert(this.#pending.size === 0, 'a kernel is renewed when nothing runs');
    if (this.#jobs > 0) this.kill();
  }

  /** Ends the process at once; jobs in it die, and a new one starts. */
  kill(): void {
    if (this.#phase !== 'stopped') this.#phase = 'down';
    this.#child?.kill('SIGKILL');
  }

  /** Ends the process for good. */
  async stop(): Promise<void> {
    this.#phase = 'stopped';
    this.#wake();
    const child = this.#child;
    if (!child) return;
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    });
  }

  /**
   * Rejects with KernelFailure, KernelDied or the signal's reason. An aborted job is interrupted; if it goes on for more
   * than a second, the kernel is killed, and other jobs that run in it die with it.
   */
  async run(job: KernelJob, signal?: AbortSignal): Promise<JobResult> {
    await this.#ready(signal);
    const id = this.#nextId++;
    this.#jobs += 1;
    let callOff: (() => void) | undefined;
    const interrupt = (): void => {
      const child = this.#child;
      this.#send({ kind: 'interrupt', id });
      callOff = this.#clock.after(INTERRUPT_GRACE_MS, () => {
        if (child === this.#child) this.kill();
      });
    };
    try {
      return await new Promise<JobResult>((resolve, reject) => {
        const secret = randomUUID();
        this.#pending.set(id, { resolve, reject, secret });
        this.#send({ kind: 'job', id, job: withSecret(job, secret) });
        signal?.addEventListener('abort', interrupt);
      });
    } catch (problem) {
      signal?.throwIfAborted();
      throw problem;
    } finally {
      signal?.removeEventListener('abort', interrupt);
      callOff?.();
    }
  }

  /** Waits until the kernel is open with the newest options. */
  async #ready(signal?: AbortSignal): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      if (this.#phase === 'stopped') throw new KernelDied('The worker stops', false, false);
      if (this.#refusal) throw this.#refusal;
      if (this.#phase === 'open' && !this.#stale) return;
      if (this.#failedStarts >= FAILED_STARTS_MAX) {
        throw new KernelDied(`The kernel process does not start: ${this.#lastWords}`, false, false);
      }
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  #lastWords = '';

  #open(): void {
    this.#phase = 'opening';
    this.#stale = false;
    this.#send({ kind: 'open', options: this.#options });
  }

  #openWhenIdle(): void {
    if (this.#stale && this.#phase === 'open' && this.#pending.size === 0) this.#open();
  }

  #receive(reply: KernelReply): void {
    switch (reply.kind) {
      case 'opened':
        if (this.#phase !== 'opening') return;
        this.#phase = 'open';
        this.#failedStarts = 0;
        this.#openWhenIdle();
        this.#wake();
        return;
      case 'openFailed':
        if (this.#phase !== 'opening') return;
        // It listens on: other options, perhaps here already, open it after all.
        this.#phase = 'open';
        if (!this.#stale) this.#refusal = new KernelFailure(reply.message);
        this.#openWhenIdle();
        this.#wake();
        return;
      case 'done':
        this.#memoryBytes = reply.usage.memoryBytes;
        this.#take(reply.id)?.resolve({ rows: reply.rows, usage: reply.usage });
        return;
      case 'failed':
        // Who finds a kernel that another statement broke dies with it.
        if (!reply.broken || !INVALIDATED_BEFORE.test(reply.message)) {
          const pending = this.#take(reply.id);
          pending?.reject(new KernelFailure(withoutSecret(reply.message, pending.secret)));
        }
        if (reply.broken) this.kill();
        return;
    }
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    this.#openWhenIdle();
    return pending;
  }

  #died(child: ChildProcess, how: string, outOfMemory: boolean): void {
    if (child !== this.#child) return;
    this.#child = undefined;
    this.#lastWords = how;
    const jobs = [...this.#pending.values()];
    this.#pending.clear();
    for (const job of jobs) {
      job.reject(new KernelDied(`The kernel process ended (${how})`, jobs.length === 1, outOfMemory));
    }
    if (this.#phase === 'stopped') return;
    if (this.#phase === 'opening') this.#failedStarts += 1;
    this.#phase = 'down';
    this.#clock.after(this.#failedStarts * RESTART_PAUSE_MS, () => {
      if (this.#phase === 'down' && !this.#child) this.start();
    });
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #send(request: KernelRequest): void {
    // A broken pipe is followed by the child's end, which fails the job.
    this.#child?.send(request, () => {});
  }
}

const withSecret = (job: KernelJob, secret: string): KernelJob =>
  job.kind === 'run' ? { ...job, statement: job.statement.replaceAll(SECRET, secret) } : job;

/** Where the message has `SECRET` now, the statement had it: not a text that the kernel quotes. */
const withoutSecret = (message: string, secret: string): string =>
  message.replaceAll(SECRET, '\uFFFD').replaceAll(secret, SECRET);

/** Last words of a kernel process that are kept. */
const COMPLAINT_LENGTH = 4000;

/** What a process ends with that was refused memory where its code cannot do without. */
const MEMORY_SIGNALS: ReadonlySet<NodeJS.Signals> = new Set(['SIGABRT', 'SIGSEGV', 'SIGTRAP', 'SIGILL', 'SIGBUS']);
const MEMORY_EXIT_CODES: ReadonlySet<number> = new Set([132, 133, 134, 135, 139]);

const INVALIDATED_BEFORE = /invalidated because of a previous fatal error/;

/** Processes that end before they are open are not started for ever: then jobs fail, and say why. */
const FAILED_STARTS_MAX = 5;
const RESTART_PAUSE_MS = 200;

function spawnKernel(options: KernelOptions): ChildProcess {
  const file = fileURLToPath(new URL(`./kernel-process${path.extname(import.meta.url)}`, import.meta.url));
  const loader = file.endsWith('.ts') ? ['--import', 'tsx'] : [];
  const limit = Math.ceil((options.memoryBytes * HEADROOM_FACTOR + HEADROOM_BYTES) / 1024);
  // A shell that sets the limit becomes the kernel process; where such limits are unknown it goes on without.
  return spawn(
    '/bin/sh',
    ['-c', 'ulimit -d "$0" 2>/dev/null; exec "$@"', String(limit), process.execPath, ...loader, file],
    {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      // What the kernel need not know, nobody gets out of it.
      env: { ...process.env, UV_THREADPOOL_SIZE: String(THREAD_POOL_SIZE), TUTTI_SECRET: undefined },
    },
  );
}
