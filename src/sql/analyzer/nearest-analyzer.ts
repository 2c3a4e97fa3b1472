/** `NEAREST (FROM quotes WHERE … MATCH quotes.ts <= trades.ts)`: of the rows that match, the one nearest to the bound. */

import type * as ast from '../ast.ts';
import { QueryError } from '../../common/errors.ts';
import type { AnalyzedSource, AnalyzerContext } from './context.ts';
import { Desugar } from './desugar.ts';
import { ExpressionAnalyzer } from './expression-analyzer.ts';
import { type Field, Scope } from './scope.ts';

export function analyzeNearest(
  context: AnalyzerContext,
  node: ast.Nearest,
  base: Scope,
  lateral: Scope,
): AnalyzedSource {
  const { match } = node;
  if (match.kind !== 'Comparison' || match.operator === '=' || match.operator === '<>') {
    throw new QueryError('NOT_SUPPORTED', 'MATCH of NEAREST takes one of <, <=, >, >=', match.location);
  }
  const own = context.analyzeRelation(node.from, base, lateral).fields.filter((field) => !field.hidden);
  const onLeft = readsOnly(context, match.left, own);
  if (onLeft === readsOnly(context, match.right, own)) {
    throw new QueryError(
      'NOT_SUPPORTED',
      'MATCH of NEAREST compares a column of its own relation with a value from outside',
      match.location,
    );
  }
  // `own <= bound`: the greatest is nearest; `own >= bound`: the least.
  const below = match.operator === '<' || match.operator === '<=';
  const make = new Desugar(node);
  const where = make.all([...(node.where ? [node.where] : []), match]);
  const orderBy = make.orderBy(onLeft ? match.left : match.right, below === onLeft);
  const query = make.select([make.star()], node.from, { where }, { orderBy, limit: make.first() });
  const { block, fields } = context.analyzeQuery(query, lateral);
  return {
    relation: { kind: 'query', query: block },
    fields: fields.map((field, i): Field => {
      const relation = own[i]?.relation;
      return { ...field, ...(relation && { relation }) };
    }),
  };
}

/** Whether the expression can be understood with these columns alone, and needs them. */
function readsOnly(context: AnalyzerContext, node: ast.Expression, fields: readonly Field[]): boolean {
  const place = { name: 'MATCH', aggregates: false, windows: false };
  const understood = (known: readonly Field[]): boolean => {
    try {
      new ExpressionAnalyzer(context, new Scope(known), place).analyze(node);
      return true;
    } catch (problem) {
      if (problem instanceof QueryError) return false;
      throw problem;
    }
  };
  return understood(fields) && !understood([]);
}
