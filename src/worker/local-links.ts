/**
 * Replicas on this machine as files of the worker's own folders, by hard links: the kernel reads below these alone, a name has the
 * extension by which kernels know compressed text, and a replica that is deleted or replaced stays what it was while a task reads it.
 * A link stands on the disk of what it names, so there is a folder on each disk that has blocks.
 */

import { createHash } from 'node:crypto';
import { linkSync, mkdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { diskErrorCode } from '../common/disk.ts';

export type HeldLink = { readonly path: string; readonly release: () => void };

export class LocalLinks {
  readonly #directories: readonly string[];
  /** Holders by path. */
  readonly #held = new Map<string, number>();

  /** They are its own, and emptied here; those of disks that fail are left out. */
  constructor(directories: readonly string[]) {
    this.#directories = directories.filter(emptied);
  }

  /** Undefined where `file` cannot be linked: it is gone, or on another disk. `key` tells its content from any other's. */
  hold(key: string, extension: string, file: string): HeldLink | undefined {
    const inode = statSync(file, { throwIfNoEntry: false })?.ino;
    if (inode === undefined) return undefined;
    // The same at each time, since kernels keep what they have read by its path.
    const name = createHash('sha256').update(`${inode} ${key}`).digest('hex').slice(0, 32);
    for (const directory of this.#directories) {
      const own = path.join(directory, name + extension);
      const holders = this.#held.get(own) ?? 0;
      if (holders === 0 && !linked(file, own)) continue;
      this.#held.set(own, holders + 1);
      return { path: own, release: () => this.#release(own) };
    }
    return undefined;
  }

  /** Nothing is held any more. */
  close(): void {
    for (const directory of this.#directories) rmSync(directory, { recursive: true, force: true });
  }

  #release(own: string): void {
    const holders = this.#held.get(own)! - 1;
    if (holders > 0) return void this.#held.set(own, holders);
    this.#held.delete(own);
    rmSync(own, { force: true });
  }
}

function emptied(directory: string): boolean {
  try {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    return true;
  } catch (problem) {
    if (diskErrorCode(problem) === undefined) throw problem;
    return false;
  }
}

function linked(file: string, own: string): boolean {
  try {
    linkSync(file, own);
    return true;
  } catch (problem) {
    if (['ENOENT', 'EXDEV', 'EPERM', 'EMLINK', 'EACCES'].includes(diskErrorCode(problem) ?? '')) return false;
    throw problem;
  }
}
