/** Domains of columns from predicates: exact where they say something, silent where unsure. */

import { assert } from '../common/assert.ts';
import { type ComparisonOperator, comparisonsOf, type Expression } from '../sql/expression.ts';
import { compareConstants, hasKnownOrder } from '../types/compare.ts';
import type { ConstantValue } from '../types/constant.ts';
import type { Bound, Domain, Range } from '../types/domain.ts';
import type { SqlType } from '../types/type.ts';
import { sameType } from '../types/type.ts';
import { conjunctsOf, disjunctsOf } from './expressions.ts';

/** By symbol name: every row for which `predicate` is true has its value in the domain. */
export type SymbolDomains = ReadonlyMap<string, { readonly domain: Domain; readonly type: SqlType }>;

/** More ranges than this say little more than the span of all. */
const RANGES_MAX = 200;

export function domainsOf(predicate: Expression): SymbolDomains {
  const all = new Map<string, { domain: Domain; type: SqlType }>();
  for (const conjunct of conjunctsOf(predicate)) {
    for (const [name, { domain, type }] of domainsOfConjunct(conjunct)) {
      const before = all.get(name);
      all.set(name, { domain: before ? intersected(before.domain, domain, type) : domain, type });
    }
  }
  return all;
}

const NONE: SymbolDomains = new Map();

function domainsOfConjunct(conjunct: Expression): SymbolDomains {
  switch (conjunct.kind) {
    case 'Comparison':
      return ofComparison(conjunct.operator, conjunct.left, conjunct.right);
    case 'Between': {
      const [low, high] = comparisonsOf(conjunct);
      return merged(domainsOfConjunct(low), domainsOfConjunct(high), intersected);
    }
    case 'In':
      return ofIn(conjunct.value, conjunct.list);
    case 'IsNull': {
      const column = columnOf(conjunct.argument);
      return column ? new Map([[column.name, { domain: { ranges: [], nullAllowed: true }, type: column.type }]]) : NONE;
    }
    case 'Not': {
      if (conjunct.argument.kind !== 'IsNull') return NONE;
      const column = columnOf(conjunct.argument.argument);
      return column
        ? new Map([[column.name, { domain: { ranges: [{}], nullAllowed: false }, type: column.type }]])
        : NONE;
    }
    case 'Logical':
      if (conjunct.operator === 'AND') return domainsOf(conjunct);
      return disjunctsOf(conjunct)
        .map((term) => domainsOf(term))
        .reduce((a, b) => merged(a, b, united, true));
    case 'Constant':
    case 'Reference':
    case 'Call':
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
      return NONE;
  }
}

/** A column on one side only: kept by an AND, dropped by an OR. */
function merged(
  a: SymbolDomains,
  b: SymbolDomains,
  combine: (a: Domain, b: Domain, type: SqlType) => Domain,
  bothOnly = false,
): SymbolDomains {
  const result = new Map<string, { domain: Domain; type: SqlType }>();
  for (const [name, { domain, type }] of a) {
    const other = b.get(name);
    if (other) result.set(name, { domain: combine(domain, other.domain, type), type });
    else if (!bothOnly) result.set(name, { domain, type });
  }
  if (!bothOnly) for (const [name, entry] of b) if (!a.has(name)) result.set(name, entry);
  return result;
}

/** A column, also behind a cast that keeps values and their text: a wider whole number, a longer varchar. */
function columnOf(expression: Expression): { readonly name: string; readonly type: SqlType } | undefined {
  if (expression.kind === 'Reference') return isOrdered(expression.type) ? expression : undefined;
  if (expression.kind !== 'Cast' || expression.argument.kind !== 'Reference') return undefined;
  const from = expression.argument.type;
  const to = expression.type;
  const widens =
    (WHOLE.indexOf(from.kind) >= 0 && WHOLE.indexOf(from.kind) <= WHOLE.indexOf(to.kind)) ||
    (from.kind === 'varchar' && to.kind === 'varchar' && (to.length ?? Infinity) >= (from.length ?? Infinity));
  return widens ? expression.argument : undefined;
}

const WHOLE: readonly string[] = ['tinyint', 'smallint', 'integer', 'bigint'];

/** REAL is left alone: its constants' shortest text is another number when read as a double. */
const isOrdered = (type: SqlType): boolean =>
  WHOLE.includes(type.kind) || ['double', 'decimal', 'varchar', 'date', 'timestamp'].includes(type.kind);

function ofComparison(operator: ComparisonOperator, left: Expression, right: Expression): SymbolDomains {
  if (left.kind === 'Constant' && right.kind !== 'Constant') {
    const flipped = { '<': '>', '<=': '>=', '>': '<', '>=': '<=', '=': '=' } as const;
    return operator === '<>' || operator === 'IS DISTINCT FROM' ? NONE : ofComparison(flipped[operator], right, left);
  }
  const column = columnOf(left);
  if (!column || right.kind !== 'Constant' || !isComparable(right.value, column.type)) return NONE;
  if (left.kind === 'Reference' && !sameType(left.type, right.type)) return NONE;
  const range = rangeOf(operator, right.value);
  if (!range) return NONE;
  return new Map([[column.name, { domain: { ranges: [range], nullAllowed: false }, type: column.type }]]);
}

function rangeOf(operator: ComparisonOperator, value: ConstantValue): Range | undefined {
  switch (operator) {
    case '=':
      return { low: { value, inclusive: true }, high: { value, inclusive: true } };
    case '<':
    case '<=':
      return { high: { value, inclusive: operator === '<=' } };
    case '>':
    case '>=':
      return { low: { value, inclusive: operator === '>=' } };
    case '<>':
    case 'IS DISTINCT FROM':
      return undefined;
  }
}

function ofIn(value: Expression, list: readonly Expression[]): SymbolDomains {
  const column = columnOf(value);
  if (!column) return NONE;
  let domain: Domain = { ranges: [], nullAllowed: false };
  const ranges: Range[] = [];
  for (const item of list) {
    if (item.kind !== 'Constant') return NONE;
    // x IN (…, NULL) is never true for NULL's sake.
    if (item.value === null) continue;
    if (!isComparable(item.value, column.type)) return NONE;
    const bound = { value: item.value, inclusive: true };
    ranges.push({ low: bound, high: bound });
  }
  domain = united(domain, { ranges, nullAllowed: false }, column.type);
  return new Map([[column.name, { domain, type: column.type }]]);
}

/** Whether a range may end at the value. No range ends at an infinity, which NaN stands beyond. */
const isComparable = (value: ConstantValue, type: SqlType): boolean =>
  typeof value === 'string' && hasKnownOrder(type, value) && (type.kind !== 'double' || Number.isFinite(Number(value)));

function compare(a: ConstantValue, b: ConstantValue, type: SqlType): number {
  const compared = compareConstants(type, a, b);
  assert(compared !== undefined, 'only values whose order is known bound a domain');
  return compared;
}

function intersected(a: Domain, b: Domain, type: SqlType): Domain {
  const ranges: Range[] = [];
  for (const x of a.ranges) {
    for (const y of b.ranges) {
      const low = tighter(x.low, y.low, type, 1);
      const high = tighter(x.high, y.high, type, -1);
      if (!isEmpty(low, high, type)) ranges.push({ ...(low ? { low } : {}), ...(high ? { high } : {}) });
    }
  }
  return { ranges: normalized(ranges, type), nullAllowed: a.nullAllowed && b.nullAllowed };
}

function tighter(a: Bound | undefined, b: Bound | undefined, type: SqlType, direction: 1 | -1): Bound | undefined {
  if (!a || !b) return a ?? b;
  const order = compare(a.value, b.value, type) * direction;
  if (order !== 0) return order > 0 ? a : b;
  return a.inclusive ? b : a;
}

function isEmpty(low: Bound | undefined, high: Bound | undefined, type: SqlType): boolean {
  if (!low || !high) return false;
  const order = compare(low.value, high.value, type);
  return order > 0 || (order === 0 && !(low.inclusive && high.inclusive));
}

function united(a: Domain, b: Domain, type: SqlType): Domain {
  return {
    ranges: normalized([...a.ranges, ...b.ranges], type),
    nullAllowed: a.nullAllowed || b.nullAllowed,
  };
}

/** Ascending, not overlapping, not too many. */
function normalized(ranges: readonly Range[], type: SqlType): readonly Range[] {
  const sorted = ranges.toSorted((a, b) => compareLows(a.low, b.low, type));
  const result: Range[] = [];
  for (const range of sorted) {
    const last = result.at(-1);
    if (last && touches(last.high, range.low, type)) {
      const high = last.high && range.high ? wider(last.high, range.high, type) : undefined;
      result[result.length - 1] = { ...(last.low ? { low: last.low } : {}), ...(high ? { high } : {}) };
    } else {
      result.push(range);
    }
  }
  if (result.length <= RANGES_MAX) return result;
  const low = result[0]?.low;
  const high = result.at(-1)?.high;
  return [{ ...(low ? { low } : {}), ...(high ? { high } : {}) }];
}

function compareLows(a: Bound | undefined, b: Bound | undefined, type: SqlType): number {
  if (!a || !b) return a ? 1 : b ? -1 : 0;
  return compare(a.value, b.value, type) || Number(b.inclusive) - Number(a.inclusive);
}

function touches(high: Bound | undefined, low: Bound | undefined, type: SqlType): boolean {
  if (!high || !low) return true;
  const order = compare(high.value, low.value, type);
  return order > 0 || (order === 0 && (high.inclusive || low.inclusive));
}

function wider(a: Bound, b: Bound, type: SqlType): Bound {
  const order = compare(a.value, b.value, type);
  if (order !== 0) return order > 0 ? a : b;
  return a.inclusive ? a : b;
}
