/**
 * Where the files of a catalog are: an absolute path on this machine, or a location in a file store such as `tutti:///air` or
 * `webhdfs://namenode:9870/air`. Both are kept as the text that users see.
 */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { QueryError } from '../../common/errors.ts';
import { isInside } from '../../common/paths.ts';
import { StoreError } from '../../filestore/network.ts';
import { parseStoreUri, type StoreUri, storeUriText } from '../../filestore/store-uri.ts';

const PACKAGE = 'npm:';

const hasScheme = (text: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(text);

/**
 * A path of a catalog file: a location with its scheme, absolute, relative to that file, or in an installed package.
 * `npm:vega-datasets/data/x.csv` is looked up in every `node_modules` from the catalog file's folder upwards. When the package
 * is nowhere, the path it would have nearest to the file is returned: reading it then fails with the table's hint.
 * Throws INVALID_CATALOG_PROPERTY.
 */
export function resolveLocation(text: string, baseDirectory: string): string {
  if (hasScheme(text)) return locationText(checkedUri(text));
  if (!text.startsWith(PACKAGE)) return path.resolve(baseDirectory, text);
  const relative = text.slice(PACKAGE.length);
  const name = relative
    .split('/')
    .slice(0, relative.startsWith('@') ? 2 : 1)
    .join('/');
  for (let folder = path.resolve(baseDirectory); ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, 'node_modules', name))) return path.join(folder, 'node_modules', relative);
    if (folder === path.dirname(folder)) return path.resolve(baseDirectory, '../node_modules', relative);
  }
}

function checkedUri(text: string): StoreUri {
  try {
    return parseStoreUri(text);
  } catch (problem) {
    if (problem instanceof StoreError) throw new QueryError('INVALID_CATALOG_PROPERTY', problem.message);
    throw problem;
  }
}

export const locationText = (uri: StoreUri): string => (uri.scheme === 'file' ? uri.path : storeUriText(uri));

/** Of what `resolveLocation` has made. */
export const uriOf = (location: string): StoreUri =>
  isLocal(location) ? { scheme: 'file', path: location } : parseStoreUri(location);

/** On this machine, where the kernel may open it by its path. */
export const isLocal = (location: string): boolean => location.startsWith('/');

/** Whether `location` is `root`, or below it. */
export function isBelow(root: string, location: string): boolean {
  const [outer, inner] = [uriOf(root), uriOf(location)];
  return rootOf(outer) === rootOf(inner) && isInside(outer.path, inner.path);
}

const rootOf = (uri: StoreUri): string => storeUriText({ ...uri, path: '/' });
