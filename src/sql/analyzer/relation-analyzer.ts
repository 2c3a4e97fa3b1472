/** Analyzes what stands in FROM, and query bodies other than SELECT. */

import type * as ast from '../ast.ts';
import { QueryError } from '../../common/errors.ts';
import { BIGINT, type SqlType, typeName } from '../../types/type.ts';
import type { AnalyzedSource, AnalyzerContext } from './context.ts';
import { ExpressionAnalyzer, type Place } from './expression-analyzer.ts';
import { analyzeJoin } from './join-analyzer.ts';
import { analyzeNearest } from './nearest-analyzer.ts';
import { analyzePivot } from './pivot-analyzer.ts';
import { notSupported } from './refusals.ts';
import { analyzeSetOperation } from './set-operation-analyzer.ts';
import { type Field, Scope } from './scope.ts';
import { analyzeTableFunction } from './table-functions.ts';
import { analyzeValues } from './values-analyzer.ts';

/**
 * `base` is the scope around the query. `lateral` adds the columns of the relations to the left, which LATERAL and
 * UNNEST may use.
 */
export function analyzeRelation(
  context: AnalyzerContext,
  relation: ast.Relation,
  base: Scope,
  lateral: Scope,
): AnalyzedSource {
  switch (relation.kind) {
    case 'Table':
      return analyzeTable(context, relation, base);
    case 'TableSubquery':
      return subquery(context, relation.query, base);
    case 'Lateral':
      return subquery(context, relation.query, lateral);
    case 'Unnest':
      return analyzeUnnest(context, relation, lateral);
    case 'AliasedRelation':
      return alias(relation, analyzeRelation(context, relation.relation, base, lateral));
    case 'SampledRelation':
      return sample(context, relation, analyzeRelation(context, relation.relation, base, lateral));
    case 'Join':
      return analyzeJoin(context, relation, base, lateral);
    case 'TableFunctionInvocation':
      return analyzeTableFunction(context, relation, lateral);
    case 'JsonTable':
      throw notSupported('JSON_TABLE', relation.location);
    case 'Nearest':
      return analyzeNearest(context, relation, base, lateral);
    case 'Pivot':
      return analyzePivot(context, relation, base);
    case 'PatternRecognition':
      throw notSupported('MATCH_RECOGNIZE', relation.location);
  }
}

/** A query body other than SELECT as a relation. */
export function analyzeBody(
  context: AnalyzerContext,
  body: Exclude<ast.QueryBody, ast.QuerySpecification>,
  base: Scope,
): AnalyzedSource {
  switch (body.kind) {
    case 'Table':
      return analyzeTable(context, body, base);
    case 'TableSubquery':
      return subquery(context, body.query, base);
    case 'Values':
      return analyzeValues(context, body, base);
    case 'Union':
    case 'Intersect':
    case 'Except':
      return analyzeSetOperation(context, body, base);
  }
}

function subquery(context: AnalyzerContext, query: ast.Query, scope: Scope): AnalyzedSource {
  const { block, fields } = context.analyzeQuery(query, scope);
  return { relation: { kind: 'query', query: block }, fields };
}

function analyzeTable(context: AnalyzerContext, node: ast.Table, base: Scope): AnalyzedSource {
  if (node.period) throw notSupported('versions of tables', node.period.location);
  if (node.name.length === 1) {
    const named = base.withQuery(node.name[0]!.value.toLowerCase());
    if (named) return named.analyze(node.location);
  }
  const table = context.table(node.name, node.location);
  const relation = [table.catalog, table.schema, table.table];
  const columns = table.columns.map((column) => ({
    symbol: context.symbols.newSymbol(column.name, column.type),
    column,
  }));
  return {
    relation: { kind: 'table', table, columns },
    fields: columns.map(({ symbol, column }): Field => ({
      name: column.name,
      relation,
      origin: relation,
      symbol,
      ...(column.hidden && { hidden: true }),
    })),
  };
}

function alias(node: ast.AliasedRelation, source: AnalyzedSource): AnalyzedSource {
  const relation = [node.alias.value.toLowerCase()];
  const names = node.columnNames;
  if (!names) return { relation: source.relation, fields: source.fields.map((field) => ({ ...field, relation })) };
  const visible = source.fields.filter((field) => !field.hidden);
  if (names.length !== visible.length) {
    throw new QueryError(
      'MISMATCHED_COLUMN_ALIASES',
      `Column alias list has ${names.length} entries but '${node.alias.value}' has ${visible.length} columns available`,
      node.location,
    );
  }
  const fields = visible.map((field, i): Field => ({ ...field, name: names[i]!.value, relation }));
  return { relation: source.relation, fields };
}

const NUMBERS: ReadonlySet<string> = new Set(['tinyint', 'smallint', 'integer', 'bigint', 'decimal', 'real', 'double']);

const SCALAR_PLACE = { aggregates: false, windows: false } as const;

function sample(context: AnalyzerContext, node: ast.SampledRelation, source: AnalyzedSource): AnalyzedSource {
  const place: Place = { ...SCALAR_PLACE, name: 'TABLESAMPLE clause' };
  const value = new ExpressionAnalyzer(context, new Scope([]), place).analyze(node.percentage);
  const inner = value.kind === 'Cast' ? value.argument : value;
  if (!NUMBERS.has(value.type.kind)) {
    throw new QueryError(
      'TYPE_MISMATCH',
      `Sample percentage should be a numeric expression: actual type ${typeName(value.type)}`,
      node.percentage.location,
    );
  }
  if (inner.kind !== 'Constant') {
    throw new QueryError(
      'EXPRESSION_NOT_CONSTANT',
      'Sample percentage must be a numeric constant',
      node.percentage.location,
    );
  }
  if (inner.value === null) {
    throw new QueryError('INVALID_ARGUMENTS', 'Sample percentage cannot be NULL', node.percentage.location);
  }
  const percentage = Number(inner.value);
  if (percentage < 0 || percentage > 100) {
    throw new QueryError(
      'INVALID_ARGUMENTS',
      `Sample percentage must be between 0 and 100, not ${percentage}`,
      node.percentage.location,
    );
  }
  const { method } = node;
  return {
    relation: { kind: 'sample', source: source.relation, method, ratio: percentage / 100 },
    fields: source.fields,
  };
}

function analyzeUnnest(context: AnalyzerContext, node: ast.Unnest, lateral: Scope): AnalyzedSource {
  const analyzer = new ExpressionAnalyzer(context, lateral, { ...SCALAR_PLACE, name: 'UNNEST' });
  const fields: Field[] = [];
  const items = node.expressions.map((argument) => {
    const expression = analyzer.analyze(argument);
    const columns = elementColumns(expression.type);
    if (!columns) {
      throw new QueryError(
        'INVALID_FUNCTION_ARGUMENT',
        `Cannot unnest type: ${typeName(expression.type)}`,
        argument.location,
      );
    }
    const outputs = columns.map(({ name, type }) => context.symbols.newSymbol(name ?? 'field', type));
    fields.push(...columns.map(({ name }, i): Field => ({ ...(name !== undefined && { name }), symbol: outputs[i]! })));
    return { expression, outputs };
  });
  const ordinality = node.withOrdinality ? context.symbols.newSymbol('ordinality', BIGINT) : undefined;
  if (ordinality) fields.push({ symbol: ordinality });
  return { relation: { kind: 'unnest', items, ...(ordinality && { ordinality }) }, fields };
}

/** A map gives two columns, an array of rows one for each field, another array one. */
function elementColumns(type: SqlType): readonly { readonly name?: string; readonly type: SqlType }[] | undefined {
  if (type.kind === 'map') return [{ type: type.key }, { type: type.value }];
  if (type.kind !== 'array') return undefined;
  return type.element.kind === 'row' ? type.element.fields : [{ type: type.element }];
}
