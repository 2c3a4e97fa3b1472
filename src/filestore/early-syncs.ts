/** Syncs of a file that is still being written, one at a time, so that the last one has little left to wait for. */

import type { DiskFile } from '../common/disk.ts';

/**
 * After so many bytes the disk is told to begin: a sync at the end then has little left to wait for. Measured for 1 GB: 0.7 s, as `cp` and
 * `sync` take, instead of 2.5 to 3.9.
 */
const SYNC_BYTES = 8 * 1024 * 1024;

export class EarlySyncs {
  readonly #file: DiskFile;
  #running: Promise<void> | undefined;
  #problem: Error | undefined;
  #unsynced = 0;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  wrote(bytes: number): void {
    this.#unsynced += bytes;
    if (this.#unsynced < SYNC_BYTES || this.#running) return;
    this.#unsynced = 0;
    this.#running = this.#file
      .sync()
      .catch((problem: unknown) => {
        this.#problem = problem as Error;
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  throwIfFailed(): void {
    if (this.#problem) throw this.#problem;
  }

  /** What comes after the last one is the caller's to sync. */
  async ended(): Promise<void> {
    await this.#running;
  }
}
