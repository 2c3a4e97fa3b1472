/** A subquery that reads nothing of the row outside is computed once, beside it. */

import type { Expression, Symbol } from '../../sql/expression.ts';
import { reference } from '../../sql/expression.ts';
import { BIGINT, BOOLEAN } from '../../types/type.ts';
import { addColumns, joinOn } from '../columns.ts';
import { and, conjunctsOf } from '../expressions.ts';
import { countRows, isPositive, zero } from '../decorrelation/attach.ts';
import { readsOuter, readsBeyond } from '../decorrelation/pull-up.ts';
import { isOneRow } from '../decorrelation/subquery-chain.ts';
import { FUNCTIONS } from '../../sql/functions/registry.ts';
import { symbolNames } from '../node-expressions.ts';
import type { ApplyNode, PlanNode } from '../nodes.ts';
import { outputsOf } from '../nodes.ts';
import type { Rule, RuleContext } from '../rule.ts';

// Apply scalar(x, y) → x CROSS JOIN EnforceSingleRow(y)
// Apply in(x, y) → SemiJoin(x, y)
// Apply exists(x, y) → x CROSS JOIN Project[count > 0](Aggregation[count(*)](Limit[1](y)))
// Apply quantified(x, y) → Project[by least, greatest and counts](x CROSS JOIN Aggregation(y))
// Apply lateral(x, y) → x JOIN y
export const applyOfNothingOutside: Rule = {
  name: 'apply-of-nothing-outside',
  apply: (node, context) => {
    if (node.kind !== 'Apply' || readsBeyond(node) || readsOuter(node.subquery, symbolNames(outputsOf(node.source))))
      return undefined;
    const { form, source, subquery } = node;
    switch (form.kind) {
      case 'scalar':
        return cross(source, isOneRow(subquery) ? subquery : enforced(subquery, context), context);
      case 'in': {
        const { values: sourceKeys, candidates: filteringKeys, output } = form;
        return {
          kind: 'SemiJoin',
          id: context.newId(),
          source,
          filteringSource: subquery,
          sourceKeys,
          filteringKeys,
          output,
        };
      }
      case 'exists': {
        const count = context.newSymbol('count', BIGINT);
        const first: PlanNode = { kind: 'Limit', id: context.newId(), source: subquery, count: '1', offset: '0' };
        const counted = totals(first, [{ symbol: count, call: countRows() }], context);
        const assignments = [{ symbol: form.output, expression: isPositive(count) }];
        return cross(source, { kind: 'Project', id: context.newId(), source: counted, assignments }, context);
      }
      case 'lateral':
        return joinOn(context, form.type, source, subquery, form.filter ? conjunctsOf(form.filter) : []);
      case 'quantified':
        // Their least and greatest leave NULLs within out of account, with which no comparison is certain.
        if (form.candidate.type.kind === 'row' || form.candidate.type.kind === 'array') return undefined;
        return quantified(node, form, context);
    }
  },
};

function cross(left: PlanNode, right: PlanNode, context: RuleContext): PlanNode {
  return { kind: 'Join', id: context.newId(), type: 'INNER', left, right, criteria: [] };
}

const enforced = (source: PlanNode, context: RuleContext): PlanNode => ({
  kind: 'EnforceSingleRow',
  id: context.newId(),
  source,
});

function totals(
  source: PlanNode,
  aggregations: Extract<PlanNode, { kind: 'Aggregation' }>['aggregations'],
  context: RuleContext,
): PlanNode {
  return { kind: 'Aggregation', id: context.newId(), source, keys: [], aggregations };
}

type Quantified = Extract<ApplyNode['form'], { kind: 'quantified' }>;

/**
 * ALL holds when it holds for the hardest candidate and none is NULL, ANY when it holds for the easiest. Over no candidates
 * ALL is true and ANY false.
 */
function quantified(node: ApplyNode, form: Quantified, context: RuleContext): PlanNode {
  const { operator, quantifier, value, candidate } = form;
  const extreme = (name: 'min' | 'max'): { readonly symbol: Symbol; readonly call: ReturnType<typeof countRows> } => {
    const { id, returnType } = FUNCTIONS.resolve(name, [candidate.type]);
    const argument = [reference(candidate)];
    const call = { function: id, type: returnType, arguments: argument, distinct: false, orderBy: [] };
    return { symbol: context.newSymbol(name, returnType), call };
  };
  const [least, greatest] = [extreme('min'), extreme('max')];
  const rows = context.newSymbol('count', BIGINT);
  const present = context.newSymbol('count', BIGINT);
  const notNull = FUNCTIONS.resolve('count', [candidate.type]).id;
  const counts = [
    { symbol: rows, call: countRows() },
    { symbol: present, call: { ...countRows(), function: notNull, arguments: [reference(candidate)] } },
  ];
  const isFloating = candidate.type.kind === 'double' || candidate.type.kind === 'real';
  const notNumbers = isFloating ? [countNotNumbers(candidate, context)] : [];
  const compared = (side: Symbol, by: typeof operator): Expression => ({
    kind: 'Comparison',
    type: BOOLEAN,
    operator: by,
    left: reference(value),
    right: reference(side),
  });
  const toBoth = and([compared(least.symbol, '='), compared(greatest.symbol, '=')]);
  const smaller = operator === '<' || operator === '<=';
  const all = quantifier === 'ALL';
  const test =
    operator === '='
      ? toBoth
      : operator === '<>'
        ? not(toBoth)
        : compared(smaller === all ? least.symbol : greatest.symbol, operator);
  const result: Expression = {
    kind: 'Case',
    type: BOOLEAN,
    branches: [
      { when: equal(rows, zero), result: boolean(all) },
      // A NaN, which is neither the least nor the greatest, is unequal to everything and neither below nor above it.
      ...(all || operator === '<>'
        ? notNumbers.map(({ symbol }) => ({ when: isPositive(symbol), result: boolean(!all) }))
        : []),
      { when: all ? not(test) : test, result: boolean(!all) },
      { when: not(equal(rows, reference(present))), result: boolean(null) },
    ],
    otherwise: test,
  };
  const aggregated = totals(node.subquery, [least, greatest, ...counts, ...notNumbers], context);
  const joined = cross(node.source, aggregated, context);
  return addColumns(context, joined, [{ symbol: form.output, expression: result }]);
}

function countNotNumbers(
  candidate: Symbol,
  context: RuleContext,
): { symbol: Symbol; call: ReturnType<typeof countRows> } {
  const { id } = FUNCTIONS.resolve('is_nan', [candidate.type]);
  const isNotNumber: Expression = { kind: 'Call', type: BOOLEAN, function: id, arguments: [reference(candidate)] };
  const counting = FUNCTIONS.resolve('count_if', [BOOLEAN]).id;
  return {
    symbol: context.newSymbol('count', BIGINT),
    call: { ...countRows(), function: counting, arguments: [isNotNumber] },
  };
}

const not = (argument: Expression): Expression => ({ kind: 'Not', type: BOOLEAN, argument });

const boolean = (truth: boolean | null): Expression => ({ kind: 'Constant', type: BOOLEAN, value: truth });

const equal = (left: Symbol, right: Expression): Expression => ({
  kind: 'Comparison',
  type: BOOLEAN,
  operator: '=',
  left: reference(left),
  right,
});
