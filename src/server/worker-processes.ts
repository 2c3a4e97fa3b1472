/** The workers of a one-machine `server`: child processes, each started again when it dies, all ended with it. */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Clock } from '../common/clock.ts';
import type { Logger } from '../observe/logger.ts';

export type WorkerProcessesOptions = {
  readonly count: number;
  /** The program and arguments of worker `index`, without its environment. */
  readonly command: (index: number) => readonly string[];
  readonly secret: string;
  /** A worker that never ran cannot have its folders; it has said why, and is not started again. */
  readonly refused: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** What a worker ends with whose folders are another's: EX_CONFIG of sysexits.h. */
export const FOLDERS_REFUSED = 78;

/** Pause before a dead worker is started again; doubled for each death soon after its start. */
const RESTART_MS = 100;
const RESTART_MS_MAX = 3_000;

/** A worker that lived so long died of something new. */
const HEALTHY_MS = 5_000;

/** How long a worker may take to end by itself when asked to. */
const STOP_MS = 2_000;

export class WorkerProcesses {
  readonly #options: WorkerProcessesOptions;
  readonly #children: (ChildProcess | undefined)[];
  readonly #deaths: number[];
  #stopping = false;

  constructor(options: WorkerProcessesOptions) {
    this.#options = options;
    this.#children = Array.from({ length: options.count });
    this.#deaths = Array.from({ length: options.count }, () => 0);
  }

  start(): void {
    for (let index = 0; index < this.#options.count; index++) this.#spawn(index);
  }

  /** Resolves when every worker, and with it its kernel, has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#children.flatMap((child) => (child ? [this.#end(child)] : [])));
  }

  #spawn(index: number): void {
    const { command, secret, clock, logger } = this.#options;
    const startedMs = clock.elapsedMs();
    // The worker ends when its standard input does: also when this process is killed and can tell nobody. It has a process
    // group of its own, since a terminal's Ctrl-C, which goes to a whole group, means a query and not the cluster.
    const child = spawn(process.execPath, command(index), {
      detached: true,
      stdio: ['pipe', 'ignore', 'inherit'],
      env: { ...process.env, TUTTI_SECRET: secret, TUTTI_PARENT_PIPE: '1' },
    });
    this.#children[index] = child;
    child.stdin?.on('error', (problem) => logger.debug({ worker: index, problem: problem.message }, 'pipe to worker'));
    child.once('error', (problem) => logger.error({ worker: index, problem: problem.message }, 'worker cannot start'));
    child.once('exit', (code, signal) => {
      this.#children[index] = undefined;
      if (this.#stopping) return;
      // Later it is started again: it had its folders, and may have them again.
      if (code === FOLDERS_REFUSED && this.#deaths[index] === 0) return this.#options.refused();
      const lived = clock.elapsedMs() - startedMs;
      const deaths = lived > HEALTHY_MS ? 1 : this.#deaths[index]! + 1;
      this.#deaths[index] = deaths;
      const pause = Math.min(RESTART_MS_MAX, RESTART_MS * 2 ** (deaths - 1));
      logger.warn({ worker: index, code, signal, pause }, 'worker ended, it is started again');
      clock.after(pause, () => {
        if (!this.#stopping) this.#spawn(index);
      });
    });
  }

  async #end(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const giveUp = this.#options.clock.after(STOP_MS, () => child.kill('SIGKILL'));
    await ended;
    giveUp();
  }
}
