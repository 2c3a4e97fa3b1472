/**
 * A worker's folders below the data directory: one for exchange files, one for what its kernel spills. They are emptied when
 * the worker starts, and those of workers of this machine that died and never came back go with them.
 */

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';

export type NodeFolders = {
  readonly exchange: string;
  readonly spill: string;
  readonly remove: () => Promise<void>;
};

/** Whose process the folder belongs to. */
const OWNER_FILE = 'owner.json';

export async function takeNodeFolders(dataDirectory: string, nodeId: string): Promise<NodeFolders> {
  const all = path.join(dataDirectory, 'exchange');
  const exchange = path.join(all, nodeId);
  const spill = path.join(dataDirectory, 'spill', nodeId);
  const remove = async (): Promise<void> => {
    await rm(exchange, { recursive: true, force: true });
    await rm(spill, { recursive: true, force: true });
  };
  await remove();
  await mkdir(exchange, { recursive: true });
  await writeFile(path.join(exchange, OWNER_FILE), JSON.stringify({ host: hostname(), processId: process.pid }));
  for (const other of await readdir(all)) {
    if (other === nodeId || !(await isAbandoned(path.join(all, other)))) continue;
    await rm(path.join(all, other), { recursive: true, force: true });
    await rm(path.join(dataDirectory, 'spill', other), { recursive: true, force: true });
  }
  return { exchange, spill, remove };
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
