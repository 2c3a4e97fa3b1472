/** What every part of the logical planner shares while it plans one statement. */

import type { Analysis, QueryBlock, Subquery } from '../../sql/analyzer/analysis.ts';
import type { Expression, Symbol } from '../../sql/expression.ts';
import { reference } from '../../sql/expression.ts';
import type { Session } from '../../sql/session.ts';
import type { SqlType } from '../../types/type.ts';
import { type Assignment, outputsOf, type PlanNode, type PlanNodeId } from '../nodes.ts';

export type PlannerContext = {
  readonly session: Session;
  readonly subqueries: ReadonlyMap<string, Subquery>;
  /** Yields at least the symbols of the block's outputs. */
  readonly planQuery: (block: QueryBlock) => PlanNode;
  readonly newId: () => PlanNodeId;
  readonly newSymbol: (hint: string, type: SqlType) => Symbol;
};

export function planContext(
  analysis: Analysis,
  session: Session,
  planQuery: (context: PlannerContext, block: QueryBlock) => PlanNode,
): PlannerContext {
  let id = 0;
  let symbol = analysis.lastSymbol;
  const context: PlannerContext = {
    session,
    subqueries: analysis.subqueries,
    planQuery: (block) => planQuery(context, block),
    newId: () => {
      id += 1;
      return id;
    },
    newSymbol: (hint, type) => {
      symbol += 1;
      return { name: `${hint.replace(/_\d+$/, '').replace(/[^a-z0-9_$]/g, '_') || 'expr'}_${symbol}`, type };
    },
  };
  return context;
}

/** One row without columns, which a SELECT without FROM starts with. */
export const oneRow = (context: PlannerContext): PlanNode => ({
  kind: 'Values',
  id: context.newId(),
  symbols: [],
  rows: [[]],
});

export const identity = (symbols: readonly Symbol[]): readonly Assignment[] => {
  const seen = new Set<string>();
  return symbols.flatMap((symbol) => {
    if (seen.has(symbol.name)) return [];
    seen.add(symbol.name);
    return [{ symbol, expression: reference(symbol) }];
  });
};

/** `source` with more columns; itself when there are none to add. */
export function addColumns(context: PlannerContext, source: PlanNode, added: readonly Assignment[]): PlanNode {
  const present = new Set(outputsOf(source).map((symbol) => symbol.name));
  const missing = added.filter(({ symbol }) => {
    if (present.has(symbol.name)) return false;
    present.add(symbol.name);
    return true;
  });
  if (missing.length === 0) return source;
  return {
    kind: 'Project',
    id: context.newId(),
    source,
    assignments: [...identity(outputsOf(source)), ...missing],
  };
}

/** Columns of `source`, new ones where an expression is not a column yet, that hold these expressions. */
export function asSymbols(
  context: PlannerContext,
  source: PlanNode,
  expressions: readonly Expression[],
  hint: string,
): { readonly plan: PlanNode; readonly symbols: readonly Symbol[] } {
  const present = new Set(outputsOf(source).map((symbol) => symbol.name));
  const byText = new Map<string, Symbol>();
  const added: Assignment[] = [];
  const symbols = expressions.map((expression) => {
    if (expression.kind === 'Reference' && present.has(expression.name)) {
      return { name: expression.name, type: expression.type };
    }
    const key = JSON.stringify(expression);
    const known = byText.get(key);
    if (known) return known;
    const symbol = context.newSymbol(expression.kind === 'Reference' ? expression.name : hint, expression.type);
    byText.set(key, symbol);
    added.push({ symbol, expression });
    return symbol;
  });
  return { plan: addColumns(context, source, added), symbols };
}
