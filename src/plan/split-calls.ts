/** The two steps of an aggregation's calls: what each part of the rows yields, how the parts combine, what comes of it. */

import { reference, type Symbol } from '../sql/expression.ts';
import { splitAggregate } from '../sql/functions/split-aggregate.ts';
import type { AggregationNode, Assignment } from './nodes.ts';
import type { RuleContext } from './rule.ts';

export type NamedCalls = AggregationNode['aggregations'];

export type SplitCalls = {
  readonly partials: NamedCalls;
  /** Over the symbols of `partials`. */
  readonly finals: NamedCalls;
  /** The calls' own symbols, over those of `finals`. */
  readonly results: readonly Assignment[];
};

/** Undefined when one of the calls must see all of its rows in one place. */
export function splitCalls(calls: NamedCalls, context: RuleContext): SplitCalls | undefined {
  const partials: NamedCalls[number][] = [];
  const finals: NamedCalls[number][] = [];
  const results: Assignment[] = [];
  for (const { symbol, call } of calls) {
    const split = splitAggregate(call);
    if (!split) return undefined;
    const named = (step: typeof call): NamedCalls[number] => ({
      symbol: context.newSymbol(symbol.name, step.type),
      call: step,
    });
    const parts = split.partial.map(named);
    const final = split.final(symbolsOf(parts));
    const combined = final.aggregates.map(named);
    partials.push(...parts);
    finals.push(...combined);
    results.push({ symbol, expression: final.project(symbolsOf(combined).map(reference)) });
  }
  return { partials, finals, results };
}

const symbolsOf = (calls: NamedCalls): readonly Symbol[] => calls.map(({ symbol }) => symbol);
