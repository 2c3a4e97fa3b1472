/** Joins as the kernel's explicit joins, in the order and with the build sides that the planner chose. */

import { conjunctsOf } from '../../plan/expressions.ts';
import { mayRaise } from '../../sql/may-raise.ts';
import type { JoinNode, PlanNode, SemiJoinNode } from '../../plan/nodes.ts';
import { outputsOf, sourcesOf } from '../../plan/nodes.ts';
import { type Expression, reference, type Symbol } from '../../sql/expression.ts';
import { renderCondition, renderExpression } from '../../sql/render/render-expression.ts';
import { identifier, keySql } from '../../types/kernel.ts';
import { BOOLEAN } from '../../types/type.ts';
import type { PlanContext } from './plan-context.ts';
import { column, columnList } from './text.ts';

export function renderJoin(node: JoinNode, context: PlanContext): string {
  const left = context.source(node.left);
  const right = buildSide(node, context);
  const keys = node.criteria.map((clause) => equality(clause.left, clause.right, context));
  const columns = columnList(outputsOf(node));
  if (keys.length === 0 && !node.filter && node.type === 'INNER') {
    return `SELECT ${columns} FROM ${left} CROSS JOIN ${right}`;
  }
  const filters = filtersOf(conjunctsOf(node.filter), context);
  if (node.type === 'INNER' && keys.length === 1 && filters.length > 0) {
    // As a condition of the join's it would keep the kernel from filtering the probe side's scan by the build side's keys.
    const where = asWritten(filters.join(' AND '));
    return `SELECT ${columns} FROM ${left} INNER JOIN ${right} ON ${keys[0]!} WHERE ${where}`;
  }
  const on = [...keys, ...filters].join(' AND ') || 'true';
  if (node.reducesRight && node.criteria.length > 0) return reducingRight(node, left, right, on, context);
  return `SELECT ${columns} FROM ${left} ${node.type} JOIN ${right} ON ${on}`;
}

function filtersOf(conjuncts: readonly Expression[], context: PlanContext): readonly string[] {
  const isGuarded = conjuncts.slice(1).some(mayRaise);
  return isGuarded
    ? [renderCondition(conjuncts, context.expressions)]
    : conjuncts.map((conjunct) => condition(conjunct, context));
}

/** Of an OR the kernel would ask each side what its branches say of it, also over rows that the other side's terms keep from it. */
function condition(conjunct: Expression, context: PlanContext): string {
  const sql = renderExpression(conjunct, context.expressions);
  return conjunct.kind === 'Logical' && mayRaise(conjunct) ? asWritten(sql) : sql;
}

/** A condition that the kernel neither moves nor takes apart, and whose terms it asks one after the other. */
const asWritten = (sql: string): string => `CASE WHEN ${sql} THEN true END`;

/**
 * The kernel filters the probe side's scan by a Bloom filter of the build side's keys when it thinks that the build side is
 * filtered itself. Behind an exchange it cannot see that: rows from there say so by a condition that always holds and that
 * its optimizer does not see through.
 */
function buildSide(node: JoinNode, context: PlanContext): string {
  const right = context.source(node.right);
  const [clause] = node.criteria;
  const isFiltering = node.type === 'INNER' || node.type === 'SEMI' || node.type === 'RIGHT';
  if (!clause || node.criteria.length > 1 || !isFiltering || !comesFiltered(node.right)) return right;
  return `(SELECT * FROM ${right} WHERE ${seemsToFilter(clause.right)})`;
}

const seemsToFilter = (key: Symbol): string => `hash(${column(key)}) IS NOT NULL`;

/** Rows of another fragment, where no filter shows. */
const comesFiltered = (node: PlanNode): boolean =>
  node.kind === 'RemoteSource' || (node.kind !== 'Filter' && sourcesOf(node).some(comesFiltered));

/**
 * The kernel builds on the right side of SEMI and ANTI joins. Where that is the large one, the left side is made once and
 * both times built on: to find the right side's rows that can match, then to be joined with those few.
 */
function reducingRight(node: JoinNode, left: string, right: string, on: string, context: PlanContext): string {
  const name = identifier(`left ${node.id}`);
  const keys = node.criteria.map((clause) => equality(clause.left, clause.right, context)).join(' AND ');
  const reducer = `(SELECT * FROM ${name} WHERE ${seemsToFilter(node.criteria[0]!.left)})`;
  const found = `SELECT ${columnList(outputsOf(node.right))} FROM ${right} SEMI JOIN ${reducer} ON ${keys}`;
  const columns = columnList(outputsOf(node));
  return `WITH ${name} AS MATERIALIZED ${left} SELECT ${columns} FROM ${name} ${node.type} JOIN (${found}) ON ${on}`;
}

/** `left = right` as Trino means it. */
export function equality(left: Symbol, right: Symbol, context: PlanContext): string {
  const comparison = { kind: 'Comparison', type: BOOLEAN, operator: '=' } as const;
  return renderExpression({ ...comparison, left: reference(left), right: reference(right) }, context.expressions);
}

/** A mark join: true, false or NULL for every row of the source. */
export function renderSemiJoin(node: SemiJoinNode, context: PlanContext): string {
  const candidates = context.source(node.filteringSource);
  const mark = membership(node.sourceKeys, node.filteringKeys, candidates, context);
  const columns = [...outputsOf(node.source).map(column), `${mark} AS ${column(node.output)}`];
  return `SELECT ${columns.join(', ')} FROM ${context.source(node.source)}`;
}

/** `values IN (candidates)` with SQL's three values. */
export function membership(
  values: readonly Symbol[],
  candidates: readonly Symbol[],
  from: string,
  context: PlanContext,
): string {
  const [value] = values;
  const [candidate] = candidates;
  if (value && candidate && values.length === 1 && isScalar(value)) {
    // To the kernel NaN equals itself: as a candidate it would match.
    const isFloat = candidate.type.kind === 'real' || candidate.type.kind === 'double';
    const where = isFloat ? ` WHERE ${column(candidate)} IS NULL OR NOT isnan(${column(candidate)})` : '';
    const key = keySql(candidate.type, column(candidate));
    return `(${keySql(value.type, column(value))} IN (SELECT ${key} FROM ${from}${where}))`;
  }
  // Lambdas, by which nested values are compared, see no columns of an outer query: these are made columns of the inner one.
  const sought = values.map((each, i): Symbol => (isScalar(each) ? each : { ...each, name: `sought.${i}` }));
  const brought = values.flatMap((each, i) => (isScalar(each) ? [] : [`${column(each)} AS ${column(sought[i]!)}`]));
  const pairs = brought.length === 0 ? from : `(SELECT *, ${brought.join(', ')} FROM ${from})`;
  const equal = sought.map((each, i) => equality(each, candidates[i]!, context));
  const possible = equal.map((condition) => `(${condition}) IS NOT FALSE`);
  return (
    `CASE WHEN EXISTS (SELECT 1 FROM ${pairs} WHERE ${equal.join(' AND ')}) THEN true ` +
    `WHEN EXISTS (SELECT 1 FROM ${pairs} WHERE ${possible.join(' AND ')}) THEN NULL ELSE false END`
  );
}

/** Whether the kernel's own equality of keys is NULL exactly where Trino's is. */
const isScalar = ({ type }: Symbol): boolean => type.kind !== 'row' && type.kind !== 'array' && type.kind !== 'map';
