/** Rows of a join from the rows and distinct values of its sides. */

import type { Expression } from '../sql/expression.ts';
import type { JoinNode, JoinType } from './nodes.ts';
import { filtered, withRows } from './selectivity.ts';
import type { PlanStatistics, SymbolStatistics } from './statistics.ts';

export function joined(
  type: JoinType,
  criteria: JoinNode['criteria'],
  filter: Expression | undefined,
  left: PlanStatistics,
  right: PlanStatistics,
): PlanStatistics {
  if (type === 'SEMI' || type === 'ANTI') return matched(type, criteria, filter, left, right);
  const symbols = new Map([...left.symbols, ...right.symbols]);
  const inner = filtered({ rows: innerRows(criteria, left, right), symbols: withEqualKeys(symbols, criteria) }, filter);
  if (inner.rows === undefined || left.rows === undefined || right.rows === undefined) return inner;
  switch (type) {
    case 'INNER':
      return cappedDistinct(inner);
    case 'LEFT':
      return { rows: Math.max(inner.rows, left.rows), symbols };
    case 'RIGHT':
      return { rows: Math.max(inner.rows, right.rows), symbols };
    case 'FULL':
      return { rows: Math.max(inner.rows, left.rows, right.rows), symbols };
  }
}

/**
 * Each clause keeps one in so many pairs as the larger side has values. Clauses between the columns of two tables are most
 * often one composite key, so after the first, a clause keeps one in so many as a value of the first leaves open at least.
 */
function innerRows(criteria: JoinNode['criteria'], left: PlanStatistics, right: PlanStatistics): number | undefined {
  if (left.rows === undefined || right.rows === undefined) return undefined;
  const clauses = criteria.map((clause) => clauseOf(clause, left, right)).toSorted((a, b) => valuesOf(b) - valuesOf(a));
  let rows = left.rows * right.rows;
  let first: Clause | undefined;
  for (const clause of clauses) {
    const composite = first && first.leftOrigin === clause.leftOrigin && first.rightOrigin === clause.rightOrigin;
    if (first && (clause.left === undefined || clause.right === undefined)) {
      rows *= COMPUTED_SHARE;
    } else if (first && composite) {
      const openLeft = Math.min(clause.left ?? Infinity, Math.max(left.rows / (first.left ?? 1), 1));
      const openRight = Math.min(clause.right ?? Infinity, Math.max(right.rows / (first.right ?? 1), 1));
      rows /= Math.max(Math.min(openLeft, openRight), 1);
    } else {
      // A column without statistics is taken to be a key of the smaller side.
      const fallback = Math.min(left.rows, right.rows);
      rows /= Math.max(clause.left ?? fallback, clause.right ?? fallback, 1);
    }
    first ??= clause;
  }
  return Math.max(rows, Math.min(left.rows, right.rows, 1));
}

/** Share of pairs that a further clause keeps, one side of which is computed: it is rarely independent of the first. */
const COMPUTED_SHARE = 0.1;

type Clause = {
  /** Distinct values, where known. */
  readonly left: number | undefined;
  readonly right: number | undefined;
  readonly leftOrigin: number | undefined;
  readonly rightOrigin: number | undefined;
};

const valuesOf = ({ left, right }: Clause): number =>
  left === undefined || right === undefined ? -1 : Math.max(left, right);

function clauseOf(clause: JoinNode['criteria'][number], left: PlanStatistics, right: PlanStatistics): Clause {
  const l = left.symbols.get(clause.left.name);
  const r = right.symbols.get(clause.right.name);
  return { left: l?.distinct, right: r?.distinct, leftOrigin: l?.origin, rightOrigin: r?.origin };
}

/** Matching rows have a value that both sides have. */
function withEqualKeys(
  symbols: Map<string, SymbolStatistics>,
  criteria: JoinNode['criteria'],
): ReadonlyMap<string, SymbolStatistics> {
  const result = new Map(symbols);
  for (const { left, right } of criteria) {
    const l = symbols.get(left.name);
    const r = symbols.get(right.name);
    const distinct = Math.min(l?.distinct ?? Infinity, r?.distinct ?? Infinity);
    const known = Number.isFinite(distinct) ? distinct : undefined;
    if (l) result.set(left.name, { ...l, distinct: known, nullFraction: 0 });
    if (r) result.set(right.name, { ...r, distinct: known, nullFraction: 0 });
  }
  return result;
}

function cappedDistinct(input: PlanStatistics): PlanStatistics {
  const { rows } = input;
  if (rows === undefined) return input;
  const symbols = new Map<string, SymbolStatistics>();
  for (const [name, statistics] of input.symbols) {
    const { distinct } = statistics;
    symbols.set(name, distinct === undefined || distinct <= rows ? statistics : { ...statistics, distinct: rows });
  }
  return { rows, symbols };
}

/** A left row has a match when its value is among the right side's; a further filter makes that less likely. */
function matched(
  type: 'SEMI' | 'ANTI',
  criteria: JoinNode['criteria'],
  filter: Expression | undefined,
  left: PlanStatistics,
  right: PlanStatistics,
): PlanStatistics {
  if (left.rows === undefined) return left;
  let share = 1;
  for (const clause of criteria) {
    const { left: l, right: r } = clauseOf(clause, left, right);
    const values = l ?? left.rows;
    share = Math.min(share, (r ?? Math.min(values, right.rows ?? values)) / Math.max(values, 1));
  }
  if (filter) {
    const pairs = filtered({ rows: 1e12, symbols: new Map([...left.symbols, ...right.symbols]) }, filter).rows ?? 1e12;
    share *= Math.max(pairs / 1e12, 0.5);
  }
  // Never quite all or nothing: the estimate of a share is poor at its ends.
  const kept = type === 'SEMI' ? share : Math.max(1 - share, 0.1);
  return withRows(left, Math.max(left.rows * kept, Math.min(1, left.rows)));
}
