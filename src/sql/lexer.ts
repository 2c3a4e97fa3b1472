/** Cuts SQL text into tokens with their positions, following Trino's lexical rules. */
import { QueryError, type SourceLocation } from '../common/errors.ts';
import { NONRESERVED_KEYWORDS, RESERVED_KEYWORDS, type Keyword } from './keywords.ts';

const SYMBOLS = [
  '(',
  ')',
  '[',
  ']',
  ',',
  '.',
  ';',
  ':',
  '::',
  '?',
  '=',
  '<>',
  '<',
  '<=',
  '>',
  '>=',
  '+',
  '-',
  '*',
  '/',
  '%',
  '||',
  '|',
  '->',
  '=>',
  '^',
  '$',
  '{',
  '}',
  '{-',
  '-}',
  '@',
] as const;
type Symbol = (typeof SYMBOLS)[number];

/** Keywords are in upper case and symbols are themselves, so the lower-case names of the other classes are free. */
export type TokenType =
  | Keyword
  | Symbol
  | 'identifier'
  | 'quoted'
  | 'backquoted'
  | 'digit-identifier'
  | 'string'
  | 'unicode-string'
  | 'binary'
  | 'dollar-string'
  | 'integer'
  | 'decimal'
  | 'double'
  | 'unrecognized'
  | 'eof';

export type Token = {
  readonly type: TokenType;
  readonly start: number;
  readonly end: number;
  readonly location: SourceLocation;
  /** Whether it may stand as an identifier: names, quoted names, nonreserved keywords. */
  readonly name: boolean;
};

/** All tokens of `sql` without its comments, closed by one of type `eof`. Throws where a string or comment never ends. */
export function scan(sql: string): Token[] {
  const scanner = new Scanner(sql);
  const tokens: Token[] = [];
  for (;;) {
    const type = scanner.next();
    if (!scanner.closed) throw new QueryError('SYNTAX_ERROR', unclosed(type), scanner.location());
    if (type === 'comment') continue;
    const name = type === 'identifier' || type === 'quoted' || type === 'backquoted' || type === 'digit-identifier';
    const location = scanner.location();
    tokens.push({ type, start: scanner.start, end: scanner.end, location, name: name || NAMES.has(type) });
    if (type === 'eof') return tokens;
  }
}

function unclosed(type: TokenType | 'comment'): string {
  if (type === 'comment') return 'this comment is never closed. Expecting: */';
  if (type === 'quoted') return 'this quoted identifier is never closed. Expecting: "';
  if (type === 'backquoted') return 'a backquote begins nothing here: identifiers are quoted with double quotes';
  if (type === 'dollar-string') return 'this text is never closed. Expecting: $$';
  return "this string is never closed. Expecting: ' (inside a string, write a quote twice)";
}

const NAMES: ReadonlySet<TokenType> = new Set(NONRESERVED_KEYWORDS);

/** Keywords in upper and lower case, the usual ways to write them; mixed case is converted first. */
const KEYWORDS: ReadonlyMap<string, Keyword> = new Map(
  [...RESERVED_KEYWORDS, ...NONRESERVED_KEYWORDS].flatMap((word) => [
    [word, word],
    [word.toLowerCase(), word],
  ]),
);
const KEYWORD_LENGTH_MAX = Math.max(...[...KEYWORDS.keys()].map((word) => word.length));

/** The keyword that `text` is, in any case. */
export function keywordOf(text: string): Keyword | undefined {
  if (text.length > KEYWORD_LENGTH_MAX) return undefined;
  return KEYWORDS.get(text) ?? KEYWORDS.get(text.toUpperCase());
}

/** Symbols by their first character's code, longest first. */
const SYMBOLS_BY_CODE: readonly (readonly string[] | undefined)[] = Array.from({ length: 128 }, (_, code) => {
  const found = [...SYMBOLS, '!='].filter((symbol) => symbol.charCodeAt(0) === code);
  return found.length > 0 ? found.sort((a, b) => b.length - a.length) : undefined;
});

const DIGIT = 1;
const LETTER = 2;
/** Classes of the ASCII characters that names and numbers consist of. The underscore counts as a letter. */
const CLASSES = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  return /[0-9]/.test(character) ? DIGIT : /[A-Za-z_]/.test(character) ? LETTER : 0;
});
const classOf = (code: number): number => (code < 128 ? CLASSES[code]! : 0);

const NEWLINE = 10;
const QUOTE = 39;
const QUOTES: Partial<Record<number, TokenType>> = { 39: 'string', 34: 'quoted', 96: 'backquoted' };
const NUMBER = {
  integer: /0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|[0-9](?:_?[0-9])*/y,
  decimal: /[0-9](?:_?[0-9])*\.(?:[0-9](?:_?[0-9])*)?|\.[0-9](?:_?[0-9])*/y,
  double: /(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[eE][+-]?[0-9]+/y,
  'digit-identifier': /[0-9][0-9A-Za-z_]+/y,
} as const;

/** Steps through `sql`, a token or comment at a time. `closed` is false for one that the end of the text cut off. */
export class Scanner {
  readonly #sql: string;
  #line = 1;
  #lineStart = 0;
  start = 0;
  end = 0;
  closed = true;

  constructor(sql: string) {
    this.#sql = sql;
  }

  /** Where the current token starts. Right only until `next` is called. */
  location(): SourceLocation {
    return { line: this.#line, column: this.start - this.#lineStart + 1 };
  }

  next(): TokenType | 'comment' {
    const sql = this.#sql;
    let at = this.end;
    // Newlines inside the token just left behind (strings, comments, quoted names) count when it is left.
    for (let newline = this.#lastNewlines(); newline >= 0; newline = this.#lastNewlines()) {
      this.#line++;
      this.#lineStart = newline + 1;
    }
    for (; at < sql.length; at++) {
      const code = sql.charCodeAt(at);
      if (code === NEWLINE) {
        this.#line++;
        this.#lineStart = at + 1;
      } else if (code !== 32 && code !== 9 && code !== 13) break;
    }
    this.start = at;
    this.closed = true;
    if (at >= sql.length) {
      this.end = at;
      return 'eof';
    }
    return this.#token(sql.charCodeAt(at));
  }

  /** The offset of the next newline of the token just left behind that is not counted yet. */
  #lastNewlines(): number {
    if (!this.#spans) return -1;
    const newline = this.#sql.indexOf('\n', Math.max(this.start, this.#lineStart));
    if (newline >= 0 && newline < this.end) return newline;
    this.#spans = false;
    return -1;
  }
  #spans = false;

  #token(code: number): TokenType | 'comment' {
    const sql = this.#sql;
    const start = this.start;
    const second = sql.charCodeAt(start + 1);
    if (classOf(code) === LETTER) {
      if (second === QUOTE && (code === 88 || code === 120)) return this.#binary();
      if (second === 38 && sql.charCodeAt(start + 2) === QUOTE && (code === 85 || code === 117)) {
        return this.#quoted(start + 2, QUOTE, 'unicode-string');
      }
      let end = start + 1;
      while (classOf(sql.charCodeAt(end)) !== 0) end++;
      this.end = end;
      return keywordOf(sql.slice(start, end)) ?? 'identifier';
    }
    if (classOf(code) === DIGIT || (code === 46 && classOf(second) === DIGIT)) return this.#number();
    const quoted = QUOTES[code];
    if (quoted) return this.#quoted(start, code, quoted);
    if (code === 45 && second === 45) return this.#upTo('\n', 2, 'comment', true);
    if (code === 47 && second === 42) return this.#upTo('*/', 2, 'comment', false);
    if (code === 36 && second === 36) return this.#upTo('$$', 2, 'dollar-string', false);
    return this.#symbol(code);
  }

  #symbol(code: number): TokenType {
    for (const symbol of (code < 128 && SYMBOLS_BY_CODE[code]) || []) {
      if (!this.#sql.startsWith(symbol, this.start)) continue;
      this.end = this.start + symbol.length;
      return symbol === '!=' ? '<>' : (symbol as Symbol);
    }
    this.end = this.start + (this.#sql.codePointAt(this.start)! > 0xffff ? 2 : 1);
    return 'unrecognized';
  }

  #upTo<T extends TokenType | 'comment'>(closing: string, skip: number, type: T, endIsFine: boolean): T {
    const found = this.#sql.indexOf(closing, this.start + skip);
    this.#spans = true;
    this.end = found < 0 ? this.#sql.length : found + closing.length;
    this.closed = found >= 0 || endIsFine;
    return type;
  }

  /** `X'…'`: no quote can stand inside. What is inside is checked when the literal is read, for a better message. */
  #binary(): TokenType {
    const found = this.#sql.indexOf("'", this.start + 2);
    this.#spans = true;
    this.end = found < 0 ? this.#sql.length : found + 1;
    this.closed = found >= 0;
    return 'binary';
  }

  /** From the opening quote at `open` to its partner; a doubled quote stands for itself. */
  #quoted(open: number, quote: number, type: TokenType): TokenType {
    const sql = this.#sql;
    const character = String.fromCharCode(quote);
    this.#spans = true;
    let end = open + 1;
    for (;;) {
      const found = sql.indexOf(character, end);
      if (found < 0) {
        this.end = sql.length;
        this.closed = false;
        return type;
      }
      end = found + 1;
      if (sql.charCodeAt(end) !== quote) {
        this.end = end;
        return type;
      }
      end++;
    }
  }

  /** The longest of the number forms; of equally long ones the first. */
  #number(): TokenType {
    const sql = this.#sql;
    // The usual case first: a few digits with nothing after them that a longer form could take.
    let end = this.start;
    while (classOf(sql.charCodeAt(end)) === DIGIT) end++;
    if (end > this.start && classOf(sql.charCodeAt(end)) !== LETTER && sql.charCodeAt(end) !== 46) {
      this.end = end;
      return 'integer';
    }
    let best: TokenType = 'unrecognized';
    this.end = this.start + 1;
    for (const type of ['integer', 'decimal', 'double', 'digit-identifier'] as const) {
      const pattern = NUMBER[type];
      pattern.lastIndex = this.start;
      if (!pattern.test(sql) || (best !== 'unrecognized' && pattern.lastIndex <= this.end)) continue;
      best = type;
      this.end = pattern.lastIndex;
    }
    return best;
  }
}
