/** Expressions that begin with a keyword of their own: CASE, CAST, TRIM, EXTRACT, LISTAGG and their like. */
import type {
  CurrentDateTime,
  Expression,
  ExtractField,
  FunctionCall,
  GroupingOperation,
  ListaggOverflow,
  SearchedCase,
  SimpleCase,
  StringLiteral,
  Trim,
  WhenClause,
} from '../ast.ts';
import type { Token } from '../lexer.ts';
import { JsonParser } from './json-parser.ts';

const EXTRACT_FIELDS: readonly ExtractField[] = [
  ...(['YEAR', 'QUARTER', 'MONTH', 'WEEK', 'DAY', 'DAY_OF_MONTH', 'DAY_OF_WEEK', 'DOW', 'DAY_OF_YEAR', 'DOY'] as const),
  ...(['YEAR_OF_WEEK', 'YOW', 'HOUR', 'MINUTE', 'SECOND', 'TIMEZONE_MINUTE', 'TIMEZONE_HOUR'] as const),
];

export abstract class SpecialFormParser extends JsonParser {
  /** An expression without AND, OR, NOT and predicates. */
  protected abstract valueExpression(): Expression;
  /** A predicate whose left side is `value`, if one follows. */
  protected abstract predicate(value: Expression, first: Token): Expression | undefined;

  /** The call that a special form stands for. */
  protected callOf(first: Token, name: string, args: readonly Expression[]): FunctionCall {
    const span = this.span(first);
    const identifier = { kind: 'Identifier', ...span, end: first.end, value: name, quoted: false } as const;
    return { kind: 'FunctionCall', ...span, name: [identifier], arguments: args, star: false, distinct: false };
  }

  protected caseExpression(): SimpleCase | SearchedCase {
    const first = this.expect('CASE');
    const operand = this.at('WHEN') ? undefined : this.expression();
    const whenClauses = [this.#whenClause(operand !== undefined)];
    while (this.at('WHEN')) whenClauses.push(this.#whenClause(operand !== undefined));
    const defaultValue = this.accept('ELSE') ? this.expression() : undefined;
    this.expect('END');
    const rest = { whenClauses, ...(defaultValue && { defaultValue }) };
    if (operand) return { kind: 'SimpleCase', ...this.span(first), operand, ...rest };
    return { kind: 'SearchedCase', ...this.span(first), ...rest };
  }

  #whenClause(simple: boolean): WhenClause {
    const first = this.expect('WHEN');
    const operand = (simple && this.#caseOperandPredicate()) || this.expression();
    this.expect('THEN');
    const result = this.expression();
    return { kind: 'WhenClause', ...this.span(first), operand, result };
  }

  /** `WHEN > 5`, `WHEN IN (1, 2)`: a predicate that lacks its left side. */
  #caseOperandPredicate(): Expression | undefined {
    const { location, start } = this.token;
    return this.predicate({ kind: 'CaseOperand', location, start, end: start }, this.token);
  }

  protected cast(safe: boolean): Expression {
    const first = this.advance();
    this.expect('(');
    const value = this.expression();
    this.expect('AS');
    const type = this.dataType();
    this.expect(')');
    return { kind: 'Cast', ...this.span(first), value, type, safe };
  }

  protected extract(): Expression {
    const first = this.expect('EXTRACT');
    this.expect('(');
    const at = this.token.location;
    const name = this.identifier().value.toUpperCase();
    const field = EXTRACT_FIELDS.find((known) => known === name);
    if (!field) throw this.error(`Invalid EXTRACT field ${name}, valid fields are: ${EXTRACT_FIELDS.join(', ')}`, at);
    this.expect('FROM');
    const value = this.valueExpression();
    this.expect(')');
    return { kind: 'Extract', ...this.span(first), field, value };
  }

  protected trim(): Trim {
    const first = this.expect('TRIM');
    this.expect('(');
    const specified = this.#atTrimSpecification() ? this.acceptOneOf(['LEADING', 'TRAILING', 'BOTH']) : undefined;
    let character = specified && this.token.type === 'FROM' ? undefined : this.valueExpression();
    let source = character;
    if (this.accept('FROM')) source = this.valueExpression();
    else if (specified) this.fail();
    else if (this.accept(',')) character = this.valueExpression();
    else character = undefined;
    this.expect(')');
    const specification = specified ?? 'BOTH';
    return { kind: 'Trim', ...this.span(first), specification, source: source!, ...(character && { character }) };
  }

  /** LEADING, TRAILING and BOTH may be columns too: `trim(both)`, `trim(leading || x)`. */
  #atTrimSpecification(): boolean {
    const next = this.tokenAhead(1);
    return (
      next.name || ['FROM', 'string', 'unicode-string', '(', '?', 'CASE', 'CAST', 'NULL', 'TRIM'].includes(next.type)
    );
  }

  /** `position(a IN b)` is `strpos(b, a)`. */
  protected positionOf(): Expression {
    const first = this.advance();
    this.expect('(');
    const sought = this.valueExpression();
    this.expect('IN');
    const text = this.valueExpression();
    this.expect(')');
    return this.callOf(first, 'strpos', [text, sought]);
  }

  protected substring(): Expression {
    const first = this.advance();
    this.expect('(');
    const args = [this.valueExpression()];
    this.expect('FROM');
    args.push(this.valueExpression());
    if (this.accept('FOR')) args.push(this.valueExpression());
    this.expect(')');
    return this.callOf(first, 'substr', args);
  }

  protected overlay(): Expression {
    const first = this.advance();
    this.expect('(');
    const args = [this.valueExpression()];
    this.expect('PLACING');
    args.push(this.valueExpression());
    this.expect('FROM');
    args.push(this.valueExpression());
    if (this.accept('FOR')) args.push(this.valueExpression());
    this.expect(')');
    return this.callOf(first, 'overlay', args);
  }

  protected normalize(): Expression {
    const first = this.expect('NORMALIZE');
    this.expect('(');
    const value = this.valueExpression();
    const form = this.token;
    const name = this.accept(',') ? this.expectOneOf(['NFD', 'NFC', 'NFKD', 'NFKC']) : 'NFC';
    const argument: StringLiteral = { kind: 'StringLiteral', ...this.span(form), value: name };
    this.expect(')');
    return this.callOf(first, 'normalize', [value, argument]);
  }

  protected grouping(): GroupingOperation {
    const first = this.expect('GROUPING');
    this.expect('(');
    const columns = this.token.type === ')' ? [] : this.list(() => this.qualifiedName());
    this.expect(')');
    return { kind: 'GroupingOperation', ...this.span(first), columns };
  }

  protected currentDateTime(name: CurrentDateTime['function']): CurrentDateTime {
    const first = this.advance();
    let precision: string | undefined;
    if (name !== 'CURRENT_DATE' && this.accept('(')) {
      precision = this.integer();
      this.expect(')');
    }
    return {
      kind: 'CurrentDateTime',
      ...this.span(first),
      function: name,
      ...(precision !== undefined && { precision }),
    };
  }

  protected listagg(): FunctionCall {
    const first = this.token;
    const identifier = this.toIdentifier(this.advance());
    this.expect('(');
    const distinct = this.setQuantifier();
    const args = [this.expression()];
    const separator = this.accept(',') ? this.string() : undefined;
    if (separator) args.push(separator);
    const overflow = this.accept('ON') ? this.#listaggOverflow() : undefined;
    this.expect(')');
    this.expect('WITHIN');
    this.expect('GROUP');
    this.expect('(');
    const orderBy = this.orderBy() ?? this.fail();
    this.expect(')');
    const filter = this.filter();
    const window = this.accept('OVER') ? this.window() : undefined;
    return {
      kind: 'FunctionCall',
      ...this.span(first),
      name: [identifier],
      arguments: args,
      star: false,
      distinct,
      orderBy,
      ...(overflow && { overflow }),
      ...(filter && { filter }),
      ...(window && { window }),
    };
  }

  #listaggOverflow(): ListaggOverflow {
    this.expect('OVERFLOW');
    if (this.expectOneOf(['ERROR', 'TRUNCATE']) === 'ERROR') return { kind: 'ERROR' };
    const filler = this.atString() ? this.string() : undefined;
    const withCount = this.expectOneOf(['WITH', 'WITHOUT']) === 'WITH';
    this.expect('COUNT');
    return { kind: 'TRUNCATE', ...(filler && { filler }), withCount };
  }

  /** `FILTER (WHERE condition)` */
  protected filter(): Expression | undefined {
    if (!this.at('FILTER') || this.ahead(1) !== '(' || this.ahead(2) !== 'WHERE') return undefined;
    this.advance();
    this.expect('(');
    this.expect('WHERE');
    const condition = this.expression();
    this.expect(')');
    return condition;
  }

  /** DISTINCT or ALL; true for DISTINCT. ALL may be a name too, and is one when nothing that it could quantify follows. */
  protected setQuantifier(): boolean {
    if (this.accept('DISTINCT')) return true;
    const next = this.tokenAhead(1);
    const quantifies = next.name || !NOT_AFTER_ALL.has(next.type);
    if (this.token.type === 'ALL' ? quantifies : this.at('ALL')) this.advance();
    return false;
  }
}

/** What follows ALL where it is a column: an operator, a bracket's end, a clause. */
const NOT_AFTER_ALL: ReadonlySet<string> = new Set(
  (
    ') , . [ ] = <> < <= > >= / % || -> => :: ; eof AND OR AS IS IN LIKE BETWEEN ORDER FROM WHERE GROUP HAVING ' +
    'UNION INTERSECT EXCEPT'
  ).split(' '),
);
