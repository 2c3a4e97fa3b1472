/** Orders constants of one type as the kernel does. What it is not sure of it leaves undefined: then nothing is skipped. */

import type { ConstantValue } from './constant.ts';
import type { Bound, Domain } from './domain.ts';
import type { SqlType } from './type.ts';

/** Negative, 0 or positive; undefined when the order of the two is not known here. */
export function compareConstants(type: SqlType, a: ConstantValue, b: ConstantValue): number | undefined {
  const x = placeOf(type, a);
  const y = placeOf(type, b);
  return x === undefined || y === undefined ? undefined : x.compare(y);
}

/** Whether it is known where the value stands among those of its type. */
export const hasKnownOrder = (type: SqlType, value: ConstantValue): boolean => placeOf(type, value) !== undefined;

/** Where a value stands among those of its type. */
type Place = { readonly compare: (other: Place) => number; readonly key: number | Buffer | Exact };

/** A number as whole units and a fraction of any number of digits: decimals may be written with other scales. */
type Exact = { readonly units: bigint; readonly digits: number };

function placeOf(type: SqlType, value: ConstantValue): Place | undefined {
  if (typeof value === 'boolean') return type.kind === 'boolean' ? ofNumber(Number(value)) : undefined;
  if (typeof value !== 'string') return undefined;
  switch (type.kind) {
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'bigint':
    case 'decimal':
    case 'interval year to month':
    case 'interval day to second':
      return ofDigits(value);
    case 'real':
    case 'double': {
      const number = value.trim() === '' ? NaN : Number(value);
      return Number.isNaN(number) ? undefined : ofNumber(number);
    }
    case 'varchar':
      return ofBytes(Buffer.from(value));
    case 'date':
    case 'timestamp':
      return ofMoment(value);
    case 'timestamp with time zone':
      return ofMoment(value.slice(0, value.lastIndexOf(' ')));
    case 'time':
      return ofMoment(`1970-01-01 ${value}`);
    case 'boolean':
    case 'char':
    case 'varbinary':
    case 'json':
    case 'time with time zone':
    case 'uuid':
    case 'ipaddress':
    case 'array':
    case 'map':
    case 'row':
    case 'unknown':
    case 'function':
      return undefined;
  }
}

const order = <T>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

const ofNumber = (key: number): Place => ({ key, compare: (other) => order(key, other.key as number) });

const ofBytes = (key: Buffer): Place => ({ key, compare: (other) => Buffer.compare(key, other.key as Buffer) });

function ofExact(key: Exact): Place {
  const compare = (other: Place): number => {
    const { units, digits } = other.key as Exact;
    const scale = Math.max(digits, key.digits);
    return order(key.units * 10n ** BigInt(scale - key.digits), units * 10n ** BigInt(scale - digits));
  };
  return { key, compare };
}

function ofDigits(text: string): Place | undefined {
  const parts = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text);
  if (!parts || !/\d/.test(text)) return undefined;
  const [, sign, whole = '', fraction = ''] = parts;
  const units = BigInt(`${whole}${fraction}`);
  return ofExact({ units: sign === '-' ? -units : units, digits: fraction.length });
}

/** `2020-01-31`, `+12345-01-31 01:02:03.123`: as seconds since 1970. */
function ofMoment(text: string): Place | undefined {
  const parts = /^([+-]?\d{4,})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?$/.exec(text);
  if (!parts) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? 0));
  const seconds = daysSince1970(year!, month!, day!) * 86400 + hour! * 3600 + minute! * 60 + second!;
  const fraction = parts[7] ?? '';
  const scale = 10n ** BigInt(fraction.length);
  return ofExact({ units: BigInt(seconds) * scale + BigInt(fraction || 0), digits: fraction.length });
}

/** In the Gregorian calendar of all times. Years are counted from March on, so that the leap day is their last. */
function daysSince1970(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146097 + dayOfEra - 719468;
}

/** May a value between `low` and `high` (both inclusive), or a NULL when `hasNulls`, lie in the domain? True when in doubt. */
export function mayContain(
  type: SqlType,
  domain: Domain,
  low: ConstantValue | undefined,
  high: ConstantValue | undefined,
  hasNulls: boolean,
): boolean {
  if (hasNulls && domain.nullAllowed) return true;
  if (low === undefined || high === undefined || low === null || high === null) return true;
  return domain.ranges.some((range) => !isBelow(type, high, range.low) && !isAbove(type, low, range.high));
}

/** Surely below the bound. */
function isBelow(type: SqlType, value: ConstantValue, bound: Bound | undefined): boolean {
  const compared = bound && compareConstants(type, value, bound.value);
  return compared !== undefined && (compared < 0 || (compared === 0 && !bound!.inclusive));
}

/** Surely above the bound. */
function isAbove(type: SqlType, value: ConstantValue, bound: Bound | undefined): boolean {
  const compared = bound && compareConstants(type, value, bound.value);
  return compared !== undefined && (compared > 0 || (compared === 0 && !bound!.inclusive));
}
