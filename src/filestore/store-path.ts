/**
 * Paths of a file system: `/`, or `/a/b` without empty, `.` or `..` parts. What is read may have any name that its file system allows;
 * new names are those that HDFS allows as well, so that a store can be copied to HDFS and back.
 */

import { nameFault } from './namespace/resolve.ts';
import { StoreError } from './network.ts';

/**
 * How the names begin under which files are written before they are seen, where the medium has no better place. No list shows them, and
 * no path says them.
 */
export const TEMPORARY_PREFIX = '.tutti-temporary-';

/** The names of a path. Throws InvalidPathException and PathComponentTooLongException. */
export function namesOf(path: string): readonly string[] {
  const invalid = (why: string): StoreError =>
    new StoreError('InvalidPathException', `Invalid path: ${JSON.stringify(path)} (${why})`);
  if (!path.startsWith('/')) throw invalid('it is not absolute');
  if (path === '/') return [];
  const names = path.slice(1).split('/');
  for (const name of names) {
    const fault = nameFault(name.replaceAll(':', '_'));
    if (fault?.tooLong) throw new StoreError('PathComponentTooLongException', `${name}: ${fault.text}`);
    if (fault) throw invalid(fault.text);
    if (name.startsWith(TEMPORARY_PREFIX)) throw invalid(`names do not begin with ${TEMPORARY_PREFIX}`);
  }
  return names;
}

/** The names of a path that is to be made. */
export function newNamesOf(path: string): readonly string[] {
  const names = namesOf(path);
  if (path.includes(':')) {
    throw new StoreError(
      'InvalidPathException',
      `Invalid path: ${JSON.stringify(path)} (names hold no colon, slash or NUL)`,
    );
  }
  return names;
}

/** The path of a name in a folder. */
export const pathBelow = (folder: string, name: string): string => (folder === '/' ? `/${name}` : `${folder}/${name}`);
