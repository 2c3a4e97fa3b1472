/** TABLE(name(…)): the table functions that exist. */

import type * as ast from '../ast.ts';
import { QueryError } from '../../common/errors.ts';
import { canCoerce } from '../../types/coercion.ts';
import { BIGINT, typeName } from '../../types/type.ts';
import type { Expression } from '../expression.ts';
import { coerce } from './coerce.ts';
import type { AnalyzedSource, AnalyzerContext } from './context.ts';
import { ExpressionAnalyzer } from './expression-analyzer.ts';
import { constant } from './literals.ts';
import type { Scope } from './scope.ts';

export function analyzeTableFunction(
  context: AnalyzerContext,
  node: ast.TableFunctionInvocation,
  scope: Scope,
): AnalyzedSource {
  const name = node.name.at(-1)!.value.toLowerCase();
  if (name === 'sequence') return sequence(context, node, scope);
  throw new QueryError('FUNCTION_NOT_FOUND', `Table function '${name}' not registered`, node.location);
}

const SEQUENCE_PARAMETERS = ['START', 'STOP', 'STEP'] as const;

/** `sequence(start => 0, stop => 10, step => 1)`: one BIGINT column, both ends included. */
function sequence(context: AnalyzerContext, node: ast.TableFunctionInvocation, scope: Scope): AnalyzedSource {
  const analyzer = new ExpressionAnalyzer(context, scope, {
    name: 'Table function',
    aggregates: false,
    windows: false,
  });
  const given = new Map<string, Expression>();
  for (const [i, argument] of node.arguments.entries()) {
    const name = argument.name?.value.toUpperCase() ?? SEQUENCE_PARAMETERS[i];
    const value = argument.value;
    if (name === undefined || !SEQUENCE_PARAMETERS.some((known) => known === name)) {
      throw new QueryError('INVALID_FUNCTION_ARGUMENT', `Unexpected argument name: ${name}`, argument.location);
    }
    if (value.kind === 'TableArgument' || value.kind === 'DescriptorArgument') {
      throw new QueryError('INVALID_FUNCTION_ARGUMENT', `Argument ${name} must be a number`, argument.location);
    }
    if (given.has(name)) {
      throw new QueryError('INVALID_FUNCTION_ARGUMENT', `Duplicate argument name: ${name}`, argument.location);
    }
    const expression = analyzer.analyze(value);
    if (!canCoerce(expression.type, BIGINT)) {
      throw new QueryError(
        'TYPE_MISMATCH',
        `Argument ${name} must be a bigint: actual type ${typeName(expression.type)}`,
        argument.location,
      );
    }
    given.set(name, coerce(expression, BIGINT));
  }
  const stop = given.get('STOP');
  if (!stop) throw new QueryError('INVALID_ARGUMENTS', 'Missing argument: STOP', node.location);
  const bounds = [given.get('START') ?? constant(BIGINT, '0'), stop, given.get('STEP') ?? constant(BIGINT, '1')];
  const numbers = analyzer.call('sequence', bounds, node.location);
  const symbol = context.symbols.newSymbol('sequential_number', BIGINT);
  return {
    relation: { kind: 'unnest', items: [{ expression: numbers, outputs: [symbol] }] },
    fields: [{ name: 'sequential_number', symbol }],
  };
}
