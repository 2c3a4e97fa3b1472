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
  if (token.type === 'unrecognized') return new QueryError('SYNTAX_ERROR', unrecognized(text), token.location);
  const list = expected.map((what) => (what === "'eof'" ? '<EOF>' : what)).sort(byText);
  const wanted = list.length > 0 ? `. Expecting: ${list.join(', ')}` : '';
  const advice =
    foreignSyntax(sql, tokens, position) ??
    reservedName(sql, tokens, position, expected) ??
    suggestion(sql, tokens, position, expected);
  // What helps first; the end of a question is the end of its sentence.
  const help = advice ? `; ${advice}` : '';
  const message = `mismatched input '${shorten(text)}'${help}${help.endsWith('?') ? wanted.slice(1) : wanted}`;
  return new QueryError('SYNTAX_ERROR', message, token.location);
}

/** Longest piece of the user's text that a message repeats. */
const QUOTE_MAX = 60;
const shorten = (text: string): string => (text.length > QUOTE_MAX ? `${text.slice(0, QUOTE_MAX)}…` : text);

/** Symbols before words before `<names>`: the order that Trino's messages have. */
const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function unrecognized(text: string): string {
  const code = `U+${text.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
  if (/\s/u.test(text)) return `unexpected white space (${code}); replace it with a space`;
  if (/\p{C}/u.test(text)) return `unexpected character (${code})`;
  if (text === '\\')
    return `unexpected character '\\' (${code}); a command of the prompt stands alone, before any statement`;
  const advice = /[\p{L}\p{N}]/u.test(text) ? '; names with letters beyond a to z stand in double quotes' : '';
  return `unexpected character '${text}' (${code})${advice}`;
}

/** Reserved words that hold statements together: where one stands out of place, something else is missing. */
const STRUCTURAL = new Set(
  (
    'FROM WHERE HAVING UNION INTERSECT EXCEPT ON AND OR THEN ELSE END WHEN AS BY IN IS LIKE BETWEEN SELECT WITH NOT ' +
    'USING JOIN INNER OUTER CROSS NATURAL ESCAPE INTO VALUES EXISTS'
  ).split(' '),
);

/** `SELECT order FROM t`: a reserved word where a name was meant. */
function reservedName(
  sql: string,
  tokens: readonly Token[],
  position: number,
  expected: readonly string[],
): string | undefined {
  const token = tokens[position]!;
  const next = tokens[position + 1]?.type;
  const isWord = /^[A-Z]/.test(token.type) && !token.name && !STRUCTURAL.has(token.type) && next !== 'BY';
  if (!isWord || !(expected.includes('<identifier>') || expected.includes('<expression>'))) return undefined;
  const text = sql.slice(token.start, token.end);
  return `${token.type} is a reserved word; as a name it stands in double quotes: "${text}"`;
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
  if (expected.includes('<query>')) words.push('SELECT', 'WITH', 'VALUES', 'TABLE');
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
