/** Pieces of kernel SQL text. */

import type { Symbol } from '../../sql/expression.ts';
import { raise } from '../../types/raise.ts';
import { identifier, NO_COLUMNS } from '../../types/kernel.ts';

export const column = (symbol: Symbol): string => identifier(symbol.name);

/** The symbols' columns; a row without columns still needs one. */
export const columnList = (symbols: readonly Symbol[]): string =>
  symbols.length === 0 ? NO_COLUMNS : symbols.map(column).join(', ');

/** One row of NULLs for none; an error for more than one. */
export function singleRow(symbols: readonly Symbol[], from: string): string {
  const columns = symbols.map((symbol) => `first(${column(symbol)}) AS ${column(symbol)}`);
  const many = raise('SUBQUERY_MULTIPLE_ROWS', 'Scalar sub-query has returned multiple rows');
  const check = `HAVING CASE WHEN count(*) > 1 THEN ${many} ELSE true END`;
  return `SELECT ${columns.join(', ') || NO_COLUMNS} FROM (SELECT * FROM ${from} LIMIT 2) ${check}`;
}
