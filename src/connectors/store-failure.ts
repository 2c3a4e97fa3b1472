/** What a file system could not do, as the error of a query. */

import { type ErrorCode, QueryError } from '../common/errors.ts';
import { NetworkError, StoreError } from '../filestore/network.ts';
import type { StoreErrorName } from '../filestore/network.ts';

const CODES: { readonly [name in StoreErrorName]?: ErrorCode } = {
  AccessControlException: 'PERMISSION_DENIED',
  BlockMissingException: 'FILE_UNAVAILABLE',
  DiskOutOfSpaceException: 'GENERIC_INSUFFICIENT_RESOURCES',
  FileNotFoundException: 'FILE_NOT_FOUND',
  InvalidPathException: 'FILE_NOT_FOUND',
  ParentNotDirectoryException: 'FILE_NOT_FOUND',
  PathComponentTooLongException: 'FILE_NOT_FOUND',
  PathIsNotDirectoryException: 'FILE_NOT_FOUND',
  // Of a block that nobody has reported: the client waited for that.
  SafeModeException: 'FILE_UNAVAILABLE',
};

/** Runs `work` on the file or folder there. Throws QueryError for what its file system refuses. */
export async function asQueryError<T>(location: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (problem) {
    if (!(problem instanceof StoreError || problem instanceof NetworkError)) throw problem;
    const code = (problem instanceof StoreError && CODES[problem.name]) || 'FILE_SYSTEM_ERROR';
    throw new QueryError(code, `${location} cannot be read: ${problem.message}`, undefined, { cause: problem });
  }
}

/** The file is not the one that the query was planned with. */
export const changedFile = (location: string): QueryError =>
  new QueryError('FILE_CHANGED', `${location} was changed, replaced or removed while the query ran: run it again`);
