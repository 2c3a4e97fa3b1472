/** Errors that several parts of the analyzer throw. */

import { QueryError, type SourceLocation } from '../../common/errors.ts';

export function notSupported(what: string, location: SourceLocation): QueryError {
  return new QueryError('NOT_SUPPORTED', `${what} are not supported yet`, location);
}
