/** Words the error for a token that cannot stand where it does: what could have, and what was probably meant. */
import { nearest, QueryError } from '../../common/errors.ts';
import type { Token } from '../lexer.ts';
import { foreignSyntax } from './foreign.ts';

export function mismatch(
  sql: string,
  tokens: readonly Token[],
  position: number,
  expected: readonly string[],
): QueryError {
  const token = tokens[position]!;
  const text = token.type === 'eof' ? '<EOF>' : sql.slice(token.start, token.end);
  const list = expected.map((what) => (what === "'eof'" ? '<EOF>' : what)).sort(byText);
  const problem = token.type === 'unrecognized' ? unrecognized(text) : `mismatched input '${shorten(text)}'`;
  const wanted = list.length > 0 ? `. Expecting: ${list.join(', ')}` : '';
  const advice = foreignSyntax(sql, tokens, position) ?? suggestion(sql, tokens, position, expected);
  return new QueryError('SYNTAX_ERROR', `${problem}${wanted}${advice ? `; ${advice}` : ''}`, token.location);
}

/** Longest piece of the user's text that a message repeats. */
const QUOTE_MAX = 60;
const shorten = (text: string): string => (text.length > QUOTE_MAX ? `${text.slice(0, QUOTE_MAX)}…` : text);

/** Symbols before words before `<names>`: the order that Trino's messages have. */
const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function unrecognized(text: string): string {
  const code = text.codePointAt(0)!;
  const visible = code > 0x20 && !/[\s\p{C}]/u.test(text) ? `'${text}' ` : '';
  return `unexpected character ${visible}(U+${code.toString(16).toUpperCase().padStart(4, '0')})`;
}

/** Keywords that a misspelt name before the failing token may have been: `SELECT a FORM t` fails at `t`. */
const CLAUSES = [
  'FROM',
  'WHERE',
  'GROUP',
  'HAVING',
  'ORDER',
  'LIMIT',
  'OFFSET',
  'UNION',
  'JOIN',
  'LEFT',
  'CROSS',
  'INNER',
];

function suggestion(
  sql: string,
  tokens: readonly Token[],
  position: number,
  expected: readonly string[],
): string | undefined {
  const words = expected.filter((what) => /^'[A-Z_]+'$/.test(what)).map((what) => what.slice(1, -1));
  const here = misspelt(sql, tokens[position]!, words);
  if (here) return `did you mean ${here}?`;
  const before = tokens[position - 1];
  const meant = before && misspelt(sql, before, CLAUSES);
  return meant ? `did you mean ${meant} instead of '${sql.slice(before.start, before.end)}'?` : undefined;
}

function misspelt(sql: string, token: Token, words: readonly string[]): string | undefined {
  if (token.type !== 'identifier') return undefined;
  const text = sql.slice(token.start, token.end);
  return text.length > 1 ? nearest(text, words) : undefined;
}
