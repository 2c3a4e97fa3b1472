/**
 * A worker's folders below the data directory: for exchange files, for what its kernel spills, and for the files of stores that its
 * kernel reads. They are emptied when
 * the worker starts. Those of workers of this machine that died and never came back go with the next worker's start, or
 * when the server that shares the data directory misses one.
 */

import { randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { diskErrorCode, localDisk } from '../common/disk.ts';
import { QueryError } from '../common/errors.ts';
import { makeFolders } from '../common/files.ts';

export type NodeFolders = {
  readonly exchange: string;
  readonly spill: string;
  readonly files: string;
  /** For links, below `linkFolders`; those of disks that fail are left out. */
  readonly links: readonly string[];
  readonly remove: () => Promise<void>;
};

/** Whose process the folder belongs to. */
const OWNER_FILE = 'owner.json';

/** Of a folder beside those of blocks that are called as their workers are. */
export const LINKS_FOLDER = 'links';

/** A worker's name is that of folders which it empties: `..` would be all of somebody's. Throws QueryError. */
export function checkNodeId(nodeId: string): void {
  if (nodeId !== LINKS_FOLDER && /^[A-Za-z0-9][\w.-]{0,99}$/.test(nodeId)) return;
  throw new QueryError(
    'GENERIC_USER_ERROR',
    '--node-id takes up to 100 letters, digits, dots, dashes and underscores, of which the first is a letter or a digit ' +
      `(and not "${LINKS_FOLDER}", which is a folder of all workers), not "${nodeId}"`,
  );
}

/** `linkFolders`: shared with other workers, each on another disk. */
export async function takeNodeFolders(
  dataDirectory: string,
  nodeId: string,
  linkFolders: readonly string[] = [],
): Promise<NodeFolders> {
  const exchange = path.join(dataDirectory, 'exchange', nodeId);
  const spill = path.join(dataDirectory, 'spill', nodeId);
  const files = path.join(dataDirectory, 'files', nodeId);
  for (const folder of [spill, files]) await rm(folder, { recursive: true, force: true });
  await own(exchange);
  await removeAbandoned(dataDirectory);
  const links: string[] = [];
  for (const folder of linkFolders) if (await takeLinkFolder(folder, nodeId)) links.push(path.join(folder, nodeId));
  const remove = async (): Promise<void> => {
    for (const folder of [exchange, spill, files]) await rm(folder, { recursive: true, force: true });
    // A disk may have failed since: the next worker's start removes what stays.
    for (const folder of links) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  };
  return { exchange, spill, files, links: links.map((folder) => path.join(folder, 'links')), remove };
}

/** Whether the disk lets it be done. */
async function takeLinkFolder(all: string, nodeId: string): Promise<boolean> {
  try {
    await own(path.join(all, nodeId));
    await removeAbandonedOf(all, []);
    return true;
  } catch (problem) {
    if (diskErrorCode(problem) === undefined) throw problem;
    return false;
  }
}

/** Empty, but for who it belongs to. */
async function own(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await makeFolders(localDisk, folder);
  await writeFile(path.join(folder, OWNER_FILE), JSON.stringify({ host: hostname(), processId: process.pid }));
}

/** Removes the folders of workers that are no more. */
export const removeAbandoned = (dataDirectory: string): Promise<void> =>
  removeAbandonedOf(
    path.join(dataDirectory, 'exchange'),
    ['spill', 'files'].map((beside) => path.join(dataDirectory, beside)),
  );

/** `beside`: where those workers had other folders of their names. */
async function removeAbandonedOf(all: string, beside: readonly string[]): Promise<void> {
  for (const nodeId of await readdir(all)) {
    const folder = path.join(all, nodeId);
    if (!(await isAbandoned(folder))) continue;
    // A worker of that name may start at this very moment: what was moved aside is looked at again before it is removed.
    const aside = path.join(all, `${ASIDE}${randomUUID()}`);
    if (!(await moved(folder, aside))) continue;
    if (!(await isAbandoned(aside))) await moved(aside, folder);
    else {
      for (const folder of beside) await rm(path.join(folder, nodeId), { recursive: true, force: true });
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

/** Its owner was a process of this machine and is no more. What cannot be told counts as owned, and so does what is no folder. */
async function isAbandoned(folder: string): Promise<boolean> {
  try {
    const text = await readFile(path.join(folder, OWNER_FILE), 'utf8');
    const owner = JSON.parse(text) as { readonly host: string; readonly processId: number };
    return owner.host === hostname() && !isAlive(owner.processId);
  } catch (problem) {
    if (problem instanceof SyntaxError || ['ENOENT', 'ENOTDIR'].includes(diskErrorCode(problem) ?? '')) return false;
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
