/** Folders that another process has: some are worth waiting for. */

import type { Clock } from '../common/clock.ts';
import { DataFolderError } from '../filestore/datanode/folder-errors.ts';

export type Patience = {
  /** How long another process may take to let them go. */
  readonly ms: number;
  /** Told once. */
  readonly waits: (problem: DataFolderError) => void;
};

/** How often folders are tried that another process has. */
const RETRY_MS = 50;

/** Without patience they are tried once. Throws what `take` throws, FOLDER_IN_USE when the patience is at its end. */
export async function takeInTime<T>(take: () => Promise<T>, clock: Clock, patience?: Patience): Promise<T> {
  const untilMs = clock.elapsedMs() + (patience?.ms ?? 0);
  for (let isWaiting = false; clock.elapsedMs() < untilMs; isWaiting = true) {
    const taken = await unlessInUse(take());
    if (!(taken instanceof DataFolderError)) return taken;
    if (!isWaiting) patience?.waits(taken);
    await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
  }
  return take();
}

/** The error when another process has one of them. */
export async function unlessInUse<T>(taking: Promise<T>): Promise<T | DataFolderError> {
  try {
    return await taking;
  } catch (problem) {
    if (problem instanceof DataFolderError && problem.code === 'FOLDER_IN_USE') return problem;
    throw problem;
  }
}
