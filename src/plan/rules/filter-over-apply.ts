/** EXISTS and IN that only filter become semi joins, NOT EXISTS and correlated NOT IN anti joins. */

import type { Expression } from '../../sql/expression.ts';
import { reference } from '../../sql/expression.ts';
import { BOOLEAN } from '../../types/type.ts';
import { identity, joinOn } from '../columns.ts';
import { and, conjunctsOf, or, referencesIn } from '../expressions.ts';
import { pullUp, readsBeyond } from '../decorrelation/pull-up.ts';
import { symbolNames } from '../node-expressions.ts';
import type { ApplyNode, PlanNode } from '../nodes.ts';
import { outputsOf, withSources } from '../nodes.ts';
import type { Rule, RuleContext } from '../rule.ts';

// Filter[mark AND p](Apply exists[mark](x, y)) → Filter[p](Project[mark := true](x SEMI JOIN y))
// Filter[NOT mark AND p](Apply exists[mark](x, y)) → Filter[p](Project[mark := false](x ANTI JOIN y))
// The Apply may stand below others: they keep the rows of their source.
export const filterOverApply: Rule = {
  name: 'filter-over-apply',
  apply: (node, context) => {
    if (node.kind !== 'Filter') return undefined;
    const conjuncts = conjunctsOf(node.predicate);
    for (const conjunct of conjuncts) {
      const test = markOf(conjunct);
      if (!test) continue;
      const rest = conjuncts.filter((other) => other !== conjunct);
      if (rest.some((other) => referencesIn(other).has(test.name))) continue;
      const source = replaceApply(node.source, test, context);
      if (!source) continue;
      return rest.length === 0 ? source : { ...node, source, predicate: and(rest) };
    }
    return undefined;
  },
};

type Test = { readonly name: string; readonly holds: boolean };

function markOf(conjunct: Expression): Test | undefined {
  if (conjunct.kind === 'Reference') return { name: conjunct.name, holds: true };
  if (conjunct.kind !== 'Not' || conjunct.argument.kind !== 'Reference') return undefined;
  return { name: conjunct.argument.name, holds: false };
}

/** The plan with a join in place of the Apply that makes the mark; undefined where there is none, or it cannot be done. */
function replaceApply(node: PlanNode, test: Test, context: RuleContext): PlanNode | undefined {
  if (node.kind === 'Apply' && 'output' in node.form && node.form.output.name === test.name) {
    return asJoin(node, test.holds, context);
  }
  // A subquery further up may read the mark.
  const keepsRows =
    (node.kind === 'Apply' && node.form.kind !== 'lateral' && !symbolNames(node.correlation).has(test.name)) ||
    node.kind === 'SemiJoin';
  if (!keepsRows) return undefined;
  const source = replaceApply(node.source, test, context);
  return source && withSources(node, [source, node.kind === 'Apply' ? node.subquery : node.filteringSource]);
}

function asJoin(node: ApplyNode, holds: boolean, context: RuleContext): PlanNode | undefined {
  const { form, source, subquery } = node;
  if ((form.kind !== 'exists' && form.kind !== 'in') || readsBeyond(node)) return undefined;
  const outer = symbolNames(outputsOf(source));
  const indifference = { repetitions: true, limits: form.kind === 'exists' };
  const pulled = pullUp(subquery, outer, indifference, context);
  if (!pulled) return undefined;
  // Without correlation a NOT IN is a SemiJoin, which hashes; EXISTS is one count.
  if (pulled.predicates.length === 0 && (form.kind === 'exists' || !holds)) return undefined;
  const terms = [...pulled.predicates];
  if (form.kind === 'in') {
    for (const [i, value] of form.values.entries()) {
      const candidate = reference(form.candidates[i]!);
      const equal: Expression = {
        kind: 'Comparison',
        type: BOOLEAN,
        operator: '=',
        left: reference(value),
        right: candidate,
      };
      // NOT IN fails for a candidate that is, or as a NULL may be, the value.
      terms.push(holds ? equal : or([equal, isNull(reference(value)), isNull(candidate)]));
    }
  }
  const join = joinOn(context, holds ? 'SEMI' : 'ANTI', source, pulled.node, terms);
  const mark: Expression = { kind: 'Constant', type: BOOLEAN, value: holds };
  return {
    kind: 'Project',
    id: context.newId(),
    source: join,
    assignments: [...identity(outputsOf(source)), { symbol: form.output, expression: mark }],
  };
}

const isNull = (argument: Expression): Expression => ({ kind: 'IsNull', type: BOOLEAN, argument });
