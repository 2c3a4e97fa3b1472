/** Dates, times and zoned timestamps as plain kernel TIMESTAMPs: what the date functions compute with. */

import { instantOfLocal, nearInstant, zonedLocal } from '../../../types/text.ts';
import type { SqlType } from '../../../types/type.ts';

/** Types with a calendar, as templates of signatures. */
export const CALENDAR_TYPES = ['date', 'timestamp(p)', 'timestamp(p) with time zone'] as const;
/** Types with a clock. */
export const CLOCK_TYPES = [
  'timestamp(p)',
  'timestamp(p) with time zone',
  'time(p)',
  'time(p) with time zone',
] as const;

export const precisionOf = (type: SqlType | undefined): number => (type && 'precision' in type ? type.precision : 0);

/** The wall clock as TIMESTAMP or TIMESTAMP_NS; times stand on 1970-01-01. `sql` may be repeated. */
export function wallClock(sql: string, type: SqlType | undefined): string {
  if (type?.kind === 'date') return `CAST(${sql} AS TIMESTAMP)`;
  if (type?.kind === 'timestamp with time zone') return zonedLocal(sql, type.precision);
  if (type?.kind === 'time') return `(DATE '1970-01-01' + ${sql})`;
  return type?.kind === 'time with time zone' ? `(DATE '1970-01-01' + (${sql})."time")` : sql;
}

/** A wall clock put back into a value of `type` that takes its zone from `original`. */
export function fromWallClock(local: string, type: SqlType | undefined, original: string): string {
  if (type?.kind === 'date') return `CAST(${local} AS DATE)`;
  if (type?.kind === 'time') return `CAST(${local} AS TIME)`;
  if (type?.kind === 'timestamp') return type.precision > 6 ? `CAST(${local} AS TIMESTAMP_NS)` : local;
  if (type?.kind === 'timestamp with time zone') {
    const near = nearInstant(`(${original}).instant`, type.precision);
    const instant = instantOfLocal(local, `(${original}).zone`, type.precision, near);
    return `CASE WHEN ${original} IS NOT NULL THEN {'instant': ${instant}, 'zone': (${original}).zone} END`;
  }
  if (type?.kind !== 'time with time zone') return local;
  return `CASE WHEN ${original} IS NOT NULL THEN {'time': CAST(${local} AS TIME), 'minutes': (${original})."minutes"} END`;
}
