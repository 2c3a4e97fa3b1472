/**
 * A worker's folders below the data directory: for exchange files, for what its kernel spills, and for the files of stores that its
 * kernel reads. They are emptied when
 * the worker starts. Those of workers of this machine that died and never came back go with the next worker's start, or
 * when the server that shares the data directory misses one.
 */

import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';

export type NodeFolders = {
  readonly exchange: string;
  readonly spill: string;
  readonly files: string;
  readonly remove: () => Promise<void>;
};

/** Whose process the folder belongs to. */
const OWNER_FILE = 'owner.json';

export async function takeNodeFolders(dataDirectory: string, nodeId: string): Promise<NodeFolders> {
  const exchange = path.join(dataDirectory, 'exchange', nodeId);
  const spill = path.join(dataDirectory, 'spill', nodeId);
  const files = path.join(dataDirectory, 'files', nodeId);
  const remove = async (): Promise<void> => {
    await rm(exchange, { recursive: true, force: true });
    await rm(spill, { recursive: true, force: true });
    await rm(files, { recursive: true, force: true });
  };
  await remove();
  await mkdir(exchange, { recursive: true });
  await writeFile(path.join(exchange, OWNER_FILE), JSON.stringify({ host: hostname(), processId: process.pid }));
  await removeAbandoned(dataDirectory);
  return { exchange, spill, files, remove };
}

/** Removes the folders of workers that are no more. */
export async function removeAbandoned(dataDirectory: string): Promise<void> {
  const all = path.join(dataDirectory, 'exchange');
  for (const nodeId of await readdir(all)) {
    const folder = path.join(all, nodeId);
    if (!(await isAbandoned(folder))) continue;
    // A worker of that name may start at this very moment: what was moved aside is looked at again before it is removed.
    const aside = path.join(all, `${ASIDE}${randomUUID()}`);
    if (!(await moved(folder, aside))) continue;
    if (!(await isAbandoned(aside))) await moved(aside, folder);
    else {
      for (const beside of ['spill', 'files']) {
        await rm(path.join(dataDirectory, beside, nodeId), { recursive: true, force: true });
      }
      await rm(aside, { recursive: true, force: true });
    }
  }
}

/** Such a folder still names its owner, so that one that was left so is abandoned too. */
const ASIDE = 'abandoned-';

/** False when it is gone, or something is at its new place. */
async function moved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (problem) {
    if (['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes((problem as NodeJS.ErrnoException).code ?? '')) return false;
    throw problem;
  }
}

/** Its owner was a process of this machine and is no more. What cannot be told counts as owned. */
async function isAbandoned(folder: string): Promise<boolean> {
  try {
    const text = await readFile(path.join(folder, OWNER_FILE), 'utf8');
    const owner = JSON.parse(text) as { readonly host: string; readonly processId: number };
    return owner.host === hostname() && !isAlive(owner.processId);
  } catch (problem) {
    if (problem instanceof SyntaxError || (problem as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw problem;
  }
}

function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch (problem) {
    return (problem as NodeJS.ErrnoException).code === 'EPERM';
  }
}
