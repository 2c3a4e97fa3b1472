/** EXISTS, IN and quantified comparisons as values, where they read the row outside: the rows that decide are counted. */

import type { Expression } from '../../sql/expression.ts';
import { reference } from '../../sql/expression.ts';
import { BIGINT, BOOLEAN } from '../../types/type.ts';
import { addColumns, joinOn } from '../columns.ts';
import { attach, countRows, detach, isPositive } from '../decorrelation/attach.ts';
import { and, or, TRUE } from '../expressions.ts';
import { comparedColumns, pullUp, readsBeyond } from '../decorrelation/pull-up.ts';
import { symbolNames } from '../node-expressions.ts';
import type { ApplyNode, PlanNode } from '../nodes.ts';
import { outputsOf } from '../nodes.ts';
import type { Rule, RuleContext } from '../rule.ts';

// Apply exists(x, Filter[x.k = y.k](y)) → Project[mark IS NOT NULL](x LEFT JOIN Project[mark := true](Aggregation[by y.k](y)))
// Apply in(x, Filter[x.k < y.k](y)) → Project[by counts](Aggregation[by x, n; counts](AssignUniqueId[n](x) LEFT JOIN y))
export const applyByCounting: Rule = {
  name: 'apply-by-counting',
  apply: (node, context) => {
    if (node.kind !== 'Apply' || readsBeyond(node)) return undefined;
    switch (node.form.kind) {
      case 'exists':
        return existsByKeys(node, node.form, context) ?? existsByCount(node, node.form, context);
      case 'in':
        return byTruths(node, memberTest(node.form), false, context);
      case 'quantified':
        return byTruths(node, comparison(node.form), node.form.quantifier === 'ALL', context);
      case 'lateral':
      case 'scalar':
        return undefined;
    }
  },
};

type Form<Kind extends ApplyNode['form']['kind']> = Extract<ApplyNode['form'], { kind: Kind }>;

function existsByKeys(node: ApplyNode, form: Form<'exists'>, context: RuleContext): PlanNode | undefined {
  const outer = symbolNames(outputsOf(node.source));
  const pulled = pullUp(node.subquery, outer, { repetitions: true, limits: true }, context);
  const compared = pulled && comparedColumns(pulled, outer, context);
  if (!compared || compared.symbols.length === 0) return undefined;
  const mark = context.newSymbol('mark', BOOLEAN);
  const { node: source, symbols: keys } = compared;
  const distinct: PlanNode = { kind: 'Aggregation', id: context.newId(), source, keys, aggregations: [] };
  const marked = addColumns(context, distinct, [{ symbol: mark, expression: TRUE }]);
  const joined = joinOn(context, 'LEFT', node.source, marked, compared.predicates);
  const missing: Expression = { kind: 'IsNull', type: BOOLEAN, argument: reference(mark) };
  return addColumns(context, joined, [{ symbol: form.output, expression: not(missing) }]);
}

function existsByCount(node: ApplyNode, form: Form<'exists'>, context: RuleContext): PlanNode | undefined {
  const attached = attach(node.source, node.subquery, [], context);
  if (!attached) return undefined;
  const count = context.newSymbol('count', BIGINT);
  const counted = detach(attached, [{ symbol: count, call: countRows() }], context);
  return addColumns(context, counted, [{ symbol: form.output, expression: isPositive(count) }]);
}

function memberTest({ values, candidates, output }: Form<'in'>): {
  readonly test: Expression;
  readonly output: typeof output;
} {
  const equal = values.map((value, i): Expression => ({
    kind: 'Comparison',
    type: BOOLEAN,
    operator: '=',
    left: reference(value),
    right: reference(candidates[i]!),
  }));
  return { test: and(equal), output };
}

const comparison = ({ operator, value, candidate, output }: Form<'quantified'>): ReturnType<typeof memberTest> => ({
  test: { kind: 'Comparison', type: BOOLEAN, operator, left: reference(value), right: reference(candidate) },
  output,
});

/** ANY: true if one candidate passes, else NULL if one may, else false. ALL: the same of failing, the other way round. */
function byTruths(
  node: ApplyNode,
  { test, output }: ReturnType<typeof memberTest>,
  all: boolean,
  context: RuleContext,
): PlanNode | undefined {
  const decisive = all ? not(test) : test;
  const unknown: Expression = { kind: 'IsNull', type: BOOLEAN, argument: test };
  const attached = attach(node.source, node.subquery, [or([decisive, unknown])], context);
  if (!attached) return undefined;
  const decided = context.newSymbol('decided', BIGINT);
  const open = context.newSymbol('open', BIGINT);
  const counted = detach(
    attached,
    [
      { symbol: decided, call: countRows(decisive) },
      { symbol: open, call: countRows(unknown) },
    ],
    context,
  );
  const expression: Expression = {
    kind: 'Case',
    type: BOOLEAN,
    branches: [
      { when: isPositive(decided), result: truth(!all) },
      { when: isPositive(open), result: truth(null) },
    ],
    otherwise: truth(all),
  };
  return addColumns(context, counted, [{ symbol: output, expression }]);
}

const not = (argument: Expression): Expression => ({ kind: 'Not', type: BOOLEAN, argument });

const truth = (value: boolean | null): Expression => ({ kind: 'Constant', type: BOOLEAN, value });
