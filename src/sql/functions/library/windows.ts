/** Window functions that are not aggregates. The OVER clause is rendered around them by `renderWindow`. */

import { define, type FunctionDefinition, type Render } from '../definition.ts';

const window = (text: string, render: Render): FunctionDefinition =>
  define(text, render, { kind: 'window', nullOnNull: false });

const call =
  (name: string): Render =>
  (args, kit) =>
    kit.aggregate(name, args.join(', '));

export const WINDOWS: readonly FunctionDefinition[] = [
  ...['row_number', 'rank', 'dense_rank'].map((name) => window(`${name}(): bigint`, call(name))),
  ...['percent_rank', 'cume_dist'].map((name) => window(`${name}(): double`, call(name))),
  window('ntile(bigint): bigint', call('ntile')),
  ...['lag', 'lead'].flatMap((name) => [
    window(`${name}(T): T`, call(name)),
    window(`${name}(T, bigint): T`, call(name)),
    window(`${name}(T, bigint, T): T`, call(name)),
  ]),
  window('first_value(T): T', call('first_value')),
  window('last_value(T): T', call('last_value')),
  window('nth_value(T, bigint): T', call('nth_value')),
];
