/** Names of columns, fields of rows, elements of arrays and maps. */

import type * as ast from '../ast.ts';
import { QueryError } from '../../common/errors.ts';
import { type Expression, reference } from '../expression.ts';
import { quote } from './context.ts';
import type { ExpressionAnalyzer } from './expression-analyzer.ts';
import { nameParts } from './scope.ts';

export function columnReference(
  analyzer: ExpressionAnalyzer,
  node: ast.Expression,
  parts: readonly string[],
): Expression {
  const field = analyzer.scope.find(parts, node.location);
  if (field) return reference(field.symbol);
  throw analyzer.scope.unresolved(parts, node.location, node.kind === 'Identifier' && node.quoted);
}

export function dereference(analyzer: ExpressionAnalyzer, node: ast.Dereference): Expression {
  const parts = nameParts(node);
  if (parts) {
    const field = analyzer.scope.find(parts, node.location);
    if (field) return reference(field.symbol);
    if (!analyzer.scope.holdsPrefixOf(parts)) throw analyzer.scope.unresolved(parts, node.location);
  }
  const base = analyzer.analyze(node.base);
  if (base.type.kind !== 'row') {
    throw new QueryError(
      'TYPE_MISMATCH',
      `Expression ${quote(analyzer.context, node.base)} is not of type ROW`,
      node.location,
    );
  }
  const wanted = node.field.value.toLowerCase();
  const matches = base.type.fields.flatMap((field, index) => (field.name?.toLowerCase() === wanted ? [index] : []));
  if (matches.length > 1) {
    throw new QueryError('AMBIGUOUS_NAME', `Ambiguous row field reference: ${node.field.value}`, node.location);
  }
  const [index] = matches;
  if (index === undefined) {
    throw new QueryError('COLUMN_NOT_FOUND', `Field '${node.field.value}' cannot be resolved`, node.location);
  }
  return { kind: 'Field', type: base.type.fields[index]!.type, base, index };
}

export function subscript(analyzer: ExpressionAnalyzer, node: ast.Subscript): Expression {
  const base = analyzer.analyze(node.base);
  if (base.type.kind !== 'row') return analyzer.operate('[]', [base, analyzer.analyze(node.index)], node.location);
  if (node.index.kind !== 'IntegerLiteral') {
    throw new QueryError(
      'EXPRESSION_NOT_CONSTANT',
      'Subscript expression on ROW requires a constant integer index',
      node.index.location,
    );
  }
  const position = Number(node.index.text);
  const field = base.type.fields[position - 1];
  if (!field) {
    throw new QueryError(
      'INVALID_FUNCTION_ARGUMENT',
      `Invalid subscript index: ${node.index.text}. ROW indices start at 1 and end at ${base.type.fields.length}`,
      node.index.location,
    );
  }
  return { kind: 'Field', type: field.type, base, index: position - 1 };
}
