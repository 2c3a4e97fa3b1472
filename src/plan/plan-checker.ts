/**
 * Named checks of what must hold for a plan, run after every rule under test and once at the end always. A plan that fails
 * one is our bug: the query ends with INTERNAL_ERROR instead of with wrong rows.
 */

import { assert } from '../common/assert.ts';
import type { Expression, Symbol } from '../sql/expression.ts';
import { childrenOf } from '../sql/expression.ts';
import { sameType, typeName } from '../types/type.ts';
import { expressionsOf } from './node-expressions.ts';
import type { PlanNode } from './nodes.ts';
import { outputsOf, sourcesOf } from './nodes.ts';
import { printExpression } from './print-expression.ts';

/** What is wrong with a node, or undefined. `outer` are the symbols that a subquery may use of the rows around it. */
type NodeCheck = {
  readonly name: string;
  readonly check: (node: PlanNode, outer: readonly Symbol[]) => string | undefined;
};

const CHECKS: readonly NodeCheck[] = [
  { name: 'every reference is produced below, with its type', check: referencesProduced },
  { name: "a node's columns have different names", check: outputsDistinct },
  { name: 'predicates are boolean', check: predicatesBoolean },
  { name: 'what is compared or combined has one type', check: typesAligned },
  { name: 'Output is the root and only the root', check: outputOnlyAtRoot },
  { name: 'assigned symbols have the type of their expression', check: assignmentsTyped },
  { name: 'what is made in parts is brought together above', check: partsCombined },
  { name: 'grouping sets index keys and carry a group id', check: groupingSetsValid },
];

/** Throws an AssertionError that names the check, the rule that ran last and the node. */
export function checkPlan(root: PlanNode, after: string): void {
  const ids = new Set<number>();
  const visit = (node: PlanNode, outer: readonly Symbol[]): void => {
    assert(!ids.has(node.id), `node ids are unique: ${node.kind} ${node.id} stands twice in the plan after ${after}`);
    ids.add(node.id);
    for (const { name, check } of CHECKS) {
      const wrong = check(node, outer);
      assert(wrong === undefined, `${name} (after ${after}): ${node.kind} ${node.id}: ${wrong}`);
    }
    if (node.kind === 'Apply') {
      visit(node.source, outer);
      visit(node.subquery, [...outer, ...outputsOf(node.source)]);
    } else {
      for (const source of sourcesOf(node)) visit(source, outer);
    }
  };
  assert(root.kind === 'Output', `the root of a query's plan is Output (after ${after}), not ${root.kind}`);
  visit(root, []);
}

function referencesProduced(node: PlanNode, outer: readonly Symbol[]): string | undefined {
  const available = new Map([...outer, ...sourcesOf(node).flatMap(outputsOf)].map((s) => [s.name, s]));
  for (const expression of expressionsOf(node)) {
    const wrong = unresolved(expression, available);
    if (wrong !== undefined) return `${wrong} in ${printExpression(expression)}`;
  }
  return undefined;
}

function unresolved(expression: Expression, available: ReadonlyMap<string, Symbol>): string | undefined {
  if (expression.kind === 'Reference') {
    const symbol = available.get(expression.name);
    if (!symbol) return `${expression.name} is not produced below`;
    return sameType(symbol.type, expression.type)
      ? undefined
      : `${expression.name} is ${typeName(symbol.type)}, read as ${typeName(expression.type)}`;
  }
  const inner =
    expression.kind === 'Lambda'
      ? new Map([...available, ...expression.parameters.map((p): [string, Symbol] => [p.name, p])])
      : available;
  for (const part of childrenOf(expression)) {
    const wrong = unresolved(part, inner);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function outputsDistinct(node: PlanNode): string | undefined {
  // The query's own columns may repeat one symbol: SELECT a, a.
  if (node.kind === 'Output') return undefined;
  const seen = new Set<string>();
  for (const { name } of outputsOf(node)) {
    if (seen.has(name)) return `${name} stands twice`;
    seen.add(name);
  }
  return undefined;
}

function predicatesBoolean(node: PlanNode): string | undefined {
  const predicate = node.kind === 'Filter' ? node.predicate : node.kind === 'Join' ? node.filter : undefined;
  if (!predicate || predicate.type.kind === 'boolean') return undefined;
  return `${printExpression(predicate)} is ${typeName(predicate.type)}`;
}

function typesAligned(node: PlanNode): string | undefined {
  const pairs: (readonly [Symbol, Symbol])[] = [];
  if (node.kind === 'Join') {
    pairs.push(...node.criteria.map(({ left, right }) => [left, right] as const));
  } else if (node.kind === 'SemiJoin') {
    if (node.sourceKeys.length !== node.filteringKeys.length) return 'the sides have different numbers of keys';
    pairs.push(...node.sourceKeys.map((key, i) => [key, node.filteringKeys[i]!] as const));
  } else if (node.kind === 'SetOperation') {
    if (node.inputs.length !== node.sources.length) return 'the lists of inputs are not one a source';
    for (const input of node.inputs) {
      if (input.length !== node.symbols.length) return 'a source gives another number of columns than the result has';
      pairs.push(...input.map((symbol, i) => [symbol, node.symbols[i]!] as const));
    }
  } else if (node.kind === 'Values') {
    for (const row of node.rows) {
      if (row.length !== node.symbols.length) return 'a row is not as long as the list of symbols';
      const at = row.findIndex((value, i) => !sameType(value.type, node.symbols[i]!.type));
      if (at >= 0) return `${printExpression(row[at]!)} is not of the type of ${node.symbols[at]!.name}`;
    }
  }
  const wrong = pairs.find(([a, b]) => !sameType(a.type, b.type));
  return wrong && `${wrong[0].name} ${typeName(wrong[0].type)} against ${wrong[1].name} ${typeName(wrong[1].type)}`;
}

function outputOnlyAtRoot(node: PlanNode): string | undefined {
  return sourcesOf(node).some((source) => source.kind === 'Output') ? 'an Output stands below it' : undefined;
}

function assignmentsTyped(node: PlanNode): string | undefined {
  const typed =
    node.kind === 'Project'
      ? node.assignments.map(({ symbol, expression }) => ({ symbol, type: expression.type }))
      : node.kind === 'Aggregation'
        ? node.aggregations.map(({ symbol, call }) => ({ symbol, type: call.type }))
        : node.kind === 'Window'
          ? node.functions.map(({ symbol, call }) => ({ symbol, type: call.type }))
          : [];
  const wrong = typed.find(({ symbol, type }) => !sameType(symbol.type, type));
  return wrong && `${wrong.symbol.name} is ${typeName(wrong.symbol.type)}, its expression ${typeName(wrong.type)}`;
}

/**
 * A group stands in several rows of a partial aggregation, one of each task at the most: whoever took these for groups would be
 * wrong. So they go on only until the same step over all parts, as rows of a limit in parts do.
 */
function partsCombined(node: PlanNode): string | undefined {
  const going = passedOn(node);
  const wrong = sourcesOf(node)
    .filter((source) => !going.includes(source))
    .map(partsIn)
    .find((parts) => parts !== undefined && parts !== node.kind);
  return wrong && `it reads what a partial ${wrong} made`;
}

/** The step of which the node's rows are parts. */
function partsIn(node: PlanNode): PlanNode['kind'] | undefined {
  if ('partial' in node && node.partial) return node.kind;
  return passedOn(node)
    .map(partsIn)
    .find((parts) => parts !== undefined);
}

/** Sources whose rows may be parts. An outer join pads parts as it pads groups: see rules/aggregate-below-outer-join.ts. */
function passedOn(node: PlanNode): readonly PlanNode[] {
  if (node.kind === 'Exchange' || node.kind === 'Project') return [node.source];
  if (node.kind === 'Join' && node.type === 'LEFT') return [node.right];
  return node.kind === 'Join' && node.type === 'RIGHT' ? [node.left] : [];
}

function groupingSetsValid(node: PlanNode): string | undefined {
  if (node.kind !== 'Aggregation' || !node.groupingSets) return undefined;
  const wrong = node.groupingSets.flat().find((index) => node.keys[index] === undefined);
  return wrong === undefined ? undefined : `grouping set names key ${wrong} of ${node.keys.length}`;
}
