/** What the server says about itself, and how it is told to end: `/v1/info`, `/v1/status`, `/v1/query`, `/metrics`. */

import { cpus, hostname } from 'node:os';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { errorCategory, errorNumber } from '../common/errors.ts';
import type { Query } from '../coordinator/query.ts';
import type { QueryManager } from '../coordinator/query-manager.ts';
import { shownState, summarize } from '../coordinator/query-statistics.ts';
import { taskState } from '../coordinator/runtime-tables.ts';
import { type Metric, METRICS_TYPE, metricsText } from '../observe/metrics.ts';
import { queryStats } from './query-results.ts';

export type InfoRouteOptions = {
  readonly queries: QueryManager;
  readonly version: string;
  readonly nodeId: string;
  /** Whether a worker is there to answer. */
  readonly isReady: () => boolean;
  readonly isShuttingDown: () => boolean;
  readonly shutDown: () => void;
  /** All requests come from there, whoever sends them. */
  readonly isBehindProxy: boolean;
  readonly metrics: readonly Metric[];
};

export function infoRoutes(app: FastifyInstance, options: InfoRouteOptions): void {
  const { queries, version, nodeId, isReady, isShuttingDown, shutDown, metrics } = options;

  app.get('/v1/info', () => ({
    nodeVersion: { version },
    environment: 'tutti',
    coordinator: true,
    starting: !isReady(),
    uptime: uptime(),
  }));
  app.get('/v1/info/state', (_request, reply) =>
    reply.type('application/json').send(JSON.stringify(isShuttingDown() ? 'SHUTTING_DOWN' : 'ACTIVE')),
  );
  app.put('/v1/info/state', (request, reply) => {
    if (options.isBehindProxy || !isOfThisMachine(request)) {
      return reply.code(403).send({ error: 'Only a request from the machine itself may shut the server down' });
    }
    if (request.body !== 'SHUTTING_DOWN') {
      return reply.code(400).send({ error: 'A server only changes its state to "SHUTTING_DOWN"' });
    }
    shutDown();
    return reply.code(200).send();
  });
  app.get('/v1/status', () => {
    const memory = process.memoryUsage();
    return {
      nodeId,
      nodeVersion: { version },
      environment: 'tutti',
      coordinator: true,
      uptime: uptime(),
      internalAddress: hostname(),
      externalAddress: hostname(),
      processors: cpus().length,
      heapUsed: memory.heapUsed,
      heapAvailable: memory.heapTotal,
      nonHeapUsed: memory.rss - memory.heapTotal,
    };
  });
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
  app.get('/metrics', (_request, reply) => reply.type(METRICS_TYPE).send(metricsText(metrics)));
}

/** Without authentication, who may end the server is who could end its process; a proxy speaks for others. */
const isOfThisMachine = ({ socket, headers }: FastifyRequest): boolean =>
  /^(?:::1|(?:::ffff:)?127\.[\d.]+)$/.test(socket.remoteAddress ?? '') &&
  !Object.keys(headers).some((name) => name === 'forwarded' || name === 'via' || name.startsWith('x-forwarded-'));

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

const uptime = (): string => `${process.uptime().toFixed(2)}s`;
