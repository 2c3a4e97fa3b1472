/** Filters move towards the scans, as far as the nodes between let them. */

import type { Expression } from '../../sql/expression.ts';
import { reference } from '../../sql/expression.ts';
import {
  and,
  conjunctsOf,
  distinctExpressions,
  expressionKey,
  isNeverTrue,
  readsOnly,
  substitute,
} from '../expressions.ts';
import { isDeterministicExpression } from '../function-facts.ts';
import { symbolNames } from '../node-expressions.ts';
import type { AggregationNode, PlanNode, ProjectNode, SetOperationNode } from '../nodes.ts';
import { outputsOf, sourcesOf, withSources } from '../nodes.ts';
import type { Rule, RuleContext } from '../rule.ts';
import { pushThroughJoin } from './push-through-join.ts';

/** Works on the whole plan at once: what a filter may do is known only on the way down. */
export const pushDownPredicates: Rule = {
  name: 'push-down-predicates',
  apply: (node, context) => {
    if (node.kind !== 'Output') return undefined;
    const source = push(node.source, [], context);
    return source === node.source ? undefined : { ...node, source };
  },
};

/** The node's rows for which every conjunct holds. Conjuncts read the node's columns, or those around a subquery. */
export function push(node: PlanNode, conjuncts: readonly Expression[], context: RuleContext): PlanNode {
  if (conjuncts.some(isNeverTrue)) {
    return { kind: 'Values', id: context.newId(), symbols: outputsOf(node), rows: [] };
  }
  switch (node.kind) {
    case 'Filter': {
      const all = distinctExpressions([...conjunctsOf(node.predicate), ...conjuncts]);
      if (all.length > 0 && all.every(isDeterministicExpression)) return pushKeeping(node, all, context);
      // A random filter stays where it is: moving it would let another share of the rows through.
      const source = push(node.source, [], context);
      return filterOver(withSources(node, [source]), conjuncts, context);
    }
    case 'Project':
      return pushThroughProject(node, conjuncts, context);
    case 'Join':
      return pushThroughJoin(node, conjuncts, context, push);
    case 'Aggregation':
      return pushSome(node, conjuncts, groupedColumns(node), context);
    case 'Window':
      return pushSome(node, conjuncts, symbolNames(node.partitionBy), context);
    case 'Unnest':
      return pushSome(node, conjuncts, symbolNames(node.replicate), context);
    case 'SemiJoin': {
      const filteringSource = push(node.filteringSource, [], context);
      const next = filteringSource === node.filteringSource ? node : { ...node, filteringSource };
      return pushSome(next, conjuncts, symbolNames(outputsOf(node.source)), context);
    }
    case 'Apply': {
      const subquery = push(node.subquery, [], context);
      const next = subquery === node.subquery ? node : { ...node, subquery };
      return pushSome(next, conjuncts, symbolNames(outputsOf(node.source)), context);
    }
    case 'AssignUniqueId':
    case 'Sort':
      return pushSome(node, conjuncts, symbolNames(outputsOf(node.source)), context);
    case 'SetOperation':
      return pushThroughSetOperation(node, conjuncts, context);
    case 'TableScan':
    case 'Values':
    case 'TopN':
    case 'Limit':
    case 'EnforceSingleRow':
    case 'Sample':
    case 'RecursiveUnion':
    case 'WorkingTable':
    case 'Exchange':
    case 'RemoteSource':
    case 'Output': {
      const sources = sourcesOf(node).map((source) => push(source, [], context));
      return filterOver(withSources(node, sources), conjuncts, context);
    }
  }
}

/** Filter(x) stays the same node where nothing moved, so that the rule comes to rest. */
function pushKeeping(
  node: Extract<PlanNode, { kind: 'Filter' }>,
  all: readonly Expression[],
  context: RuleContext,
): PlanNode {
  const pushed = push(node.source, all, context);
  const same =
    pushed.kind === 'Filter' &&
    pushed.source === node.source &&
    expressionKey(pushed.predicate) === expressionKey(node.predicate);
  return same ? node : pushed;
}

export function filterOver(node: PlanNode, conjuncts: readonly Expression[], context: RuleContext): PlanNode {
  if (conjuncts.length === 0) return node;
  return { kind: 'Filter', id: context.newId(), source: node, predicate: and(conjuncts) };
}

/** Pushes the conjuncts that read nothing but `names` into the first source; the others stay above. */
function pushSome(
  node: PlanNode,
  conjuncts: readonly Expression[],
  names: ReadonlySet<string>,
  context: RuleContext,
): PlanNode {
  const below = conjuncts.filter((conjunct) => isDeterministicExpression(conjunct) && readsOnly(conjunct, names));
  const above = conjuncts.filter((conjunct) => !below.includes(conjunct));
  const [first, ...others] = sourcesOf(node);
  return filterOver(withSources(node, [push(first!, below, context), ...others]), above, context);
}

/** Keys that every grouping set has: the others are NULL in some result rows although their input is not. */
function groupedColumns(node: AggregationNode): ReadonlySet<string> {
  const { keys, groupingSets } = node;
  return symbolNames(keys.filter((_, i) => !groupingSets || groupingSets.every((set) => set.includes(i))));
}

/** Bounds the growth of predicates that read computed columns. */
const PREDICATE_CHARACTERS_MAX = 20_000;

// Filter(Project(x)) → Project(Filter(x))
function pushThroughProject(node: ProjectNode, conjuncts: readonly Expression[], context: RuleContext): PlanNode {
  const replacements = new Map(node.assignments.map(({ symbol, expression }) => [symbol.name, expression]));
  const below: Expression[] = [];
  const above: Expression[] = [];
  for (const conjunct of conjuncts) {
    const moved = substitute(conjunct, replacements);
    const fits = isDeterministicExpression(moved) && expressionKey(moved).length <= PREDICATE_CHARACTERS_MAX;
    (fits ? below : above).push(fits ? moved : conjunct);
  }
  return filterOver(withSources(node, [push(node.source, below, context)]), above, context);
}

function pushThroughSetOperation(
  node: SetOperationNode,
  conjuncts: readonly Expression[],
  context: RuleContext,
): PlanNode {
  const names = symbolNames(node.symbols);
  const below = conjuncts.filter((conjunct) => isDeterministicExpression(conjunct) && readsOnly(conjunct, names));
  const above = conjuncts.filter((conjunct) => !below.includes(conjunct));
  const sources = node.sources.map((source, i) => {
    const inputs = new Map(node.symbols.map((symbol, s) => [symbol.name, reference(node.inputs[i]![s]!)]));
    return push(
      source,
      below.map((conjunct) => substitute(conjunct, inputs)),
      context,
    );
  });
  return filterOver(withSources(node, sources), above, context);
}
