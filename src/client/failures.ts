/** What can go wrong for a client: the server reports that a statement failed, or the server itself does not answer. */
import type { SourceLocation } from '../common/errors.ts';

/** A statement that the server refused or could not finish. `code` is a name, not an ErrorCode: any Trino may answer. */
export class StatementFailure extends Error {
  override readonly name = 'StatementFailure';
  readonly code: string;
  readonly location: SourceLocation | undefined;
  readonly queryId: string | undefined;

  constructor(report: { code: string; message: string; location?: SourceLocation | undefined; queryId?: string }) {
    super(report.message);
    this.code = report.code;
    this.location = report.location;
    this.queryId = report.queryId;
  }
}

/** The server could not be reached, or what it sent is not the protocol. */
export class ConnectionFailure extends Error {
  override readonly name = 'ConnectionFailure';
}

/** What a person typed on the command line and we cannot do: shown without a stack. */
export class UsageFailure extends Error {
  override readonly name = 'UsageFailure';
}
