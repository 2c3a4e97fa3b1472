/** Boolean algebra that keeps SQL's three values, so that what every branch of an OR says can move and be read apart. */

import type { ComparisonOperator, Expression } from '../sql/expression.ts';
import { mapChildren } from '../sql/expression.ts';
import { mayRaise } from '../sql/may-raise.ts';
import { BOOLEAN } from '../types/type.ts';
import { and, conjunctsOf, disjunctsOf, expressionKey, isTrue, or, TRUE } from './expressions.ts';
import { isDeterministicExpression } from './function-facts.ts';

const FALSE: Expression = { kind: 'Constant', type: BOOLEAN, value: false };
const isFalse = (expression: Expression): boolean => expression.kind === 'Constant' && expression.value === false;

/** An expression of the same value in every row. */
export function simplify(expression: Expression): Expression {
  const inner = mapChildren(expression, simplify);
  if (inner.kind === 'Logical') return inner.operator === 'AND' ? simplifyAnd(inner) : simplifyOr(inner);
  if (inner.kind === 'Not') return negated(inner.argument) ?? inner;
  return inner;
}

function simplifyAnd(expression: Expression): Expression {
  const terms = conjunctsOf(expression);
  return terms.some(isFalse) ? FALSE : and(terms);
}

function simplifyOr(expression: Expression): Expression {
  const terms = disjunctsOf(expression).filter((term) => !isFalse(term));
  if (terms.some(isTrue)) return TRUE;
  if (terms.length === 0) return FALSE;
  return factored(listed(terms));
}

// (a AND b) OR (a AND c) → a AND (b OR c)
function factored(terms: readonly Expression[]): Expression {
  if (terms.length === 1) return terms[0]!;
  const branches = terms.map(conjunctsOf);
  let isGuarded = false;
  const common = branches[0]!.filter((conjunct) => {
    const isCommon =
      isDeterministicExpression(conjunct) &&
      branches.every((branch) => branch.some((other) => expressionKey(other) === expressionKey(conjunct))) &&
      // What may raise is not moved before what keeps rows from it. The first branch is asked of every row.
      !(isGuarded && mayRaise(conjunct));
    isGuarded ||= !isCommon;
    return isCommon;
  });
  if (common.length === 0) return or(terms);
  const keys = new Set(common.map(expressionKey));
  const rests = branches.map((branch) => and(branch.filter((conjunct) => !keys.has(expressionKey(conjunct)))));
  // A branch that says no more than what is common makes the rest of the OR true wherever it matters.
  return and(rests.some(isTrue) ? common : [...common, or(listed(rests))]);
}

// a = 1 OR a = 2 → a IN (1, 2)
function listed(terms: readonly Expression[]): readonly Expression[] {
  // In the order in which values are first asked for: one of them may raise. Other terms have no list.
  const found = new Map<string, { readonly value: Expression; readonly list: Expression[] }>();
  for (const term of terms) {
    const { value, list } = alternativesOf(term) ?? { value: term, list: [] };
    const key = `${list.length > 0} ${expressionKey(value)}`;
    const before = found.get(key);
    if (before) before.list.push(...list);
    else found.set(key, { value, list: [...list] });
  }
  return [...found.values()].map(({ value, list }): Expression => {
    const [first] = list;
    if (!first) return value;
    return list.length === 1
      ? { kind: 'Comparison', type: BOOLEAN, operator: '=', left: value, right: first }
      : { kind: 'In', type: BOOLEAN, value, list };
  });
}

function alternativesOf(
  term: Expression,
): { readonly value: Expression; readonly list: readonly Expression[] } | undefined {
  if (term.kind === 'In' && term.list.every((item) => item.kind === 'Constant')) return term;
  if (term.kind !== 'Comparison' || term.operator !== '=' || !isDeterministicExpression(term)) return undefined;
  if (term.right.kind === 'Constant') return { value: term.left, list: [term.right] };
  return term.left.kind === 'Constant' ? { value: term.right, list: [term.left] } : undefined;
}

const OPPOSITE: Partial<Record<ComparisonOperator, ComparisonOperator>> = {
  '=': '<>',
  '<>': '=',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
};

/** Types on which `<` and `>=` are opposites: not where NaN is unlike every number. */
const TOTAL: ReadonlySet<string> = new Set([
  'tinyint',
  'smallint',
  'integer',
  'bigint',
  'decimal',
  'varchar',
  'char',
  'date',
  'timestamp',
]);

function negated(argument: Expression): Expression | undefined {
  if (argument.kind === 'Constant' && typeof argument.value === 'boolean') return argument.value ? FALSE : TRUE;
  if (argument.kind === 'Not') return argument.argument;
  if (argument.kind === 'Comparison') {
    const operator = OPPOSITE[argument.operator];
    return operator && TOTAL.has(argument.left.type.kind) ? { ...argument, operator } : undefined;
  }
  if (argument.kind === 'Logical') {
    const terms = argument.terms.map(
      (term): Expression => negated(term) ?? { kind: 'Not', type: BOOLEAN, argument: term },
    );
    return argument.operator === 'AND' ? or(terms) : simplifyAnd(and(terms));
  }
  return undefined;
}
