/** Composes a worker process: it joins a coordinator on any machine and runs until it is told to end. */

import { SCAN_PROVIDERS } from '../connectors/scan-providers.ts';
import { DataFolderError } from '../filestore/datanode/folder-errors.ts';
import { makeLogger } from '../observe/logger.ts';
import { startWorker } from '../worker/worker.ts';
import type { Worker, WorkerOptions } from '../worker/worker.ts';
import { FOLDERS_REFUSED } from './worker-processes.ts';

export type WorkerRoleOptions = Omit<WorkerOptions, 'scanProviders' | 'log' | 'joined' | 'store' | 'patience'> & {
  /** Keeps blocks of the file store, on this rack. */
  readonly rack?: string;
  /** Where those blocks stand; absent = below the data directory. */
  readonly storeDirectories?: readonly string[];
};

/** Set by a parent whose end must end this process too. */
const PARENT_PIPE = 'TUTTI_PARENT_PIPE';

/** A server's worker may begin while one of a server that was killed still ends, which takes STOP_MS and a little. */
const PREDECESSOR_MS = 4_000;

/** Resolves when the worker has ended. */
export async function runWorker(options: WorkerRoleOptions): Promise<void> {
  const logger = makeLogger('worker', process.env);
  const watchParent = process.env[PARENT_PIPE] === '1';
  // From the beginning: a worker that is held up by a disk must not stay when nobody waits for it any more.
  const ending = endOf(watchParent);
  let isStarted = false;
  void ending.then(() => isStarted || process.exit(0));
  const worker = await startWorker({
    ...options,
    ...(watchParent && {
      patience: {
        ms: PREDECESSOR_MS,
        waits: ({ message }) =>
          logger.warn({ problem: message }, 'the worker waits for another process to let its folders go'),
      },
    }),
    ...(options.rack !== undefined && {
      store: {
        rack: options.rack,
        logger,
        ...(options.storeDirectories && { directories: options.storeDirectories }),
      },
    }),
    scanProviders: SCAN_PROVIDERS,
    // Who starts a worker by hand must see why it does not join; a server tells itself how its workers are.
    joined: (nodeId, url) => {
      if (!watchParent) process.stdout.write(`Worker ${nodeId} at ${url} has joined ${options.coordinatorUrl}\n`);
    },
    log: (message) => (watchParent ? logger.info(message) : logger.warn(message)),
  }).catch((problem: unknown) => {
    if (problem instanceof DataFolderError) process.exitCode = FOLDERS_REFUSED;
    throw problem;
  });
  isStarted = true;
  await ending;
  await stopWithin(worker);
}

/** A signal, or the end of the parent. */
function endOf(watchParent: boolean): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
    if (!watchParent) return;
    process.stdin.once('end', () => resolve());
    process.stdin.once('error', () => resolve());
    process.stdin.resume();
  });
}

/** A worker that cannot end in order ends all the same: its kernel follows, as its pipe closes. */
const STOP_MS = 1_500;

async function stopWithin(worker: Worker): Promise<void> {
  const giveUp = setTimeout(() => process.exit(1), STOP_MS);
  await worker.stop();
  clearTimeout(giveUp);
  process.exit(0);
}
