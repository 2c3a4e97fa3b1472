/** Small changes to a plan that is cut already. */

import { isDeterministic } from './determinism.ts';
import type { DistributedPlan, Fragment } from './fragment.ts';
import { remoteSourcesOf } from './fragment-checker.ts';
import type { PlanNode, RemoteSourceNode } from './nodes.ts';
import { sourcesOf, withSources } from './nodes.ts';

/** What a finished fragment wrote. */
export type FragmentResult = { readonly rows: number; readonly bytes: number };

export const fragmentOf = (plan: DistributedPlan, id: number): Fragment | undefined =>
  plan.fragments.find((fragment) => fragment.id === id);

/** Read at one place only, not by several fragments nor twice by one. */
export const hasOneReader = (plan: DistributedPlan, id: number): boolean =>
  plan.fragments.flatMap(({ root }) => remoteSourcesOf(root)).filter(({ fragment }) => fragment === id).length === 1;

export function replaced(plan: DistributedPlan, fragment: Fragment, without?: number): DistributedPlan {
  const fragments = plan.fragments
    .filter(({ id }) => id !== without)
    .map((other) => (other.id === fragment.id ? fragment : other))
    .map((other) =>
      other.startsAfter ? { ...other, startsAfter: other.startsAfter.filter((id) => id !== without) } : other,
    );
  return { ...plan, fragments };
}

export const inputsOf = (root: PlanNode): readonly number[] => [
  ...new Set(remoteSourcesOf(root).map((remote) => remote.fragment)),
];

/** The fragment with another body. */
export const withRoot = (fragment: Fragment, root: PlanNode): Fragment => ({
  ...fragment,
  root,
  inputs: inputsOf(root),
  deterministic: isDeterministic(root),
});

/** One fragment's work, as `body`, becomes a part of its only reader's. */
export function takenIn(plan: DistributedPlan, reader: Fragment, id: number, body: PlanNode): DistributedPlan {
  const root = mapRemotes(reader.root, (remote) => (remote.fragment === id ? body : remote));
  return replaced(plan, withRoot(reader, root), id);
}

/** The plan with its remote sources replaced. */
export function mapRemotes(node: PlanNode, map: (remote: RemoteSourceNode) => PlanNode): PlanNode {
  return node.kind === 'RemoteSource'
    ? map(node)
    : withSources(
        node,
        sourcesOf(node).map((source) => mapRemotes(source, map)),
      );
}
