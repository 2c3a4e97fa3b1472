/** Listings of any file system, made of what stands in one folder. */

import { assert } from '../common/assert.ts';
import { compareNames } from './compare-names.ts';
import type { FileStatus, ListPage } from './file-system.ts';
import { pathBelow } from './store-path.ts';

export type Named = { readonly name: string; readonly kind: string };

/**
 * Names in `folder` behind `after`, or, with `recursive`, paths of everything below it that is no folder, in the order of whole paths: a
 * folder stands where its name and a slash would.
 */
export async function* pathsBelow<Entry extends Named>(
  folder: string,
  entriesOf: (folder: string) => Promise<readonly Entry[]>,
  { recursive, after }: { readonly recursive: boolean; readonly after: string | undefined },
  prefix = '',
): AsyncGenerator<{ readonly path: string; readonly entry: Entry }, void, undefined> {
  const keyed = (await entriesOf(folder)).map((entry) => ({
    entry,
    key: recursive && entry.kind === 'folder' ? `${entry.name}/` : entry.name,
  }));
  for (const { key, entry } of keyed.toSorted((a, b) => compareNames(a.key, b.key))) {
    const path = prefix + key;
    if (!key.endsWith('/')) {
      if (after === undefined || compareNames(path, after) > 0) yield { path, entry };
      continue;
    }
    const passed = after !== undefined && compareNames(after, path) > 0 && !after.startsWith(path);
    if (!passed) yield* pathsBelow(pathBelow(folder, entry.name), entriesOf, { recursive, after }, path);
  }
}

/** The first entries of a walk through a folder, and where to go on. */
export async function pageOf(folder: string, walk: AsyncIterable<FileStatus>, limit: number): Promise<ListPage> {
  assert(limit > 0, 'a page has room for an entry');
  const entries: FileStatus[] = [];
  for await (const entry of walk) {
    if (entries.length === limit) {
      const last = entries.at(-1)!.path;
      return { entries, next: last.slice(folder === '/' ? 1 : folder.length + 1) };
    }
    entries.push(entry);
  }
  return { entries, next: undefined };
}
