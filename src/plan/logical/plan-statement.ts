/** Turns an analyzed query into a plan: the nodes that compute it, in the order that SQL prescribes. */

import type { Analysis } from '../../sql/analyzer/analysis.ts';
import type { Session } from '../../sql/session.ts';
import type { OutputNode } from '../nodes.ts';
import { planContext } from './context.ts';
import { planQuery } from './plan-query.ts';

export function planStatement(analysis: Analysis, session: Session): OutputNode {
  const context = planContext(analysis, session, planQuery);
  const source = context.planQuery(analysis.root);
  return { kind: 'Output', id: context.newId(), source, columns: analysis.columns };
}
