/** What was found in files, kept as long as they stay the same: only new ones are looked into again. */

import { mapLimited } from '../../common/collections.ts';
import type { DataFile } from './locate.ts';

/** Files that one statement looks into, and statements at a time: a worker is not to be busy with one table's files. */
const FILES_AT_ONCE = 16;
const STATEMENTS_AT_ONCE = 2;

/** Findings that are kept, of all tables together. */
const KEPT_MAX = 100_000;

export class KeptFindings<T> {
  /** By the file's identity and the options that it was looked at with. */
  readonly #known = new Map<string, T>();

  /** In the files' order; `find` looks into a few at once. */
  async of(
    files: readonly DataFile[],
    options: string,
    find: (files: readonly DataFile[]) => Promise<readonly T[]>,
  ): Promise<readonly T[]> {
    const keyOf = ({ path, id, bytes, modifiedMs }: DataFile): string =>
      JSON.stringify([path, id, bytes, modifiedMs, options]);
    const found = new Map<DataFile, T>();
    for (const file of files) {
      const kept = this.#known.get(keyOf(file));
      if (kept !== undefined) found.set(file, kept);
    }
    const unknown = files.filter((file) => !found.has(file));
    const batches = Array.from({ length: Math.ceil(unknown.length / FILES_AT_ONCE) }, (_, i) =>
      unknown.slice(i * FILES_AT_ONCE, (i + 1) * FILES_AT_ONCE),
    );
    if (this.#known.size + unknown.length > KEPT_MAX) this.#known.clear();
    await mapLimited(batches, STATEMENTS_AT_ONCE, async (batch) => {
      const results = await find(batch);
      batch.forEach((file, i) => {
        found.set(file, results[i]!);
        this.#known.set(keyOf(file), results[i]!);
      });
    });
    return files.map((file) => found.get(file)!);
  }
}
