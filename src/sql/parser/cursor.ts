/** A place in the tokens of a statement, the small steps that all of the grammar is made of, and the error it ends with. */
import { QueryError, type SourceLocation } from '../../common/errors.ts';
import { quotedName } from '../../common/names.ts';
import type { Identifier, QualifiedName, StringLiteral } from '../ast.ts';
import type { Token, TokenType } from '../lexer.ts';
import { decodeUnicode } from './literals.ts';
import { mismatch } from './mismatch.ts';

type Span = { readonly location: SourceLocation; readonly start: number; readonly end: number };

/** Levels of brackets, subqueries and relations inside each other: what a call stack carries safely. */
export const NESTING_MAX = 500;

/**
 * Parses without noting what it expects, which is fast. When that fails, the parse is repeated by a cursor that is
 * `explaining`: it fails at the same token, and knows then what could have stood there.
 */
export class Cursor {
  readonly sql: string;
  protected readonly tokens: readonly Token[];
  protected token: Token;
  /** Where the token before the current one ends: the end of a node that is complete now. */
  protected lastEnd = 0;
  protected parameters = 0;
  #position = 0;
  #nesting = 0;
  readonly #explaining: boolean;
  readonly #expected = new Set<string>();
  #expectedAt = -1;
  #namedAt = -1;

  constructor(sql: string, tokens: readonly Token[], explaining: boolean) {
    this.sql = sql;
    this.tokens = tokens;
    this.token = tokens[0]!;
    this.#explaining = explaining;
  }

  protected get position(): number {
    return this.#position;
  }

  /** The type of the token `distance` after the current one. */
  protected ahead(distance: number): TokenType {
    return this.tokenAhead(distance).type;
  }

  protected tokenAhead(distance: number): Token {
    return this.tokens[Math.min(this.#position + distance, this.tokens.length - 1)]!;
  }

  protected advance(): Token {
    const token = this.token;
    this.lastEnd = token.end;
    if (token.type !== 'eof') this.token = this.tokens[++this.#position]!;
    return token;
  }

  protected at(type: TokenType): boolean {
    if (this.token.type === type) return true;
    if (this.#explaining) this.note(`'${type}'`);
    return false;
  }

  protected accept(type: TokenType): boolean {
    if (!this.at(type)) return false;
    this.advance();
    return true;
  }

  protected expect(type: TokenType): Token {
    if (!this.at(type)) this.fail();
    return this.advance();
  }

  /** Two or three words that belong together, all or none. */
  protected acceptAll(first: TokenType, second: TokenType, third?: TokenType): boolean {
    if (!this.at(first) || this.ahead(1) !== second || (third && this.ahead(2) !== third)) return false;
    this.advance();
    this.advance();
    if (third) this.advance();
    return true;
  }

  protected acceptOneOf<T extends TokenType>(types: readonly T[]): T | undefined {
    for (const type of types) if (this.accept(type)) return type;
    return undefined;
  }

  protected expectOneOf<T extends TokenType>(types: readonly T[]): T {
    return this.acceptOneOf(types) ?? this.fail();
  }

  /** Notes something that could stand at the current token. What `named` has named here is not listed piece by piece. */
  protected note(what: string): void {
    if (!this.#explaining || this.#namedAt === this.#position) return;
    if (this.#expectedAt !== this.#position) this.#expected.clear();
    this.#expectedAt = this.#position;
    this.#expected.add(what);
  }

  /** From the current token on stands a `<what>`: no need to list the words that one can begin with. */
  protected named(what: string): void {
    this.note(what);
    this.#namedAt = this.#position;
  }

  /** The current token cannot stand where it does. */
  protected fail(): never {
    const expected = this.#expectedAt === this.#position ? [...this.#expected] : [];
    throw mismatch(this.sql, this.tokens, this.#position, expected);
  }

  /** Where a node lies that began at `first` and is complete now. */
  protected span(first: Token): Span {
    return { location: first.location, start: first.start, end: this.lastEnd };
  }

  protected error(message: string, location: SourceLocation = this.token.location): QueryError {
    return new QueryError('SYNTAX_ERROR', message, location);
  }

  protected enter(): void {
    if (++this.#nesting > NESTING_MAX) {
      throw this.error(`the statement is nested too deeply: more than ${NESTING_MAX} levels. Split it with WITH`);
    }
  }

  protected leave(): void {
    this.#nesting--;
  }

  /** `item, item, …` */
  protected list<T>(item: () => T): T[] {
    const items = [item()];
    while (this.accept(',')) items.push(item());
    return items;
  }

  /** `(item, item, …)` */
  protected parenthesizedList<T>(item: () => T): T[] {
    this.expect('(');
    const items = this.list(item);
    this.expect(')');
    return items;
  }

  protected identifier(): Identifier {
    if (!this.token.name) {
      this.note('<identifier>');
      this.fail();
    }
    return this.toIdentifier(this.advance());
  }

  protected toIdentifier(token: Token): Identifier {
    const { type, start, end, location } = token;
    const text = this.sql.slice(start, end);
    if (type === 'quoted') {
      if (text.length === 2) throw this.error('a quoted identifier has at least one character', location);
      const value = text.slice(1, -1).replaceAll('""', '"');
      return { kind: 'Identifier', location, start, end, value, quoted: true };
    }
    if (type === 'backquoted') {
      const quoted = quotedName(text.slice(1, -1).replaceAll('``', '`'));
      throw this.error(`identifiers are quoted with double quotes, not with backquotes; write ${quoted}`, location);
    }
    if (type === 'digit-identifier') {
      throw this.error(`an identifier cannot begin with a digit; in double quotes it can: "${text}"`, location);
    }
    return { kind: 'Identifier', location, start, end, value: text, quoted: false };
  }

  protected qualifiedName(): QualifiedName {
    const parts = [this.identifier()];
    while (this.accept('.')) parts.push(this.identifier());
    return parts;
  }

  protected atString(): boolean {
    if (this.token.type === 'string' || this.token.type === 'unicode-string') return true;
    this.note('<string>');
    return false;
  }

  protected string(): StringLiteral {
    if (!this.atString()) this.fail();
    const { type, start, end, location } = this.advance();
    if (type === 'string') {
      const value = this.sql.slice(start + 1, end - 1).replaceAll("''", "'");
      return { kind: 'StringLiteral', location, start, end, value };
    }
    const body = this.sql.slice(start + 3, end - 1).replaceAll("''", "'");
    let escape = '\\';
    if (this.accept('UESCAPE')) {
      if (this.token.type !== 'string') {
        this.note('<string>');
        this.fail();
      }
      const token = this.advance();
      escape = this.sql.slice(token.start + 1, token.end - 1).replaceAll("''", "'");
    }
    return { kind: 'StringLiteral', location, start, end: this.lastEnd, value: decodeUnicode(body, escape, location) };
  }

  /** The text of a whole number. */
  protected integer(): string {
    if (this.token.type !== 'integer') {
      this.note('<integer>');
      this.fail();
    }
    const { start, end } = this.advance();
    return this.sql.slice(start, end);
  }
}
