/**
 * The cheapest order of a join graph: every connected subset's best plan from its parts' best plans, as long as there are
 * few relations; beyond that, the pair with the smallest result is joined first, again and again.
 */

import { JoinSpace, type Part } from './join-space.ts';
import type { JoinGraph } from './join-graph.ts';
import type { PlanNode } from './nodes.ts';
import type { RuleContext } from './rule.ts';
import type { Estimator } from './statistics.ts';

/** Relations and semi joins up to which all orders are tried: 3^11 pairs of subsets take some tens of milliseconds. */
const EXHAUSTIVE_MAX = 11;

export function orderJoins(graph: JoinGraph, estimator: Estimator, context: RuleContext): PlanNode {
  const space = new JoinSpace(graph, estimator, context);
  const best = space.size <= EXHAUSTIVE_MAX ? (enumerate(space, false) ?? enumerate(space, true)) : undefined;
  return space.build(best ?? greedy(space));
}

/** Without cross products unless `crossing`: undefined when the relations do not hang together. */
function enumerate(space: JoinSpace, crossing: boolean): Part | undefined {
  const best: (Part | undefined)[] = [];
  const full = 2 ** space.size - 1;
  for (let mask = 1; mask <= full; mask++) {
    let found = space.leaf(mask);
    const consider = (part: Part | undefined): void => {
      if (part && (!found || part.cost < found.cost)) found = part;
    };
    for (const reducer of space.reducersIn(mask)) {
      const rest = best[mask & ~(1 << reducer)];
      if (rest) consider(space.reduced(rest, reducer));
    }
    for (let sub = (mask - 1) & mask; sub > 0; sub = (sub - 1) & mask) {
      const probe = best[sub];
      const build = best[mask & ~sub];
      if (probe && build && (crossing || space.areLinked(probe, build))) consider(space.joined(probe, build));
    }
    best[mask] = found;
  }
  return best[full];
}

function greedy(space: JoinSpace): Part {
  let parts = space.leaves();
  const waiting = new Set(space.reducers());
  for (;;) {
    // A semi join goes in as soon as it can: it only takes rows away.
    parts = parts.map((part) => {
      let reduced = part;
      for (const reducer of waiting) {
        if (!space.isApplicable(reducer, reduced)) continue;
        reduced = space.reduced(reduced, reducer) ?? reduced;
        waiting.delete(reducer);
      }
      return reduced;
    });
    if (parts.length === 1) return parts[0]!;
    parts = joinCheapestPair(space, parts);
  }
}

function joinCheapestPair(space: JoinSpace, parts: readonly Part[]): Part[] {
  let best: { readonly part: Part; readonly left: Part; readonly right: Part } | undefined;
  for (const crossing of [false, true]) {
    for (const left of parts) {
      for (const right of parts) {
        if (left === right || (!crossing && !space.areLinked(left, right))) continue;
        const part = space.joined(left, right);
        const better =
          !best || part.rows < best.part.rows || (part.rows === best.part.rows && part.cost < best.part.cost);
        if (better) best = { part, left, right };
      }
    }
    if (best) break;
  }
  const chosen = best!;
  return [...parts.filter((part) => part !== chosen.left && part !== chosen.right), chosen.part];
}
