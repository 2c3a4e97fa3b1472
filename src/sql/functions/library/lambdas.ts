/** Rendered lambdas taken apart, and what functions compute of several lists at once. */

import type { SqlType } from '../../../types/type.ts';
import { BOOLEAN } from '../../../types/type.ts';
import type { Expression } from '../../expression.ts';
import type { RenderKit } from '../definition.ts';

type Lambda = { readonly names: readonly string[]; readonly body: string };

/** The parts of a rendered lambda; its names occur nowhere else. A NULL in a lambda's place gives NULL. */
function splitLambda(text: string): Lambda {
  const parts = /^lambda ([^:]*): ([\s\S]*)$/.exec(text);
  return parts ? { names: parts[1]!.split(', '), body: parts[2]! } : { names: [], body: 'NULL' };
}

/** The body of a rendered lambda with these in the place of its parameters. */
export function applied(lambda: string, values: readonly string[]): string {
  const { names, body } = splitLambda(lambda);
  return names.reduce((text, name, i) => text.replaceAll(new RegExp(`\\b${name}\\b`, 'g'), () => values[i]!), body);
}

/** A lambda over one value of `type`, whose body is an expression over a reference to it. */
export const lambdaOver = (type: SqlType, kit: RenderKit, body: (value: Expression) => Expression): string =>
  lambdaOverAll([type], kit, ([value]) => body(value!));

function lambdaOverAll(
  types: readonly SqlType[],
  kit: RenderKit,
  body: (values: readonly Expression[]) => Expression,
): string {
  const parameters = types.map((type) => ({ name: kit.fresh(), type }));
  const result = body(parameters.map(({ name, type }) => ({ kind: 'Reference', type, name })));
  const type: SqlType = { kind: 'function', arguments: types, result: result.type };
  return kit.render({ kind: 'Lambda', type, parameters, body: result });
}

/** Trino's `a = b` of kernel expressions of `type`: unlike that of keys, false of NaN and NULL where a part of them is. */
export function equalityOf(type: SqlType, kit: RenderKit): (a: string, b: string) => string {
  const lambda = lambdaOverAll([type, type], kit, ([left, right]) => ({
    kind: 'Comparison',
    type: BOOLEAN,
    operator: '=',
    left: left!,
    right: right!,
  }));
  return (a, b) => applied(lambda, [a, b]);
}
