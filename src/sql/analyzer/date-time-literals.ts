/** Reads dates, times, timestamps and intervals exactly as the literals write them; undefined for what is none. */

import type * as ast from '../ast.ts';
import { QueryError } from '../../common/errors.ts';
import type { Constant } from './literals.ts';

const DATE_TEXT = String.raw`([+-]?\d{4,9})-(\d{1,2})-(\d{1,2})`;
const CLOCK_TEXT = String.raw`(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,12}))?)?`;

export function parseDate(text: string): string | undefined {
  const parts = new RegExp(`^\\s*${DATE_TEXT}\\s*$`).exec(text);
  return parts ? dateText(parts[1]!, parts[2]!, parts[3]!) : undefined;
}

/** Zoned timestamps reach from year -69387 to 73326, as in Trino. */
const ZONED_MS_MAX = 2 ** 51;

export type ParsedTimestamp = { readonly value: string; readonly precision: number; readonly zoned: boolean };

/** With a zone the value is the instant in UTC and the zone; without, the clock as written. */
export function parseTimestamp(text: string): ParsedTimestamp | undefined {
  const parts = new RegExp(
    `^\\s*${DATE_TEXT}(?:[ T]${CLOCK_TEXT})?(?:\\s*([+-]\\d{1,2}(?::?\\d{2})?)|\\s+(\\S+))?\\s*$`,
  ).exec(text);
  if (!parts) return undefined;
  const date = dateText(parts[1]!, parts[2]!, parts[3]!);
  const clock = clockText(parts[4] ?? '0', parts[5] ?? '0', parts[6] ?? '0');
  if (date === undefined || clock === undefined) return undefined;
  const fraction = parts[7] ?? '';
  const written = `${date} ${clock}${fraction && `.${fraction}`}`;
  const zoneText = parts[8] ?? parts[9];
  if (zoneText === undefined) return { value: written, precision: fraction.length, zoned: false };
  const zone = normalZone(zoneText);
  if (zone === undefined) return undefined;
  const instant = instantOf(Date.parse(`${isoDate(date)}T${clock}Z`), zone);
  if (!(Math.abs(instant) < ZONED_MS_MAX)) return undefined;
  return { value: `${clockOf(instant)}${fraction && `.${fraction}`} ${zone}`, precision: fraction.length, zoned: true };
}

export function parseTime(text: string): ParsedTimestamp | undefined {
  const parts = new RegExp(`^\\s*${CLOCK_TEXT}\\s*([+-]\\d{1,2}(?::?\\d{2})?)?\\s*$`).exec(text);
  const clock = parts && clockText(parts[1]!, parts[2]!, parts[3] ?? '0');
  if (!parts || clock === undefined) return undefined;
  const fraction = parts[4] ?? '';
  const value = `${clock}${fraction && `.${fraction}`}`;
  if (parts[5] === undefined) return { value, precision: fraction.length, zoned: false };
  const zone = normalZone(parts[5]);
  if (zone === undefined) return undefined;
  return { value: value + (zone === 'UTC' ? '+00:00' : zone), precision: fraction.length, zoned: true };
}

/** An offset as `+05:30`, a region by its IANA name, `UTC` for all its spellings; undefined for none of these. */
export function normalZone(text: string): string | undefined {
  if (/^(utc|z|gmt|ut|etc\/utc|utc[+-]0{1,2}(:00)?|[+-]0?0:?(00)?)$/i.test(text)) return 'UTC';
  const offset = /^(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?$/i.exec(text);
  if (offset) {
    const hours = Number(offset[2]);
    const minutes = Number(offset[3] ?? '0');
    if (hours * 60 + minutes > 14 * 60 || minutes > 59) return undefined;
    return `${offset[1]}${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`;
  }
  return isRegion(text) ? text : undefined;
}

function isRegion(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** The instant at which `zone` shows `wallClockMs` (read as if it were UTC). In a gap, the clock before it goes on. */
export function instantOf(wallClockMs: number, zone: string): number {
  const before = offsetMsAt(wallClockMs - 86_400_000, zone);
  const first = wallClockMs - before;
  if (offsetMsAt(first, zone) === before) return first;
  const after = offsetMsAt(wallClockMs + 86_400_000, zone);
  const second = wallClockMs - after;
  return offsetMsAt(second, zone) === after ? second : first;
}

/** Milliseconds that `zone` is ahead of UTC at an instant. */
export function offsetMsAt(instantMs: number, zone: string): number {
  if (zone === 'UTC') return 0;
  const fixed = /^([+-])(\d{2}):(\d{2})$/.exec(zone);
  if (fixed) return (fixed[1] === '-' ? -1 : 1) * (Number(fixed[2]) * 60 + Number(fixed[3])) * 60_000;
  // The name of the offset rather than the clock: calendars of Intl turn Julian for early dates.
  const parts = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts(
    instantMs,
  );
  const name = parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
  const shown = /^GMT([+-])(\d{2}):(\d{2})(?::(\d{2}))?$/.exec(name);
  if (!shown) return 0;
  const seconds = Number(shown[2]) * 3600 + Number(shown[3]) * 60 + Number(shown[4] ?? '0');
  return (shown[1] === '-' ? -1 : 1) * seconds * 1000;
}

/** `2020-01-31 01:02:03` of an instant, in UTC. */
export function clockOf(instantMs: number): string {
  const iso = new Date(instantMs).toISOString();
  const year = /^([+-]?)(\d+)-/.exec(iso)!;
  const sign = year[1] === '-' ? '-' : '';
  const digits = year[2]!.length > 4 ? String(Number(year[2])).padStart(4, '0') : year[2]!;
  const prefix = sign === '' && digits.length > 4 ? '+' : sign;
  return `${prefix}${digits}${iso.slice(year[0].length - 1, -5).replace('T', ' ')}`;
}

function isoDate(date: string): string {
  const parts = /^([+-]?)(\d+)(-.*)$/.exec(date)!;
  if (parts[1] === '' && parts[2]!.length === 4) return date;
  return `${parts[1] === '-' ? '-' : '+'}${parts[2]!.padStart(6, '0')}${parts[3]}`;
}

function dateText(yearText: string, monthText: string, dayText: string): string | undefined {
  const [year, month, day] = [Number(yearText), Number(monthText), Number(dayText)];
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  const digits = String(Math.abs(year)).padStart(4, '0');
  const sign = year < 0 ? '-' : year > 9999 ? '+' : '';
  return `${sign}${digits}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}

function daysIn(year: number, month: number): number {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]!;
}

function clockText(hour: string, minute: string, second: string): string | undefined {
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  return [hour, minute, second].map((part) => part.padStart(2, '0')).join(':');
}

const FIELDS: readonly ast.IntervalField[] = ['YEAR', 'MONTH', 'DAY', 'HOUR', 'MINUTE', 'SECOND'];
const SEPARATORS: Readonly<Record<string, string>> = { MONTH: '-', HOUR: ' ', MINUTE: ':', SECOND: ':' };
const MILLIS: Readonly<Record<string, bigint>> = {
  DAY: 86_400_000n,
  HOUR: 3_600_000n,
  MINUTE: 60_000n,
  SECOND: 1000n,
};

/** `INTERVAL '1-3' YEAR TO MONTH` as months, `INTERVAL '2 03:04:05.321' DAY TO SECOND` as milliseconds. */
export function parseIntervalLiteral(literal: ast.IntervalLiteral): Constant {
  const from = FIELDS.indexOf(literal.from);
  const to = FIELDS.indexOf(literal.to ?? literal.from);
  const invalid = (): QueryError =>
    new QueryError('INVALID_LITERAL', `'${literal.value}' is not a valid INTERVAL literal`, literal.location);
  const yearMonth = from <= 1;
  if (to < from || yearMonth !== to <= 1) throw invalid();
  let rest = literal.value.trim();
  const negative = rest.startsWith('-') !== (literal.sign === '-');
  rest = rest.replace(/^[+-]\s*/, '');
  let total = 0n;
  for (let i = from; i <= to; i++) {
    const field = FIELDS[i]!;
    if (i > from) {
      if (rest === '') break;
      const separator = SEPARATORS[field]!;
      if (!rest.startsWith(separator)) throw invalid();
      rest = rest.slice(separator.length).trimStart();
    }
    const match = /^(\d+)(?:\.(\d{1,9}))?/.exec(rest);
    if (!match || (match[2] !== undefined && field !== 'SECOND')) throw invalid();
    rest = rest.slice(match[0].length);
    const value = BigInt(match[1]!);
    if (yearMonth) total += field === 'YEAR' ? value * 12n : value;
    else total += value * MILLIS[field]! + BigInt((match[2] ?? '').padEnd(3, '0').slice(0, 3));
  }
  if (rest.trim() !== '') throw invalid();
  const value = String(negative ? -total : total);
  const type = { kind: yearMonth ? 'interval year to month' : 'interval day to second' } as const;
  return { kind: 'Constant', type, value };
}
