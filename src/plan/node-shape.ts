/** What every plan node has, whatever its kind: columns, and nodes that it reads from. */

import type { Symbol } from '../sql/expression.ts';
import type { PlanNode } from './nodes.ts';

/** The node's columns, in order. */
export function outputsOf(node: PlanNode): readonly Symbol[] {
  const before = knownOutputs.get(node);
  if (before) return before;
  const outputs = computeOutputs(node);
  knownOutputs.set(node, outputs);
  return outputs;
}

/** Nodes never change, and every rule asks for the outputs of all nodes below the one that it looks at. */
const knownOutputs = new WeakMap<PlanNode, readonly Symbol[]>();

function computeOutputs(node: PlanNode): readonly Symbol[] {
  switch (node.kind) {
    case 'TableScan':
      return node.columns.map((column) => column.symbol);
    case 'Values':
    case 'SetOperation':
    case 'RecursiveUnion':
    case 'WorkingTable':
    case 'RemoteSource':
      return node.symbols;
    case 'Filter':
    case 'Sort':
    case 'TopN':
    case 'Limit':
    case 'EnforceSingleRow':
    case 'Sample':
    case 'Exchange':
      return outputsOf(node.source);
    case 'Project':
      return node.assignments.map((assignment) => assignment.symbol);
    case 'Join':
      return node.type === 'SEMI' || node.type === 'ANTI'
        ? outputsOf(node.left)
        : [...outputsOf(node.left), ...outputsOf(node.right)];
    case 'SemiJoin':
      return [...outputsOf(node.source), node.output];
    case 'Apply':
      return node.form.kind === 'lateral' || node.form.kind === 'scalar'
        ? [...outputsOf(node.source), ...outputsOf(node.subquery)]
        : [...outputsOf(node.source), node.form.output];
    case 'Aggregation':
      return [
        ...node.keys,
        ...(node.groupId ? [node.groupId] : []),
        ...node.aggregations.map((aggregation) => aggregation.symbol),
      ];
    case 'Window':
      return [...outputsOf(node.source), ...node.functions.map((call) => call.symbol)];
    case 'Unnest':
      return [
        ...node.replicate,
        ...node.unnest.flatMap((unnest) => unnest.outputs),
        ...(node.ordinality ? [node.ordinality] : []),
      ];
    case 'AssignUniqueId':
      return [...outputsOf(node.source), node.symbol];
    case 'Output':
      return node.columns.map((column) => column.symbol);
  }
}

/** The nodes it reads from, left to right. */
export function sourcesOf(node: PlanNode): readonly PlanNode[] {
  switch (node.kind) {
    case 'TableScan':
    case 'Values':
    case 'WorkingTable':
    case 'RemoteSource':
      return [];
    case 'Join':
      return [node.left, node.right];
    case 'SemiJoin':
      return [node.source, node.filteringSource];
    case 'Apply':
      return [node.source, node.subquery];
    case 'SetOperation':
      return node.sources;
    case 'RecursiveUnion':
      return [node.initial, node.step];
    case 'Filter':
    case 'Project':
    case 'Aggregation':
    case 'Window':
    case 'Sort':
    case 'TopN':
    case 'Limit':
    case 'EnforceSingleRow':
    case 'Unnest':
    case 'AssignUniqueId':
    case 'Sample':
    case 'Exchange':
    case 'Output':
      return [node.source];
  }
}

/** The same node reading from `sources`, as many as `sourcesOf` gives; itself when they are the same ones. */
export function withSources(node: PlanNode, sources: readonly PlanNode[]): PlanNode {
  const before = sourcesOf(node);
  if (before.every((source, i) => source === sources[i])) return node;
  const first = sources[0]!;
  switch (node.kind) {
    case 'TableScan':
    case 'Values':
    case 'WorkingTable':
    case 'RemoteSource':
      return node;
    case 'Join':
      return { ...node, left: first, right: sources[1]! };
    case 'SemiJoin':
      return { ...node, source: first, filteringSource: sources[1]! };
    case 'Apply':
      return { ...node, source: first, subquery: sources[1]! };
    case 'SetOperation':
      return { ...node, sources };
    case 'RecursiveUnion':
      return { ...node, initial: first, step: sources[1]! };
    case 'Filter':
    case 'Project':
    case 'Aggregation':
    case 'Window':
    case 'Sort':
    case 'TopN':
    case 'Limit':
    case 'EnforceSingleRow':
    case 'Unnest':
    case 'AssignUniqueId':
    case 'Sample':
    case 'Exchange':
    case 'Output':
      return { ...node, source: first };
  }
}
