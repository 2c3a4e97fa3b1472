/** Builds syntax trees for forms that mean the same as simpler ones. Every node points to the form that it stands for. */

import type * as ast from '../ast.ts';

type Place = Pick<ast.Expression, 'location' | 'start' | 'end'>;

const at = ({ location, start, end }: Place): Place => ({ location, start, end });

/** Nodes at one place of the statement. */
export class Desugar {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = at(place);
  }

  /** A quoted name: nobody can have written one that begins with `$`. */
  name(value: string): ast.Identifier {
    return { kind: 'Identifier', ...this.#place, value, quoted: true };
  }

  number(value: number): ast.Expression {
    return { kind: 'IntegerLiteral', ...this.#place, text: String(value) };
  }

  compare(operator: ast.ComparisonOperator, left: ast.Expression, right: ast.Expression): ast.Expression {
    return { kind: 'Comparison', ...this.#place, operator, left, right };
  }

  isNull(value: ast.Expression, not: boolean): ast.Expression {
    return { kind: 'IsNull', ...this.#place, value, not };
  }

  /** At least one term. */
  all(terms: readonly ast.Expression[]): ast.Expression {
    return terms.length === 1 ? terms[0]! : { kind: 'Logical', ...this.#place, operator: 'AND', terms };
  }

  any(terms: readonly ast.Expression[]): ast.Expression {
    return terms.length === 1 ? terms[0]! : { kind: 'Logical', ...this.#place, operator: 'OR', terms };
  }

  not(value: ast.Expression): ast.Expression {
    return { kind: 'Not', ...this.#place, value };
  }

  call(name: string, parts: readonly ast.Expression[]): ast.FunctionCall {
    const place = this.#place;
    return { kind: 'FunctionCall', ...place, name: [this.name(name)], arguments: parts, star: false, distinct: false };
  }

  countRows(): ast.FunctionCall {
    return { ...this.call('count', []), star: true };
  }

  column(expression: ast.Expression, alias?: ast.Identifier): ast.SelectItem {
    return { kind: 'SingleColumn', ...this.#place, expression, ...(alias && { alias }) };
  }

  star(): ast.SelectItem {
    return { kind: 'AllColumns', ...this.#place, aliases: [] };
  }

  derived(query: ast.Query, alias: string, columns: readonly string[]): ast.Relation {
    const place = this.#place;
    const relation: ast.Relation = { kind: 'TableSubquery', ...place, query };
    const columnNames = columns.map((column) => this.name(column));
    return { kind: 'AliasedRelation', ...place, relation, alias: this.name(alias), columnNames };
  }

  select(
    items: readonly ast.SelectItem[],
    from: ast.Relation,
    clauses: Pick<ast.QuerySpecification, 'where' | 'groupBy' | 'having'> = {},
    around: Pick<ast.Query, 'orderBy' | 'limit'> = {},
  ): ast.Query {
    const place = this.#place;
    const select: ast.Select = { kind: 'Select', ...place, distinct: false, items };
    const body: ast.QuerySpecification = {
      kind: 'QuerySpecification',
      ...place,
      select,
      from,
      ...clauses,
      windows: [],
    };
    return { kind: 'Query', ...place, body, ...around };
  }

  groupBy(columns: readonly ast.Expression[]): ast.GroupBy {
    const place = this.#place;
    const elements = columns.map((column): ast.GroupingElement => ({
      kind: 'SimpleGroupBy',
      ...place,
      columns: [column],
    }));
    return { kind: 'GroupBy', ...place, distinct: false, elements };
  }

  orderBy(key: ast.Expression, descending: boolean): ast.OrderBy {
    const place = this.#place;
    return { kind: 'OrderBy', ...place, items: [{ kind: 'SortItem', ...place, key, descending }] };
  }

  first(): ast.Limit {
    const place = this.#place;
    return { kind: 'Limit', ...place, count: { kind: 'IntegerLiteral', ...place, text: '1' } };
  }

  exists(query: ast.Query): ast.Expression {
    return { kind: 'Exists', ...this.#place, query };
  }

  scalar(query: ast.Query): ast.Expression {
    return { kind: 'SubqueryExpression', ...this.#place, query };
  }

  truth(value: boolean): ast.Expression {
    return { kind: 'BooleanLiteral', ...this.#place, value };
  }

  when(
    branches: readonly (readonly [when: ast.Expression, result: ast.Expression])[],
    otherwise: ast.Expression,
  ): ast.Expression {
    const place = this.#place;
    const whenClauses = branches.map(([operand, result]): ast.WhenClause => ({
      kind: 'WhenClause',
      ...place,
      operand,
      result,
    }));
    return { kind: 'SearchedCase', ...place, whenClauses, defaultValue: otherwise };
  }
}
