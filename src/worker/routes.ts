/** The worker's side of the task protocol, over HTTP. Every route is for the cluster's own processes. */

import type { FastifyInstance } from 'fastify';
import { serveFile } from '../exchange/serve-file.ts';
import { isQueryId, parseTaskId } from '../exchange/task-id.ts';
import type { KernelRequest, KernelResponse, RemovalRequest, TaskRequest } from '../exchange/task-protocol.ts';
import type { TaskManager } from './task-manager.ts';

type TaskParams = { readonly taskId: string; readonly attempt: string };

export function addWorkerRoutes(
  app: FastifyInstance,
  tasks: TaskManager,
  query: (request: KernelRequest) => Promise<KernelResponse>,
): void {
  app.post<{ Body: TaskRequest }>('/v1/task', async (request, reply) => {
    const { body } = request;
    if (!parseTaskId(body.taskId) || !Number.isSafeInteger(body.attempt) || body.attempt < 0) {
      return reply.code(400).send({ error: `no task id: ${body.taskId}/${body.attempt}` });
    }
    return tasks.create(body);
  });

  app.get<{ Params: TaskParams; Querystring: { waitMs?: string } }>(
    '/v1/task/:taskId/:attempt',
    async (request, reply) => {
      const { taskId, attempt } = request.params;
      const status = await tasks.status(taskId, Number(attempt), Number(request.query.waitMs ?? 0));
      return status ?? reply.code(404).send({ error: `no task ${taskId}/${attempt}` });
    },
  );

  app.delete<{ Params: TaskParams }>('/v1/task/:taskId/:attempt', async (request, reply) => {
    await tasks.remove(request.params.taskId, Number(request.params.attempt));
    return reply.code(204).send();
  });

  app.post<{ Body: RemovalRequest }>('/v1/removal', async (request, reply) => {
    const { queries } = request.body;
    if (!Array.isArray(queries) || !queries.every(isQueryId)) return reply.code(400).send({ error: 'no query id' });
    await Promise.all(queries.map((id) => tasks.removeQuery(id)));
    return reply.code(204).send();
  });

  app.get<{ Params: TaskParams & { partition: string } }>(
    '/v1/exchange/:taskId/:attempt/:partition',
    async (request, reply) => {
      const { taskId, attempt, partition } = request.params;
      const file = tasks.output(taskId, Number(attempt), Number(partition));
      if (!file) return reply.code(404).send({ error: `no output ${taskId}/${attempt}/${partition}` });
      reply.hijack();
      try {
        await serveFile(file, request.raw, reply.raw);
      } catch (problem) {
        // The answer was cut off: its reader fetches again, or elsewhere.
        request.log.warn(problem);
      }
      return reply;
    },
  );

  app.post<{ Body: KernelRequest }>('/v1/kernel', (request) => query(request.body));
}
