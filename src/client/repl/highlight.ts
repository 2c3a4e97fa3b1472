/** Syntax colours: a finished text painted whole, or spans for an editor that cuts lines itself. */
import { RESERVED_KEYWORDS } from '../../sql/keywords.ts';
import { keywordOf, Scanner, type TokenType } from '../../sql/lexer.ts';
import type { Style } from '../style.ts';

export type TokenClass = 'keyword' | 'function' | 'string' | 'number' | 'quoted' | 'comment' | 'unrecognized';
export type Span = { readonly start: number; readonly end: number; readonly class: TokenClass };

/** Spans of the text that have a colour, in order. */
export function spans(sql: string): Span[] {
  const scanner = new Scanner(sql);
  const found: Span[] = [];
  let afterPoint = false;
  for (;;) {
    const type = scanner.next();
    if (type === 'eof') return found;
    const colour = afterPoint ? undefined : classOf(type, sql, scanner);
    if (colour) found.push({ start: scanner.start, end: scanner.end, class: colour });
    afterPoint = type === '.';
  }
}

export function highlight(sql: string, paint: Style): string {
  if (!paint.colours) return sql;
  let text = '';
  let at = 0;
  for (const span of spans(sql)) {
    text += sql.slice(at, span.start) + colour(span.class, paint)(sql.slice(span.start, span.end));
    at = span.end;
  }
  return text + sql.slice(at);
}

export function colour(tokenClass: TokenClass, paint: Style): (text: string) => string {
  switch (tokenClass) {
    case 'keyword':
      return (text) => paint.bold(paint.blue(text));
    case 'function':
      return paint.cyan;
    case 'string':
      return paint.green;
    case 'number':
      return paint.magenta;
    case 'quoted':
      return paint.yellow;
    case 'comment':
      return paint.dim;
    case 'unrecognized':
      return paint.red;
  }
}

const RESERVED: ReadonlySet<string> = new Set(RESERVED_KEYWORDS);
const LITERALS: ReadonlyMap<string, TokenClass> = new Map([
  ['string', 'string'],
  ['unicode-string', 'string'],
  ['binary', 'string'],
  ['dollar-string', 'string'],
  ['integer', 'number'],
  ['decimal', 'number'],
  ['double', 'number'],
  ['quoted', 'quoted'],
  ['backquoted', 'unrecognized'],
  ['comment', 'comment'],
  ['unrecognized', 'unrecognized'],
]);

function classOf(type: TokenType | 'comment', sql: string, scanner: Scanner): TokenClass | undefined {
  const literal = LITERALS.get(type);
  if (literal) return literal;
  if (type !== 'identifier' && !keywordOf(type)) return undefined;
  // A word that may be a name is a function where a parenthesis follows, and a name where a point does.
  if (RESERVED.has(type)) return 'keyword';
  if (sql[scanner.end] === '(') return 'function';
  if (sql[scanner.end] === '.') return undefined;
  return type === 'identifier' ? undefined : 'keyword';
}
