/** Calls of functions that are not functions: what they do with their arguments is part of the language. */
import { QueryError } from '../../common/errors.ts';
import type { Expression, FunctionCall } from '../ast.ts';

/** The node of its own that `coalesce(…)`, `nullif(…)`, `if(…)`, `try(…)` and `format(…)` become. */
export function specialCall(call: FunctionCall): Expression | undefined {
  const name = call.name.length === 1 ? call.name[0]!.value.toLowerCase() : '';
  const bounds = ARGUMENTS[name];
  if (!bounds) return undefined;
  const { location, start, end, arguments: args } = call;
  const count = args.length;
  if (count < bounds[0] || count > bounds[1]) {
    const wanted = bounds[0] === bounds[1] ? `${bounds[0]}` : `at least ${bounds[0]}`;
    const bound = bounds[1] < Infinity && bounds[0] !== bounds[1] ? ` and at most ${bounds[1]}` : '';
    const message = `the '${name}' function takes ${wanted}${bound} argument${wanted === '1' ? '' : 's'}, not ${count}`;
    throw new QueryError('SYNTAX_ERROR', message, location);
  }
  const modifier = modifierOf(call);
  if (modifier) {
    throw new QueryError('SYNTAX_ERROR', `${modifier} is not valid for the '${name}' function`, location);
  }
  const span = { location, start, end };
  const [first, second, third] = args as [Expression, Expression, Expression | undefined];
  switch (name) {
    case 'coalesce':
      return { kind: 'Coalesce', ...span, operands: args };
    case 'nullif':
      return { kind: 'NullIf', ...span, first, second };
    case 'if':
      return { kind: 'If', ...span, condition: first, trueValue: second, ...(third && { falseValue: third }) };
    case 'try':
      return { kind: 'Try', ...span, value: first };
    default:
      return { kind: 'Format', ...span, arguments: args };
  }
}

/** Least and most arguments. */
const ARGUMENTS: Readonly<Record<string, readonly [number, number]>> = Object.assign(Object.create(null), {
  coalesce: [2, Infinity],
  nullif: [2, 2],
  if: [2, 3],
  try: [1, 1],
  format: [2, Infinity],
});

function modifierOf(call: FunctionCall): string | undefined {
  if (call.window) return 'OVER';
  if (call.distinct) return 'DISTINCT';
  if (call.nullTreatment) return `${call.nullTreatment} NULLS`;
  if (call.processingMode) return call.processingMode;
  if (call.filter) return 'FILTER';
  if (call.orderBy) return 'ORDER BY';
  return call.argumentNames && 'a named argument';
}
