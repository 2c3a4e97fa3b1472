/** Exact values of constants in TypeScript: integers and decimals as BigInt, dates as days, timestamps as microseconds. */

import type { ConstantValue } from '../../types/constant.ts';
import type { SqlType } from '../../types/type.ts';

/** A number with `scale` digits behind the point. */
export type Exact = { readonly unscaled: bigint; readonly scale: number };

const INTEGER_BITS: Readonly<Record<string, bigint>> = { tinyint: 7n, smallint: 15n, integer: 31n, bigint: 63n };

export const isInteger = (type: SqlType): boolean => type.kind in INTEGER_BITS;
export const isExact = (type: SqlType): boolean => isInteger(type) || type.kind === 'decimal';

export function readExact(value: ConstantValue): Exact | undefined {
  const parts = typeof value === 'string' ? /^(-?)(\d*)(?:\.(\d+))?$/.exec(value) : null;
  if (!parts) return undefined;
  const [, sign, whole = '', fraction = ''] = parts;
  const digits = BigInt(`${whole}${fraction}` || '0');
  return { unscaled: sign === '-' ? -digits : digits, scale: fraction.length };
}

/** The constant's text in `type`; undefined where the number does not fit it. */
export function writeExact(number: Exact, type: SqlType): string | undefined {
  const bits = INTEGER_BITS[type.kind];
  if (bits !== undefined) {
    const value = rescale(number, 0);
    return value >= -(1n << bits) && value < 1n << bits ? String(value) : undefined;
  }
  if (type.kind !== 'decimal') return undefined;
  const unscaled = rescale(number, type.scale);
  const size = unscaled < 0n ? -unscaled : unscaled;
  if (size >= 10n ** BigInt(type.precision)) return undefined;
  const sign = unscaled < 0n ? '-' : '';
  if (type.scale === 0) return `${sign}${size}`;
  const text = String(size).padStart(type.scale + 1, '0');
  return `${sign}${text.slice(0, -type.scale)}.${text.slice(-type.scale)}`;
}

/** The digits at another scale, rounded half away from zero. */
export function rescale({ unscaled, scale }: Exact, wanted: number): bigint {
  if (wanted >= scale) return unscaled * 10n ** BigInt(wanted - scale);
  return divideHalfUp(unscaled, 10n ** BigInt(scale - wanted));
}

export function divideHalfUp(a: bigint, b: bigint): bigint {
  const [n, d] = [a < 0n ? -a : a, b < 0n ? -b : b];
  const quotient = (2n * n + d) / (2n * d);
  return a < 0n === b < 0n ? quotient : -quotient;
}

/** Doubles in the constants' text. */
export function readDouble(value: ConstantValue): number | undefined {
  return typeof value === 'string' ? Number(value) : undefined;
}

export const writeDouble = (value: number): string => (Object.is(value, -0) ? '-0' : String(value).replace('e+', 'e'));

const MICROS_PER_MILLI = 1000n;
const MILLIS_PER_DAY = 86_400_000;

/** Days since 1970-01-01; undefined outside of the years 1 to 9999. */
export function readDate(value: ConstantValue): number | undefined {
  const parts = typeof value === 'string' ? /^(\d{4})-(\d\d)-(\d\d)$/.exec(value) : null;
  if (!parts) return undefined;
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const valid = year >= 1 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return valid ? date.getTime() / MILLIS_PER_DAY : undefined;
}

export function writeDate(days: number): string | undefined {
  const date = new Date(days * MILLIS_PER_DAY);
  const year = date.getUTCFullYear();
  return Number.isNaN(year) || year < 1 || year > 9999 ? undefined : date.toISOString().slice(0, 10);
}

/** Months later, or earlier; the day is the last of its month where that is shorter. */
export function plusMonths(days: number, months: number): number {
  const date = new Date(days * MILLIS_PER_DAY);
  const month = date.getUTCFullYear() * 12 + date.getUTCMonth() + months;
  const last = new Date(0);
  last.setUTCFullYear(Math.floor(month / 12), (((month % 12) + 12) % 12) + 1, 0);
  last.setUTCDate(Math.min(date.getUTCDate(), last.getUTCDate()));
  return last.getTime() / MILLIS_PER_DAY;
}

/** Days, and microseconds of the day. */
export type Moment = { readonly days: number; readonly micros: bigint };

const MICROS_PER_DAY = 86_400_000_000n;

/** A timestamp of at most six digits. */
export function readTimestamp(value: ConstantValue): Moment | undefined {
  const parts = typeof value === 'string' ? /^(\S+) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/.exec(value) : null;
  const days = parts ? readDate(parts[1]!) : undefined;
  if (!parts || days === undefined) return undefined;
  const seconds = BigInt(parts[2]!) * 3600n + BigInt(parts[3]!) * 60n + BigInt(parts[4]!);
  return { days, micros: seconds * 1_000_000n + BigInt((parts[5] ?? '').padEnd(6, '0')) };
}

export function writeTimestamp({ days, micros }: Moment, precision: number): string | undefined {
  const carry = micros >= 0n ? micros / MICROS_PER_DAY : -((-micros + MICROS_PER_DAY - 1n) / MICROS_PER_DAY);
  const day = writeDate(days + Number(carry));
  const rest = micros - carry * MICROS_PER_DAY;
  if (day === undefined || precision > 6) return undefined;
  const seconds = rest / 1_000_000n;
  const clock = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n]
    .map((n) => String(n).padStart(2, '0'))
    .join(':');
  const fraction = String(rest % 1_000_000n)
    .padStart(6, '0')
    .slice(0, precision);
  return `${day} ${clock}${precision > 0 ? `.${fraction}` : ''}`;
}

export const microsOfMillis = (millis: bigint): bigint => millis * MICROS_PER_MILLI;
