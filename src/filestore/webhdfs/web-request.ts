/** What a request of WebHDFS asks: `/webhdfs/v1/<path>?op=…`, its names of parameters in any case, as Hadoop takes them. */

import { StoreError } from '../network.ts';
import { namesOf } from '../store-path.ts';

export const WEBHDFS_PREFIX = '/webhdfs/v1';

export class WebRequest {
  readonly path: string;
  /** In capitals; empty when it says none. */
  readonly op: string;
  readonly #parameters = new Map<string, string>();

  /** Throws InvalidPathException, PathComponentTooLongException and IllegalArgumentException. */
  constructor(url: string) {
    const [rawPath, ...query] = url.split('?');
    for (const [name, value] of new URLSearchParams(query.join('?'))) {
      const key = name.toLowerCase();
      // Of several the first one counts, as for a servlet.
      if (!this.#parameters.has(key)) this.#parameters.set(key, value);
    }
    this.op = (this.text('op') ?? '').toUpperCase();
    this.path = storePath(decoded(rawPath!));
  }

  /** Undefined when it is not there, or empty: Hadoop's clients send parameters without values for their defaults. */
  text(name: string): string | undefined {
    return this.#parameters.get(name) || undefined;
  }

  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw invalid(name, 'it is missing');
    return value;
  }

  /** An absolute path. */
  requiredPath(name: string): string {
    const value = this.required(name);
    if (!value.startsWith('/')) throw invalid(name, `${JSON.stringify(value)} is not an absolute path`);
    return storePath(value);
  }

  boolean(name: string): boolean | undefined {
    const value = this.text(name)?.toLowerCase();
    if (value === undefined || value === 'true' || value === 'false') return value && value === 'true';
    throw invalid(name, `${JSON.stringify(value)} is neither true nor false`);
  }

  integer(name: string, least: number): number | undefined {
    const value = this.text(name);
    if (value === undefined || value === 'null') return undefined;
    const number = /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
    if (!Number.isSafeInteger(number)) throw invalid(name, `${JSON.stringify(value)} is no integer`);
    if (number < least) throw invalid(name, `${value} is less than ${least}`);
    return number;
  }

  /** Permissions: `755`, `1777`. */
  octal(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (!/^[01]?[0-7]{1,3}$/.test(value)) {
      throw invalid(name, `${JSON.stringify(value)} is no octal number from 0 to 1777`);
    }
    return Number.parseInt(value, 8);
  }
}

/** A path as it stands in a URL. */
export const encodedPath = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

/** In the words that Hadoop has for it. */
export const invalid = (parameter: string, why: string): StoreError =>
  new StoreError('IllegalArgumentException', `Invalid value for webhdfs parameter "${parameter}": ${why}`);

function decoded(rawPath: string): string {
  try {
    return decodeURIComponent(rawPath.slice(WEBHDFS_PREFIX.length)) || '/';
  } catch {
    throw new StoreError('InvalidPathException', `Invalid path name: ${rawPath} (its % are no characters of UTF-8)`);
  }
}

/** As HDFS, a folder may be written with a slash behind it. */
function storePath(text: string): string {
  const path = text.replace(/(?<=.)\/$/s, '');
  namesOf(path);
  return path;
}
