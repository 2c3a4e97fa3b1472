/**
 * Replicas on this machine as files of the worker's own folder, by hard links: the kernel reads below that folder alone, a name has the
 * extension by which kernels know compressed text, and a replica that is deleted or replaced stays what it was while a task reads it.
 */

import { createHash } from 'node:crypto';
import { linkSync, mkdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';

export type HeldLink = { readonly path: string; readonly release: () => void };

export class LocalLinks {
  readonly #directory: string;
  /** Holders by path. */
  readonly #held = new Map<string, number>();

  /** `directory` is its own, and emptied here. */
  constructor(directory: string) {
    this.#directory = directory;
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
  }

  /** Undefined where `file` cannot be linked: it is gone, or on another disk. `key` tells its content from any other's. */
  hold(key: string, extension: string, file: string): HeldLink | undefined {
    const inode = statSync(file, { throwIfNoEntry: false })?.ino;
    if (inode === undefined) return undefined;
    // The same at each time, since kernels keep what they have read by its path.
    const name = createHash('sha256').update(`${inode} ${key}`).digest('hex').slice(0, 32);
    const own = path.join(this.#directory, name + extension);
    const holders = this.#held.get(own) ?? 0;
    if (holders === 0 && !linked(file, own)) return undefined;
    this.#held.set(own, holders + 1);
    return { path: own, release: () => this.#release(own) };
  }

  #release(own: string): void {
    const holders = this.#held.get(own)! - 1;
    if (holders > 0) return void this.#held.set(own, holders);
    this.#held.delete(own);
    rmSync(own, { force: true });
  }
}

function linked(file: string, own: string): boolean {
  try {
    linkSync(file, own);
    return true;
  } catch (problem) {
    if (['ENOENT', 'EXDEV', 'EPERM', 'EMLINK', 'EACCES'].includes((problem as NodeJS.ErrnoException).code ?? ''))
      return false;
    throw problem;
  }
}
