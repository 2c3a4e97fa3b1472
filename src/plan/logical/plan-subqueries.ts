/** Puts the subqueries that expressions read below the node that evaluates them, as Apply nodes. */

import { QueryError } from '../../common/errors.ts';
import type { Subquery } from '../../sql/analyzer/analysis.ts';
import type { Expression } from '../../sql/expression.ts';
import { referencesIn } from '../expressions.ts';
import { type ApplyNode, outputsOf, type PlanNode } from '../nodes.ts';
import { asSymbols } from '../columns.ts';
import { freeSymbols } from '../free-symbols.ts';
import type { PlannerContext } from './context.ts';
import { symbolNames } from '../node-expressions.ts';

/** `source` with a column for every subquery that `expressions` read and that it does not hold yet. */
export function planSubqueries(
  context: PlannerContext,
  source: PlanNode,
  expressions: readonly Expression[],
): PlanNode {
  let plan = source;
  let present: Set<string> | undefined;
  for (const expression of expressions) {
    for (const name of referencesIn(expression)) {
      const subquery = context.subqueries.get(name);
      if (!subquery) continue;
      present ??= new Set(outputsOf(plan).map((symbol) => symbol.name));
      if (present.has(name)) continue;
      plan = apply(context, plan, subquery);
      present = undefined;
    }
  }
  return plan;
}

function apply(context: PlannerContext, source: PlanNode, subquery: Subquery): PlanNode {
  const inner = context.planQuery(subquery.query);
  const { form, symbol } = subquery;
  switch (form.kind) {
    case 'scalar': {
      const assignments = [{ symbol, expression: form.value }];
      const value: PlanNode = { kind: 'Project', id: context.newId(), source: inner, assignments };
      return applied(context, source, value, { kind: 'scalar' });
    }
    case 'exists':
      return applied(context, source, inner, { kind: 'exists', output: symbol });
    case 'in': {
      const values = asSymbols(context, planSubqueries(context, source, form.values), form.values, 'value');
      const candidates = asSymbols(context, inner, form.candidates, 'candidate');
      return applied(context, values.plan, candidates.plan, {
        kind: 'in',
        output: symbol,
        values: values.symbols,
        candidates: candidates.symbols,
      });
    }
    case 'quantified': {
      const value = asSymbols(context, planSubqueries(context, source, [form.value]), [form.value], 'value');
      const candidate = asSymbols(context, inner, [form.candidate], 'candidate');
      return applied(context, value.plan, candidate.plan, {
        kind: 'quantified',
        output: symbol,
        operator: form.operator,
        quantifier: form.quantifier,
        value: value.symbols[0]!,
        candidate: candidate.symbols[0]!,
      });
    }
  }
}

function applied(context: PlannerContext, source: PlanNode, subquery: PlanNode, form: ApplyNode['form']): PlanNode {
  const free = freeSymbols(subquery);
  const seen = new Set<string>();
  const correlation = outputsOf(source).filter(({ name }) => {
    if (!free.has(name) || seen.has(name)) return false;
    seen.add(name);
    return true;
  });
  return { kind: 'Apply', id: context.newId(), source, subquery, correlation, form };
}

/**
 * Subqueries in ON. `above`: they are to be evaluated over the cross product, which an inner join may. For outer joins each
 * goes below the side that it reads; one that reads both sides is refused.
 */
export function planSubqueriesOfJoin(
  context: PlannerContext,
  left: PlanNode,
  right: PlanNode,
  condition: Expression,
  type: 'INNER' | 'LEFT' | 'RIGHT' | 'FULL',
): { readonly left: PlanNode; readonly right: PlanNode; readonly above: boolean } {
  const subqueries = [...referencesIn(condition)].flatMap((name) => context.subqueries.get(name) ?? []);
  if (subqueries.length === 0) return { left, right, above: false };
  if (type === 'INNER') return { left, right, above: true };
  const sides = { left, right };
  const [onLeft, onRight] = [left, right].map((plan) => symbolNames(outputsOf(plan)));
  for (const subquery of subqueries) {
    const { form } = subquery;
    const values = form.kind === 'in' ? form.values : form.kind === 'quantified' ? [form.value] : [];
    const read = [...subquery.query.outerReferences, ...values.flatMap((value) => [...referencesIn(value)])];
    const readsLeft = read.some((name) => onLeft?.has(name));
    const readsRight = read.some((name) => onRight?.has(name));
    if (readsLeft && readsRight) {
      throw new QueryError(
        'NOT_SUPPORTED',
        `A subquery in the ON clause of a ${type} JOIN cannot use columns of both sides; compute it in a subquery of FROM`,
      );
    }
    const side = readsRight ? 'right' : 'left';
    sides[side] = planSubqueries(context, sides[side], [
      { kind: 'Reference', type: subquery.symbol.type, name: subquery.symbol.name },
    ]);
  }
  return { ...sides, above: false };
}
