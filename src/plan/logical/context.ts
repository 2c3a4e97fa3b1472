/** What every part of the logical planner shares while it plans one statement. */

import type { Analysis, QueryBlock, Subquery } from '../../sql/analyzer/analysis.ts';
import type { Symbol } from '../../sql/expression.ts';
import type { Session } from '../../sql/session.ts';
import type { SqlType } from '../../types/type.ts';
import type { PlanNode, PlanNodeId } from '../nodes.ts';

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
