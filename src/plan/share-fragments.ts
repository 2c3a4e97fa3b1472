/** Fragments that compute the same are made once and read by several, such as a WITH query that is used twice. */

import { reference } from '../sql/expression.ts';
import type { DistributedPlan, Fragment } from './fragment.ts';
import { fragmentOf, inputsOf } from './fragment-edits.ts';
import { isDeterministicExpression } from './function-facts.ts';
import { expressionsOf } from './node-expressions.ts';
import type { PlanNode, RemoteSourceNode } from './nodes.ts';
import { outputsOf, sourcesOf, withSources } from './nodes.ts';

/** `newId` gives ids that the plan does not hold. */
export function shareFragments(plan: DistributedPlan, newId: () => number): DistributedPlan {
  let current = plan;
  // Inputs first: readers are alike once what they read is the same fragment.
  for (const { id } of plan.fragments.toReversed()) {
    const fragment = fragmentOf(current, id);
    if (!fragment?.output || !isRepeatable(fragment.root)) continue;
    const outline = outlineOf(fragment.root);
    const alike = current.fragments.filter(
      (other) => other.id > id && other.output && outlineOf(other.root) === outline && isRepeatable(other.root),
    );
    const shape = alike.length > 0 ? shapeOf(fragment) : '';
    const same = alike.find((other) => shapeOf(other) === shape);
    if (same) current = readInstead(current, fragment, same, newId);
  }
  return current;
}

/** Two evaluations of random() are two: they must not become one. */
const isRepeatable = (node: PlanNode): boolean =>
  node.kind !== 'Sample' && expressionsOf(node).every(isDeterministicExpression) && sourcesOf(node).every(isRepeatable);

/** Equal for all fragments of one shape, and found much faster: most differ in it already. */
function outlineOf(node: PlanNode): string {
  const renames = renamedRemote(node);
  if (renames) return outlineOf(renames);
  const read = node.kind === 'TableScan' ? node.table.table : node.kind === 'RemoteSource' ? node.fragment : '';
  return `${node.kind} ${read}(${sourcesOf(node).map(outlineOf).join()})`;
}

/** Equal for fragments that differ in nothing but the ids of nodes and the names of symbols. */
function shapeOf({ root, output, partitioning }: Fragment): string {
  const names = new Map<string, string>();
  let next = 0;
  const number = (node: PlanNode): void => {
    sourcesOf(node).forEach(number);
    const renames = renamedRemote(node);
    for (const [i, { name }] of outputsOf(node).entries()) {
      if (names.has(name)) continue;
      names.set(name, renames ? names.get(renames.symbols[i]!.name)! : `#${next}`);
      next += renames ? 0 : 1;
    }
  };
  number(root);
  const neutral = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(neutral);
    if (typeof value !== 'object' || value === null) return value;
    const isNode = 'kind' in value && 'id' in value;
    const renames = isNode && renamedRemote(value as PlanNode);
    if (renames) return neutral(renames);
    return Object.entries(value).flatMap(([key, part]): unknown[] => {
      if (isNode && key === 'id') return [];
      // A table's own column names are no symbols, whatever they look like.
      if (key === 'column') return [[key, JSON.stringify(part)]];
      return [[key, key === 'name' && typeof part === 'string' ? (names.get(part) ?? part) : neutral(part)]];
    });
  };
  return JSON.stringify(neutral({ root, output, partitioning }));
}

/** What `readInstead` made of a RemoteSource: to be like one that was read first. */
function renamedRemote(node: PlanNode): RemoteSourceNode | undefined {
  if (node.kind !== 'Project' || node.source.kind !== 'RemoteSource') return undefined;
  const { symbols } = node.source;
  const isRenaming =
    node.assignments.length === symbols.length &&
    node.assignments.every(
      ({ expression }, i) => expression.kind === 'Reference' && expression.name === symbols[i]!.name,
    );
  return isRenaming ? node.source : undefined;
}

/** The readers of `gone` read `kept`, whose columns come in the same order under other names. */
function readInstead(plan: DistributedPlan, gone: Fragment, kept: Fragment, newId: () => number): DistributedPlan {
  const renamed = (remote: RemoteSourceNode): PlanNode => ({
    kind: 'Project',
    id: newId(),
    source: { ...remote, fragment: kept.id, symbols: kept.outputSymbols, scope: kept.output! },
    assignments: remote.symbols.map((symbol, i) => ({ symbol, expression: reference(kept.outputSymbols[i]!) })),
  });
  const replace = (node: PlanNode): PlanNode => {
    if (node.kind === 'RemoteSource') return node.fragment === gone.id ? renamed(node) : node;
    return withSources(node, sourcesOf(node).map(replace));
  };
  const fragments = plan.fragments
    .filter(({ id }) => id !== gone.id)
    .map((fragment) => {
      if (!fragment.inputs.includes(gone.id)) return fragment;
      const root = replace(fragment.root);
      return { ...fragment, root, inputs: inputsOf(root) };
    });
  return { ...plan, fragments };
}
