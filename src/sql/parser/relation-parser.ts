/** What stands after FROM: tables, subqueries, joins, samples, table functions. */
import type {
  DescriptorArgument,
  Expression,
  Join,
  JoinCriteria,
  OrderBy,
  QualifiedName,
  QueryPeriod,
  Relation,
  Table,
  TableArgument,
  TableFunctionArgument,
  TableFunctionInvocation,
} from '../ast.ts';
import type { Token } from '../lexer.ts';
import { RelationOperatorParser } from './relation-operator-parser.ts';

type JoinType = 'INNER' | 'LEFT' | 'RIGHT' | 'FULL';

export abstract class RelationParser extends RelationOperatorParser {
  /** `a, b JOIN c ON …, d` */
  protected fromClause(): Relation {
    const first = this.token;
    let relation = this.relation();
    while (this.accept(',')) {
      const right = this.relation();
      relation = { kind: 'Join', ...this.span(first), type: 'IMPLICIT', left: relation, right };
    }
    return relation;
  }

  protected relation(): Relation {
    this.enter();
    const first = this.token;
    let left = this.#sampledRelation();
    for (let join = this.#join(first, left); join; join = this.#join(first, left)) left = join;
    this.leave();
    return left;
  }

  /** The join of `left` with what follows. In `a JOIN b JOIN c ON x ON y` the inner join is the right side of the outer. */
  #join(first: Token, left: Relation): Join | undefined {
    if (this.accept('CROSS')) {
      this.expect('JOIN');
      const right = this.#sampledRelation();
      return { kind: 'Join', ...this.span(first), type: 'CROSS', left, right };
    }
    if (this.accept('NATURAL')) {
      const type = this.#joinType() ?? this.fail();
      const right = this.#sampledRelation();
      return { kind: 'Join', ...this.span(first), type, left, right, criteria: { kind: 'NaturalJoin' } };
    }
    const type = this.#joinType();
    if (!type) return undefined;
    const right = this.relation();
    const criteria = this.#joinCriteria();
    return { kind: 'Join', ...this.span(first), type, left, right, criteria };
  }

  /** `[INNER] JOIN`, `LEFT [OUTER] JOIN`, … */
  #joinType(): JoinType | undefined {
    if (this.accept('JOIN')) return 'INNER';
    const type = this.acceptOneOf(['INNER', 'LEFT', 'RIGHT', 'FULL']);
    if (!type) return undefined;
    if (type !== 'INNER') this.accept('OUTER');
    this.expect('JOIN');
    return type;
  }

  #joinCriteria(): JoinCriteria {
    if (this.expectOneOf(['ON', 'USING']) === 'ON') return { kind: 'JoinOn', expression: this.expression() };
    return { kind: 'JoinUsing', columns: this.parenthesizedList(() => this.identifier()) };
  }

  #sampledRelation(): Relation {
    const first = this.token;
    const relation = this.#patternRecognition();
    if (!this.atTableSample()) return relation;
    this.expect('TABLESAMPLE');
    const method = this.expectOneOf(['BERNOULLI', 'SYSTEM']);
    this.expect('(');
    const percentage = this.expression();
    this.expect(')');
    return { kind: 'SampledRelation', ...this.span(first), relation, method, percentage };
  }

  // ----------------------------------------------------------------------------------------------- aliases

  #patternRecognition(): Relation {
    const first = this.token;
    const input = this.aliased(first, this.#relationPrimary());
    if (this.atMatchRecognize()) return this.aliased(first, this.matchRecognize(first, input));
    if (this.atPivot()) return this.aliased(first, this.pivot(first, input));
    return input;
  }

  // ----------------------------------------------------------------------------------------------- primaries

  #relationPrimary(): Relation {
    const first = this.token;
    const next = this.ahead(1);
    const type: string = first.type;
    switch (type) {
      case '(':
        return this.#parenthesized(first);
      case 'UNNEST':
        return this.#unnest(first);
      case 'LATERAL':
        if (next !== '(') break;
        this.advance();
        return { kind: 'Lateral', query: this.queryInParentheses(), ...this.span(first) };
      case 'TABLE':
        return this.#tableFunction(first);
      case 'JSON_TABLE':
        return this.jsonTable();
      case 'NEAREST':
        if (next === '(' && this.ahead(2) === 'FROM') return this.#nearest(first);
        break;
      default:
    }
    if (!first.name) for (const what of ["'('", "'UNNEST'", "'LATERAL'", "'TABLE'", "'JSON_TABLE'"]) this.note(what);
    return this.#table();
  }

  #table(): Table {
    const first = this.token;
    const name = this.qualifiedName();
    const period = this.#queryPeriod();
    return { kind: 'Table', ...this.span(first), name, ...(period && { period }) };
  }

  #queryPeriod(): QueryPeriod | undefined {
    const first = this.token;
    if (!this.accept('FOR')) return undefined;
    const type = this.expectOneOf(['TIMESTAMP', 'VERSION']);
    this.expect('AS');
    this.expect('OF');
    const asOf = this.valueExpression();
    return { kind: 'QueryPeriod', ...this.span(first), type, asOf };
  }

  #parenthesized(first: Token): Relation {
    if (this.isQuery(this.position))
      return { kind: 'TableSubquery', query: this.queryInParentheses(), ...this.span(first) };
    this.expect('(');
    this.note('<query>');
    const relation = this.relation();
    this.expect(')');
    return relation;
  }

  #unnest(first: Token): Relation {
    this.advance();
    const expressions = this.parenthesizedList(() => this.expression());
    const withOrdinality = this.acceptAll('WITH', 'ORDINALITY');
    return { kind: 'Unnest', ...this.span(first), expressions, withOrdinality };
  }

  #nearest(first: Token): Relation {
    this.advance();
    this.expect('(');
    this.expect('FROM');
    const outer = this.inNearest;
    this.inNearest = true;
    const from = this.relation();
    this.inNearest = outer;
    const where = this.accept('WHERE') ? this.expression() : undefined;
    this.expect('MATCH');
    const match = this.expression();
    this.expect(')');
    return { kind: 'Nearest', ...this.span(first), from, ...(where && { where }), match };
  }

  // ----------------------------------------------------------------------------------------------- table functions

  #tableFunction(first: Token): TableFunctionInvocation {
    this.advance();
    this.expect('(');
    const name = this.qualifiedName();
    this.expect('(');
    const none = this.token.type === ')' || this.#atCopartition();
    const args = none ? [] : this.list(() => this.#tableFunctionArgument());
    const copartitioning = this.#atCopartition() ? this.#copartition() : [];
    this.expect(')');
    this.expect(')');
    return { kind: 'TableFunctionInvocation', ...this.span(first), name, arguments: args, copartitioning };
  }

  #atCopartition(): boolean {
    return this.at('COPARTITION') && this.ahead(1) === '(';
  }

  #copartition(): (readonly QualifiedName[])[] {
    this.advance();
    return this.list(() => {
      const tables = this.parenthesizedList(() => this.qualifiedName());
      if (tables.length < 2) throw this.error('COPARTITION takes two tables or more');
      return tables;
    });
  }

  #tableFunctionArgument(): TableFunctionArgument {
    const first = this.token;
    const name = first.name && this.ahead(1) === '=>' ? this.identifier() : undefined;
    if (name) this.expect('=>');
    const value = this.#tableArgument() ?? this.#descriptor() ?? this.expression();
    return { kind: 'TableFunctionArgument', ...this.span(first), ...(name && { name }), value };
  }

  #tableArgument(): TableArgument | undefined {
    const first = this.token;
    if (!this.at('TABLE') || this.ahead(1) !== '(') return undefined;
    this.advance();
    const table = this.aliased(first, this.#argumentTable(first));
    const partitionBy = this.accept('PARTITION') ? this.#partitionArgument() : undefined;
    const emptyTreatment = this.acceptOneOf(['PRUNE', 'KEEP']);
    if (emptyTreatment) {
      this.expect('WHEN');
      this.expect('EMPTY');
    }
    const orderBy = this.#orderArgument();
    return {
      kind: 'TableArgument',
      ...this.span(first),
      table,
      ...(partitionBy && { partitionBy }),
      ...(emptyTreatment && { emptyTreatment }),
      ...(orderBy && { orderBy }),
    };
  }

  /** `(name)` or `(query)` */
  #argumentTable(first: Token): Relation {
    if (this.isQuery(this.position))
      return { kind: 'TableSubquery', query: this.queryInParentheses(), ...this.span(first) };
    this.expect('(');
    const name = this.qualifiedName();
    this.expect(')');
    return { kind: 'Table', ...this.span(first), name };
  }

  /** `PARTITION BY (a, b)`, `PARTITION BY a`, `PARTITION BY ()`; parentheses around all of it are a list's. */
  #partitionArgument(): Expression[] {
    this.expect('BY');
    if (this.token.type !== '(' || this.isQuery(this.position)) return [this.expression()];
    this.expect('(');
    const expressions = this.at(')') ? [] : this.list(() => this.expression());
    this.expect(')');
    return expressions;
  }

  #orderArgument(): OrderBy | undefined {
    const first = this.token;
    if (!this.accept('ORDER')) return undefined;
    this.expect('BY');
    const listed = this.token.type === '(' && !this.isQuery(this.position);
    const items = listed ? this.parenthesizedList(() => this.sortItem()) : [this.sortItem()];
    return { kind: 'OrderBy', ...this.span(first), items };
  }

  #descriptor(): DescriptorArgument | undefined {
    const first = this.token;
    const [second, third, fourth, fifth] = [1, 2, 3, 4].map((distance) => this.ahead(distance));
    if (first.type === 'CAST' && second === '(' && third === 'NULL' && fourth === 'AS' && fifth === 'DESCRIPTOR') {
      for (let words = 0; words < 5; words++) this.advance();
      this.expect(')');
      return { kind: 'DescriptorArgument', ...this.span(first) };
    }
    if (first.type !== 'DESCRIPTOR' || second !== '(') return undefined;
    this.advance();
    const fields = this.parenthesizedList(() => {
      const name = this.identifier();
      return this.token.name ? { name, type: this.dataType() } : { name };
    });
    return { kind: 'DescriptorArgument', ...this.span(first), fields };
  }
}
