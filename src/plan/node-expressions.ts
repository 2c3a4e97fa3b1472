/** The expressions and symbols that a node itself reads from its sources. */

import type { Expression, Symbol } from '../sql/expression.ts';
import { reference } from '../sql/expression.ts';
import { partsOfAggregate, partsOfWindowCall } from './expressions.ts';
import type { PlanNode } from './nodes.ts';

/** Every expression that the node evaluates over its sources' rows; bare symbols appear as references. */
export function expressionsOf(node: PlanNode): readonly Expression[] {
  switch (node.kind) {
    case 'TableScan':
    case 'WorkingTable':
    case 'RemoteSource':
    case 'Limit':
    case 'EnforceSingleRow':
    case 'AssignUniqueId':
    case 'Sample':
      return [];
    case 'Values':
      return node.rows.flat();
    case 'Filter':
      return [node.predicate];
    case 'Project':
      return node.assignments.map((assignment) => assignment.expression);
    case 'Join':
      return [
        ...node.criteria.flatMap(({ left, right }) => [reference(left), reference(right)]),
        ...(node.filter ? [node.filter] : []),
      ];
    case 'SemiJoin':
      return [...node.sourceKeys, ...node.filteringKeys].map(reference);
    case 'Apply':
      return [...node.correlation.map(reference), ...applyExpressions(node.form)];
    case 'Aggregation':
      return [...node.keys.map(reference), ...node.aggregations.flatMap(({ call }) => partsOfAggregate(call))];
    case 'Window':
      return [
        ...node.partitionBy.map(reference),
        ...node.orderBy.map((order) => order.expression),
        ...node.functions.flatMap(({ call }) => partsOfWindowCall(call)),
      ];
    case 'Sort':
    case 'TopN':
      return node.orderBy.map((order) => order.expression);
    case 'SetOperation':
      return node.inputs.flat().map(reference);
    case 'Unnest':
      return [...node.replicate, ...node.unnest.map((unnest) => unnest.input)].map(reference);
    case 'RecursiveUnion':
      return [...node.initialInputs, ...node.stepInputs].map(reference);
    case 'Exchange':
      return node.scope.kind === 'repartition' ? node.scope.keys.map(reference) : [];
    case 'Output':
      return node.columns.map((column) => reference(column.symbol));
  }
}

function applyExpressions(form: Extract<PlanNode, { kind: 'Apply' }>['form']): readonly Expression[] {
  switch (form.kind) {
    case 'lateral':
      return form.filter ? [form.filter] : [];
    case 'scalar':
    case 'exists':
      return [];
    case 'in':
      return [...form.values, ...form.candidates].map(reference);
    case 'quantified':
      return [reference(form.value), reference(form.candidate)];
  }
}

/** Symbols by name, as a set to look names up in. */
export const symbolNames = (symbols: readonly Symbol[]): ReadonlySet<string> =>
  new Set(symbols.map((symbol) => symbol.name));
