/** Decisions that need a look beyond the next tokens: what stands behind an opening parenthesis. */
import type { Token, TokenType } from '../lexer.ts';
import { Cursor } from './cursor.ts';

export class Lookahead extends Cursor {
  /** The matching parenthesis of each one that opens, by token; made when the first decision needs it. */
  #partners: Int32Array | undefined;

  /**
   * Whether the parenthesis at `open` holds a query. It does when a word that begins queries follows; behind further
   * parentheses it does when the first of those holds a query that goes on (`((SELECT 1) UNION …)`) or ends there.
   */
  protected isQuery(open: number): boolean {
    let innermost = open + 1;
    while (this.tokens[innermost]?.type === '(') innermost++;
    if (!QUERY_STARTS.has(this.tokens[innermost]?.type ?? 'eof')) return false;
    // From the inside out: each parenthesis around a query holds a query itself, or something with a subquery in it.
    for (let inner = innermost - 1; inner > open; inner--) {
      const after = this.partner(inner) + 1;
      const type = this.tokens[after]?.type ?? 'eof';
      if (type !== ')' && !QUERY_CONTINUATIONS.has(type)) return false;
    }
    return true;
  }

  protected partner(open: number): number {
    this.#partners ??= matchParentheses(this.tokens);
    return this.#partners[open]!;
  }

  /** Whether `word` stands among the arguments of the call that begins here, outside of inner brackets. */
  protected argumentsHave(word: TokenType): boolean {
    if (this.ahead(1) !== '(') return false;
    const close = this.partner(this.position + 1);
    for (let at = this.position + 2; at < close; at++) {
      const { type } = this.tokens[at]!;
      if (type === word) return true;
      if (type === ',') return false;
      if (type === '(') at = this.partner(at);
    }
    return false;
  }
}

const QUERY_STARTS: ReadonlySet<TokenType> = new Set(['SELECT', 'WITH', 'VALUES', 'TABLE']);
const QUERY_CONTINUATIONS: ReadonlySet<TokenType> = new Set<TokenType>([
  'UNION',
  'INTERSECT',
  'EXCEPT',
  'ORDER',
  'OFFSET',
  'LIMIT',
  'FETCH',
]);

/** For each opening parenthesis the token that closes it, or the last token where none does. */
function matchParentheses(tokens: readonly Token[]): Int32Array {
  const partners = new Int32Array(tokens.length).fill(tokens.length - 1);
  const open: number[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const { type } = tokens[at]!;
    if (type === '(') open.push(at);
    else if (type === ')' && open.length > 0) partners[open.pop()!] = at;
  }
  return partners;
}
