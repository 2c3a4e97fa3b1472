/** Real workers with real kernels under a coordinator that only listens. Tests say what it sends. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fastify from 'fastify';
import { ClusterClient } from '../../src/cluster/cluster-client.ts';
import { guardInternalRoutes } from '../../src/cluster/internal-routes.ts';
import { SignatureVerifier } from '../../src/cluster/signature.ts';
import { systemClock } from '../../src/common/clock.ts';
import type { JsonValue } from '../../src/connectors/connector.ts';
import { SCAN_PROVIDERS } from '../../src/connectors/scan-providers.ts';
import type {
  Announcement,
  AnnouncementReply,
  InputFile,
  TaskRequest,
  TaskStatus,
} from '../../src/exchange/task-protocol.ts';
import type { Fragment } from '../../src/plan/fragment.ts';
import type { OutputNode } from '../../src/plan/nodes.ts';
import { startWorker, type Worker, type WorkerOptions } from '../../src/worker/worker.ts';
import { fragmentOf } from '../plan/build.ts';

const SECRET = 'a secret for tests alone';
const GIB = 1024 * 1024 * 1024;

/** All of this process: they live until a test says otherwise. */
const queries: string[] = [];

export function newQueryId(): string {
  queries.push(`query_${queries.length + 1}`);
  return queries.at(-1)!;
}

export type TestCluster = {
  readonly folder: string;
  readonly client: ClusterClient;
  readonly workers: readonly Worker[];
  /** The newest announcement of each worker, by its id. */
  readonly announcements: ReadonlyMap<string, Announcement>;
  /** What the coordinator answers to announcements. */
  reply: AnnouncementReply;
  readonly run: (worker: Worker, request: TaskRequest) => Promise<TaskStatus>;
  readonly removeQuery: (worker: Worker, queryId: string) => Promise<void>;
  /** The lines of a finished result task. */
  readonly lines: (status: TaskStatus) => readonly JsonValue[];
  /** One more worker. */
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** `apart` gives each worker a data directory of its own, as on different machines. */
export async function startTestCluster(
  count: number,
  options: { readonly apart?: boolean; readonly roots?: readonly string[] } & Partial<WorkerOptions> = {},
): Promise<TestCluster> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tutti-workers-'));
  const announcements = new Map<string, Announcement>();
  const coordinator = fastify({ forceCloseConnections: true });
  const client = new ClusterClient(SECRET, systemClock);
  const workers: Worker[] = [];
  let coordinatorUrl = '';
  const { apart = false, roots = [], ...workerOptions } = options;
  const cluster: TestCluster = {
    folder,
    client,
    workers,
    announcements,
    reply: { roots, liveQueries: queries },
    run: (worker, request) => client.json<TaskStatus>('POST', `${worker.url}/v1/task`, request, { timeoutMs: 60_000 }),
    removeQuery: (worker, queryId) => client.json('POST', `${worker.url}/v1/removal`, { queries: [queryId] }),
    lines: (status) => {
      if (status.state !== 'finished') throw new Error(JSON.stringify(status, undefined, 2));
      const text = status.outputs.map(({ inline, path: file }) => inline ?? readFileSync(file, 'utf8')).join('');
      return text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as JsonValue);
    },
    start: async () => {
      const index = workers.length;
      workers.push(
        await startWorker({
          coordinatorUrl,
          dataDirectory: path.join(folder, apart ? `data-${index}` : 'data'),
          version: 'test',
          nodeId: `node-${index}`,
          threads: 2,
          memoryBytes: GIB,
          secret: SECRET,
          scanProviders: SCAN_PROVIDERS,
          ...workerOptions,
        }),
      );
    },
    stop: async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
      await coordinator.close();
      client.close();
      rmSync(folder, { recursive: true });
    },
  };
  coordinator.register(async (internal) => {
    guardInternalRoutes(internal, new SignatureVerifier(SECRET, systemClock.wallMs));
    internal.post<{ Body: Announcement }>('/v1/announce', async ({ body }) => {
      announcements.set(body.nodeId, body);
      return cluster.reply;
    });
  });
  coordinatorUrl = await coordinator.listen({ host: '127.0.0.1', port: 0 });
  for (let i = 0; i < count; i++) await cluster.start();
  return cluster;
}

/** A fragment that runs on one task. */
export function taskOf(fragment: Fragment, more: Partial<TaskRequest> = {}): TaskRequest {
  return {
    taskId: `${newQueryId()}.${fragment.id}.0`,
    attempt: 0,
    fragment,
    splits: {},
    inputs: {},
    output: { kind: 'result', format: 'json-lines', millisecondsOnly: false },
    session: { user: 'test', timeZone: 'UTC', now: '2024-01-01T00:00:00.000000Z', seed: 1 },
    alone: false,
    profile: false,
    waitMs: 30_000,
    ...more,
  };
}

/** A whole query in one task. */
export const queryTask = (root: OutputNode, more: Partial<TaskRequest> = {}): TaskRequest =>
  taskOf(fragmentOf(root), more);

/** A finished task's files as another task's inputs. */
export function inputsFrom(cluster: TestCluster, worker: Worker, status: TaskStatus): readonly InputFile[] {
  if (status.state !== 'finished') throw new Error(JSON.stringify(status, undefined, 2));
  const { machineId } = cluster.announcements.get(worker.nodeId)!;
  return status.outputs.map((output) => ({
    ...output,
    taskId: status.taskId,
    attempt: status.attempt,
    worker: worker.url,
    machineId,
  }));
}
