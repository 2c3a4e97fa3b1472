/** Hands out node ids and symbols that a plan does not hold yet. */

import type { Symbol } from '../sql/expression.ts';
import type { SqlType } from '../types/type.ts';
import type { PlanNode, PlanNodeId } from './nodes.ts';
import { outputsOf, sourcesOf } from './nodes.ts';

export type Allocator = {
  readonly newId: () => PlanNodeId;
  readonly newSymbol: (hint: string, type: SqlType) => Symbol;
};

/** Continues the numbers of `root`: ids above its highest, symbol names with a number above any name's. */
export function allocatorFor(root: PlanNode): Allocator {
  let id = 0;
  let suffix = 0;
  const visit = (node: PlanNode): void => {
    id = Math.max(id, node.id);
    for (const symbol of outputsOf(node)) suffix = Math.max(suffix, numberOf(symbol.name));
    sourcesOf(node).forEach(visit);
  };
  visit(root);
  return {
    newId: () => {
      id += 1;
      return id;
    },
    newSymbol: (hint, type) => {
      suffix += 1;
      return { name: `${hint.replace(/_\d+$/, '').replace(/[^a-z0-9_$]/g, '_') || 'expr'}_${suffix}`, type };
    },
  };
}

const numberOf = (name: string): number => Number(/_(\d{1,9})$/.exec(name)?.[1] ?? 0);
