/** The coordinator's HTTP faces: one for clients, one for the cluster's own processes; on one machine both in one. */

import { randomUUID } from 'node:crypto';
import fastify, { type FastifyInstance } from 'fastify';
import { guardInternalRoutes } from '../cluster/internal-routes.ts';
import { NameTakenError } from '../cluster/membership.ts';
import type { SignatureVerifier } from '../cluster/signature.ts';
import type { Clock } from '../common/clock.ts';
import { QueryError } from '../common/errors.ts';
import type { Coordinator } from '../coordinator/coordinator.ts';
import type { Announcement } from '../exchange/task-protocol.ts';
import type { Address, Operations } from '../filestore/network.ts';
import { addStoreRoutes } from '../filestore/store-routes.ts';
import { addWebHdfsRoutes } from '../filestore/webhdfs/namenode-routes.ts';
import type { Logger } from '../observe/logger.ts';
import type { Metric } from '../observe/metrics.ts';
import { announcementSchema } from './announcement-schema.ts';
import { sendArrow } from './arrow-results.ts';
import { frontPage } from './front-page.ts';
import { infoRoutes } from './info-routes.ts';
import { refuseForeignNames, refuseForeignPages } from './origin.ts';
import { queryRoutes } from './query-routes.ts';
import type { RefusalLog } from './refusal-log.ts';
import { statementRoutes } from './statement-routes.ts';

/**
 * A listener that slow or hostile peers cannot hold: headers within ten seconds, a request within thirty, and room for
 * the statements that clients prepare and carry in headers.
 */
export function makeApp(): FastifyInstance {
  const app = fastify({
    logger: false,
    forceCloseConnections: true,
    requestTimeout: 30_000,
    keepAliveTimeout: 75_000,
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 5000, maxHeaderSize: 128 * 1024 },
  });
  // RFC 9112, 3.2: a proxy before us may have looked at the other one. Node takes the first.
  app.addHook('onRequest', async (request, reply) => {
    if ((request.raw.headersDistinct['host']?.length ?? 0) < 2) return;
    return reply.code(400).send({ error: 'A request has one Host' });
  });
  return app;
}

export type ClientRoutesOptions = {
  readonly coordinator: Coordinator;
  readonly version: string;
  readonly nodeId: string;
  readonly serverTimeZone: string;
  /** What the server listens on. */
  readonly host: string;
  readonly externalUrl?: string;
  readonly logger: Logger;
  /** The cluster's. */
  readonly secret: string;
  readonly clock: Clock;
  /** What the namenode answers, once it is in service. */
  readonly namenode: () => Promise<Operations>;
  /** Where those are that take blocks. */
  readonly datanodes: () => Promise<readonly Address[]>;
  readonly isShuttingDown: () => boolean;
  /** Refuses new queries, and ends the process after the last one. */
  readonly shutDown: () => void;
  /** Serves files to whoever says who they are, as HDFS does without Kerberos. */
  readonly webhdfs: boolean;
  /** For `/metrics`. */
  readonly metrics: readonly Metric[];
};

/** The statement protocol, WebHDFS when it is asked for, and what the server says about itself. */
export function addClientRoutes(app: FastifyInstance, options: ClientRoutesOptions): void {
  const { coordinator } = options;
  void app.register(async (routes) => {
    refuseForeignPages(routes, options.externalUrl);
    statementRoutes(routes, {
      queries: coordinator.queries,
      serverTimeZone: options.serverTimeZone,
      ...(options.externalUrl !== undefined && { externalUrl: options.externalUrl }),
      sendArrow: (query, reply) => sendArrow(query, reply),
    });
  });
  if (options.webhdfs) {
    void app.register(async (routes) => {
      refuseForeignPages(routes, options.externalUrl);
      refuseForeignNames(routes, isLoopback(options.host), options.externalUrl);
      addWebHdfsRoutes(routes, {
        operations: options.namenode,
        datanodes: options.datanodes,
        secret: options.secret,
        clock: options.clock,
        random: Math.random,
        client: `webhdfs-${randomUUID()}`,
        onBug: (problem, operation) => options.logger.error({ problem: String(problem), operation }, 'WebHDFS failed'),
      });
    });
  }
  void app.register(async (routes) => {
    refuseForeignPages(routes, options.externalUrl);
    refuseForeignNames(routes, isLoopback(options.host), options.externalUrl);
    queryRoutes(routes, coordinator.queries);
  });
  void app.register(async (routes) => {
    refuseForeignPages(routes, options.externalUrl);
    frontPage(routes, options);
    infoRoutes(routes, {
      version: options.version,
      nodeId: options.nodeId,
      isReady: () => coordinator.pool.workers().length > 0,
      isShuttingDown: options.isShuttingDown,
      shutDown: options.shutDown,
      isBehindProxy: options.externalUrl !== undefined,
      metrics: options.metrics,
    });
  });
}

export type InternalRoutesOptions = {
  readonly coordinator: Coordinator;
  readonly verifier: SignatureVerifier;
  readonly refusals: RefusalLog;
};

export type NamenodeRoutesOptions = {
  readonly verifier: SignatureVerifier;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What the namenode answers, once it is in service. */
  readonly namenode: () => Promise<Operations>;
};

const ANNOUNCE = '/v1/announce';

/** A worker that took the address for clients is told, and so is the operator. */
export function sendWorkersElsewhere(app: FastifyInstance, refusals: RefusalLog): void {
  void app.register(async (routes) => {
    routes.removeAllContentTypeParsers();
    routes.addContentTypeParser('*', (_request, body, done) => {
      body.resume();
      done(null);
    });
    routes.post(ANNOUNCE, (request, reply) => {
      refusals.tell(request.ip, 'it took the address for clients');
      return reply.code(404).send({ error: 'Workers announce themselves at the address of --internal-port' });
    });
  });
}

/** Where the namenode is asked: open to signed requests alone. */
export function addNamenodeRoutes(app: FastifyInstance, options: NamenodeRoutesOptions): void {
  const { verifier, clock, logger, namenode } = options;
  const onBug = (problem: unknown, operation: string): void =>
    logger.error({ problem: String(problem), operation }, 'the namenode failed');
  void app.register(async (routes) => addStoreRoutes(routes, namenode, { verifier, clock, onBug }));
}

/** Where workers announce themselves: open to signed requests alone. */
export function addInternalRoutes(app: FastifyInstance, options: InternalRoutesOptions): void {
  const { coordinator, verifier, refusals } = options;
  void app.register(async (routes) => {
    guardInternalRoutes(routes, verifier, refusals.tell);
    routes.post(ANNOUNCE, async (request, reply) => {
      const parsed = announcementSchema.safeParse(request.body);
      if (!parsed.success) return reply.code(400).send({ error: parsed.error.message });
      const announcement: Announcement = parsed.data;
      try {
        return coordinator.announce(announcement);
      } catch (problem) {
        if (!(problem instanceof NameTakenError)) throw problem;
        refusals.tell(request.ip, problem.message);
        return reply.code(409).send({ error: problem.message });
      }
    });
  });
}

/** Throws PERMISSION_DENIED when strangers could reach client routes that ask for no password. */
export function checkListenAddress(host: string, insecure: boolean): void {
  if (isLoopback(host) || insecure) return;
  throw new QueryError(
    'PERMISSION_DENIED',
    `Listening on ${host} would let anyone on the network run statements, as there is no authentication yet: ` +
      'listen on 127.0.0.1 behind a proxy that authenticates, or say --insecure',
  );
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
