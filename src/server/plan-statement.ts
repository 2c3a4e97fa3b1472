/** The story of a statement between its text and its tasks: analyze, plan, optimize; adapt while it runs. */

import type { StatementEnvironment } from '../coordinator/run-statement.ts';
import { adapt } from '../plan/adapt.ts';
import { planStatement as planLogically } from '../plan/logical/plan-statement.ts';
import { optimize } from '../plan/optimizer.ts';
import type { ClusterShape } from '../plan/rule.ts';
import { analyze } from '../sql/analyzer/analyze.ts';
import { sessionProperty } from '../sql/session-properties.ts';

export const planStatement: StatementEnvironment['planStatement'] = async (bound, { query, metadata, cluster }) => {
  const { session } = query;
  const { statement, text, parameters } = bound;
  const analysis = await analyze(statement, session, metadata, { text, parameters });
  return optimize(planLogically(analysis, session), { session, metadata, cluster });
};
