/** CURRENT_DATE and its like: one instant for the whole query, as constants. */

import type * as ast from '../ast.ts';
import { QueryError } from '../../common/errors.ts';
import { DATE, timestamp, timestampTz } from '../../types/type.ts';
import type { Session } from '../session.ts';
import { clockOf, normalZone, offsetMsAt } from './date-time-literals.ts';
import { type Constant, constant } from './literals.ts';

export function currentDateTime(node: ast.CurrentDateTime, session: Session): Constant {
  const zone = normalZone(session.timeZone) ?? 'UTC';
  const precision = Number(node.precision ?? '3');
  const isTime = node.function === 'CURRENT_TIME' || node.function === 'LOCALTIME';
  if (precision > (isTime ? 6 : 9)) {
    throw new QueryError(
      'NOT_SUPPORTED',
      `a precision of ${precision} digits is more than the supported ${isTime ? 6 : 9}`,
      node.location,
    );
  }
  const instant = Date.parse(session.now);
  const offset = offsetMsAt(instant, zone);
  const digits = /\.(\d+)/.exec(session.now)?.[1] ?? '';
  const fraction = precision === 0 ? '' : `.${digits.padEnd(precision, '0').slice(0, precision)}`;
  const utc = clockOf(instant);
  const local = clockOf(instant + offset);
  const clock = local.slice(-8) + fraction;
  switch (node.function) {
    case 'CURRENT_DATE':
      return constant(DATE, local.slice(0, -9));
    case 'CURRENT_TIME':
      return constant({ kind: 'time with time zone', precision }, clock + offsetText(offset));
    case 'CURRENT_TIMESTAMP':
      return constant(timestampTz(precision), `${utc}${fraction} ${zone}`);
    case 'LOCALTIME':
      return constant({ kind: 'time', precision }, clock);
    case 'LOCALTIMESTAMP':
      return constant(timestamp(precision), local + fraction);
  }
}

function offsetText(offsetMs: number): string {
  const minutes = Math.abs(Math.trunc(offsetMs / 60_000));
  return `${offsetMs < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
}

const two = (part: number): string => String(Math.floor(part)).padStart(2, '0');
