/** LATERAL subqueries, and scalar ones that have a single row by their shape, become joins. */

import type { Expression, SortOrder, Symbol, WindowCall } from '../../sql/expression.ts';
import { reference } from '../../sql/expression.ts';
import { BIGINT, BOOLEAN } from '../../types/type.ts';
import { addColumns, identity, joinOn } from '../columns.ts';
import { asUnnest, countRows, unnestOver } from '../decorrelation/attach.ts';
import { comparedColumns, EXACT, pullUp, type PulledUp, readsBeyond } from '../decorrelation/pull-up.ts';
import { chainOf, projectionsOf, redo, redoOrNull } from '../decorrelation/subquery-chain.ts';
import { and, conjunctsOf, TRUE } from '../expressions.ts';
import { FUNCTIONS } from '../../sql/functions/registry.ts';
import { symbolNames } from '../node-expressions.ts';
import type { ApplyNode, FilterNode, PlanNode } from '../nodes.ts';
import { outputsOf } from '../nodes.ts';
import type { Rule, RuleContext } from '../rule.ts';

// Apply lateral(x, Filter[x.k = y.k](y)) → x JOIN y ON x.k = y.k
// Apply lateral(x, Unnest[x.a](one row)) → Unnest[x.a](x)
// Apply scalar(x, Filter[x.k = y.k](y)) → x LEFT JOIN Aggregation[by y.k; the value, refused if there are more](y)
export const applyOfRows: Rule = {
  name: 'apply-of-rows',
  apply: (node, context) => {
    if (node.kind !== 'Apply' || readsBeyond(node)) return undefined;
    if (node.form.kind === 'scalar') return scalar(node, context) ?? limited(node, 'LEFT', context);
    if (node.form.kind !== 'lateral') return undefined;
    return (
      lateral(node, node.form, context) ??
      unnested(node, node.form, context) ??
      (node.form.filter ? undefined : limited(node, node.form.type, context))
    );
  },
};

type Lateral = Extract<ApplyNode['form'], { kind: 'lateral' }>;

function lateral(node: ApplyNode, form: Lateral, context: RuleContext): PlanNode | undefined {
  const outer = symbolNames(outputsOf(node.source));
  const filter = form.filter ? conjunctsOf(form.filter) : [];
  const pulled = pullUp(node.subquery, outer, EXACT, context);
  if (pulled) return joinOn(context, form.type, node.source, pulled.node, [...pulled.predicates, ...filter]);
  // Columns made from the row outside are made above the join.
  const { steps, base } = projectionsOf(node.subquery);
  const below = filter.length === 0 ? pullUp(base, outer, EXACT, context) : undefined;
  if (!below) return undefined;
  if (form.type === 'INNER') {
    const joined = joinOn(context, 'INNER', node.source, below.node, below.predicates);
    return redo(context, joined, steps).plan;
  }
  const mark = context.newSymbol('mark', BOOLEAN);
  const right = addColumns(context, below.node, [{ symbol: mark, expression: TRUE }]);
  const joined = joinOn(context, 'LEFT', node.source, right, below.predicates);
  return redoOrNull(context, joined, { steps }, node.subquery, reference(mark));
}

// Apply lateral(x, Limit[n](Filter[x.k < y.k](y))) → Filter[position ≤ n](Window[position by m](AssignUniqueId[m](x) JOIN y))
function limited(node: ApplyNode, type: 'INNER' | 'LEFT', context: RuleContext): PlanNode | undefined {
  const { steps, base } = projectionsOf(node.subquery);
  if ((base.kind !== 'Limit' && base.kind !== 'TopN') || base.count === undefined || base.count === '0')
    return undefined;
  if (base.offset !== '0' || (base.kind === 'TopN' && base.withTies)) return undefined;
  if (node.form.kind === 'scalar' && base.count !== '1') return undefined;
  const pulled = pullUp(base.source, symbolNames(outputsOf(node.source)), EXACT, context);
  // What is computed where there is no row of the subquery would not be NULL.
  const plain = steps.every(
    (step) => step.kind === 'Project' && step.assignments.every(({ expression }) => expression.kind === 'Reference'),
  );
  if (!pulled || (type === 'LEFT' && !plain)) return undefined;
  const unique = context.newSymbol('unique', BIGINT);
  const numbered: PlanNode = { kind: 'AssignUniqueId', id: context.newId(), source: node.source, symbol: unique };
  const joined = joinOn(context, type, numbered, pulled.node, pulled.predicates);
  const first = firstRows(joined, [unique], base.kind === 'TopN' ? base.orderBy : [], base.count, context);
  return redo(context, first, steps).plan;
}

function firstRows(
  source: PlanNode,
  partitionBy: readonly Symbol[],
  orderBy: readonly SortOrder[],
  count: string,
  context: RuleContext,
): PlanNode {
  const position = context.newSymbol('position', BIGINT);
  const call: WindowCall = {
    function: FUNCTIONS.resolve('row_number', []).id,
    type: BIGINT,
    arguments: [],
    ignoreNulls: false,
    distinct: false,
    frame: { unit: 'ROWS', start: { kind: 'UNBOUNDED PRECEDING' }, end: { kind: 'CURRENT ROW' } },
  };
  const functions = [{ symbol: position, call }];
  const window: PlanNode = { kind: 'Window', id: context.newId(), source, partitionBy, orderBy, functions };
  const predicate: Expression = {
    kind: 'Comparison',
    type: BOOLEAN,
    operator: '<=',
    left: reference(position),
    right: { kind: 'Constant', type: BIGINT, value: count },
  };
  return { kind: 'Filter', id: context.newId(), source: window, predicate };
}

function unnested(node: ApplyNode, form: Lateral, context: RuleContext): PlanNode | undefined {
  if (form.filter) return undefined;
  const { steps, base } = chainOf(node.subquery);
  const elements = asUnnest(base, context);
  if (!elements) return undefined;
  if (form.type === 'LEFT') {
    // What is computed from no element would not be NULL.
    const plain = steps.every(
      (step) => step.kind === 'Project' && step.assignments.every(({ expression }) => expression.kind === 'Reference'),
    );
    if (!plain || elements.replicate.length > 0) return undefined;
  }
  const plan = unnestOver(node.source, form.type === 'LEFT' ? { ...elements, type: 'LEFT' } : elements, context);
  if (!plan) return undefined;
  const above = redo(context, plan, steps);
  if (above.conditions.length === 0) return above.plan;
  return { kind: 'Filter', id: context.newId(), source: above.plan, predicate: and(above.conditions) };
}

function scalar(node: ApplyNode, context: RuleContext): PlanNode | undefined {
  const outer = symbolNames(outputsOf(node.source));
  const pulled = pullUp(node.subquery, outer, EXACT, context);
  const compared = pulled && comparedColumns(pulled, outer, context);
  if (!compared || compared.symbols.length === 0) return undefined;
  const right = isUniqueBy(compared.node, symbolNames(compared.symbols))
    ? compared.node
    : singled(compared, outputsOf(node.subquery), context);
  return joinOn(context, 'LEFT', node.source, right, compared.predicates);
}

/** Whether no two rows agree in all columns of `names`. */
function isUniqueBy(node: PlanNode, names: ReadonlySet<string>): boolean {
  if (node.kind === 'Aggregation') return !node.groupingSets && node.keys.every((key) => names.has(key.name));
  if (node.kind === 'Filter') return isFirstOfPartition(node, names) || isUniqueBy(node.source, names);
  if (node.kind === 'Project') {
    const read = node.assignments.flatMap(({ symbol, expression }) =>
      names.has(symbol.name) && expression.kind === 'Reference' ? [expression.name] : [],
    );
    return isUniqueBy(node.source, new Set(read));
  }
  const keepsRows = node.kind === 'Sort' || node.kind === 'Limit' || node.kind === 'TopN' || node.kind === 'SemiJoin';
  return keepsRows && isUniqueBy(node.source, names);
}

/** `row_number() OVER (PARTITION BY names …) <= 1`. */
function isFirstOfPartition({ predicate, source }: FilterNode, names: ReadonlySet<string>): boolean {
  if (source.kind !== 'Window' || !source.partitionBy.every((key) => names.has(key.name))) return false;
  const rowNumbers = source.functions.filter(({ call }) => call.function.startsWith('row_number('));
  const positions = symbolNames(rowNumbers.map(({ symbol }) => symbol));
  return conjunctsOf(predicate).some(
    (term) =>
      term.kind === 'Comparison' &&
      term.operator === '<=' &&
      term.left.kind === 'Reference' &&
      positions.has(term.left.name) &&
      term.right.kind === 'Constant' &&
      term.right.value === '1',
  );
}

/** One row for each value of the compared columns; a second one is refused when its value is used. */
function singled(
  compared: PulledUp & { readonly symbols: readonly Symbol[] },
  values: readonly Symbol[],
  context: RuleContext,
): PlanNode {
  const count = context.newSymbol('count', BIGINT);
  const firsts = values.map((value) => {
    const { id, returnType } = FUNCTIONS.resolve('arbitrary', [value.type]);
    const call = { function: id, type: returnType, arguments: [reference(value)], distinct: false, orderBy: [] };
    return { symbol: context.newSymbol(value.name, value.type), call };
  });
  const groups: PlanNode = {
    kind: 'Aggregation',
    id: context.newId(),
    source: compared.node,
    keys: compared.symbols,
    aggregations: [...firsts, { symbol: count, call: countRows() }],
  };
  const checked = values.map((symbol, i) => {
    const parts = [reference(firsts[i]!.symbol), reference(count)];
    const { id } = FUNCTIONS.resolve(
      '$single_value',
      parts.map((part) => part.type),
    );
    return { symbol, expression: { kind: 'Call', type: symbol.type, function: id, arguments: parts } as const };
  });
  return {
    kind: 'Project',
    id: context.newId(),
    source: groups,
    assignments: [...identity(compared.symbols), ...checked],
  };
}
