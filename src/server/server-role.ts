/** A cluster on one machine: this process is the coordinator, its children are workers. */

import { systemClock } from '../common/clock.ts';
import { QueryError } from '../common/errors.ts';
import type { Logger } from '../observe/logger.ts';
import { removeAbandoned } from '../worker/node-folders.ts';
import { takeClusterNames } from './cluster-names.ts';
import { startCoordinator } from './coordinator-role.ts';
import type { CoordinatorRoleOptions, RunningCoordinator } from './coordinator-role.ts';
import { WorkerProcesses } from './worker-processes.ts';

export type ServerRoleOptions = CoordinatorRoleOptions & {
  readonly workers: number;
  /** Of each worker. */
  readonly threads: number;
  /** Of all workers together. */
  readonly memoryBytes: number;
  /** Where blocks stand, of each worker in a folder of its own; absent = below the data directory. */
  readonly storeDirectories?: readonly string[];
  /** The program's entry file, which workers are started from. */
  readonly entry: string;
};

export type RunningServer = RunningCoordinator & {
  /** Resolves when a worker has announced itself: from then on statements are answered. */
  readonly ready: Promise<void>;
  /** Resolves when all of them have. */
  readonly whole: Promise<void>;
  /** Resolves when a worker cannot have its folders: the cluster cannot become whole. */
  readonly refused: Promise<QueryError>;
};

/** How often readiness is looked for. */
const READY_CHECK_MS = 10;

export async function startServer(options: ServerRoleOptions): Promise<RunningServer> {
  const { workers, threads, memoryBytes, dataDirectory, secret, logger, entry } = options;
  const running = await startCoordinator({ ...options, workerLost: () => removeLater(dataDirectory, logger) });
  const names = takeClusterNames(dataDirectory);
  const memory = String(Math.floor(memoryBytes / Math.max(1, workers)));
  let refuse: (() => void) | undefined;
  const refused = new Promise<QueryError>((resolve) => {
    refuse = () => resolve(new QueryError('GENERIC_USER_ERROR', 'a worker cannot have its folders, as it says above'));
  });
  const processes = new WorkerProcesses({
    count: workers,
    command: (index) => [
      entry,
      'worker',
      '--coordinator',
      running.internalUrl,
      '--data',
      dataDirectory,
      '--node-id',
      names.nodeId(index),
      '--threads',
      String(threads),
      '--memory',
      memory,
      ...(options.store ? [] : ['--no-store']),
      ...(options.storeDirectories ? ['--store-dir', ...options.storeDirectories] : []),
    ],
    secret,
    refused: () => refuse?.(),
    clock: systemClock,
    logger,
  });
  processes.start();
  return {
    ...running,
    ready: joined(running, 1),
    whole: joined(running, workers),
    refused,
    close: async () => {
      // Queries end first, so that workers can be told to drop their files.
      await running.close();
      await processes.stop();
      names.release();
    },
  };
}

/** Its kernel ends with it, but a little later. */
const ABANDONED_AFTER_MS = 2_000;

/** What a lost worker left, when it is not started again and its process is no more: this server shares its folder. */
function removeLater(dataDirectory: string, logger: Logger): void {
  systemClock.after(ABANDONED_AFTER_MS, () => {
    removeAbandoned(dataDirectory).catch((problem: unknown) => {
      logger.warn({ problem: String(problem) }, 'files of a lost worker stay');
    });
  });
}

function joined({ coordinator }: RunningCoordinator, count: number): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      if (coordinator.pool.workers().length >= count) resolve();
      else systemClock.after(READY_CHECK_MS, check);
    };
    check();
  });
}
