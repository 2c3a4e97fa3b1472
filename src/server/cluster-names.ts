/**
 * Names for the workers of a cluster on this machine. Clusters that share a data folder get different names, since a worker
 * clears what its name left behind; names of a cluster that was killed are taken again, so that what it left is cleared.
 */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeFoldersSync } from '../common/files.ts';

export type ClusterNames = {
  readonly nodeId: (index: number) => string;
  /** Lets another cluster have them. */
  readonly release: () => void;
};

export function takeClusterNames(dataDirectory: string): ClusterNames {
  const folder = path.join(dataDirectory, 'clusters');
  makeFoldersSync(folder);
  for (let number = 1; ; number++) {
    const file = path.join(folder, String(number));
    if (!take(file)) continue;
    const prefix = number === 1 ? 'worker' : `worker-${number}`;
    return {
      nodeId: (index) => `${prefix}-${index + 1}`,
      release: () => rmSync(file, { force: true }),
    };
  }
}

/** Writes our process id to `file`, unless a living process did. */
function take(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (problem) {
    if ((problem as NodeJS.ErrnoException).code !== 'EEXIST') throw problem;
  }
  if (isAlive(Number(readFileSync(file, 'utf8')))) return false;
  rmSync(file, { force: true });
  return take(file);
}

function isAlive(processId: number): boolean {
  try {
    // Just started, it may not have written its id yet.
    return processId === 0 || process.kill(processId, 0);
  } catch (problem) {
    return (problem as NodeJS.ErrnoException).code === 'EPERM';
  }
}
