/** A correlated aggregate is computed for all groups at once, or over the rows that belong to each row outside. */

import type { Expression, Symbol } from '../../sql/expression.ts';
import { reference } from '../../sql/expression.ts';
import { addColumns, joinOn } from '../columns.ts';
import { attach, detach, zero } from '../decorrelation/attach.ts';
import { comparedColumns, EXACT, pullUp, readsBeyond } from '../decorrelation/pull-up.ts';
import { chainOf, redo, redoOrNull } from '../decorrelation/subquery-chain.ts';
import { and, partsOfAggregate, referencesIn } from '../expressions.ts';
import { symbolNames } from '../node-expressions.ts';
import type { AggregationNode, ApplyNode, PlanNode } from '../nodes.ts';
import { outputsOf } from '../nodes.ts';
import type { Rule, RuleContext } from '../rule.ts';

// Apply scalar(x, Aggregation[a](Filter[x.k = y.k](y))) → x LEFT JOIN Aggregation[by y.k; a](y) ON x.k = y.k
// Apply scalar(x, Aggregation[a](Filter[x.k < y.k](y))) → Aggregation[by x, n; a](AssignUniqueId[n](x) LEFT JOIN y ON x.k < y.k)
export const applyOfAggregation: Rule = {
  name: 'apply-of-aggregation',
  apply: (node, context) => {
    if (node.kind !== 'Apply' || readsBeyond(node) || (node.form.kind !== 'scalar' && node.form.kind !== 'lateral'))
      return undefined;
    if (node.form.kind === 'lateral' && node.form.filter) return undefined;
    const { steps, base } = chainOf(node.subquery);
    if (base.kind !== 'Aggregation' || base.keys.length > 0 || base.groupingSets) return undefined;
    const joined = grouped(node, base, context) ?? attached(node, base, context);
    if (!joined) return undefined;
    if (node.form.kind === 'lateral' && node.form.type === 'INNER') {
      const { plan, conditions } = redo(context, joined, steps);
      if (conditions.length === 0) return plan;
      return { kind: 'Filter', id: context.newId(), source: plan, predicate: and(conditions) };
    }
    return redoOrNull(context, joined, { steps }, node.subquery);
  },
};

/** What an aggregate over no rows yields, by its name; those not listed are asked of the kernel. */
const OVER_NOTHING: ReadonlyMap<string, Expression | 'NULL'> = new Map<string, Expression | 'NULL'>([
  ['count', zero],
  ['count_if', zero],
  ...[
    'sum',
    'avg',
    'min',
    'max',
    'min_by',
    'max_by',
    'bool_and',
    'bool_or',
    'every',
    'arbitrary',
    'any_value',
    'array_agg',
    'listagg',
    'stddev',
    'stddev_samp',
    'stddev_pop',
    'variance',
    'var_samp',
    'var_pop',
  ].map((name) => [name, 'NULL'] as const),
]);

function grouped(node: ApplyNode, base: AggregationNode, context: RuleContext): PlanNode | undefined {
  const outer = symbolNames(outputsOf(node.source));
  const reads = base.aggregations
    .flatMap(({ call }) => partsOfAggregate(call))
    .flatMap((part) => [...referencesIn(part)]);
  if (reads.some((name) => outer.has(name))) return undefined;
  const nothing = base.aggregations.map(({ call }) => OVER_NOTHING.get(call.function.split('(')[0]!));
  if (nothing.includes(undefined)) return undefined;
  const pulled = pullUp(base.source, outer, EXACT, context);
  const compared = pulled && comparedColumns(pulled, outer, context);
  if (!compared || compared.symbols.length === 0) return undefined;
  // An aggregate that is never NULL needs its value over nothing where there is no group.
  const renamed = base.aggregations.map(
    ({ symbol, call }, i): { readonly raw: Symbol; readonly call: typeof call } => ({
      raw: nothing[i] === 'NULL' ? symbol : context.newSymbol(symbol.name, symbol.type),
      call,
    }),
  );
  const groups: PlanNode = {
    kind: 'Aggregation',
    id: context.newId(),
    source: compared.node,
    keys: compared.symbols,
    aggregations: renamed.map(({ raw, call }) => ({ symbol: raw, call })),
  };
  const joined = joinOn(context, 'LEFT', node.source, groups, compared.predicates);
  const filled = base.aggregations.flatMap(({ symbol }, i) => {
    const value = nothing[i];
    if (value === undefined || value === 'NULL') return [];
    const expression: Expression = {
      kind: 'Coalesce',
      type: symbol.type,
      arguments: [reference(renamed[i]!.raw), value],
    };
    return [{ symbol, expression }];
  });
  return addColumns(context, joined, filled);
}

function attached(node: ApplyNode, base: AggregationNode, context: RuleContext): PlanNode | undefined {
  const rows = attach(node.source, base.source, [], context);
  return rows && detach(rows, base.aggregations, context);
}
