/**
 * Where a file is, in one text: `file:///data/x`, `tutti:///x`, `tutti://cluster/x`, `webhdfs://host:port/x`. As in Hadoop and Trino, the
 * path is taken as it stands: `%`, `#`, `?` and spaces mean themselves.
 */

import { StoreError } from './network.ts';
import { namesOf } from './store-path.ts';

export type StoreUri =
  | { readonly scheme: 'file'; readonly path: string }
  /** Without an authority it is the store of this cluster. */
  | { readonly scheme: 'tutti'; readonly authority?: string; readonly path: string }
  | { readonly scheme: 'webhdfs'; readonly authority: string; readonly path: string };

/** Throws IllegalArgumentException, and what `namesOf` throws of the path. */
export function parseStoreUri(text: string): StoreUri {
  const parts = /^([a-z][a-z0-9+.-]*):\/\/([^/]*)(.*)$/isu.exec(text);
  const fault = (why: string): StoreError =>
    new StoreError('IllegalArgumentException', `${JSON.stringify(text)}: ${why}`);
  if (!parts) throw fault('this is no location: it begins with file://, tutti:// or webhdfs://');
  const [, scheme, authority, rest] = parts as unknown as [string, string, string, string];
  // `tutti://cluster` and `tutti://cluster/` are its root; a folder may be written with a slash behind it.
  const path = rest === '' ? '/' : rest.replace(/(?<=.)\/$/s, '');
  namesOf(path);
  switch (scheme.toLowerCase()) {
    case 'file':
      if (rest === '' || (authority !== '' && authority !== 'localhost')) {
        throw fault('a local file is file:/// and its path, with three slashes');
      }
      return { scheme: 'file', path };
    case 'tutti':
      if (authority !== '' && !HOST.test(authority)) throw fault(`${authority} names no cluster`);
      return { scheme: 'tutti', ...(authority !== '' && { authority }), path };
    case 'webhdfs':
      if (!HOST_AND_PORT.test(authority)) throw fault('a real HDFS is webhdfs://host:port/path');
      return { scheme: 'webhdfs', authority, path };
    default:
      throw fault(`there is no file system ${scheme}://; use file://, tutti:// or webhdfs://`);
  }
}

/** A name, an IPv4 address or an IPv6 address in brackets, perhaps with a port. */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;
const HOST_AND_PORT = /^(?:[\w.-]+|\[[\da-f:.]+\]):\d{1,5}$/i;

export const storeUriText = (uri: StoreUri): string =>
  `${uri.scheme}://${'authority' in uri ? uri.authority : ''}${uri.path}`;
