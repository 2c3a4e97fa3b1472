/** PIVOT as the grouped query that it abbreviates: each aggregate once for each value, filtered by it. */

import type * as ast from '../ast.ts';
import { QueryError } from '../../common/errors.ts';
import { type AnalyzedSource, type AnalyzerContext, quote } from './context.ts';
import { Desugar } from './desugar.ts';
import type { Scope } from './scope.ts';

export function analyzePivot(context: AnalyzerContext, node: ast.Pivot, base: Scope): AnalyzedSource {
  const make = new Desugar(node);
  for (const { expression, location } of node.values) {
    if (isConstant(expression)) continue;
    throw new QueryError(
      'EXPRESSION_NOT_CONSTANT',
      'PIVOT IN clause must be constant and cannot contain a subquery',
      location,
    );
  }
  const items: ast.SelectItem[] = groupedColumns(node).map((column) => make.column(column));
  for (const value of node.values) {
    const condition = valueCondition(make, node, value.expression);
    for (const aggregation of node.aggregations) {
      const filtered = withFilter(context, make, aggregation.expression, condition);
      if (filtered === aggregation.expression) {
        throw new QueryError(
          'EXPRESSION_NOT_AGGREGATE',
          `PIVOT expression must contain an aggregate function: ${quote(context, aggregation.expression)}`,
          aggregation.location,
        );
      }
      items.push(make.column(filtered, make.name(columnName(context, node, value, aggregation))));
    }
  }
  const query = make.select(items, node.input, node.groupBy ? { groupBy: node.groupBy } : {});
  const { block, fields } = context.analyzeQuery(query, base);
  return { relation: { kind: 'query', query: block }, fields };
}

/** `value`, or `value_aggregate` where the aggregate has a name. */
function columnName(
  context: AnalyzerContext,
  node: ast.Pivot,
  value: ast.SingleColumn,
  aggregation: ast.SingleColumn,
): string {
  if (node.aggregations.length > 1 && !aggregation.alias) {
    throw new QueryError(
      'MISSING_COLUMN_ALIASES',
      'PIVOT with multiple aggregations requires an alias for each of them',
      aggregation.location,
    );
  }
  const { expression } = value;
  const text = expression.kind === 'StringLiteral' ? expression.value : quote(context, expression);
  const first = value.alias?.value ?? text;
  return aggregation.alias ? `${first}_${aggregation.alias.value}` : first;
}

/** The grouping expressions, each once, in the order in which they are written. */
function groupedColumns(node: ast.Pivot): readonly ast.Expression[] {
  const columns = (node.groupBy?.elements ?? []).flatMap((element): readonly ast.Expression[] => {
    if (element.kind === 'SimpleGroupBy') return element.columns;
    return element.kind === 'AutoGroupBy' ? [] : element.sets.flat();
  });
  const texts = new Map(columns.map((column) => [structureOf(column), column]));
  return [...texts.values()];
}

const structureOf = (node: ast.Expression): string =>
  JSON.stringify(node, (name, value: unknown) =>
    name === 'location' || name === 'start' || name === 'end' ? undefined : value,
  );

function valueCondition(make: Desugar, node: ast.Pivot, value: ast.Expression): ast.Expression {
  const [key] = node.keys;
  if (node.keys.length === 1) return make.compare('=', key!, value);
  if (value.kind !== 'Row' || value.fields.length !== node.keys.length) {
    throw new QueryError(
      'TYPE_MISMATCH',
      `PIVOT value must be a row of ${node.keys.length} values, one for each key`,
      value.location,
    );
  }
  return make.all(node.keys.map((each, i) => make.compare('=', each, value.fields[i]!.expression)));
}

/** The expression with `condition` in the FILTER of every aggregate; the same node when there is none. */
function withFilter(
  context: AnalyzerContext,
  make: Desugar,
  root: ast.Expression,
  condition: ast.Expression,
): ast.Expression {
  const visit = (part: unknown): unknown => {
    if (typeof part !== 'object' || part === null) return part;
    if (Array.isArray(part)) {
      const items = (part as readonly unknown[]).map(visit);
      return items.every((item, i) => item === part[i]) ? part : items;
    }
    if ('kind' in part && part.kind === 'Query') return part;
    if ('kind' in part && part.kind === 'FunctionCall') {
      const call = part as ast.FunctionCall;
      if (!call.window && context.functions.kindOf(call.name.at(-1)!.value) === 'aggregate') {
        return { ...call, filter: make.all([...(call.filter ? [call.filter] : []), condition]) };
      }
    }
    const entries = Object.entries(part).map(([name, value]) => [name, visit(value)] as const);
    return entries.every(([name, value]) => value === (part as Record<string, unknown>)[name])
      ? part
      : Object.fromEntries(entries);
  };
  return visit(root) as ast.Expression;
}

/** Whether it names no column and holds no subquery. */
function isConstant(root: ast.Expression): boolean {
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const node = pending.pop();
    if (typeof node !== 'object' || node === null) continue;
    if ('kind' in node) {
      if (node.kind === 'Identifier' || node.kind === 'Dereference' || node.kind === 'Query') return false;
      // The names of types and functions are no columns.
      if (node.kind === 'Cast') {
        pending.push((node as ast.Cast).value);
        continue;
      }
      if (node.kind === 'FunctionCall') {
        pending.push(...(node as ast.FunctionCall).arguments);
        continue;
      }
    }
    pending.push(...Object.values(node));
  }
  return true;
}
