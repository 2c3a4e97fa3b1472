/** Orders constants of one type, for split skipping. What it is not sure of it leaves undefined: then nothing is skipped. */

import type { ConstantValue } from './constant.ts';
import type { Bound, Domain } from './domain.ts';
import type { SqlType } from './type.ts';

/** Negative, 0 or positive; undefined when the order of the two is not known here. */
export function compareConstants(type: SqlType, a: ConstantValue, b: ConstantValue): number | undefined {
  if (a === null || b === null || Array.isArray(a) || Array.isArray(b)) return undefined;
  switch (type.kind) {
    case 'boolean':
      return Number(a) - Number(b);
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'bigint':
    case 'interval year to month':
    case 'interval day to second':
      return order(BigInt(String(a)), BigInt(String(b)));
    case 'decimal':
      return order(unscaled(String(a)), unscaled(String(b)));
    case 'real':
    case 'double': {
      const [x, y] = [Number(a), Number(b)];
      return Number.isNaN(x) || Number.isNaN(y) ? undefined : order(x, y);
    }
    case 'varchar':
      return Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));
    case 'date':
    case 'timestamp':
      // Years of four digits order as text; others carry a sign.
      return [a, b].every((value) => /^\d{4}-/.test(String(value))) ? order(String(a), String(b)) : undefined;
    case 'timestamp with time zone': {
      const instants = [a, b].map((value) => String(value).slice(0, String(value).lastIndexOf(' ')));
      return instants.every((value) => /^\d{4}-/.test(value)) ? order(instants[0]!, instants[1]!) : undefined;
    }
    case 'char':
    case 'varbinary':
    case 'json':
    case 'time':
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

/** Decimals of one type have the same digits behind the point. */
const unscaled = (text: string): bigint => BigInt(text.replace('.', ''));

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
