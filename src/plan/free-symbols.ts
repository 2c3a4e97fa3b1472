/** The symbols that a plan reads and does not make: what ties a subquery to the row outside. */

import { referencesIn } from './expressions.ts';
import { expressionsOf } from './node-expressions.ts';
import { outputsOf, type PlanNode, sourcesOf } from './nodes.ts';

export function freeSymbols(root: PlanNode): ReadonlySet<string> {
  const made = new Set<string>();
  const read = new Set<string>();
  const visit = (node: PlanNode): void => {
    for (const symbol of outputsOf(node)) made.add(symbol.name);
    for (const expression of expressionsOf(node)) for (const name of referencesIn(expression)) read.add(name);
    sourcesOf(node).forEach(visit);
  };
  visit(root);
  return new Set([...read].filter((name) => !made.has(name)));
}
