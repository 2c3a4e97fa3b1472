/** Adds columns to plans, and joins plans by predicates over both. */

import type { Expression, Symbol } from '../sql/expression.ts';
import { reference } from '../sql/expression.ts';
import { and, expressionKey, referencesIn } from './expressions.ts';
import type { Assignment, JoinType, PlanNode } from './nodes.ts';
import { outputsOf } from './nodes.ts';
import { symbolNames } from './node-expressions.ts';
import type { Allocator } from './symbols.ts';

/** Each symbol once, as itself. */
export function identity(symbols: readonly Symbol[]): readonly Assignment[] {
  const seen = new Set<string>();
  return symbols.flatMap((symbol) => {
    if (seen.has(symbol.name)) return [];
    seen.add(symbol.name);
    return [{ symbol, expression: reference(symbol) }];
  });
}

/** `source` with more columns; itself when there are none to add. */
export function addColumns(allocator: Allocator, source: PlanNode, added: readonly Assignment[]): PlanNode {
  const present = new Set(symbolNames(outputsOf(source)));
  const missing = added.filter(({ symbol }) => {
    if (present.has(symbol.name)) return false;
    present.add(symbol.name);
    return true;
  });
  if (missing.length === 0) return source;
  const assignments = [...identity(outputsOf(source)), ...missing];
  return { kind: 'Project', id: allocator.newId(), source, assignments };
}

/** Columns of `source`, new ones where an expression is not a column yet, that hold these expressions. */
export function asSymbols(
  allocator: Allocator,
  source: PlanNode,
  expressions: readonly Expression[],
  hint: string,
): { readonly plan: PlanNode; readonly symbols: readonly Symbol[] } {
  const present = symbolNames(outputsOf(source));
  const byText = new Map<string, Symbol>();
  const added: Assignment[] = [];
  const symbols = expressions.map((expression) => {
    if (expression.kind === 'Reference' && present.has(expression.name)) {
      return { name: expression.name, type: expression.type };
    }
    const key = expressionKey(expression);
    const known = byText.get(key);
    if (known) return known;
    const symbol = allocator.newSymbol(expression.kind === 'Reference' ? expression.name : hint, expression.type);
    byText.set(key, symbol);
    added.push({ symbol, expression });
    return symbol;
  });
  return { plan: addColumns(allocator, source, added), symbols };
}

export type Pair = { readonly left: Expression; readonly right: Expression };

/** The sides of `a = b` where one reads only `left`, the other only `right`. */
export function pairOf(term: Expression, left: ReadonlySet<string>, right: ReadonlySet<string>): Pair | undefined {
  if (term.kind !== 'Comparison' || term.operator !== '=') return undefined;
  if (within(term.left, left) && within(term.right, right)) return { left: term.left, right: term.right };
  if (within(term.right, left) && within(term.left, right)) return { left: term.right, right: term.left };
  return undefined;
}

/** Whether it reads something, and only these. */
function within(expression: Expression, names: ReadonlySet<string>): boolean {
  const read = [...referencesIn(expression)];
  return read.length > 0 && read.every((name) => names.has(name));
}

/** Equalities between the sides become the join's criteria, the other terms its filter. */
export function joinOn(
  allocator: Allocator,
  type: JoinType,
  left: PlanNode,
  right: PlanNode,
  terms: readonly Expression[],
): PlanNode {
  const leftNames = symbolNames(outputsOf(left));
  const rightNames = symbolNames(outputsOf(right));
  const pairs: Pair[] = [];
  const rest: Expression[] = [];
  for (const term of terms) {
    const pair = pairOf(term, leftNames, rightNames);
    if (pair) pairs.push(pair);
    else rest.push(term);
  }
  const leftKeys = asSymbols(
    allocator,
    left,
    pairs.map((pair) => pair.left),
    'expr',
  );
  const rightKeys = asSymbols(
    allocator,
    right,
    pairs.map((pair) => pair.right),
    'expr',
  );
  return {
    kind: 'Join',
    id: allocator.newId(),
    type,
    left: leftKeys.plan,
    right: rightKeys.plan,
    criteria: pairs.map((_pair, i) => ({ left: leftKeys.symbols[i]!, right: rightKeys.symbols[i]! })),
    ...(rest.length > 0 && { filter: and(rest) }),
  };
}
