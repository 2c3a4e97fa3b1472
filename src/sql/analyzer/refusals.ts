/** Errors that several parts of the analyzer throw. */

import { QueryError, type SourceLocation } from '../../common/errors.ts';

export function notSupported(what: string, location: SourceLocation): QueryError {
  const verb = what.endsWith('s') ? 'are' : 'is';
  return new QueryError('NOT_SUPPORTED', `${what} ${verb} not supported yet`, location);
}
