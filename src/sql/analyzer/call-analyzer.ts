/** Calls of functions: scalar ones, and aggregates and window functions, which become symbols of their block. */

import type * as ast from '../ast.ts';
import { QueryError } from '../../common/errors.ts';
import { isComparable } from '../../types/coercion.ts';
import { type SqlType, typeName } from '../../types/type.ts';
import { type AggregateCall, type Expression, reference, type SortOrder } from '../expression.ts';
import type { Argument, ResolvedFunction } from '../functions/registry.ts';
import { coerce } from './coerce.ts';
import type { ExpressionAnalyzer } from './expression-analyzer.ts';
import { notSupported } from './refusals.ts';
import { type Field, Scope } from './scope.ts';
import { sortOrders } from './sort-items.ts';
import { analyzeWindow } from './window-analyzer.ts';

export function analyzeFunctionCall(analyzer: ExpressionAnalyzer, node: ast.FunctionCall): Expression {
  const { context, place } = analyzer;
  const receiver = receiverOf(analyzer, node);
  if (receiver) return analyzeFunctionCall(analyzer, receiver);
  const name = node.name.at(-1)!.value.toLowerCase();
  const kind = context.functions.kindOf(name);
  if (node.argumentNames) throw notSupported('named arguments', node.location);
  if (node.starLabel || node.processingMode) throw notSupported('row pattern recognition functions', node.location);
  if (kind === undefined && node.star) throw context.functions.unknown(name, node.location);
  if (kind === 'scalar' || kind === undefined) {
    refuseAggregateClauses(node, name);
    return scalarCall(analyzer, node, name);
  }
  if (node.window) {
    if (!place.windows || !place.calls) throw analyzer.notScalar(node);
    const inner = analyzer.within('window function', place.aggregates);
    const call = resolveCall(inner, node, name);
    const { resolved, operands } = call;
    if (node.orderBy && kind === 'window') {
      throw new QueryError(
        'FUNCTION_NOT_AGGREGATE',
        `ORDER BY is only valid for aggregations: '${name}' is none`,
        node.location,
      );
    }
    const orderBy = argumentOrder(inner, node, call);
    if (node.nullTreatment && kind === 'aggregate') throw nullTreatment(node, name);
    const filter = node.filter && inner.condition(node.filter, 'Filter expression');
    const window = analyzeWindow(inner, node.window, name, place.calls);
    const symbol = place.calls.window(
      name,
      {
        function: resolved.id,
        type: resolved.returnType,
        arguments: operands,
        ignoreNulls: node.nullTreatment === 'IGNORE',
        distinct: node.distinct,
        ...(filter && { filter }),
        ...(orderBy.length > 0 && { orderBy }),
        frame: window.frame,
      },
      window.partitionBy,
      window.orderBy,
    );
    return reference(symbol);
  }
  if (kind === 'window') {
    throw new QueryError('MISSING_OVER', `Window function ${name} requires an OVER clause`, node.location);
  }
  if (node.nullTreatment) throw nullTreatment(node, name);
  if (!place.aggregates || !place.calls) throw analyzer.notScalar(node);
  const call = aggregateCall(analyzer.within('aggregation', false), node, name);
  return reference(place.calls.aggregate(name, call, node.location));
}

/** `column.method(…)` as `method(column, …)`; undefined where what stands before the name is no column. */
function receiverOf({ scope }: ExpressionAnalyzer, node: ast.FunctionCall): ast.FunctionCall | undefined {
  const [first, ...rest] = node.name.slice(0, -1);
  if (!first) return undefined;
  const parts = [first, ...rest].map((part) => part.value);
  if (!scope.find(parts, first.location) && !scope.holdsPrefixOf(parts)) return undefined;
  const { location, start, end } = first;
  const receiver = rest.reduce<ast.Expression>(
    (base, field) => ({ kind: 'Dereference', location, start, end: field.end, base, field }),
    { ...first, start, end },
  );
  return { ...node, name: node.name.slice(-1), arguments: [receiver, ...node.arguments] };
}

function aggregateCall(inner: ExpressionAnalyzer, node: ast.FunctionCall, name: string): AggregateCall {
  const call = resolveCall(inner, node, name);
  const { resolved, operands } = call;
  const filter = node.filter && inner.condition(node.filter, 'Filter expression');
  const orderBy = argumentOrder(inner, node, call);
  return {
    function: resolved.id,
    type: resolved.returnType,
    arguments: operands,
    distinct: node.distinct && operands.length > 0,
    ...(filter && { filter }),
    orderBy,
  };
}

/** ORDER BY inside a call; with DISTINCT it may only order by arguments. */
function argumentOrder(
  inner: ExpressionAnalyzer,
  node: ast.FunctionCall,
  { written, operands }: ResolvedCall,
): readonly SortOrder[] {
  const orderBy = sortOrders(node.orderBy?.items ?? [], (key) => inner.analyze(key));
  if (node.distinct) {
    const odd = operands.find((operand) => !isComparable(operand.type));
    if (odd) {
      throw new QueryError(
        'TYPE_MISMATCH',
        `DISTINCT can only be applied to comparable types (actual: ${typeName(odd.type)})`,
        node.location,
      );
    }
    // By what the function makes of an argument it is ordered as by the argument itself.
    const keys = written.map((argument) => JSON.stringify(argument));
    return orderBy.map((order) => {
      const operand = operands[keys.indexOf(JSON.stringify(order.expression))];
      if (operand) return { ...order, expression: operand };
      throw new QueryError(
        'EXPRESSION_NOT_IN_DISTINCT',
        `For aggregate function with DISTINCT, ORDER BY expressions must appear in arguments`,
        node.location,
      );
    });
  }
  return orderBy;
}

function scalarCall(analyzer: ExpressionAnalyzer, node: ast.FunctionCall, name: string): Expression {
  const { resolved, operands } = resolveCall(analyzer, node, name);
  return { kind: 'Call', type: resolved.returnType, function: resolved.id, arguments: operands };
}

type ResolvedCall = {
  readonly resolved: ResolvedFunction;
  /** Arguments before they are cast to what the function takes; undefined for lambdas. */
  readonly written: readonly (Expression | undefined)[];
  readonly operands: readonly Expression[];
};

function resolveCall(analyzer: ExpressionAnalyzer, node: ast.FunctionCall, name: string): ResolvedCall {
  const values = node.arguments.map((argument) =>
    argument.kind === 'Lambda' ? lambdaArgument(analyzer, argument) : analyzer.analyze(argument),
  );
  if (node.overflow?.kind === 'TRUNCATE') {
    throw notSupported('listagg with ON OVERFLOW TRUNCATE', node.location);
  }
  const types = values.map((value): Argument => ('kind' in value ? value.type : value));
  const resolved = analyzer.context.functions.resolve(name, types, { location: node.location });
  const operands = values.map((value, i) => {
    const type = resolved.argumentTypes[i]!;
    if ('kind' in value) return coerce(value, type);
    return buildLambda(analyzer, node.arguments[i] as ast.Lambda, type);
  });
  const written = values.map((value) => ('kind' in value ? value : undefined));
  return { resolved, written, operands };
}

type LambdaArgument = Exclude<Argument, SqlType>;

function lambdaArgument(analyzer: ExpressionAnalyzer, lambda: ast.Lambda): LambdaArgument {
  return {
    lambdaArity: lambda.parameters.length,
    typeWith: (types) => analyzeBody(analyzer, lambda, types).body.type,
  };
}

function buildLambda(analyzer: ExpressionAnalyzer, lambda: ast.Lambda, type: SqlType): Expression {
  if (type.kind !== 'function') throw notSupported('a lambda here', lambda.location);
  const { fields, body } = analyzeBody(analyzer, lambda, type.arguments);
  return {
    kind: 'Lambda',
    type,
    parameters: fields.map((field) => field.symbol),
    body: coerce(body, type.result),
  };
}

/** Parameters are named by depth and place, so that equal lambdas are equal expressions. */
function analyzeBody(
  analyzer: ExpressionAnalyzer,
  lambda: ast.Lambda,
  types: readonly SqlType[],
): { readonly fields: readonly Field[]; readonly body: Expression } {
  const depth = analyzer.lambdaDepth + 1;
  const fields = lambda.parameters.map((parameter, i): Field => ({
    name: parameter.value,
    symbol: { name: `lambda$${depth}$${i}`, type: types[i]! },
  }));
  const names = new Set(lambda.parameters.map((parameter) => parameter.value.toLowerCase()));
  if (names.size < fields.length) {
    throw new QueryError('INVALID_ARGUMENTS', 'Lambda parameters must have different names', lambda.location);
  }
  const scope = new Scope(fields, { parent: analyzer.scope });
  const body = analyzer.forLambda(scope).analyze(lambda.body);
  return { fields, body };
}

/** FILTER, DISTINCT, ORDER BY and OVER belong to aggregates and window functions. */
function refuseAggregateClauses(node: ast.FunctionCall, name: string): void {
  const refuse = (code: 'FUNCTION_NOT_AGGREGATE' | 'FUNCTION_NOT_WINDOW', message: string): never => {
    throw new QueryError(code, message, node.location);
  };
  if (node.window) refuse('FUNCTION_NOT_WINDOW', `Function '${name}' is not a window function or an aggregation`);
  if (node.filter) refuse('FUNCTION_NOT_AGGREGATE', `FILTER is only valid for aggregations: '${name}' is none`);
  if (node.distinct) refuse('FUNCTION_NOT_AGGREGATE', `DISTINCT is only valid for aggregations: '${name}' is none`);
  if (node.orderBy) refuse('FUNCTION_NOT_AGGREGATE', `ORDER BY is only valid for aggregations: '${name}' is none`);
  if (node.star) refuse('FUNCTION_NOT_AGGREGATE', `* is an argument of count only, not of '${name}'`);
  if (node.nullTreatment) throw nullTreatment(node, name);
}

const nullTreatment = (node: ast.FunctionCall, name: string): QueryError =>
  new QueryError(
    'NULL_TREATMENT_NOT_ALLOWED',
    `Cannot specify a null treatment clause for ${name} function`,
    node.location,
  );
