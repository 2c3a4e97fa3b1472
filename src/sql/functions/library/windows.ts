/** Window functions that are not aggregates. The OVER clause is rendered around them by `renderWindow`. */

import { raise } from '../../../types/raise.ts';
import { define, type FunctionDefinition, type Render, type RenderKit } from '../definition.ts';
import { constantInteger } from './constants.ts';

const window = (text: string, render: Render): FunctionDefinition =>
  define(text, render, { kind: 'window', nullOnNull: false });

const call =
  (name: string): Render =>
  (args, kit) =>
    kit.aggregate(name, args.join(', '));

/** `offset` where it is at least `least`; a constant that is needs no check. */
function offsetFrom(least: 0 | 1, offset: string, nullFails: boolean, kit: RenderKit): string {
  const constant = constantInteger(kit.expressions[1]);
  if (constant !== undefined && constant >= least) return offset;
  return kit.bind(offset, (o) => {
    const small = raise('INVALID_FUNCTION_ARGUMENT', `Offset must be at least ${least}`);
    const missing = nullFails
      ? ` WHEN ${o} IS NULL THEN ${raise('INVALID_FUNCTION_ARGUMENT', 'Offset must not be null')}`
      : '';
    return `CASE WHEN ${o} < ${least} THEN ${small}${missing} ELSE ${o} END`;
  });
}

const neighbor =
  (name: 'lag' | 'lead'): Render =>
  ([value = '', offset, ...rest], kit) => {
    const args = offset === undefined ? [value] : [value, offsetFrom(0, offset, true, kit), ...rest];
    return kit.aggregate(name, args.join(', '));
  };

const nthValue: Render = ([value = '', offset = ''], kit) =>
  kit.aggregate('nth_value', `${value}, ${offsetFrom(1, offset, false, kit)}`);

export const WINDOWS: readonly FunctionDefinition[] = [
  ...['row_number', 'rank', 'dense_rank'].map((name) => window(`${name}(): bigint`, call(name))),
  ...['percent_rank', 'cume_dist'].map((name) => window(`${name}(): double`, call(name))),
  window('ntile(bigint): bigint', call('ntile')),
  ...(['lag', 'lead'] as const).flatMap((name) => [
    window(`${name}(T): T`, neighbor(name)),
    window(`${name}(T, bigint): T`, neighbor(name)),
    window(`${name}(T, bigint, T): T`, neighbor(name)),
  ]),
  window('first_value(T): T', call('first_value')),
  window('last_value(T): T', call('last_value')),
  window('nth_value(T, bigint): T', nthValue),
];
