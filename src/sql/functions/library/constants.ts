/** What definitions may know of their arguments before the query runs. */

import type { Expression } from '../../expression.ts';
import { raiseSql } from '../../../types/raise.ts';

/** The text of a constant argument; undefined for anything else. */
export const constantText = (e: Expression | undefined): string | undefined =>
  e?.kind === 'Constant' && typeof e.value === 'string' ? e.value : undefined;

/** A constant whole number that JavaScript holds exactly. */
export function constantInteger(e: Expression | undefined): number | undefined {
  const inner = e?.kind === 'Cast' ? e.argument : e;
  const text = constantText(inner);
  const value = text !== undefined && /^-?[0-9]+$/.test(text) ? Number(text) : undefined;
  return value !== undefined && Number.isSafeInteger(value) ? value : undefined;
}

/** INVALID_FUNCTION_ARGUMENT where `condition` holds, else `body`. Both are kernel SQL; so is `message`. */
export const refuseWhere = (condition: string, message: string, body: string): string =>
  `CASE WHEN ${condition} THEN ${raiseSql('INVALID_FUNCTION_ARGUMENT', message)} ELSE ${body} END`;

/** `body` where all of `values` are present. */
export const whenPresent = (values: readonly string[], body: string): string =>
  `CASE WHEN ${values.map((v) => `${v} IS NOT NULL`).join(' AND ')} THEN ${body} END`;
