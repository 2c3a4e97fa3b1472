/** Constants as numbers on a line, as far as estimates need: order is kept, closeness roughly so. */

import type { ConstantValue } from '../types/constant.ts';
import type { SqlType } from '../types/type.ts';

/** Undefined where the type has no useful line. */
export function ordinal(value: ConstantValue | undefined, type: SqlType): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string') return undefined;
  const number = ordinalOfText(value, type);
  return number === undefined || Number.isNaN(number) ? undefined : number;
}

const NUMERIC: ReadonlySet<string> = new Set(['tinyint', 'smallint', 'integer', 'bigint', 'real', 'double', 'decimal']);
const MILLISECONDS_A_DAY = 86_400_000;

function ordinalOfText(value: string, type: SqlType): number | undefined {
  if (NUMERIC.has(type.kind)) return Number(value);
  if (type.kind === 'date') return Date.parse(`${value}T00:00:00Z`) / MILLISECONDS_A_DAY;
  if (type.kind === 'timestamp' || type.kind === 'timestamp with time zone') {
    const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,3})?)/.exec(value);
    return match ? Date.parse(`${match[1]}T${match[2]}Z`) : undefined;
  }
  if (type.kind === 'varchar' || type.kind === 'char') return prefixOrdinal(value);
  return undefined;
}

/** The first six code units as a number in base 65536 cut to 256: enough to tell where in a range a text lies. */
function prefixOrdinal(text: string): number {
  let number = 0;
  for (let i = 0; i < 6; i++) number = number * 256 + Math.min(text.charCodeAt(i) || 0, 255);
  return number;
}

/** Whether values of the type lie on whole numbers, so that a range of them has at most so many different ones. */
export const isDiscrete = (type: SqlType): boolean =>
  ['tinyint', 'smallint', 'integer', 'bigint', 'date', 'boolean'].includes(type.kind);
