/** Queries: WITH, set operations, SELECT and its clauses, ORDER BY and limits. */
import type {
  AllColumns,
  Expression,
  GroupBy,
  GroupingElement,
  Identifier,
  IntegerLiteral,
  Limit,
  Parameter,
  FetchFirst,
  Offset,
  Query,
  QueryBody,
  QuerySpecification,
  Relation,
  SelectItem,
  SessionProperty,
  SetOperation,
  SingleColumn,
  WindowDefinition,
  With,
  WithQuery,
} from '../ast.ts';
import type { Token, TokenType } from '../lexer.ts';
import { RelationParser } from './relation-parser.ts';

/** INTERSECT binds tighter than UNION and EXCEPT. */
const SET_OPERATORS: Partial<Record<TokenType, number>> = { UNION: 1, EXCEPT: 1, INTERSECT: 2 };

export abstract class QueryParser extends RelationParser {
  /** A query with the session properties that may stand before the outermost one. */
  protected rootQuery(): Query {
    const first = this.token;
    if (!this.at('WITH') || (this.ahead(1) !== 'SESSION' && this.ahead(1) !== 'FUNCTION')) return this.query();
    const session = this.#beginsSession() ? this.#session() : [];
    if (this.token.type === 'WITH' && this.ahead(1) === 'FUNCTION' && this.tokenAhead(2).name && this.#isRoutine()) {
      throw this.notSupported('WITH FUNCTION', this.token);
    }
    const query = this.query();
    return session.length > 0 ? { ...query, ...this.span(first), session } : query;
  }

  protected abstract notSupported(what: string, at: Token): Error;

  /** `WITH session AS (…)` names a query; `WITH SESSION name = …` sets a property. */
  #beginsSession(): boolean {
    return this.ahead(1) === 'SESSION' && this.tokenAhead(2).name && (this.ahead(3) === '=' || this.ahead(3) === '.');
  }

  #isRoutine(): boolean {
    return this.ahead(3) === '(' || this.ahead(3) === '.';
  }

  #session(): SessionProperty[] {
    this.advance();
    this.advance();
    return this.list(() => {
      const first = this.token;
      const name = this.qualifiedName();
      this.expect('=');
      const value = this.expression();
      return { kind: 'SessionProperty', ...this.span(first), name, value };
    });
  }

  protected query(): Query {
    this.enter();
    const first = this.token;
    const withClause = this.#with();
    const query = this.#queryNoWith(first, withClause);
    this.leave();
    return query;
  }

  #with(): With | undefined {
    const first = this.token;
    if (!this.accept('WITH')) return undefined;
    const recursive = this.accept('RECURSIVE');
    const queries = this.list(() => this.#withQuery());
    return { kind: 'With', ...this.span(first), recursive, queries };
  }

  #withQuery(): WithQuery {
    const first = this.token;
    const name = this.identifier();
    const columnNames = this.at('(') ? this.parenthesizedList(() => this.identifier()) : undefined;
    this.expect('AS');
    this.expect('(');
    const query = this.query();
    this.expect(')');
    return { kind: 'WithQuery', ...this.span(first), name, ...(columnNames && { columnNames }), query };
  }

  #queryNoWith(first: Token, withClause: With | undefined): Query {
    const body = this.#queryTerm(1);
    const orderBy = this.orderBy();
    const offset = this.#offset();
    const limit = this.#limit();
    return {
      kind: 'Query',
      ...this.span(first),
      ...(withClause && { with: withClause }),
      body,
      ...(orderBy && { orderBy }),
      ...(offset && { offset }),
      ...(limit && { limit }),
    };
  }

  // ----------------------------------------------------------------------------------------------- set operations

  /** Operands joined by operators of precedence `least` or more. Operators of one precedence apply from the left. */
  #queryTerm(least: number): QueryBody {
    const first = this.token;
    let left = this.#queryPrimary();
    /** The inputs of `left`, while it is a union or intersection made here that the next input may join. */
    let open: QueryBody[] | undefined;
    for (;;) {
      for (const operator of ['UNION', 'INTERSECT', 'EXCEPT'] as const) this.at(operator);
      const operator = this.token.type as SetOperation['kind'] | TokenType;
      const precedence = SET_OPERATORS[this.token.type] ?? 0;
      if (precedence === 0 || precedence < least) return left;
      this.advance();
      const distinct = this.acceptOneOf(['ALL', 'DISTINCT']) !== 'ALL';
      const corresponding = this.#corresponding();
      const right = this.#queryTerm(precedence + 1);
      const span = this.span(first);
      const extra = { distinct, ...(corresponding && { corresponding }) };
      if (operator === 'EXCEPT') {
        left = { kind: 'Except', ...span, ...extra, left, right };
        open = undefined;
        continue;
      }
      const kind = operator === 'UNION' ? 'Union' : 'Intersect';
      if (open && left.kind === kind && left.distinct === distinct && !corresponding && !left.corresponding) {
        open.push(right);
        left = { ...left, ...span };
      } else {
        open = [left, right];
        left = { kind, ...span, ...extra, relations: open };
      }
    }
  }

  #corresponding(): { columns: Identifier[] } | undefined {
    if (!this.accept('CORRESPONDING')) return undefined;
    return { columns: this.accept('BY') ? this.parenthesizedList(() => this.identifier()) : [] };
  }

  #queryPrimary(): QueryBody {
    const first = this.token;
    const type: string = first.type;
    switch (type) {
      case 'SELECT':
        return this.#querySpecification();
      case 'VALUES': {
        this.advance();
        const rows = this.list(() => this.expression());
        return { kind: 'Values', ...this.span(first), rows };
      }
      case 'TABLE': {
        this.advance();
        const name = this.qualifiedName();
        return { kind: 'Table', ...this.span(first), name };
      }
      case '(': {
        this.enter();
        this.advance();
        const query = this.#parenthesizedQuery();
        this.expect(')');
        this.leave();
        return { kind: 'TableSubquery', ...this.span(first), query };
      }
      default:
        this.note('<query>');
        return this.fail();
    }
  }

  /** Trino's grammar has no WITH here; the standard does, and it means what it says. */
  #parenthesizedQuery(): Query {
    return this.query();
  }

  // ----------------------------------------------------------------------------------------------- SELECT

  #querySpecification(): QuerySpecification {
    const first = this.expect('SELECT');
    const distinct = this.setQuantifier();
    const items = this.list(() => this.#selectItem());
    const select = { kind: 'Select', ...this.span(first), distinct, items } as const;
    const from: Relation | undefined = this.accept('FROM') ? this.fromClause() : undefined;
    const where = this.accept('WHERE') ? this.expression() : undefined;
    const groupBy = this.groupBy();
    const having = this.accept('HAVING') ? this.expression() : undefined;
    const windows = this.accept('WINDOW') ? this.list(() => this.#windowDefinition()) : [];
    return {
      kind: 'QuerySpecification',
      ...this.span(first),
      select,
      ...(from && { from }),
      ...(where && { where }),
      ...(groupBy && { groupBy }),
      ...(having && { having }),
      windows,
    };
  }

  #selectItem(): SelectItem {
    const first = this.token;
    if (this.accept('*')) return { kind: 'AllColumns', ...this.span(first), aliases: [] };
    const expression = this.expression();
    if (this.token.type === '.' && this.lastOperand === expression) return this.#allColumns(first, expression);
    const alias = this.alias();
    const item: SingleColumn = { kind: 'SingleColumn', ...this.span(first), expression, ...(alias && { alias }) };
    return item;
  }

  #allColumns(first: Token, target: Expression): AllColumns {
    this.expect('.');
    this.expect('*');
    const aliases = this.accept('AS') ? this.parenthesizedList(() => this.identifier()) : [];
    return { kind: 'AllColumns', ...this.span(first), target, aliases };
  }

  #windowDefinition(): WindowDefinition {
    const first = this.token;
    const name = this.identifier();
    this.expect('AS');
    const window = this.windowSpecification();
    return { kind: 'WindowDefinition', ...this.span(first), name, window };
  }

  // ----------------------------------------------------------------------------------------------- GROUP BY

  protected groupBy(): GroupBy | undefined {
    const first = this.token;
    if (!this.accept('GROUP')) return undefined;
    this.expect('BY');
    const distinct = this.setQuantifier();
    const elements = this.list(() => this.#groupingElement());
    return { kind: 'GroupBy', ...this.span(first), distinct, elements };
  }

  #groupingElement(): GroupingElement {
    const first = this.token;
    if (this.accept('AUTO')) return { kind: 'AutoGroupBy', ...this.span(first) };
    if (this.accept('ROLLUP')) return { kind: 'Rollup', sets: this.#groupingSets(), ...this.span(first) };
    if (this.accept('CUBE')) return { kind: 'Cube', sets: this.#groupingSets(), ...this.span(first) };
    if (this.acceptAll('GROUPING', 'SETS')) {
      if (this.ahead(1) === ')') throw this.error('GROUPING SETS takes one grouping set or more');
      return { kind: 'GroupingSets', sets: this.#groupingSets(), ...this.span(first) };
    }
    const columns = this.#groupingSet();
    return { kind: 'SimpleGroupBy', ...this.span(first), columns };
  }

  #groupingSets(): (readonly Expression[])[] {
    this.expect('(');
    const sets = this.token.type === ')' ? [] : this.list(() => this.#groupingSet());
    this.expect(')');
    return sets;
  }

  /** `(a, b)`, `()` or an expression, which may itself begin with a parenthesis: `(a + b) * 2`, `(SELECT …)`. */
  #groupingSet(): readonly Expression[] {
    if (this.token.type !== '(' || this.isQuery(this.position)) return [this.expression()];
    const after = this.tokens[this.partner(this.position) + 1]?.type ?? 'eof';
    if (!AFTER_GROUPING_SET.has(after)) return [this.expression()];
    this.expect('(');
    const columns = this.at(')') ? [] : this.list(() => this.expression());
    this.expect(')');
    return columns;
  }

  // ----------------------------------------------------------------------------------------------- limits

  #offset(): Offset | undefined {
    const first = this.token;
    if (!this.accept('OFFSET')) return undefined;
    const count = this.#rowCount();
    this.acceptOneOf(['ROW', 'ROWS']);
    return { kind: 'Offset', ...this.span(first), count };
  }

  #limit(): Limit | FetchFirst | undefined {
    const first = this.token;
    if (this.accept('LIMIT')) {
      const count = this.accept('ALL') ? 'ALL' : this.#rowCount();
      return { kind: 'Limit', ...this.span(first), count };
    }
    if (!this.accept('FETCH')) return undefined;
    this.expectOneOf(['FIRST', 'NEXT']);
    const counted = this.token.type === 'integer' || this.token.type === '?';
    const count = counted ? this.#rowCount() : undefined;
    if (!counted) this.note('<integer>');
    this.expectOneOf(['ROW', 'ROWS']);
    const withTies = !this.accept('ONLY') && this.expect('WITH').type === 'WITH';
    if (withTies) this.expect('TIES');
    return { kind: 'FetchFirst', ...this.span(first), ...(count && { count }), withTies };
  }

  #rowCount(): IntegerLiteral | Parameter {
    const first = this.token;
    if (this.accept('?')) return { kind: 'Parameter', ...this.span(first), position: this.parameters++ };
    const text = this.integer();
    return { kind: 'IntegerLiteral', ...this.span(first), text };
  }
}

/** What follows a grouping set in parentheses; anything else goes on with an expression. */
const AFTER_GROUPING_SET: ReadonlySet<TokenType> = new Set([
  ...([',', ')', ';', 'eof', 'HAVING', 'WINDOW', 'UNION', 'INTERSECT', 'EXCEPT', 'ORDER', 'OFFSET'] as const),
  ...(['LIMIT', 'FETCH', 'WITH', 'MATCH'] as const),
]);
