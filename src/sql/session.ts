/** What a statement is run with besides its text. */

export type Session = {
  readonly queryId: string;
  readonly user: string;
  readonly source?: string;
  readonly catalog?: string;
  readonly schema?: string;
  /** IANA name or offset such as `+05:30`. */
  readonly timeZone: string;
  /** Instant of the query's start, ISO 8601 in UTC with microseconds; fixed for the whole query. */
  readonly now: string;
  /** Session properties as the client set them, validated by `session-properties.ts`. */
  readonly properties: Readonly<Record<string, string>>;
};
