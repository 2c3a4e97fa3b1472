/** UNIQUE and MATCH predicates, as the subqueries that they abbreviate. */

import type * as ast from '../ast.ts';
import { QueryError } from '../../common/errors.ts';
import { Desugar } from './desugar.ts';
import type { ExpressionAnalyzer } from './expression-analyzer.ts';

/** No two rows of the query are equal; rows that hold a NULL equal none. */
export function uniquePredicate(analyzer: ExpressionAnalyzer, node: ast.Unique): ast.Expression {
  const make = new Desugar(node);
  const names = columnNames(analyzer, node.query);
  const columns = names.map((name) => make.name(name));
  const where = make.all(columns.map((column) => make.isNull(column, true)));
  const having = make.compare('>', make.countRows(), make.number(1));
  const from = make.derived(node.query, '$rows', names);
  const repeated = make.select([make.column(make.number(1))], from, { where, groupBy: make.groupBy(columns), having });
  return make.not(make.exists(repeated));
}

/**
 * SIMPLE: true if any value is NULL, else whether there is an equal row. PARTIAL: NULLs match anything. FULL: all values
 * are NULL, or none is and there is an equal row. UNIQUE: there is exactly one such row.
 */
export function matchPredicate(analyzer: ExpressionAnalyzer, node: ast.MatchPredicate): ast.Expression {
  const make = new Desugar(node);
  const names = columnNames(analyzer, node.query);
  const values = node.value.kind === 'Row' ? node.value.fields.map((field) => field.expression) : [node.value];
  if (values.length !== names.length) {
    throw new QueryError(
      'TYPE_MISMATCH',
      `The left side of MATCH has ${values.length} columns but the subquery returns ${names.length}`,
      node.query.location,
    );
  }
  const equal = values.map((value, i) => {
    const same = make.compare('=', value, make.name(names[i]!));
    return node.type === 'PARTIAL' ? make.any([make.isNull(value, false), same]) : same;
  });
  const from = make.derived(node.query, '$rows', names);
  const count = make.scalar(make.select([make.column(make.countRows())], from, { where: make.all(equal) }));
  const found = node.unique ? make.compare('=', count, make.number(1)) : make.compare('>', count, make.number(0));
  const absent = values.map((value) => make.isNull(value, false));
  switch (node.type) {
    case 'SIMPLE':
      return make.when([[make.any(absent), make.truth(true)]], found);
    case 'PARTIAL':
      return make.when([[make.all(absent), make.truth(true)]], found);
    case 'FULL':
      return make.when(
        [
          [make.all(absent), make.truth(true)],
          [make.any(absent), make.truth(false)],
        ],
        found,
      );
  }
}

/** Names for the query's columns that hide nothing outside. */
function columnNames(analyzer: ExpressionAnalyzer, query: ast.Query): readonly string[] {
  const { fields } = analyzer.context.analyzeQuery(query, analyzer.scope);
  return fields.map((_field, i) => `$column${i}`);
}
