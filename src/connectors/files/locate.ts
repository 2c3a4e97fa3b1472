/** Finds the files of a table in whatever file system they are: only below the catalog's roots, links resolved. */

import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { QueryError } from '../../common/errors.ts';
import { isInside } from '../../common/paths.ts';
import { type FileStatus, listAll } from '../../filestore/file-system.ts';
import type { FileSystems } from '../../filestore/file-systems.ts';
import type { StoreUri } from '../../filestore/store-uri.ts';
import { isBelow, isLocal, locationText, uriOf } from './location.ts';
import { asQueryError } from '../store-failure.ts';

/** A file as it stands: a later change of it has another identity. */
export type DataFile = {
  /** A path on this machine, or a location in a file store. */
  readonly path: string;
  /** See FileStatus. */
  readonly id: string;
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
  fileSystems: FileSystems,
): Promise<readonly DataFile[]> {
  const found = await asQueryError(pattern, () => list(uriOf(pattern), hint, fileSystems));
  if (isLocal(pattern)) await checkLocal(found, roots.filter(isLocal));
  else for (const file of found) if (!roots.some((root) => isBelow(root, file.path))) throw outside(file, roots);
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** The kernel will open these by their paths, and follow links wherever they lead. */
async function checkLocal(files: readonly DataFile[], roots: readonly string[]): Promise<void> {
  const resolvedRoots = await Promise.all(roots.map((root) => realpath(root).catch(() => path.resolve(root))));
  for (const file of files) {
    const resolved = await realpath(file.path);
    if (!resolvedRoots.some((root) => isInside(root, resolved))) throw outside(file, resolvedRoots);
  }
}

const outside = (file: DataFile, roots: readonly string[]): QueryError =>
  new QueryError(
    'PERMISSION_DENIED',
    `${file.path} lies outside of the folders that its catalog allows (${roots.join(', ')})`,
  );

/** The folders of a glob before its first wildcard; the whole path when it has none. */
function fixedPart(pattern: string): string {
  const parts = pattern.split('/');
  const wild = parts.findIndex((part) => /[*?]/.test(part));
  return wild < 0 ? pattern : parts.slice(0, wild).join('/') || '/';
}

async function list(uri: StoreUri, hint: string, fileSystems: FileSystems): Promise<readonly DataFile[]> {
  const pattern = locationText(uri);
  const missing = (): never => {
    throw new QueryError(
      'FILE_NOT_FOUND',
      `No file at ${pattern}${hint ? `: ${hint}` : '; check the path in the catalog file'}`,
    );
  };
  const fileSystem = fileSystems.of(uri);
  const base = fixedPart(uri.path);
  const entry = (await fileSystem.stat(base)) ?? missing();
  const dataFile = ({ path: at, id, length, modifiedMs }: FileStatus, relative: string): DataFile => ({
    path: locationText({ ...uri, path: at }),
    id,
    bytes: length,
    modifiedMs,
    partition: partitionOf(relative),
  });
  if (entry.kind === 'file') return [dataFile(entry, '')];
  const wanted = base === uri.path ? undefined : globExpression(uri.path);
  const files: DataFile[] = [];
  for await (const status of listAll(fileSystem, base, { recursive: true })) {
    const name = path.posix.relative(base, status.path);
    // Hidden files and Hive's own markers (_SUCCESS) are no data.
    if (name.split('/').some((part) => /^[._]/.test(part))) continue;
    if (wanted ? !wanted.test(status.path) : !(path.extname(name).toLowerCase() in EXTENSIONS)) continue;
    files.push(dataFile(status, name));
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
  for (const part of relative.split('/').slice(0, -1)) {
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
