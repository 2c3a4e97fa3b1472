/** A server under test with what is to be seen of it from outside: its processes and its files. */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startServer, type TestServer } from '../support/server.ts';
import { childrenOf } from './process-tree.ts';

export type WatchedServer = TestServer & {
  /** Process ids. */
  readonly workers: () => readonly number[];
  readonly kernels: () => readonly number[];
  /** Whose folder for exchange files it is; undefined while the worker is not there. */
  readonly processOf: (nodeId: string) => number | undefined;
  /** Of queries: exchange files, and what kernels spilled. */
  readonly queryFiles: () => readonly string[];
  /** Resolves when every worker has its kernel. */
  readonly whole: () => Promise<void>;
};

/** Each of its workers runs one task at a time. */
export async function startWatchedServer(workers: number): Promise<WatchedServer> {
  const server = await startServer({ workers, arguments: ['--threads', '1'] });
  const folder = (name: string): string => path.join(server.dataDirectory, name);
  const workerProcesses = (): readonly number[] => childrenOf(server.process.pid!);
  const kernels = (): readonly number[] => workerProcesses().flatMap(childrenOf);
  const watched: WatchedServer = {
    ...server,
    workers: workerProcesses,
    kernels,
    processOf: (nodeId) => ownerOf(path.join(folder('exchange'), nodeId, OWNER_FILE)),
    queryFiles: () =>
      [...filesUnder(folder('exchange')), ...filesUnder(folder('spill'))].filter(
        (file) => path.basename(file) !== OWNER_FILE,
      ),
    whole: () => eventually('every worker has a kernel', () => kernels().length === workers),
  };
  await watched.whole();
  return watched;
}

/** By it each worker notes that its folder is taken. */
const OWNER_FILE = 'owner.json';

function ownerOf(file: string): number | undefined {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { readonly processId: number }).processId;
  } catch {
    // It is being started again.
    return undefined;
  }
}

/** Files under a folder that others write and remove meanwhile. */
function filesUnder(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const full = path.join(folder, entry.name);
      return entry.isDirectory() ? filesUnder(full) : [full];
    });
  } catch (problem) {
    if (problem instanceof Error && 'code' in problem && problem.code === 'ENOENT') return [];
    throw problem;
  }
}

/** Waits for what should soon be so. */
export async function eventually(what: string, isSo: () => boolean): Promise<void> {
  for (let waited = 0; !isSo(); waited += 50) {
    if (waited > 15_000) throw new Error(`still not so: ${what}`);
    await sleep(50);
  }
}
