/** What may follow a relation: an alias, MATCH_RECOGNIZE, PIVOT. Most of these words may be aliases themselves. */
import type { Expression, GroupBy, Identifier, PatternRecognition, Pivot, Relation, SingleColumn } from '../ast.ts';
import type { Token } from '../lexer.ts';
import { ExpressionParser } from './expression-parser.ts';

export abstract class RelationOperatorParser extends ExpressionParser {
  protected abstract groupBy(): GroupBy | undefined;

  /** Whether the relation being read belongs to NEAREST, where MATCH is no alias. */
  protected inNearest = false;

  protected aliased(first: Token, relation: Relation): Relation {
    const alias = this.alias();
    if (!alias) return relation;
    const columnNames = this.at('(') ? this.parenthesizedList(() => this.identifier()) : undefined;
    return { kind: 'AliasedRelation', ...this.span(first), relation, alias, ...(columnNames && { columnNames }) };
  }

  /** `[AS] name`. Without AS, a word that begins the next clause is no alias. */
  protected alias(): Identifier | undefined {
    if (this.accept('AS')) return this.identifier();
    if (this.token.name && !this.#beginsClause()) return this.identifier();
    this.note('<identifier>');
    return undefined;
  }

  /** Whether the nonreserved word here begins a clause, as shown by what follows it. */
  #beginsClause(): boolean {
    const next = this.tokenAhead(1);
    const type: string = this.token.type;
    switch (type) {
      case 'LIMIT':
        return next.type === 'integer' || next.type === '?' || next.type === 'ALL';
      case 'OFFSET':
        return next.type === 'integer' || next.type === '?';
      case 'FETCH':
        return next.type === 'FIRST' || next.type === 'NEXT';
      case 'WINDOW':
        return next.name && this.ahead(2) === 'AS' && this.ahead(3) === '(';
      case 'TABLESAMPLE':
        return this.atTableSample();
      case 'MATCH_RECOGNIZE':
        return this.atMatchRecognize();
      case 'PIVOT':
        return this.atPivot();
      case 'PARTITION':
        return next.type === 'BY';
      case 'PRUNE':
      case 'KEEP':
        return next.type === 'WHEN' && this.ahead(2) === 'EMPTY';
      case 'COPARTITION':
        return next.type === '(';
      case 'MATCH':
        return this.inNearest && !['MATCH', 'WHERE', 'JOIN', 'LEFT', 'CROSS', ',', ')'].includes(next.type);
      default:
        return false;
    }
  }

  protected atTableSample(): boolean {
    return this.at('TABLESAMPLE') && (this.ahead(1) === 'BERNOULLI' || this.ahead(1) === 'SYSTEM');
  }

  protected atMatchRecognize(): boolean {
    return this.at('MATCH_RECOGNIZE') && this.#opensClause();
  }

  protected atPivot(): boolean {
    return this.at('PIVOT') && this.#opensClause();
  }

  /** `MATCH_RECOGNIZE (a, b)` is an alias with column names, `MATCH_RECOGNIZE (ORDER BY …` is not. */
  #opensClause(): boolean {
    if (this.ahead(1) !== '(') return false;
    return !this.tokenAhead(2).name || (this.ahead(3) !== ',' && this.ahead(3) !== ')');
  }

  protected pivot(first: Token, input: Relation): Pivot {
    this.expect('PIVOT');
    this.expect('(');
    const aggregations = this.list(() => this.#pivotItem());
    this.expect('FOR');
    const keys = this.at('(') ? this.parenthesizedList(() => this.#columnReference()) : [this.#columnReference()];
    this.expect('IN');
    const values = this.parenthesizedList(() => this.#pivotItem());
    const groupBy = this.groupBy();
    this.expect(')');
    return { kind: 'Pivot', ...this.span(first), input, aggregations, keys, values, ...(groupBy && { groupBy }) };
  }

  #pivotItem(): SingleColumn {
    const first = this.token;
    const expression = this.expression();
    const alias = this.alias();
    return { kind: 'SingleColumn', ...this.span(first), expression, ...(alias && { alias }) };
  }

  #columnReference(): Expression {
    const first = this.token;
    const [base, ...fields] = this.qualifiedName();
    return fields.reduce<Expression>(
      (value, field) => ({ kind: 'Dereference', ...this.span(first), base: value, field }),
      base!,
    );
  }

  protected matchRecognize(first: Token, input: Relation): PatternRecognition {
    this.expect('MATCH_RECOGNIZE');
    this.expect('(');
    const partitionBy = this.partitionBy();
    const orderBy = this.orderBy();
    const measures = this.measures();
    const rowsPerMatch = this.#rowsPerMatch();
    const afterMatch = this.afterMatch();
    const searchMode = this.acceptOneOf(['INITIAL', 'SEEK']);
    const pattern = this.pattern();
    const subsets = this.subsets();
    const variables = this.define();
    this.expect(')');
    return {
      kind: 'PatternRecognition',
      ...this.span(first),
      input,
      partitionBy,
      ...(orderBy && { orderBy }),
      measures,
      ...(rowsPerMatch && { rowsPerMatch }),
      ...(afterMatch && { afterMatch }),
      ...(searchMode && { searchMode }),
      pattern,
      subsets,
      variables,
    };
  }

  #rowsPerMatch(): PatternRecognition['rowsPerMatch'] {
    const quantity = this.acceptOneOf(['ONE', 'ALL']);
    if (!quantity) return undefined;
    this.expect(quantity === 'ONE' ? 'ROW' : 'ROWS');
    this.expect('PER');
    this.expect('MATCH');
    if (quantity === 'ONE') return 'ONE';
    const treatment = this.acceptOneOf(['SHOW', 'OMIT', 'WITH']);
    if (treatment === 'WITH') {
      this.expect('UNMATCHED');
      this.expect('ROWS');
      return 'ALL WITH UNMATCHED';
    }
    if (treatment) {
      this.expect('EMPTY');
      this.expect('MATCHES');
    }
    return treatment === 'OMIT' ? 'ALL OMIT EMPTY' : 'ALL SHOW EMPTY';
  }
}
