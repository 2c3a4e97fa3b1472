/** What a predicate leaves of its input: rows, and narrower statistics of the columns that it speaks of. */

import { type ComparisonOperator, comparisonsOf, type Expression } from '../sql/expression.ts';
import { conjunctsOf, disjunctsOf } from './expressions.ts';
import { ordinal } from './ordinal.ts';
import type { PlanStatistics, SymbolStatistics } from './statistics.ts';

/** Share of rows that a predicate of which nothing is known lets through. */
const UNKNOWN_SHARE = 0.3;
/** LIKE with a pattern. */
const LIKE_SHARE = 0.1;
/** An inequality between two columns or with something that is no constant. */
const RANGE_SHARE = 1 / 3;
/** Equality with an expression whose number of values is unknown. */
const EQUAL_SHARE = 0.1;

/** Statistics of the rows for which all conjuncts hold. */
export function filtered(input: PlanStatistics, predicate: Expression | undefined): PlanStatistics {
  let result = input;
  for (const conjunct of conjunctsOf(predicate)) result = filteredByOne(result, conjunct);
  return result;
}

/** A filter that lets some rows through is never thought to let through none: estimates of zero multiply. */
function filteredByOne(input: PlanStatistics, conjunct: Expression): PlanStatistics {
  const { share, narrowed } = effectOf(conjunct, input);
  if (input.rows === undefined) return narrowed ? { rows: undefined, symbols: replaced(input, narrowed) } : input;
  const rows = Math.max(input.rows * share, Math.min(1, input.rows));
  return withRows(narrowed ? { rows: input.rows, symbols: replaced(input, narrowed) } : input, rows);
}

const replaced = (input: PlanStatistics, narrowed: Narrowed): ReadonlyMap<string, SymbolStatistics> =>
  new Map(input.symbols).set(narrowed.name, narrowed.statistics);

/** Fewer rows have fewer different values: as many as a random sample of that size is expected to hit. */
export function withRows(input: PlanStatistics, rows: number): PlanStatistics {
  if (input.rows === undefined || rows >= input.rows) return { rows, symbols: input.symbols };
  const before = input.rows;
  const symbols = new Map<string, SymbolStatistics>();
  for (const [name, statistics] of input.symbols) {
    const { distinct } = statistics;
    symbols.set(
      name,
      distinct === undefined ? statistics : { ...statistics, distinct: sampledDistinct(distinct, before, rows) },
    );
  }
  return { rows, symbols };
}

function sampledDistinct(distinct: number, before: number, rows: number): number {
  if (before <= 0 || distinct <= 0) return Math.min(distinct, rows);
  const perValue = Math.max(before / distinct, 1);
  const hit = 1 - (1 - Math.min(rows / before, 1)) ** perValue;
  return Math.max(Math.min(distinct * hit, rows), Math.min(1, rows));
}

type Narrowed = { readonly name: string; readonly statistics: SymbolStatistics };
type Effect = { readonly share: number; readonly narrowed?: Narrowed };

function effectOf(predicate: Expression, input: PlanStatistics): Effect {
  switch (predicate.kind) {
    case 'Constant':
      return { share: predicate.value === true ? 1 : 0 };
    case 'Logical':
      return { share: predicate.operator === 'AND' ? shareOfAnd(predicate, input) : shareOfOr(predicate, input) };
    case 'Not':
      return { share: Math.max(1 - effectOf(predicate.argument, input).share, 0) };
    case 'IsNull':
      return { share: statisticsOf(predicate.argument, input)?.nullFraction ?? 0.05 };
    case 'Comparison':
      return comparisonEffect(predicate, input);
    case 'Between': {
      const [low, high] = comparisonsOf(predicate);
      const atLeast = comparisonEffect(low, input);
      const narrowedInput = atLeast.narrowed ? { ...input, symbols: replaced(input, atLeast.narrowed) } : input;
      const atMost = comparisonEffect(high, narrowedInput);
      return { share: atLeast.share * atMost.share, ...(atMost.narrowed ? { narrowed: atMost.narrowed } : {}) };
    }
    case 'In': {
      const known = statisticsOf(predicate.value, input);
      const one = known?.distinct === undefined ? EQUAL_SHARE : 1 / Math.max(known.distinct, 1);
      const share = Math.min(predicate.list.length * one, 1);
      if (predicate.value.kind !== 'Reference' || !known) return { share };
      const distinct = Math.min(predicate.list.length, known.distinct ?? Infinity);
      return { share, narrowed: { name: predicate.value.name, statistics: { ...known, distinct, nullFraction: 0 } } };
    }
    case 'Call':
      return { share: predicate.function.startsWith('$like') ? LIKE_SHARE : UNKNOWN_SHARE };
    case 'Reference':
    case 'Cast':
    case 'Case':
    case 'Switch':
    case 'Coalesce':
    case 'NullIf':
    case 'Try':
    case 'Row':
    case 'Array':
    case 'Field':
    case 'Lambda':
      return { share: UNKNOWN_SHARE };
  }
}

function shareOfAnd(predicate: Expression, input: PlanStatistics): number {
  const whole = { rows: 1e12, symbols: input.symbols };
  let result: PlanStatistics = whole;
  for (const conjunct of conjunctsOf(predicate)) {
    const { share, narrowed } = effectOf(conjunct, result);
    result = {
      rows: (result.rows ?? 0) * share,
      symbols: narrowed ? replaced(result, narrowed) : result.symbols,
    };
  }
  return (result.rows ?? 0) / 1e12;
}

function shareOfOr(predicate: Expression, input: PlanStatistics): number {
  let share = 0;
  for (const term of disjunctsOf(predicate)) {
    const one = effectOf(term, input).share;
    share = share + one - share * one;
  }
  return share;
}

const FLIPPED: Readonly<Record<ComparisonOperator, ComparisonOperator>> = {
  '=': '=',
  '<>': '<>',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
  'IS DISTINCT FROM': 'IS DISTINCT FROM',
};

type Comparison = { readonly operator: ComparisonOperator; readonly left: Expression; readonly right: Expression };

function comparisonEffect(comparison: Comparison, input: PlanStatistics): Effect {
  const { operator, left, right } = comparison;
  if (left.kind === 'Constant' && right.kind !== 'Constant') {
    return comparisonEffect({ operator: FLIPPED[operator], left: right, right: left }, input);
  }
  const known = statisticsOf(left, input);
  if (right.kind !== 'Constant') return columnsEffect(operator, known, statisticsOf(right, input));
  if (right.value === null && operator !== 'IS DISTINCT FROM') return { share: 0 };
  const name = left.kind === 'Reference' ? left.name : undefined;
  const notNull = 1 - (known?.nullFraction ?? 0);
  const at = ordinal(right.value, right.type);
  if (operator === '=' || operator === '<>' || operator === 'IS DISTINCT FROM') {
    const outside = known && at !== undefined && (at < (known.low ?? -Infinity) || at > (known.high ?? Infinity));
    const one = known?.distinct === undefined ? EQUAL_SHARE : 1 / Math.max(known.distinct, 1);
    const equal = (outside ? 0 : one) * notNull;
    if (operator !== '=') return { share: notNull - equal };
    if (name === undefined || !known) return { share: equal };
    const bounds = at === undefined ? {} : { low: at, high: at };
    return { share: equal, narrowed: { name, statistics: { ...known, ...bounds, distinct: 1, nullFraction: 0 } } };
  }
  return rangeEffect(operator, at, known, name);
}

function rangeEffect(
  operator: '<' | '<=' | '>' | '>=',
  at: number | undefined,
  known: SymbolStatistics | undefined,
  name: string | undefined,
): Effect {
  const notNull = 1 - (known?.nullFraction ?? 0);
  if (!known || at === undefined || known.low === undefined || known.high === undefined) {
    return { share: RANGE_SHARE * notNull };
  }
  const { low, high } = known;
  const below = operator === '<' || operator === '<=';
  const from = below ? low : Math.max(low, at);
  const to = below ? Math.min(high, at) : high;
  const share = to < from ? 0 : high > low ? (to - from) / (high - low) : 1;
  if (name === undefined) return { share: share * notNull };
  const distinct = known.distinct === undefined ? {} : { distinct: Math.max(known.distinct * share, 1) };
  const statistics = { ...known, low: Math.min(from, to), high: to, nullFraction: 0, ...distinct };
  return { share: share * notNull, narrowed: { name, statistics } };
}

function columnsEffect(
  operator: ComparisonOperator,
  left: SymbolStatistics | undefined,
  right: SymbolStatistics | undefined,
): Effect {
  const distinct = Math.max(left?.distinct ?? 0, right?.distinct ?? 0);
  const equal = distinct > 0 ? 1 / distinct : EQUAL_SHARE;
  if (operator === '=') return { share: equal };
  return { share: operator === '<>' || operator === 'IS DISTINCT FROM' ? 1 - equal : RANGE_SHARE };
}

/** Of a column, also through a cast, which keeps the number of values about. */
function statisticsOf(expression: Expression, input: PlanStatistics): SymbolStatistics | undefined {
  if (expression.kind === 'Reference') return input.symbols.get(expression.name);
  if (expression.kind === 'Cast') {
    const inner = statisticsOf(expression.argument, input);
    return inner && { ...inner, low: undefined, high: undefined };
  }
  return undefined;
}
