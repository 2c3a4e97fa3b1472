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
    if (name === 'max' && (type.kind === 'double' || type.kind === 'real')) {
      // NaN is the greatest to the kernel, and nothing to Trino while there is a number.
      return `coalesce(${kit.aggregate('max', a, `NOT isnan(${a})`)}, ${kit.aggregate('max', a)})`;
    }
    return hasKeyOfItsOwn(type) ? kit.aggregate(`arg_${name}`, `${a}, ${keySql(type, a)}`) : kit.aggregate(name, a);
  };

/** A NULL value counts as a result here, unlike in the kernel's arg_min; rows whose key is NULL do not take part. */
const extremeBy =
  (name: 'min' | 'max'): Render =>
  ([value = '', key = ''], kit) =>
    kit.aggregate(`arg_${name}_null`, `${value}, ${keySql(kit.types[1]!, key)}`, `${key} IS NOT NULL`);

/** Trino's arguments are (y, x) as the kernel's. */
const PAIR_STATISTICS: readonly (readonly [string, string])[] = [
  ['corr', 'corr'],
  ['covar_pop', 'covar_pop'],
  ['covar_samp', 'covar_samp'],
  ['regr_slope', 'regr_slope'],
  ['regr_intercept', 'regr_intercept'],
  ['regr_count', 'regr_count'],
  ['regr_avgx', 'regr_avgx'],
  ['regr_avgy', 'regr_avgy'],
  ['regr_r2', 'regr_r2'],
  ['regr_sxx', 'regr_sxx'],
  ['regr_sxy', 'regr_sxy'],
  ['regr_syy', 'regr_syy'],
];

/** Deviations from the mean to a power, summed over the values as a list: sound, unlike sums of powers. */
const moment = (list: string, power: number): string =>
  `list_sum(list_transform(${list}, lambda m: pow(m - list_avg(${list}), ${power})))`;

/** m3 / m2^1.5 of the population. */
const skewness: Render = ([a = ''], kit) => {
  const list = kit.aggregate('list', a, `${a} IS NOT NULL`);
  return `list_transform([${list}], lambda l: CASE WHEN len(l) >= 3 THEN sqrt(len(l)) * ${moment('l', 3)} / pow(${moment('l', 2)}, 1.5e0) END)[1]`;
};

/** The sample's excess kurtosis, from four values on. */
const kurtosis: Render = ([a = ''], kit) => {
  const list = kit.aggregate('list', a, `${a} IS NOT NULL`);
  const n = 'CAST(len(l) AS DOUBLE)';
  const variance = `(${moment('l', 2)} / (${n} - 1))`;
  const body = `(${n} * (${n} + 1)) / ((${n} - 1) * (${n} - 2) * (${n} - 3)) * (${moment('l', 4)} / pow(${variance}, 2)) - 3 * pow(${n} - 1, 2) / ((${n} - 2) * (${n} - 3))`;
  return `list_transform([${list}], lambda l: CASE WHEN len(l) >= 4 THEN ${body} END)[1]`;
};

const distinctCount: Render = ([a = ''], kit) =>
  `CAST(${kit.aggregate('approx_count_distinct', keySql(kit.types[0]!, a))} AS BIGINT)`;

/** Exact where approximate is allowed. */
const percentile: Render = ([a = '', p = ''], kit) => kit.aggregate('quantile_disc', `${a}, ${p}`);
const percentiles: Render = ([a = '', list = ''], kit) => kit.aggregate('quantile_disc', `${a}, ${list}`);

const histogram: Render = ([a = ''], kit) => {
  const groups = kit.aggregate('histogram', a, `${a} IS NOT NULL`);
  return `CAST(${groups} AS ${kernelType(kit.type)})`;
};

/** Of equal keys the first value stays; rows without a key do not take part. */
const mapAgg: Render = ([k = '', v = ''], kit) => {
  const list = kit.aggregate('list', `{'key': ${k}, 'value': ${v}}`, `${k} IS NOT NULL`);
  return `list_transform([${list}], lambda l: ${firstOfEachKey('l', kernelType(kit.type))})[1]`;
};

const firstOfEachKey = (list: string, type: string): string =>
  `CAST(map_from_entries(list_filter(${list}, lambda e, i: list_position(list_transform(${list}, lambda f: f.key), e.key) = i)) AS ${type})`;

const mapUnion: Render = ([m = ''], kit) => {
  const list = kit.aggregate('list', `map_entries(${m})`, `${m} IS NOT NULL`);
  return `list_transform([flatten(${list})], lambda l: ${firstOfEachKey('l', kernelType(kit.type))})[1]`;
};

const multimapAgg: Render = ([k = '', v = ''], kit) => {
  const list = kit.aggregate('list', `{'key': ${k}, 'value': ${v}}`, `${k} IS NOT NULL`);
  const keys = `list_filter(list_transform(l, lambda e: e.key), lambda k, i: list_position(list_transform(l, lambda f: f.key), k) = i)`;
  const entry = `{'key': k, 'value': list_transform(list_filter(l, lambda e: e.key = k), lambda e: e.value)}`;
  return `list_transform([${list}], lambda l: CAST(map_from_entries(list_transform(${keys}, lambda k: ${entry})) AS ${kernelType(kit.type)}))[1]`;
};

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
  aggregate('listagg(varchar): varchar', ([a = ''], kit) => kit.aggregate('string_agg', `${a}, ''`), UNORDERED),
  aggregate('listagg(varchar, varchar): varchar', call('string_agg'), UNORDERED),
  ...['min', 'max'].flatMap((name) => [
    aggregate(`${name}(T:orderable, bigint): array(T)`, call(name)),
    aggregate(
      `${name}_by(V, K:orderable, bigint): array(V)`,
      ([v = '', k = '', n = ''], kit) => kit.aggregate(`arg_${name}`, `${v}, ${keySql(kit.types[1]!, k)}, ${n}`),
      UNORDERED,
    ),
  ]),
  ...PAIR_STATISTICS.map(([name, kernel]) => aggregate(`${name}(double, double): double`, call(kernel), UNORDERED)),
  aggregate('geometric_mean(double): double', ([a = ''], kit) => `exp(${kit.aggregate('avg', `ln(${a})`)})`, UNORDERED),
  aggregate('skewness(double): double', skewness, UNORDERED),
  aggregate('kurtosis(double): double', kurtosis, UNORDERED),
  aggregate('bitwise_and_agg(bigint): bigint', call('bit_and')),
  aggregate('bitwise_or_agg(bigint): bigint', call('bit_or')),
  aggregate('bitwise_xor_agg(bigint): bigint', call('bit_xor')),
  aggregate('approx_distinct(T): bigint', distinctCount),
  aggregate('approx_distinct(T, double): bigint', distinctCount),
  ...['bigint', 'double', 'real'].flatMap((t) => [
    aggregate(`approx_percentile(${t}, double): ${t}`, percentile),
    aggregate(`approx_percentile(${t}, array(double)): array(${t})`, percentiles),
  ]),
  aggregate('histogram(K:comparable): map(K,bigint)', histogram),
  aggregate('map_agg(K:comparable, V): map(K,V)', mapAgg, UNORDERED),
  aggregate('multimap_agg(K:comparable, V): map(K,array(V))', multimapAgg, UNORDERED),
  aggregate('map_union(map(K:comparable,V)): map(K,V)', mapUnion, UNORDERED),
  aggregate('checksum(T): varbinary', ([a = ''], kit) => {
    const hash = `CAST(hash(${keySql(kit.types[0]!, a)}) AS HUGEINT)`;
    return `unhex(lpad(to_hex(CAST(((${kit.aggregate('sum', hash)} % CAST('18446744073709551616' AS HUGEINT)) + CAST('18446744073709551616' AS HUGEINT)) % CAST('18446744073709551616' AS HUGEINT) AS UBIGINT)), 16, '0'))`;
  }),
  // Parts of split aggregates: their sums cannot overflow, the final step checks.
  aggregate('$sum_wide(bigint): decimal(38,0)', sumInteger),
  aggregate('$sum_final(decimal(38,0)): bigint', sumInteger),
  aggregate('$average_final(decimal(38,s), bigint): decimal(38,s)', averageDecimalFinal),
];
