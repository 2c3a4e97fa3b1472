/** Syntax colours: a finished text painted whole, or spans for an editor that cuts lines itself. */
import { RESERVED_KEYWORDS } from '../../sql/keywords.ts';
import { keywordOf } from '../../sql/lexer.ts';
import { type HighlightToken, tokenize } from '../../sql/script.ts';
import type { Style } from '../style.ts';

export type Span = { readonly start: number; readonly end: number; readonly colour: Colour };
type Colour = 'keyword' | 'function' | 'string' | 'number' | 'quoted' | 'comment' | 'error';

/** Spans of the text that have a colour, in order. */
export function spans(sql: string): Span[] {
  const found: Span[] = [];
  let afterPoint = false;
  for (const token of tokenize(sql)) {
    const colour = afterPoint ? undefined : colourOf(token, sql);
    if (colour) found.push({ start: token.start, end: token.end, colour });
    afterPoint = sql[token.start] === '.' && token.end === token.start + 1;
  }
  return found;
}

export function highlight(sql: string, paint: Style): string {
  if (!paint.colours) return sql;
  let text = '';
  let at = 0;
  for (const { start, end, colour } of spans(sql)) {
    text += sql.slice(at, start) + painter(colour, paint)(sql.slice(start, end));
    at = end;
  }
  return text + sql.slice(at);
}

export function painter(colour: Colour, paint: Style): (text: string) => string {
  switch (colour) {
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
    case 'error':
      return paint.red;
  }
}

const RESERVED: ReadonlySet<string | undefined> = new Set(RESERVED_KEYWORDS);

function colourOf(token: HighlightToken, sql: string): Colour | undefined {
  switch (token.class) {
    case 'string':
    case 'number':
    case 'comment':
    case 'error':
      return token.class;
    case 'quoted identifier':
      return 'quoted';
    case 'operator':
      return undefined;
    case 'identifier':
      return sql[token.end] === '(' ? 'function' : undefined;
    case 'keyword':
      // A word that may be a name is a function where a parenthesis follows, and a name where a point does.
      if (RESERVED.has(keywordOf(sql.slice(token.start, token.end)))) return 'keyword';
      return sql[token.end] === '(' ? 'function' : sql[token.end] === '.' ? undefined : 'keyword';
  }
}
