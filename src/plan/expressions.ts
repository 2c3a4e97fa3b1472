/** Looks into and rebuilds typed expressions: conjuncts, references, substitution. */

import type { AggregateCall, Expression, WindowCall } from '../sql/expression.ts';
import { childrenOf, mapChildren, remembered } from '../sql/expression.ts';
import { FUNCTIONS } from '../sql/functions/registry.ts';
import { BOOLEAN } from '../types/type.ts';

export const TRUE: Expression = { kind: 'Constant', type: BOOLEAN, value: true };

export const isTrue = (expression: Expression): boolean => expression.kind === 'Constant' && expression.value === true;

/** Constant FALSE or NULL: as a filter it lets nothing through. */
export const isNeverTrue = (expression: Expression): boolean =>
  expression.kind === 'Constant' &&
  (expression.value === false || expression.value === null) &&
  (expression.type.kind === 'boolean' || expression.type.kind === 'unknown');

/** The terms that must all be true for `predicate` to be true, nested ANDs flattened. */
export function conjunctsOf(predicate: Expression | undefined): readonly Expression[] {
  if (predicate === undefined || isTrue(predicate)) return [];
  return predicate.kind === 'Logical' && predicate.operator === 'AND'
    ? predicate.terms.flatMap(conjunctsOf)
    : [predicate];
}

/** The terms one of which must be true, nested ORs flattened. */
export function disjunctsOf(predicate: Expression): readonly Expression[] {
  return predicate.kind === 'Logical' && predicate.operator === 'OR'
    ? predicate.terms.flatMap(disjunctsOf)
    : [predicate];
}

/** Whether evaluating it twice over the same row gives the same value. */
export const isDeterministicExpression = (expression: Expression): boolean =>
  (expression.kind !== 'Call' || FUNCTIONS.get(expression.function).deterministic) &&
  childrenOf(expression).every(isDeterministicExpression);

/** AND of `terms` without repetitions; TRUE of none. */
export function and(terms: readonly Expression[]): Expression {
  const distinct = distinctTerms(terms.flatMap(conjunctsOf));
  if (distinct.length === 0) return TRUE;
  return distinct.length === 1 ? distinct[0]! : { kind: 'Logical', type: BOOLEAN, operator: 'AND', terms: distinct };
}

/** OR of at least one term, without repetitions. */
export function or(terms: readonly Expression[]): Expression {
  const distinct = distinctTerms(terms.flatMap(disjunctsOf));
  return distinct.length === 1 ? distinct[0]! : { kind: 'Logical', type: BOOLEAN, operator: 'OR', terms: distinct };
}

/** Two that draw are two, however alike they are written. */
function distinctTerms(terms: readonly Expression[]): readonly Expression[] {
  const seen = new Set<string>();
  return terms.filter((term) => {
    const key = expressionKey(term);
    if (seen.has(key)) return !isDeterministicExpression(term);
    seen.add(key);
    return true;
  });
}

/** Equal for expressions that are written alike. */
export const expressionKey = remembered((expression) => JSON.stringify(expression));

export function distinctExpressions(expressions: readonly Expression[]): readonly Expression[] {
  const seen = new Set<string>();
  return expressions.filter((expression) => {
    const key = expressionKey(expression);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** Names of the symbols that it reads; parameters of its own lambdas are not among them. */
export const referencesIn = remembered((expression): ReadonlySet<string> => {
  const names = new Set<string>();
  const visit = (part: Expression, bound: ReadonlySet<string>): void => {
    if (part.kind === 'Reference') {
      if (!bound.has(part.name)) names.add(part.name);
    } else if (part.kind === 'Lambda') {
      visit(part.body, new Set([...bound, ...part.parameters.map((parameter) => parameter.name)]));
    } else {
      for (const child of childrenOf(part)) visit(child, bound);
    }
  };
  visit(expression, new Set());
  return names;
});

/** It reads symbols, and none but those. */
export function readsOnly(expression: Expression, names: ReadonlySet<string>): boolean {
  const read = [...referencesIn(expression)];
  return read.length > 0 && read.every((name) => names.has(name));
}

/** The expressions in a call of an aggregate function. */
export const partsOfAggregate = (call: AggregateCall): readonly Expression[] => [
  ...call.arguments,
  ...(call.filter ? [call.filter] : []),
  ...call.orderBy.map((order) => order.expression),
];

export const partsOfWindowCall = (call: WindowCall): readonly Expression[] => [
  ...call.arguments,
  ...(call.filter ? [call.filter] : []),
  ...(call.orderBy ?? []).map((order) => order.expression),
  ...[call.frame.start, call.frame.end].flatMap((bound) => ('offset' in bound ? [bound.offset] : [])),
];

/** Replaces references by name; names that `replacements` does not hold stay. Lambda parameters hide outer names. */
export function substitute(expression: Expression, replacements: ReadonlyMap<string, Expression>): Expression {
  if (replacements.size === 0) return expression;
  if (expression.kind === 'Reference') return replacements.get(expression.name) ?? expression;
  if (expression.kind === 'Lambda') {
    const inner = new Map(replacements);
    for (const parameter of expression.parameters) inner.delete(parameter.name);
    return { ...expression, body: substitute(expression.body, inner) };
  }
  return mapChildren(expression, (part) => substitute(part, replacements));
}
