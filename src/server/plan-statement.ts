/** The story of a statement between its text and its tasks: analyze, plan, optimize; look at it again while it runs. */

import { QueryError } from '../common/errors.ts';
import { shapeOf } from '../coordinator/run-statement.ts';
import type { StatementEnvironment } from '../coordinator/run-statement.ts';
import type { WorkerPool } from '../coordinator/worker-pool.ts';
import { adapt } from '../plan/adapt.ts';
import { planStatement as planLogically } from '../plan/logical/plan-statement.ts';
import { optimize } from '../plan/optimizer.ts';
import { analyze } from '../sql/analyzer/analyze.ts';
import type { Analysis } from '../sql/analyzer/analysis.ts';
import { analyzeShow } from '../sql/analyzer/show.ts';
import { sessionProperty } from '../sql/session-properties.ts';

export const planStatement: StatementEnvironment['planStatement'] = async (bound, { query, metadata, cluster }) => {
  const { session } = query;
  const { statement, text, parameters, prepared } = bound;
  const analysis = await analyzeAny();
  return optimize(planLogically(analysis, session), { session, metadata, cluster });

  async function analyzeAny(): Promise<Analysis> {
    const options = { text, parameters, ...(prepared && { prepared }) };
    if (statement.kind === 'Query') return analyze(statement, session, metadata, options);
    const shown = await analyzeShow(statement, session, metadata, options);
    if (shown) return shown;
    throw new QueryError('NOT_SUPPORTED', `${statement.kind} has no result to plan`, statement.location);
  }
};

/** How a running query's plan is adapted: as it stands when the session forbids it or demands a distribution. */
export const adaptWith =
  (pool: () => WorkerPool): StatementEnvironment['adapt'] =>
  (_planned, { session }) => {
    const isAdaptive = sessionProperty(session.properties, 'adaptive') === 'true';
    const isForced = sessionProperty(session.properties, 'distribution') === 'FORCED';
    if (!isAdaptive || isForced) return (plan) => plan;
    return (plan, finished, started) => adapt(plan, finished, shapeOf(pool()), started);
  };
