/**
 * The 22 queries (`queries/`, for catalog `tpch_standard`) and their answers at scale 0.01 (`answers/sf0.01/`).
 *
 * The answers are plain DuckDB's on our generated data, written by `UPDATE=1 npx vitest run test/tpch`. When they
 * were written, they and the answers at scale 1 agreed with the published ones of TPC-H under the rule below.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export const QUERY_NUMBERS: readonly number[] = Array.from({ length: 22 }, (_, index) => index + 1);

/** A cell as text: numbers as they print, NULL as null. */
export type AnswerCell = string | null;
export type Answer = { readonly columns: readonly string[]; readonly rows: readonly (readonly AnswerCell[])[] };

const fileName = (query: number, extension: string): string => `q${String(query).padStart(2, '0')}.${extension}`;

export const querySql = (query: number): string =>
  readFileSync(path.join(import.meta.dirname, 'queries', fileName(query, 'sql')), 'utf8');

export const answerPath = (query: number): string =>
  path.join(import.meta.dirname, 'answers', 'sf0.01', fileName(query, 'csv'));

export const readAnswer = (query: number): Answer => parseAnswer(readFileSync(answerPath(query), 'utf8'));

/**
 * What differs, in words; empty when the answers are equal. Rows are compared in order, since every query orders its rows
 * totally. Texts are equal without blanks at their ends, integers exactly; numbers with a fraction may differ by 0.01 or a
 * millionth, since decimal averages and quotients are rounded to the scale of their type where DuckDB computes doubles.
 */
export function answerDifferences(actual: Answer, expected: Answer): string[] {
  if (actual.rows.length !== expected.rows.length) {
    return [`${actual.rows.length} rows instead of ${expected.rows.length}`];
  }
  return expected.rows.flatMap((row, index) => {
    const other = actual.rows[index]!;
    if (other.length !== row.length) return [`row ${index + 1}: ${other.length} columns instead of ${row.length}`];
    return row.flatMap((cell, column) => {
      if (sameCell(other[column]!, cell)) return [];
      return [`row ${index + 1}, ${expected.columns[column]}: ${other[column]} instead of ${cell}`];
    });
  });
}

function sameCell(actual: AnswerCell, expected: AnswerCell): boolean {
  if (actual === null || expected === null) return actual === expected;
  if (actual.trim() === expected.trim()) return true;
  if (!NUMBER.test(actual) || !NUMBER.test(expected) || (INTEGER.test(actual) && INTEGER.test(expected))) return false;
  return Math.abs(Number(actual) - Number(expected)) <= Math.max(0.01, 1e-6 * Math.abs(Number(expected)));
}

const INTEGER = /^-?\d+$/;
const NUMBER = /^-?\d+(\.\d+)?([eE][-+]?\d+)?$/;

/** Comma-separated, quoted where needed, the header first, `\N` for NULL. */
export function formatAnswer({ columns, rows }: Answer): string {
  const lines = [columns, ...rows].map((row) =>
    row.map((cell) => (cell === null ? String.raw`\N` : quoted(cell))).join(','),
  );
  return `${lines.join('\n')}\n`;
}

const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

export function parseAnswer(csv: string): Answer {
  const rows: AnswerCell[][] = [[]];
  for (const [, quotedCell, plain, end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/g)) {
    const cell = quotedCell === undefined ? (plain ?? '') : quotedCell.replaceAll('""', '"');
    rows.at(-1)!.push(quotedCell === undefined && cell === String.raw`\N` ? null : cell);
    if (end === '\n') rows.push([]);
  }
  const [columns = [], ...answers] = rows.slice(0, -1);
  return { columns: columns.map(String), rows: answers };
}
