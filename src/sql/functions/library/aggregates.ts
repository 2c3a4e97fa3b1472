/** Aggregate functions. `splitAggregate` tells which of them work in two steps. */

import { kernelType, keySql, hasKeyOfItsOwn } from '../../../types/kernel.ts';
import { decimal, type SqlType } from '../../../types/type.ts';
import { aggregate, type FunctionDefinition, type Render } from '../definition.ts';

const call =
  (name: string): Render =>
  (args, kit) =>
    kit.aggregate(name, args.join(', '));

/** The kernel sums integers in 128 bits; Trino's result is a BIGINT or an error. */
const sumInteger: Render = ([a = ''], kit) => `CAST(${kit.aggregate('sum', a)} AS ${kernelType(kit.type)})`;

const UNORDERED = { orderSensitive: true } as const;

const sumDecimal = (types: readonly SqlType[]): SqlType =>
  decimal(38, types[0]?.kind === 'decimal' ? types[0].scale : 0);

/** The digits of a decimal as one integer. */
const digitsOf = (sql: string): string => `CAST(replace(CAST(${sql} AS VARCHAR), '.', '') AS HUGEINT)`;

/** `digits / count` rounded half away from zero, both kernel expressions over a group. */
function quotient(digits: string, count: string, type: SqlType): string {
  const scale = type.kind === 'decimal' ? type.scale : 0;
  const unit = scale === 0 ? '' : ` * CAST('0.${'0'.repeat(scale - 1)}1' AS DECIMAL(${scale},${scale}))`;
  const away = `CASE WHEN 2 * abs(${digits} % ${count}) >= ${count} THEN CASE WHEN ${digits} < 0 THEN -1 ELSE 1 END ELSE 0 END`;
  return `CASE WHEN ${count} > 0 THEN CAST(CAST(${digits} // ${count} + ${away} AS DECIMAL(38,0))${unit} AS ${kernelType(type)}) END`;
}

const averageDecimal: Render = ([a = ''], kit) =>
  quotient(digitsOf(kit.aggregate('sum', a)), kit.aggregate('count', a), kit.type);

const averageDecimalFinal: Render = ([sum = '', count = ''], kit) =>
  quotient(digitsOf(kit.aggregate('sum', sum)), `CAST(${kit.aggregate('sum', count)} AS BIGINT)`, kit.type);

const averageInteger: Render = ([a = ''], kit) =>
  `(CAST(${kit.aggregate('sum', a)} AS DOUBLE) / nullif(${kit.aggregate('count', a)}, 0))`;

const averageInterval: Render = ([a = ''], kit) => `CAST(round(${kit.aggregate('avg', a)}) AS ${kernelType(kit.type)})`;

/** min and max by the key that orders the type. */
const extreme =
  (name: 'min' | 'max'): Render =>
  ([a = ''], kit) => {
    const type = kit.types[0]!;
    return hasKeyOfItsOwn(type) ? kit.aggregate(`arg_${name}`, `${a}, ${keySql(type, a)}`) : kit.aggregate(name, a);
  };

/** A NULL value counts as a result here, unlike in the kernel's arg_min; rows whose key is NULL do not take part. */
const extremeBy =
  (name: 'min' | 'max'): Render =>
  ([value = '', key = ''], kit) =>
    kit.aggregate(`arg_${name}_null`, `${value}, ${keySql(kit.types[1]!, key)}`, `${key} IS NOT NULL`);

const FLOAT_STATISTICS: readonly (readonly [string, string])[] = [
  ['stddev', 'stddev_samp'],
  ['stddev_samp', 'stddev_samp'],
  ['stddev_pop', 'stddev_pop'],
  ['variance', 'var_samp'],
  ['var_samp', 'var_samp'],
  ['var_pop', 'var_pop'],
];

export const AGGREGATES: readonly FunctionDefinition[] = [
  aggregate('count(): bigint', (_, kit) => kit.aggregate('count', '*')),
  aggregate('count(T): bigint', ([a = ''], kit) => kit.aggregate('count', keySql(kit.types[0]!, a))),
  aggregate('count_if(boolean): bigint', ([a], kit) => kit.aggregate('count', '*', a)),
  aggregate('sum(bigint): bigint', sumInteger),
  aggregate(
    'sum(real): real',
    ([a], kit) => `CAST(${kit.aggregate('sum', `CAST(${a} AS DOUBLE)`)} AS FLOAT)`,
    UNORDERED,
  ),
  aggregate('sum(double): double', call('sum'), UNORDERED),
  aggregate('sum(decimal(p,s)): decimal(38,s)', sumInteger, { returns: sumDecimal }),
  aggregate('sum(interval day to second): interval day to second', sumInteger),
  aggregate('sum(interval year to month): interval year to month', sumInteger),
  aggregate('avg(bigint): double', averageInteger),
  aggregate(
    'avg(real): real',
    ([a], kit) => `CAST(${kit.aggregate('avg', `CAST(${a} AS DOUBLE)`)} AS FLOAT)`,
    UNORDERED,
  ),
  aggregate('avg(double): double', call('avg'), UNORDERED),
  aggregate('avg(decimal(p,s)): decimal(p,s)', averageDecimal),
  aggregate('avg(interval day to second): interval day to second', averageInterval),
  aggregate('avg(interval year to month): interval year to month', averageInterval),
  aggregate('min(T:orderable): T', extreme('min')),
  aggregate('max(T:orderable): T', extreme('max')),
  aggregate('min_by(V, K:orderable): V', extremeBy('min'), UNORDERED),
  aggregate('max_by(V, K:orderable): V', extremeBy('max'), UNORDERED),
  aggregate('bool_and(boolean): boolean', call('bool_and')),
  aggregate('bool_or(boolean): boolean', call('bool_or')),
  aggregate('every(boolean): boolean', call('bool_and')),
  aggregate('arbitrary(T): T', ([a = ''], kit) => kit.aggregate('any_value', a), UNORDERED),
  aggregate('any_value(T): T', ([a = ''], kit) => kit.aggregate('any_value', a), UNORDERED),
  ...FLOAT_STATISTICS.map(([name, kernel]) => aggregate(`${name}(double): double`, call(kernel), UNORDERED)),
  aggregate('array_agg(T): array(T)', call('list'), UNORDERED),
  // Parts of split aggregates: their sums cannot overflow, the final step checks.
  aggregate('$sum_wide(bigint): decimal(38,0)', sumInteger),
  aggregate('$sum_final(decimal(38,0)): bigint', sumInteger),
  aggregate('$average_final(decimal(38,s), bigint): decimal(38,s)', averageDecimalFinal),
];
