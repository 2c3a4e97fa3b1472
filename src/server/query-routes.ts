/** What the server says about queries, and how one is ended: `/v1/query`. Their texts are nobody else's business. */

import type { FastifyInstance } from 'fastify';
import { errorCategory, errorNumber } from '../common/errors.ts';
import type { Query } from '../coordinator/query.ts';
import type { QueryManager } from '../coordinator/query-manager.ts';
import { shownState, summarize } from '../coordinator/query-statistics.ts';
import { taskState } from '../coordinator/runtime-tables.ts';
import { queryStats } from './query-results.ts';

export function queryRoutes(app: FastifyInstance, queries: QueryManager): void {
  app.get('/v1/query', () => queries.all().map((query) => queryInfo(query)));
  app.get<{ Params: { id: string } }>('/v1/query/:id', (request, reply) => {
    const query = queries.get(request.params.id);
    return query
      ? { ...queryInfo(query), stages: stagesOf(query) }
      : reply.code(404).send({ error: 'Query not found' });
  });
  app.delete<{ Params: { id: string } }>('/v1/query/:id', (request, reply) => {
    queries.get(request.params.id)?.cancel();
    return reply.code(204).send();
  });
}

function queryInfo(query: Query): object {
  const { id, session, submission, error } = query;
  return {
    queryId: id,
    state: shownState(query),
    query: submission.text,
    self: `/v1/query/${id}`,
    scheduled: query.execution !== undefined,
    session: {
      queryId: id,
      user: session.user,
      principal: session.user,
      source: session.source ?? null,
      catalog: session.catalog ?? null,
      schema: session.schema ?? null,
      timeZone: session.timeZone,
      systemProperties: session.properties,
    },
    queryStats: {
      createTime: new Date(query.createdWallMs).toISOString(),
      ...(query.endedWallMs !== undefined && { endTime: new Date(query.endedWallMs).toISOString() }),
      ...queryStats(query),
    },
    ...(error && {
      errorType: errorCategory(error.code),
      errorCode: { code: errorNumber(error.code), name: error.code, type: errorCategory(error.code) },
      failureInfo: { message: error.message },
    }),
  };
}

/** Where each task runs, or its output is. Root first. */
const stagesOf = (query: Query): readonly object[] =>
  summarize(query).stages.map(({ stage, state }) => ({
    stageId: stage.fragment.id,
    state,
    tasks: (stage.tasks ?? []).map((task) => ({
      taskId: task.id,
      attempt: task.attempt,
      state: taskState(task),
      nodeId: task.worker?.announcement.nodeId ?? null,
    })),
  }));
