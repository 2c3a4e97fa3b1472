/** Subqueries in expressions: each becomes a symbol, and an entry in the analysis that says what computes it. */

import type * as ast from '../ast.ts';
import { QueryError } from '../../common/errors.ts';
import { commonType, isComparable } from '../../types/coercion.ts';
import { BOOLEAN, type RowField, type SqlType, typeName } from '../../types/type.ts';
import { type Expression, reference } from '../expression.ts';
import { coerce } from './coerce.ts';
import type { AnalyzedQuery } from './context.ts';
import type { ExpressionAnalyzer } from './expression-analyzer.ts';
import { comparisonType, not } from './predicates.ts';
import type { Field } from './scope.ts';

export type SubqueryExpression = ast.InSubquery | ast.Exists | ast.QuantifiedComparison | ast.SubqueryExpression;

export function analyzeSubquery(analyzer: ExpressionAnalyzer, node: SubqueryExpression): Expression {
  const { context, scope } = analyzer;
  if (node.kind === 'Exists') {
    const { block } = context.analyzeQuery(node.query, scope);
    const symbol = context.symbols.newSymbol('exists', BOOLEAN);
    context.subqueries.set(symbol.name, { query: block, symbol, form: { kind: 'exists' } });
    return reference(symbol);
  }
  if (node.kind === 'SubqueryExpression') {
    const query = context.analyzeQuery(node.query, scope);
    const value = asValue(query);
    const symbol = context.symbols.newSymbol(query.fields[0]?.name ?? 'scalar', value.type);
    context.subqueries.set(symbol.name, { query: query.block, symbol, form: { kind: 'scalar', value } });
    return reference(symbol);
  }
  const value = analyzer.analyze(node.value);
  const query = context.analyzeQuery(node.query, scope);
  if (node.kind === 'InSubquery') {
    const membership = isIn(analyzer, node, value, query);
    return node.not ? not(membership) : membership;
  }
  // `= ANY` is IN, and `<> ALL` is NOT IN, also for rows.
  if (node.operator === '=' && node.quantifier !== 'ALL') return isIn(analyzer, node, value, query);
  if (node.operator === '<>' && node.quantifier === 'ALL') return not(isIn(analyzer, node, value, query));
  const candidate = asCandidate(query, value.type);
  const type = comparisonType(node.operator, value.type, candidate.type, node.location);
  const symbol = context.symbols.newSymbol('quantified', BOOLEAN);
  context.subqueries.set(symbol.name, {
    query: query.block,
    symbol,
    form: {
      kind: 'quantified',
      operator: node.operator,
      quantifier: node.quantifier === 'ALL' ? 'ALL' : 'ANY',
      value: coerce(value, type),
      candidate: coerce(candidate, type),
    },
  });
  return reference(symbol);
}

function isIn(
  analyzer: ExpressionAnalyzer,
  node: ast.InSubquery | ast.QuantifiedComparison,
  value: Expression,
  { block, fields }: AnalyzedQuery,
): Expression {
  const { context } = analyzer;
  const visible = fields.filter((field) => !field.hidden);
  const values = valuesFor(value, visible);
  if (values.length !== visible.length) {
    throw new QueryError(
      'TYPE_MISMATCH',
      `The left side of IN has ${values.length} columns but the subquery returns ${visible.length}`,
      node.query.location,
    );
  }
  const types = values.map((item, i): SqlType => {
    const candidate = visible[i]!.symbol.type;
    const type = commonType(item.type, candidate);
    if (type && isComparable(type)) return type;
    throw new QueryError(
      'TYPE_MISMATCH',
      `Value expression and result of subquery must be of the same type: ${typeName(item.type)} vs ${typeName(candidate)}`,
      node.location,
    );
  });
  const symbol = context.symbols.newSymbol('in', BOOLEAN);
  context.subqueries.set(symbol.name, {
    query: block,
    symbol,
    form: {
      kind: 'in',
      values: values.map((item, i) => coerce(item, types[i]!)),
      candidates: visible.map((field, i) => coerce(reference(field.symbol), types[i]!)),
    },
  });
  return reference(symbol);
}

/** A row on the left meets the subquery's columns field by field, or whole where the one column is a row itself. */
function valuesFor(value: Expression, fields: readonly Field[]): readonly Expression[] {
  if (value.type.kind === 'unknown') return fields.map(() => value);
  if (value.type.kind !== 'row') return [value];
  const [only] = fields;
  if (only && fields.length === 1 && commonType(value.type, only.symbol.type)) return [value];
  return fieldsOfRow(value, value.type.fields);
}

function fieldsOfRow(row: Expression, fields: readonly RowField[]): readonly Expression[] {
  if (row.kind === 'Row') return row.fields;
  return fields.map((field, index) => ({ kind: 'Field', type: field.type, base: row, index }));
}

/** The one column of a query, or all of them as a row. */
function asValue(query: AnalyzedQuery): Expression {
  const fields = query.fields.filter((field) => !field.hidden);
  if (fields.length === 1) return reference(fields[0]!.symbol);
  return {
    kind: 'Row',
    type: { kind: 'row', fields: fields.map(rowField) },
    fields: fields.map((field) => reference(field.symbol)),
  };
}

/** Compared with a row, a single column is a row of one field. */
function asCandidate(query: AnalyzedQuery, type: SqlType): Expression {
  const value = asValue(query);
  if (type.kind !== 'row' || value.type.kind === 'row' || value.type.kind === 'unknown') return value;
  return { kind: 'Row', type: { kind: 'row', fields: [{ type: value.type }] }, fields: [value] };
}

const rowField = ({ name, symbol }: Field): RowField =>
  name === undefined ? { type: symbol.type } : { name, type: symbol.type };
