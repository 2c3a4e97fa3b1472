/** From any statement that yields rows to its plan: queries, and SHOW and DESCRIBE, which are queries underneath. */

import type { Metadata } from '../../catalog/metadata.ts';
import { QueryError } from '../../common/errors.ts';
import { analyze, type AnalyzeOptions } from '../../sql/analyzer/analyze.ts';
import { analyzeShow } from '../../sql/analyzer/show.ts';
import type { Statement } from '../../sql/ast.ts';
import type { Session } from '../../sql/session.ts';
import type { OutputNode } from '../nodes.ts';
import { planStatement } from './plan-statement.ts';

/**
 * Session commands (USE, SET SESSION, PREPARE …), EXECUTE and EXPLAIN are the coordinator's business and refused here.
 */
export async function prepareStatement(
  statement: Statement,
  session: Session,
  metadata: Metadata,
  options: AnalyzeOptions = {},
): Promise<OutputNode> {
  if (statement.kind === 'Query') return planStatement(await analyze(statement, session, metadata, options), session);
  const shown = await analyzeShow(statement, session, metadata, options);
  if (shown) return planStatement(shown, session);
  throw new QueryError('NOT_SUPPORTED', `This statement is not supported yet`, statement.location);
}
