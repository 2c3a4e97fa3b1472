/** Casts to and from types with a time zone. */

import { quote } from '../../types/kernel.ts';
import {
  FIRST_OF_TWO,
  instantOfLocal,
  localOfInstant,
  NEAR_UTC,
  offsetMinutes,
  roundedUp,
  roundTimestamp,
  timestampText,
  zonedLocal,
  zonedTimeText,
} from '../../types/text.ts';
import { type SqlType, typeName } from '../../types/type.ts';
import type { CastKit } from '../functions/definition.ts';
import { raiseSql } from '../../types/raise.ts';

type Zoned = Extract<SqlType, { kind: 'time with time zone' | 'timestamp with time zone' }>;

/** The text of a zoned value, or its wall clock. */
export function castZoned(from: SqlType, sql: string, as: 'text' | 'local' = 'text'): string {
  if (from.kind === 'time with time zone') {
    return as === 'local' ? `(${sql})."time"` : zonedTimeText(sql, from.precision, from.precision);
  }
  const precision = 'precision' in from ? from.precision : 0;
  const local = zonedLocal(sql, precision);
  return as === 'local' ? local : `(${timestampText(local, precision, precision)} || ' ' || (${sql}).zone)`;
}

const zoned = (instant: string, zone: string): string => `{'instant': ${instant}, 'zone': ${zone}}`;

const present = (value: string, result: string): string => `CASE WHEN ${value} IS NOT NULL THEN ${result} END`;

export function castToZoned(from: SqlType, to: Zoned, sql: string, kit: CastKit): string {
  if (to.kind === 'time with time zone') return toZonedTime(from, to, sql, kit);
  const session = quote(kit.query.timeZone);
  const precision = to.precision > 6 ? 9 : 6;
  const fit = (moment: string, given: number): string => {
    const rounded = given > to.precision ? roundTimestamp(moment, to.precision, given > 6 ? 9 : 6) : moment;
    if (given > 6 === to.precision > 6) return rounded;
    return `CAST(${rounded} AS ${to.precision > 6 ? 'TIMESTAMP_NS' : 'TIMESTAMP'})`;
  };
  return kit.bind(sql, (s) => {
    if (from.kind === 'timestamp with time zone') {
      if (from.precision === to.precision) return s;
      return present(s, zoned(fit(`(${s}).instant`, from.precision), `(${s}).zone`));
    }
    if (from.kind === 'timestamp')
      return present(s, zoned(instantOfLocal(fit(s, from.precision), session, precision, NEAR_UTC), session));
    if (from.kind === 'date') {
      const midnight = `CAST(${s} AS ${to.precision > 6 ? 'TIMESTAMP_NS' : 'TIMESTAMP'})`;
      return present(s, zoned(instantOfLocal(midnight, session, precision, NEAR_UTC), session));
    }
    if (from.kind === 'time' || from.kind === 'time with time zone') {
      const clock = from.kind === 'time' ? s : `(${s})."time"`;
      const local = `(CAST(${quote(kit.query.now.slice(0, 10))} AS DATE) + ${clock})`;
      return present(s, zoned(instantOfLocal(local, session, 6, NEAR_UTC), session));
    }
    return zonedFromText(to, s, session, kit);
  });
}

/** `2020-01-31 01:02:03.123 Europe/Vienna`, with an offset, or without any zone: the session's. */
function zonedFromText(to: Zoned, s: string, session: string, kit: CastKit): string {
  const shape = `'^\\s*([+-]?[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}(?:[ T][0-9]{1,2}:[0-9]{1,2}(?::[0-9]{1,2}(?:\\.[0-9]{1,12})?)?)?)\\s*([A-Za-z][A-Za-z0-9/_+-]*|[+-][0-9]{1,2}(?::?[0-9]{2})?)?\\s*$'`;
  const read = to.precision > 6 ? 'TIMESTAMP_NS' : 'TIMESTAMP';
  const zone = kit.fresh();
  const local = `TRY_CAST(regexp_extract(${s}, ${shape}, 1) AS ${read})`;
  const given = `regexp_extract(${s}, ${shape}, 2)`;
  const rounded = roundTimestamp(roundedUp(s, local, to.precision), to.precision, to.precision > 6 ? 9 : 6);
  const value = `list_transform([CASE WHEN ${given} = '' THEN ${session} ELSE ${zoneName(given)} END], lambda ${zone}: {'instant': ${instantOfLocal(rounded, zone, to.precision, FIRST_OF_TWO)}, 'zone': ${zone}})[1]`;
  const failure = raiseSql('INVALID_CAST_ARGUMENT', `'Value cannot be cast to ${typeName(to)}: ' || ${s}`);
  return `CASE WHEN ${s} IS NULL THEN NULL WHEN ${local} IS NULL OR NOT ${zoneExists(given)} THEN ${failure} ELSE ${value} END`;
}

/** Whether the kernel knows a zone: it reads no timestamp in one that it does not. */
const zoneExists = (zone: string): string =>
  `(${zone} = '' OR left(${zone}, 1) IN ('+', '-') OR TRY_CAST('2000-01-01 00:00:00 ' || ${zone} AS TIMESTAMPTZ) IS NOT NULL)`;

/** Zones in the one spelling in which they are stored: `UTC`, `+05:30`, region names as they are. */
export const zoneName = (zone: string): string =>
  `CASE WHEN upper(${zone}) IN ('Z', 'UTC', 'GMT', 'UT', '+00:00', '-00:00', '+00', '+0000') THEN 'UTC' WHEN regexp_full_match(${zone}, '[+-][0-9]{2}:[0-9]{2}') THEN ${zone} WHEN regexp_full_match(${zone}, '[+-][0-9]{1,2}') THEN left(${zone}, 1) || lpad(substr(${zone}, 2), 2, '0') || ':00' WHEN regexp_full_match(${zone}, '[+-][0-9]{4}') THEN left(${zone}, 3) || ':' || right(${zone}, 2) ELSE ${zone} END`;

function toZonedTime(from: SqlType, to: Zoned, sql: string, kit: CastKit): string {
  const session = quote(kit.query.timeZone);
  const now = `CAST(${quote(kit.query.now.slice(0, 19).replace('T', ' '))} AS TIMESTAMP)`;
  const sessionMinutes = `CAST((epoch_us(${localOfInstant(now, session, 6)}) - epoch_us(${now})) // 60000000 AS INTEGER)`;
  const round = (time: string, given: number): string =>
    given > to.precision ? `CAST(${roundTimestamp(`(DATE '1970-01-01' + ${time})`, to.precision, 6)} AS TIME)` : time;
  const timeOf = (moment: string, given: number): string =>
    `CAST(${given > to.precision ? roundTimestamp(moment, to.precision, given) : moment} AS TIME)`;
  return kit.bind(sql, (s) => {
    if (from.kind === 'time with time zone') {
      if (from.precision <= to.precision) return s;
      return `CASE WHEN ${s} IS NOT NULL THEN {'time': ${round(`(${s})."time"`, from.precision)}, 'minutes': (${s})."minutes"} END`;
    }
    if (from.kind === 'time') {
      return `CASE WHEN ${s} IS NOT NULL THEN {'time': ${round(s, from.precision)}, 'minutes': ${sessionMinutes}} END`;
    }
    if (from.kind === 'timestamp with time zone') {
      const local = zonedLocal(s, from.precision);
      const minutes = `CAST((epoch_us(CAST(${local} AS TIMESTAMP)) - epoch_us(CAST((${s}).instant AS TIMESTAMP))) // 60000000 AS INTEGER)`;
      return `CASE WHEN ${s} IS NOT NULL THEN {'time': ${timeOf(local, from.precision)}, 'minutes': ${minutes}} END`;
    }
    if (from.kind === 'timestamp') {
      return `CASE WHEN ${s} IS NOT NULL THEN {'time': ${timeOf(s, from.precision)}, 'minutes': ${sessionMinutes}} END`;
    }
    const shape = `'^\\s*([0-9]{1,2}:[0-9]{1,2}(?::[0-9]{1,2}(?:\\.[0-9]{1,12})?)?)\\s*([+-][0-9]{2}:[0-9]{2})?\\s*$'`;
    const time = `TRY_CAST(regexp_extract(${s}, ${shape}, 1) AS TIME)`;
    const offset = `regexp_extract(${s}, ${shape}, 2)`;
    const carried = `CAST(${roundedUp(s, `(DATE '1970-01-01' + ${time})`, to.precision)} AS TIME)`;
    const minutes = `CASE WHEN ${offset} = '' THEN ${sessionMinutes} ELSE ${offsetMinutes(offset)} END`;
    const failure = raiseSql('INVALID_CAST_ARGUMENT', `'Value cannot be cast to ${typeName(to)}: ' || ${s}`);
    return `CASE WHEN ${s} IS NULL THEN NULL WHEN ${time} IS NULL THEN ${failure} ELSE {'time': ${round(carried, 6)}, 'minutes': ${minutes}} END`;
  });
}
