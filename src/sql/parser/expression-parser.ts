/** Operators, by precedence climbing: one function reads them all, so that deep nesting costs few stack frames. */
import type { ArithmeticOperator, AtTimeZone, ComparisonOperator, Expression } from '../ast.ts';
import type { Token, TokenType } from '../lexer.ts';
import { PrimaryParser } from './primary-parser.ts';

/** How tightly operators bind. Predicates do not chain: `a = b = c` is an error. */
const OR = 1;
const AND = 2;
const NOT = 3;
const PREDICATE = 4;
const CONCAT = 5;
const ADDITIVE = 6;
const MULTIPLICATIVE = 7;
/** A sign binds tighter than arithmetic, AT TIME ZONE tighter than a sign. */

const PRECEDENCES: ReadonlyMap<TokenType, number> = new Map<TokenType, number>([
  ['OR', OR],
  ['AND', AND],
  ...(['=', '<>', '<', '<=', '>', '>=', 'NOT', 'BETWEEN', 'IN', 'LIKE', 'IS', 'MATCH', 'OVERLAPS'] as const).map(
    (type): [TokenType, number] => [type, PREDICATE],
  ),
  ['||', CONCAT],
  ['+', ADDITIVE],
  ['-', ADDITIVE],
  ['*', MULTIPLICATIVE],
  ['/', MULTIPLICATIVE],
  ['%', MULTIPLICATIVE],
]);

export abstract class ExpressionParser extends PrimaryParser {
  protected expression(): Expression {
    this.enter();
    this.named('<expression>');
    const expression = this.#climb(OR);
    this.leave();
    return expression;
  }

  protected valueExpression(): Expression {
    this.enter();
    this.named('<expression>');
    const expression = this.#climb(CONCAT);
    this.leave();
    return expression;
  }

  /** An expression of operators that bind at least as tightly as `least`. */
  #climb(least: number): Expression {
    const first = this.token;
    let left: Expression;
    /** What binds tighter than this has been read already, or cannot follow any more. */
    let most = MULTIPLICATIVE;
    if (first.type === 'NOT' && least <= NOT) {
      left = this.#negation();
      most = AND;
    } else {
      left = this.#signed();
    }
    for (;;) {
      const { type } = this.token;
      const precedence = PRECEDENCES.get(type) ?? 0;
      if (precedence < least || precedence > most) return left;
      switch (precedence) {
        case OR:
        case AND: {
          const operator = precedence === OR ? 'OR' : 'AND';
          const terms = [left, ...this.#operands(operator, precedence + 1)];
          left = { kind: 'Logical', ...this.span(first), operator, terms };
          most = precedence - 1;
          break;
        }
        case PREDICATE: {
          const predicate = this.predicate(left, first);
          if (!predicate) return left;
          left = predicate;
          most = AND;
          break;
        }
        case CONCAT: {
          const { location } = this.token;
          const operands = [left, ...this.#operands('||', ADDITIVE)];
          left = { kind: 'Concat', ...this.span(first), location, operands };
          most = PREDICATE;
          break;
        }
        default: {
          const { location } = this.advance();
          this.named('<expression>');
          const right = this.#climb(precedence + 1);
          const operator = type as ArithmeticOperator;
          left = { kind: 'ArithmeticBinary', ...this.span(first), location, operator, left, right };
          most = precedence;
        }
      }
    }
  }

  /** `operator x operator y …` */
  #operands(operator: TokenType, least: number): Expression[] {
    const operands: Expression[] = [];
    while (this.token.type === operator) {
      this.advance();
      this.named('<expression>');
      operands.push(this.#climb(least));
    }
    return operands;
  }

  #negation(): Expression {
    const negations: Token[] = [];
    while (this.token.type === 'NOT') {
      negations.push(this.advance());
      this.named('<expression>');
    }
    let value = this.#climb(PREDICATE);
    for (const first of negations.toReversed()) value = { kind: 'Not', ...this.span(first), value };
    return value;
  }

  /** An operand with the signs before it. A minus directly before a number belongs to the literal. */
  #signed(): Expression {
    const { type } = this.token;
    if (type !== '-' && type !== '+') return this.#atTimeZone(this.token, this.primary());
    const signs: Token[] = [];
    while (this.token.type === '+' || this.token.type === '-') {
      if (this.token.type === '-' && NUMBERS.has(this.ahead(1))) break;
      signs.push(this.advance());
      this.named('<expression>');
    }
    const first = this.token;
    let operand = this.#atTimeZone(first, first.type === '-' ? this.#negativeNumber() : this.primary());
    for (const sign of signs.toReversed()) {
      const operator = sign.type === '-' ? '-' : '+';
      operand = { kind: 'ArithmeticUnary', ...this.span(sign), operator, operand };
    }
    return operand;
  }

  #negativeNumber(): Expression {
    return this.number(this.advance());
  }

  #atTimeZone(first: Token, operand: Expression): Expression {
    let value = operand;
    while (this.token.type === 'AT') {
      const { location } = this.token;
      if (this.acceptAll('AT', 'TIME', 'ZONE')) {
        const zone = this.#timeZone();
        value = { kind: 'AtTimeZone', ...this.span(first), location, value, zone };
      } else if (this.acceptAll('AT', 'LOCAL')) {
        value = { kind: 'AtLocal', ...this.span(first), location, value };
      } else {
        return value;
      }
    }
    return value;
  }

  #timeZone(): AtTimeZone['zone'] {
    if (this.token.type !== 'INTERVAL') return this.string();
    const interval = this.primary();
    if (interval.kind !== 'IntervalLiteral') throw this.error('AT TIME ZONE takes an interval or a string');
    return interval;
  }

  // ----------------------------------------------------------------------------------------------- predicates

  protected predicate(value: Expression, first: Token): Expression | undefined {
    const { location } = this.token;
    const type: string = this.token.type;
    switch (type) {
      case '=':
      case '<>':
      case '<':
      case '<=':
      case '>':
      case '>=':
        return this.#comparison(value, first, type);
      case 'IS':
        return this.#is(value, first);
      case 'NOT':
        if (!['BETWEEN', 'IN', 'LIKE'].includes(this.ahead(1))) return undefined;
        this.advance();
        return this.#negatable(value, first, location, true);
      case 'MATCH':
        return this.#match(value, first);
      case 'OVERLAPS': {
        // It may be an alias too, but not before a row.
        if (this.ahead(1) !== '(' && this.ahead(1) !== 'ROW') return undefined;
        this.advance();
        const right = this.#operand();
        return { kind: 'Overlaps', ...this.span(first), location, left: value, right };
      }
      default:
        return this.#negatable(value, first, location, false);
    }
  }

  #comparison(value: Expression, first: Token, operator: ComparisonOperator): Expression {
    const { location } = this.advance();
    if (this.ahead(1) === '(' && this.isQuery(this.position + 1)) {
      const quantifier = this.acceptOneOf(['ALL', 'ANY', 'SOME']);
      if (quantifier) {
        const query = this.queryInParentheses();
        return { kind: 'QuantifiedComparison', ...this.span(first), location, operator, quantifier, value, query };
      }
    }
    const right = this.#operand();
    return { kind: 'Comparison', ...this.span(first), location, operator, left: value, right };
  }

  /** What stands on the right of a predicate. */
  #operand(): Expression {
    this.named('<expression>');
    return this.#climb(CONCAT);
  }

  #is(value: Expression, first: Token): Expression {
    const { location } = this.advance();
    const not = this.accept('NOT');
    if (this.accept('NULL')) return { kind: 'IsNull', ...this.span(first), location, not, value };
    const truth = this.acceptOneOf(['TRUE', 'FALSE', 'UNKNOWN']);
    if (truth) return { kind: 'BooleanTest', ...this.span(first), location, not, value, truth };
    this.expect('DISTINCT');
    this.expect('FROM');
    const right = this.#operand();
    return { kind: 'IsDistinctFrom', ...this.span(first), location, not, left: value, right };
  }

  #negatable(value: Expression, first: Token, location: Token['location'], not: boolean): Expression | undefined {
    const type: string = this.token.type;
    switch (type) {
      case 'BETWEEN': {
        this.advance();
        const symmetric = this.#symmetric();
        const min = this.#operand();
        this.expect('AND');
        const max = this.#operand();
        return { kind: 'Between', ...this.span(first), location, not, symmetric, value, min, max };
      }
      case 'IN': {
        this.advance();
        if (this.at('(') && this.#isSubquery()) {
          const query = this.queryInParentheses();
          return { kind: 'InSubquery', ...this.span(first), location, not, value, query };
        }
        const list = this.parenthesizedList(() => this.expression());
        return { kind: 'InList', ...this.span(first), location, not, value, list };
      }
      case 'LIKE': {
        this.advance();
        const pattern = this.#operand();
        const escape = this.accept('ESCAPE') ? this.#operand() : undefined;
        return { kind: 'Like', ...this.span(first), location, not, value, pattern, ...(escape && { escape }) };
      }
      default:
        return undefined;
    }
  }

  /** SYMMETRIC and ASYMMETRIC may be columns too: they are not where AND follows at once. */
  #symmetric(): boolean {
    if (this.ahead(1) === 'AND') return false;
    return this.acceptOneOf(['SYMMETRIC', 'ASYMMETRIC']) === 'SYMMETRIC';
  }

  /** In `IN ((SELECT …))` the inner parentheses make a list of one scalar subquery. */
  #isSubquery(): boolean {
    const open = this.position;
    if (!this.isQuery(open)) return false;
    return this.ahead(1) !== '(' || this.tokens[this.partner(open + 1) + 1]?.type !== ')';
  }

  #match(value: Expression, first: Token): Expression | undefined {
    const word = (distance: number): boolean => ['UNIQUE', 'SIMPLE', 'PARTIAL', 'FULL'].includes(this.ahead(distance));
    const words = word(1) ? (word(2) ? 2 : 1) : 0;
    if (this.ahead(words + 1) !== '(' || !this.isQuery(this.position + words + 1)) return undefined;
    const { location } = this.advance();
    const unique = this.accept('UNIQUE');
    const type = this.acceptOneOf(['SIMPLE', 'PARTIAL', 'FULL']) ?? 'SIMPLE';
    const query = this.queryInParentheses();
    return { kind: 'MatchPredicate', ...this.span(first), location, unique, type, value, query };
  }
}

const NUMBERS: ReadonlySet<TokenType> = new Set(['integer', 'decimal', 'double']);
