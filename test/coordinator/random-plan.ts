/** Random shapes of distributed plans: trees, and now and then a fragment that two others read. */

import type { DistributedPlan, Fragment } from '../../src/plan/fragment.ts';
import type { ExchangeScope, PlanNode } from '../../src/plan/nodes.ts';
import { fragmentOf } from '../plan/build.ts';
import type { Random } from './random.ts';

/** A fragment that yields what its inputs do. */
export function passing(
  id: number,
  partitioning: Fragment['partitioning'],
  inputs: readonly (readonly [fragment: number, scope: ExchangeScope])[],
  options: { readonly output?: ExchangeScope; readonly deterministic?: boolean; readonly limit?: number } = {},
): Fragment {
  const sources = inputs.map(([fragment, scope], i): PlanNode => ({
    kind: 'RemoteSource',
    id: id * 100 + i,
    fragment,
    symbols: [],
    scope,
  }));
  const union: PlanNode =
    sources.length === 1
      ? sources[0]!
      : { kind: 'SetOperation', id: id * 100 + 98, operation: 'UNION ALL', sources, symbols: [], inputs: [] };
  const root: PlanNode =
    options.limit === undefined
      ? union
      : { kind: 'Limit', id: id * 100 + 99, source: union, count: String(options.limit), offset: '0' };
  return fragmentOf(root, {
    id,
    partitioning,
    ...(options.output && { output: options.output }),
    inputs: inputs.map(([fragment]) => fragment),
    deterministic: options.deterministic ?? true,
  });
}

export function randomPlan(random: Random, size: number): DistributedPlan {
  const scopes: ExchangeScope[] = [];
  const partitionings: Fragment['partitioning'][] = [];
  const inputs: number[][] = Array.from({ length: size }, () => []);
  for (let id = 1; id < size; id++) {
    inputs[random.integer(Math.max(0, id - 3), id - 1)]!.push(id);
    if (id > 1 && random.chance(0.2)) inputs[random.integer(0, id - 1)]!.push(id);
  }
  for (let id = 0; id < size; id++) {
    inputs[id] = [...new Set(inputs[id])];
    const isLeaf = inputs[id]!.length === 0;
    partitionings[id] = isLeaf ? 'source' : random.pick(['hash', 'hash', 'single'] as const);
    scopes[id] = { kind: random.pick(['repartition', 'repartition', 'broadcast', 'gather'] as const), keys: [] };
  }
  const fragments = inputs.map((of, id) =>
    passing(
      id,
      partitionings[id]!,
      of.map((input) => [input, scopes[input]!] as const),
      {
        deterministic: random.chance(0.6),
        ...(id > 0 && { output: scopes[id]! }),
      },
    ),
  );
  return { fragments, columns: [] };
}
