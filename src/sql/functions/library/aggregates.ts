/** Aggregate functions. `splitAggregate` tells which of them work in two steps. */

import { kernelType, keySql } from '../../../types/kernel.ts';
import { orderKeySql } from '../../../types/order-key.ts';
import { decimal, type SqlType } from '../../../types/type.ts';
import { raise } from '../../../types/raise.ts';
import { aggregate, type FunctionDefinition, type Render, type RenderKit } from '../definition.ts';
import type { Expression } from '../../expression.ts';
import { refuseWhere } from './constants.ts';
import { histogramOf, mapOfFirsts, multimapOf } from './keys.ts';

const call =
  (name: string): Render =>
  (args, kit) =>
    kit.aggregate(name, args.join(', '));

/** The kernel sums integers in 128 bits; Trino's result is a BIGINT or an error. */
const sumInteger: Render = ([a = ''], kit) => `CAST(${kit.aggregate('sum', a)} AS ${kernelType(kit.type)})`;

/** Digits of a sum that rows cannot carry: there are never 10^19 of them. */
const CARRIED_DIGITS = 19;

/** 128 bits hold a little more than 38 digits, and the kernel adds up to their end. */
const sumChecked: Render = (args, kit) => {
  const [from] = kit.types;
  const sum = sumInteger(args, kit);
  if (from?.kind !== 'decimal' || from.precision + CARRIED_DIGITS <= 38) return sum;
  const nines = '9'.repeat(38 - from.scale) + (from.scale > 0 ? `.${'9'.repeat(from.scale)}` : '');
  const most = `CAST('${nines}' AS ${kernelType(kit.type)})`;
  const fits = `abs(s) <= ${most}`;
  return `list_transform([${sum}], lambda s: CASE WHEN s IS NULL OR ${fits} THEN s ELSE ${raise('NUMERIC_VALUE_OUT_OF_RANGE', 'Decimal overflow')} END)[1]`;
};

const UNORDERED = { orderSensitive: true } as const;
const BY_KEY = { distinctByKey: true } as const;

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

/**
 * Runs `aggregate` over the rows that decide which value is greatest: NaN is the greatest to the kernel, and nothing to Trino
 * while there is a number.
 */
function overNumbers(key: string, type: SqlType, kit: RenderKit, aggregate: (where?: string) => string): string {
  if (!isFloat(type)) return aggregate();
  const number = `NOT isnan(${key})`;
  return `CASE WHEN ${kit.aggregate('count', '*', number)} > 0 THEN ${aggregate(number)} ELSE ${aggregate()} END`;
}

const isFloat = (type: SqlType): boolean => type.kind === 'double' || type.kind === 'real';

/** min and max by the key that orders the type. */
const extreme =
  (name: 'min' | 'max'): Render =>
  ([a = ''], kit) => {
    const type = kit.types[0]!;
    if (name === 'max' && isFloat(type)) {
      return `coalesce(${kit.aggregate('max', a, `NOT isnan(${a})`)}, ${kit.aggregate('max', a)})`;
    }
    const key = orderKeySql(type, a, name === 'max' ? 'first' : 'last');
    return key === a ? kit.aggregate(name, a) : kit.aggregate(`arg_${name}`, `${a}, ${key}`);
  };

/** A NULL value counts as a result here, unlike in the kernel's arg_min; rows whose key is NULL do not take part. */
const extremeBy =
  (name: 'min' | 'max'): Render =>
  ([value = '', key = ''], kit) => {
    const type = kit.types[1]!;
    const by = (where = `${key} IS NOT NULL`): string =>
      kit.aggregate(`arg_${name}_null`, `${value}, ${isFloat(type) ? key : rankingKey(name, type, key)}`, where);
    return name === 'max' ? overNumbers(key, type, kit, by) : by();
  };

/** The key of what stands in a list of the first few; the kernel would put NaN above all numbers. */
const rankingKey = (name: 'min' | 'max', type: SqlType, sql: string): string =>
  orderKeySql(type, sql, name === 'max' ? 'first' : 'last');

const fewExtremes =
  (name: 'min' | 'max'): Render =>
  ([a = '', n = ''], kit) =>
    kit.aggregate(`arg_${name}`, `${a}, ${rankingKey(name, kit.types[0]!, a)}, ${n}`, `${a} IS NOT NULL`);

const fewExtremesBy =
  (name: 'min' | 'max'): Render =>
  ([value = '', key = '', n = ''], kit) =>
    kit.aggregate(
      `arg_${name}_nulls_last`,
      `${value}, ${rankingKey(name, kit.types[1]!, key)}, ${n}`,
      `${key} IS NOT NULL`,
    );

/**
 * A statistic over numbers that are finite: the kernel fails on others, of which Trino makes `otherwise`. `least` rows are
 * needed for an answer.
 */
const overFinite =
  (kernel: string, least: number, otherwise: 'NaN' | 'NULL'): Render =>
  (args, kit) => {
    const isFinite = args.map((arg) => `isfinite(${arg})`).join(' AND ');
    const statistic = kit.aggregate(kernel, args.join(', '), isFinite);
    const odd = kit.aggregate('count', '*', `NOT (${isFinite})`);
    const enough = kit.aggregate('count', '*', args.map((arg) => `${arg} IS NOT NULL`).join(' AND '));
    const instead = otherwise === 'NaN' ? `CASE WHEN ${enough} >= ${least} THEN CAST('NaN' AS DOUBLE) END` : 'NULL';
    return `CASE WHEN ${odd} > 0 THEN ${instead} ELSE ${statistic} END`;
  };

/** What cannot be computed is NULL: a slope through one point, a correlation with a constant. */
const finiteOnly =
  (kernel: string): Render =>
  (args, kit) => {
    const value = overFinite(kernel, 1, 'NULL')(args, kit);
    return `list_transform([${value}], lambda f: CASE WHEN isfinite(f) THEN f END)[1]`;
  };

/** Trino's arguments are (y, x) as the kernel's. */
const PAIR_STATISTICS: readonly (readonly [string, Render])[] = [
  ...['corr', 'regr_slope', 'regr_intercept', 'regr_r2'].map((name) => [name, finiteOnly(name)] as const),
  ['covar_pop', overFinite('covar_pop', 1, 'NaN')],
  ['covar_samp', overFinite('covar_samp', 2, 'NaN')],
  ...['regr_count', 'regr_avgx', 'regr_avgy'].map((name) => [name, call(name)] as const),
  ...['regr_sxx', 'regr_sxy', 'regr_syy'].map((name) => [name, overFinite(name, 1, 'NaN')] as const),
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

const checksum: Render = ([a = ''], kit) => {
  const sum = kit.aggregate('sum', `CAST(hash(${keySql(kit.types[0]!, a)}) AS HUGEINT)`);
  const modulus = `CAST('18446744073709551616' AS HUGEINT)`;
  return `unhex(lpad(to_hex(CAST(((${sum} % ${modulus}) + ${modulus}) % ${modulus} AS UBIGINT)), 16, '0'))`;
};

/** Exact where approximate is allowed. The kernel takes constant shares only. */
const percentile: Render = ([a = '', p = ''], kit) => {
  if (isShare(kit.expressions[1])) return kit.aggregate('quantile_disc', `${a}, ${p}`);
  const sorted = `list_sort(${kit.aggregate('list', a, `${a} IS NOT NULL`)})`;
  const share = kit.aggregate('any_value', p);
  return `list_transform([{'l': ${sorted}, 'p': ${share}}], lambda q: ${shareOf('q.l', 'q.p')})[1]`;
};

const percentiles: Render = ([a = '', list = ''], kit) => {
  const shares = kit.expressions[1];
  const constant = shares?.kind === 'Array' ? shares.elements : undefined;
  if (constant?.every(isShare)) return kit.aggregate('quantile_disc', `${a}, ${list}`);
  const sorted = `list_sort(${kit.aggregate('list', a, `${a} IS NOT NULL`)})`;
  const each = `list_transform(q.p, lambda p: ${shareOf('q.l', 'p')})`;
  return `list_transform([{'l': ${sorted}, 'p': ${kit.aggregate('any_value', list)}}], lambda q: CASE WHEN q.l IS NOT NULL THEN ${each} END)[1]`;
};

const isShare = (e: Expression | undefined): boolean => {
  const inner = e?.kind === 'Cast' ? e.argument : e;
  return (
    inner?.kind === 'Constant' &&
    typeof inner.value === 'string' &&
    Number(inner.value) >= 0 &&
    Number(inner.value) <= 1
  );
};

const shareOf = (sorted: string, share: string): string =>
  refuseWhere(
    `NOT coalesce(${share} BETWEEN 0 AND 1, false)`,
    `'Percentile must be between 0 and 1'`,
    `${sorted}[greatest(1, CAST(ceil(${share} * len(${sorted})) AS BIGINT))]`,
  );

/** The kernel's own is wrong where there is a NaN; where that cannot be, it keeps no list of all values. */
const histogram: Render = ([a = ''], kit) => {
  const type = kit.types[0]!;
  if (WITHOUT_NAN.has(type.kind)) {
    return `CAST(${kit.aggregate('histogram', a, `${a} IS NOT NULL`)} AS ${kernelType(kit.type)})`;
  }
  return histogramOf(kit.aggregate('list', a, `${a} IS NOT NULL`), type, kit.type);
};

const WITHOUT_NAN = new Set<SqlType['kind']>([
  'boolean',
  'tinyint',
  'smallint',
  'integer',
  'bigint',
  'decimal',
  'varchar',
  'char',
  'date',
  'time',
  'timestamp',
]);

/** Rows without a key do not take part. */
const entriesOf = (k: string, v: string, kit: RenderKit): string =>
  kit.aggregate('list', `{'key': ${k}, 'value': ${v}}`, `${k} IS NOT NULL`);

const mapAgg: Render = ([k = '', v = ''], kit) => mapOfFirsts(entriesOf(k, v, kit), kit.type);

const mapUnion: Render = ([m = ''], kit) =>
  mapOfFirsts(`flatten(${kit.aggregate('list', `map_entries(${m})`, `${m} IS NOT NULL`)})`, kit.type);

const multimapAgg: Render = ([k = '', v = ''], kit) => multimapOf(entriesOf(k, v, kit), kit.type);

const FLOAT_STATISTICS: readonly (readonly [string, Render])[] = [
  ['stddev', overFinite('stddev_samp', 2, 'NaN')],
  ['stddev_samp', overFinite('stddev_samp', 2, 'NaN')],
  ['stddev_pop', overFinite('stddev_pop', 1, 'NaN')],
  ['variance', overFinite('var_samp', 2, 'NaN')],
  ['var_samp', overFinite('var_samp', 2, 'NaN')],
  ['var_pop', overFinite('var_pop', 1, 'NaN')],
];

export const AGGREGATES: readonly FunctionDefinition[] = [
  aggregate('count(): bigint', (_, kit) => kit.aggregate('count', '*')),
  aggregate('count(T): bigint', ([a = ''], kit) => kit.aggregate('count', keySql(kit.types[0]!, a)), BY_KEY),
  aggregate('count_if(boolean): bigint', ([a], kit) => kit.aggregate('count', '*', a)),
  aggregate('sum(bigint): bigint', sumInteger),
  aggregate(
    'sum(real): real',
    ([a], kit) => `CAST(${kit.aggregate('sum', `CAST(${a} AS DOUBLE)`)} AS FLOAT)`,
    UNORDERED,
  ),
  aggregate('sum(double): double', call('sum'), UNORDERED),
  aggregate('sum(decimal(p,s)): decimal(38,s)', sumChecked, { returns: sumDecimal }),
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
  ...FLOAT_STATISTICS.map(([name, render]) => aggregate(`${name}(double): double`, render, UNORDERED)),
  aggregate('array_agg(T): array(T)', call('list'), UNORDERED),
  aggregate('listagg(varchar): varchar', ([a = ''], kit) => kit.aggregate('string_agg', `${a}, ''`), UNORDERED),
  aggregate('listagg(varchar, varchar): varchar', call('string_agg'), UNORDERED),
  ...(['min', 'max'] as const).flatMap((name) => [
    aggregate(`${name}(T:orderable, bigint): array(T)`, fewExtremes(name)),
    aggregate(`${name}_by(V, K:orderable, bigint): array(V)`, fewExtremesBy(name), UNORDERED),
  ]),
  ...PAIR_STATISTICS.map(([name, render]) => aggregate(`${name}(double, double): double`, render, UNORDERED)),
  aggregate('geometric_mean(double): double', ([a = ''], kit) => `exp(${kit.aggregate('avg', `ln(${a})`)})`, UNORDERED),
  aggregate('skewness(double): double', skewness, UNORDERED),
  aggregate('kurtosis(double): double', kurtosis, UNORDERED),
  aggregate('bitwise_and_agg(bigint): bigint', call('bit_and')),
  aggregate('bitwise_or_agg(bigint): bigint', call('bit_or')),
  aggregate('bitwise_xor_agg(bigint): bigint', call('bit_xor')),
  aggregate('approx_distinct(T): bigint', distinctCount, BY_KEY),
  aggregate('approx_distinct(T, double): bigint', distinctCount, BY_KEY),
  ...['bigint', 'double', 'real'].flatMap((t) => [
    aggregate(`approx_percentile(${t}, double): ${t}`, percentile),
    aggregate(`approx_percentile(${t}, array(double)): array(${t})`, percentiles),
  ]),
  aggregate('histogram(K:comparable): map(K,bigint)', histogram),
  aggregate('map_agg(K:comparable, V): map(K,V)', mapAgg, UNORDERED),
  aggregate('multimap_agg(K:comparable, V): map(K,array(V))', multimapAgg, UNORDERED),
  aggregate('map_union(map(K:comparable,V)): map(K,V)', mapUnion, UNORDERED),
  aggregate('checksum(T): varbinary', checksum, BY_KEY),
  // Parts of split aggregates: their sums cannot overflow, the final step checks.
  aggregate('$sum_wide(bigint): decimal(38,0)', sumInteger),
  aggregate('$sum_final(decimal(38,0)): bigint', sumInteger),
  aggregate('$average_final(decimal(38,s), bigint): decimal(38,s)', averageDecimalFinal),
];
