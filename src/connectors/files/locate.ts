/** Finds the files of a table: only below the catalog's roots, links resolved. */

import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { QueryError } from '../../common/errors.ts';
import { isInside } from '../../common/paths.ts';

/** A file as it stands: a later change of it has another identity. */
export type DataFile = {
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
  /** Values of `key=value` folders on the way to it; null for Hive's default partition. */
  readonly partition: Readonly<Record<string, string | null>>;
};

/** Hive's name of the folder for NULL. */
const DEFAULT_PARTITION = '__HIVE_DEFAULT_PARTITION__';

/** Extensions that are data, by format. */
export const EXTENSIONS: Readonly<Record<string, string>> = {
  '.parquet': 'parquet',
  '.csv': 'csv',
  '.tsv': 'tsv',
  '.json': 'json',
  '.jsonl': 'json',
  '.ndjson': 'json',
};

/**
 * The files of `pattern` (a file, a folder, read with its subfolders, or a glob), sorted by path. Throws FILE_NOT_FOUND when
 * there is none and PERMISSION_DENIED when one lies outside of `roots`.
 */
export async function locateFiles(
  pattern: string,
  roots: readonly string[],
  hint: string,
): Promise<readonly DataFile[]> {
  const base = fixedPart(pattern);
  const found = await list(base, pattern, hint);
  const resolvedRoots = await Promise.all(roots.map((root) => realpath(root).catch(() => path.resolve(root))));
  for (const file of found) {
    const resolved = await realpath(file.path);
    if (resolvedRoots.some((root) => isInside(root, resolved))) continue;
    const allowed = resolvedRoots.join(', ');
    throw new QueryError(
      'PERMISSION_DENIED',
      `${file.path} lies outside of the folders that its catalog allows (${allowed})`,
    );
  }
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** The folders of a glob before its first wildcard; the whole path when it has none. */
function fixedPart(pattern: string): string {
  const parts = pattern.split(path.sep);
  const wild = parts.findIndex((part) => /[*?]/.test(part));
  return wild < 0 ? pattern : parts.slice(0, wild).join(path.sep) || path.sep;
}

async function list(base: string, pattern: string, hint: string): Promise<readonly DataFile[]> {
  const missing = (): never => {
    throw new QueryError(
      'FILE_NOT_FOUND',
      `No file at ${pattern}${hint ? `: ${hint}` : '; check the path in the catalog file'}`,
    );
  };
  const entry = await stat(base).catch(missing);
  if (entry.isFile()) {
    return [{ path: base, bytes: entry.size, modifiedMs: entry.mtimeMs, partition: {} }];
  }
  const wanted = base === pattern ? undefined : globExpression(pattern);
  const files: DataFile[] = [];
  for (const name of await readdir(base, { recursive: true })) {
    const file = path.join(base, name);
    // Hidden files and Hive's own markers (_SUCCESS) are no data.
    if (name.split(path.sep).some((part) => /^[._]/.test(part))) continue;
    if (wanted ? !wanted.test(file) : !(path.extname(file).toLowerCase() in EXTENSIONS)) continue;
    const { size, mtimeMs, ...rest } = await stat(file);
    if (rest.mode !== undefined && (rest.mode & 0o170000) !== 0o100000) continue;
    files.push({ path: file, bytes: size, modifiedMs: mtimeMs, partition: partitionOf(name) });
  }
  return files.length > 0 ? files : missing();
}

function globExpression(pattern: string): RegExp {
  const source = pattern.replaceAll(/\*\*\/|\*\*|\*|\?|[^*?]+/g, (part) => {
    if (part === '**/') return '(?:.*/)?';
    if (part === '**') return '.*';
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    return part.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
  });
  return new RegExp(`^${source}$`);
}

function partitionOf(relative: string): Readonly<Record<string, string | null>> {
  const partition: Record<string, string | null> = {};
  for (const part of relative.split(path.sep).slice(0, -1)) {
    const [, key, value] = /^([^=]+)=(.*)$/.exec(part) ?? [];
    if (key === undefined || value === undefined) continue;
    partition[key.toLowerCase()] = value === DEFAULT_PARTITION ? null : unescaped(value);
  }
  return partition;
}

/** Hive escapes special characters of partition values as `%3A`. */
function unescaped(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    // A lone per cent sign is not an escape: the folder's name is the value.
    return value;
  }
}
