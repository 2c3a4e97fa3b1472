/** What the server says about itself, and how it is told to end: `/v1/info`, `/v1/status`, `/metrics`. */

import { cpus, hostname } from 'node:os';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Metric, METRICS_TYPE, metricsText } from '../observe/metrics.ts';

export type InfoRouteOptions = {
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
  const { version, nodeId, isReady, isShuttingDown, shutDown, metrics } = options;

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
  app.get('/metrics', (_request, reply) => reply.type(METRICS_TYPE).send(metricsText(metrics)));
}

/** Without authentication, who may end the server is who could end its process; a proxy speaks for others. */
const isOfThisMachine = ({ socket, headers }: FastifyRequest): boolean =>
  /^(?:::1|(?:::ffff:)?127\.[\d.]+)$/.test(socket.remoteAddress ?? '') &&
  !Object.keys(headers).some((name) => name === 'forwarded' || name === 'via' || name.startsWith('x-forwarded-'));

const uptime = (): string => `${process.uptime().toFixed(2)}s`;
