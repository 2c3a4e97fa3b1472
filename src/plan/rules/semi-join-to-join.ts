/** An IN that only filters needs no third truth value: as a join it may be cut by its keys. */

import { and, conjunctsOf, referencesIn } from '../expressions.ts';
import type { JoinNode } from '../nodes.ts';
import { outputsOf } from '../nodes.ts';
import type { Rule } from '../rule.ts';
import { reference } from '../../sql/expression.ts';
import { BOOLEAN } from '../../types/type.ts';

// Filter[mark AND p](SemiJoin(x, y)) → Project[x, mark := true](Filter[p](x SEMI JOIN y))
// NOT mark stays: there a NULL among the candidates refuses every row, which no join says.
export const semiJoinToJoin: Rule = {
  name: 'semi-join-to-join',
  apply: (node, context) => {
    if (node.kind !== 'Filter' || node.source.kind !== 'SemiJoin') return undefined;
    const mark = node.source;
    const conjuncts = conjunctsOf(node.predicate);
    const isMark = (index: number): boolean => {
      const conjunct = conjuncts[index]!;
      return conjunct.kind === 'Reference' && conjunct.name === mark.output.name;
    };
    if (!conjuncts.some((_, i) => isMark(i))) return undefined;
    const rest = conjuncts.filter((_, i) => !isMark(i));
    if (rest.some((conjunct) => referencesIn(conjunct).has(mark.output.name))) return undefined;
    const join: JoinNode = {
      kind: 'Join',
      id: mark.id,
      type: 'SEMI',
      left: mark.source,
      right: mark.filteringSource,
      criteria: mark.sourceKeys.map((left, i) => ({ left, right: mark.filteringKeys[i]! })),
    };
    const filtered = rest.length === 0 ? join : { ...node, source: join, predicate: and(rest) };
    const kept = outputsOf(mark.source).map((symbol) => ({ symbol, expression: reference(symbol) }));
    return {
      kind: 'Project',
      id: context.newId(),
      source: filtered,
      assignments: [...kept, { symbol: mark.output, expression: { kind: 'Constant', type: BOOLEAN, value: true } }],
    };
  },
};
