/** Applies rules to every node until none changes anything. */

import { assert } from '../common/assert.ts';
import type { OutputNode, PlanNode } from './nodes.ts';
import { sourcesOf, withSources } from './nodes.ts';
import type { Rule, RuleContext } from './rule.ts';

/** Rounds over the whole plan: rules that undo each other are our bug, and must not hang a query. */
const ROUNDS_MAX = 40;
/** Applications to one place in one round. */
const STEPS_MAX = 100;

export type RunOptions = {
  readonly rounds?: number;
  /** Sees the whole plan after every round in which rules changed something, and those rules. */
  readonly onChange?: (root: OutputNode, names: readonly string[]) => void;
};

export function runRules(
  root: OutputNode,
  rules: readonly Rule[],
  context: RuleContext,
  { rounds = ROUNDS_MAX, onChange }: RunOptions = {},
): OutputNode {
  let current: PlanNode = root;
  // A node in which nothing changed, nor below it, stays as it is when it is met again.
  const atRest = new WeakSet<PlanNode>();
  for (let round = 0; round < rounds; round++) {
    const changed: string[] = [];
    const visit = (node: PlanNode): PlanNode => {
      if (atRest.has(node)) return node;
      let best = withSources(node, sourcesOf(node).map(visit));
      for (let step = 0; step < (rounds === 1 ? 1 : STEPS_MAX); step++) {
        const next = applyFirst(best, rules, context, changed);
        if (!next) break;
        best = next;
      }
      if (best === node) atRest.add(node);
      return best;
    };
    const next = visit(current);
    if (changed.length === 0) break;
    assert(next.kind === 'Output', 'rules keep the root of a plan');
    onChange?.(next, [...new Set(changed)]);
    current = next;
  }
  assert(current.kind === 'Output', 'the root of a plan is Output');
  return current;
}

function applyFirst(
  node: PlanNode,
  rules: readonly Rule[],
  context: RuleContext,
  changed: string[],
): PlanNode | undefined {
  for (const rule of rules) {
    const next = rule.apply(node, context);
    if (next && next !== node) {
      changed.push(rule.name);
      return next;
    }
  }
  return undefined;
}
