/** Composes a coordinator: catalogs, planning, queries and its HTTP faces. */

import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { CatalogManager } from '../catalog/catalog-manager.ts';
import type { MountedCatalog } from '../catalog/catalog-manager.ts';
import { hostId } from '../cluster/host-id.ts';
import { SignatureVerifier } from '../cluster/signature.ts';
import { systemClock } from '../common/clock.ts';
import { localDisk } from '../common/disk.ts';
import { QueryError } from '../common/errors.ts';
import type { RuntimeTables, SystemRow } from '../connectors/connector.ts';
import { Coordinator } from '../coordinator/coordinator.ts';
import { WorkerKernelQueries } from '../coordinator/kernel-queries.ts';
import { runtimeTables } from '../coordinator/runtime-tables.ts';
import { FileSystems } from '../filestore/file-systems.ts';
import { HttpNetwork } from '../filestore/http-network.ts';
import type { NameNode } from '../filestore/namenode/namenode.ts';
import { STORE_OWNER } from '../filestore/namespace/permissions.ts';
import { StoreError } from '../filestore/network.ts';
import type { Operations, StoreNetwork } from '../filestore/network.ts';
import { StoreFileSystem } from '../filestore/store-file-system.ts';
import type { Logger } from '../observe/logger.ts';
import {
  addClientRoutes,
  addInternalRoutes,
  addNamenodeRoutes,
  checkListenAddress,
  makeApp,
  sendWorkersElsewhere,
} from './coordinator-app.ts';
import { coordinatorMetrics } from './coordinator-metrics.ts';
import { filestoreMetrics } from './filestore-metrics.ts';
import { filestoreTables } from './filestore-tables.ts';
import { mountCatalogs } from './mount-catalogs.ts';
import type { NamenodeService } from './namenode-service.ts';
import { OWN_NAMENODE, OwnNamenode } from './own-namenode.ts';
import { RefusalLog } from './refusal-log.ts';
import { warmUp } from './warm-up.ts';
import { adaptWith, planStatement } from './plan-statement.ts';

export type CoordinatorRoleOptions = {
  /** Address for clients, and for workers when there is no other. */
  readonly host: string;
  /** 0 = the system chooses. */
  readonly port: number;
  /** Address for workers on other machines: internal routes alone, closed to everyone without the secret. */
  readonly internal?: { readonly host: string; readonly port: number };
  /** What clients call the server when it stands behind a proxy. */
  readonly externalUrl?: string;
  readonly insecure: boolean;
  readonly dataDirectory: string;
  readonly catalogDirectory: string;
  readonly secret: string;
  readonly version: string;
  readonly logger: Logger;
  /** Runs a namenode: the cluster keeps files of its own. */
  readonly store: boolean;
  /** Opens the file store to clients of HDFS, who need no secret. */
  readonly webhdfs?: boolean;
  /** Of the namenode; absent = one below the data directory. */
  readonly journalDirectories?: readonly string[];
  /** How long what was removed from the store can be taken back; 0: not at all, absent = a day. */
  readonly trashMs?: number;
  /** A worker does not answer any more; it may come back. */
  readonly workerLost?: () => void;
};

export type RunningCoordinator = {
  readonly coordinator: Coordinator;
  readonly url: string;
  /** Where workers announce themselves. */
  readonly internalUrl: string;
  /** Resolves when a client has asked the server to shut down, and the last query has ended. */
  readonly drained: Promise<void>;
  /** Why the file store that was asked for does not run; undefined once it does, or when none was asked for. */
  readonly storeProblem: Promise<string | undefined>;
  /** Refuses new queries and ends those that run. */
  readonly close: () => Promise<void>;
};

export async function startCoordinator(options: CoordinatorRoleOptions): Promise<RunningCoordinator> {
  const { host, port, internal, dataDirectory, secret, version, logger } = options;
  checkListenAddress(host, options.insecure);
  const clock = systemClock;
  const nodeId = `coordinator-${randomUUID().slice(0, 8)}`;
  let catalogs = new CatalogManager([]);
  let url = '';
  const coordinator: Coordinator = new Coordinator({
    clock,
    secret,
    logger,
    roots: () => catalogs.roots(),
    hostId: hostId(),
    isLocal: (table) => catalogs.isLocal(table),
    metadata: () => catalogs.view(),
    planStatement,
    adapt: adaptWith(() => coordinator.pool),
    workerLost: options.workerLost ?? (() => {}),
  });
  let namenode = heardByAskers(
    Promise.reject(noStore('this cluster keeps no files; one that tutti server or tutti coordinator starts does')),
  );
  let opened: NameNode | undefined;
  const filestore = filestoreTables({ namenode: async () => (await namenode).namenode, clock });
  const metadata = metadataTables(() => catalogs);
  const operations = async (): Promise<Operations> => (await namenode).operations;
  const network = new HttpNetwork(secret, clock);
  const fileSystems = new FileSystems(clock, storeOf(new OwnNamenode(operations, network)));
  const mounted = await mountCatalogs(options.catalogDirectory, {
    kernel: new WorkerKernelQueries(coordinator.pool, coordinator.client, clock, hostId()),
    runtime: runtimeTables(
      { coordinator, nodeId, url: () => url, version },
      {
        rows: (schema, table, constraint) =>
          (schema === 'filestore' ? filestore : metadata).rows(schema, table, constraint),
      },
    ),
    fileSystems,
    cacheDirectory: path.join(dataDirectory, 'statistics'),
  });
  catalogs = new CatalogManager(mounted);

  let closing = false;
  let tellDrained: (() => void) | undefined;
  const drained = new Promise<void>((resolve) => {
    tellDrained = resolve;
  });
  const shutDown = async (): Promise<void> => {
    if (closing) return;
    closing = true;
    logger.info({ queries: coordinator.queries.live().length }, 'shutting down once the last query has ended');
    await coordinator.queries.drain();
    clock.after(LAST_ANSWER_MS, () => tellDrained?.());
  };
  const clients = makeApp();
  const workers = internal ? makeApp() : clients;
  addClientRoutes(clients, {
    host,
    logger,
    secret,
    clock,
    namenode: operations,
    datanodes: async () => {
      const { datanodes } = (await namenode).namenode;
      return datanodes.writable().map(({ registration }) => registration.address);
    },
    coordinator,
    version,
    nodeId,
    serverTimeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    ...(options.externalUrl !== undefined && { externalUrl: options.externalUrl }),
    isShuttingDown: () => closing,
    shutDown: () => void shutDown(),
    webhdfs: options.webhdfs ?? false,
    metrics: [...coordinatorMetrics(coordinator), ...filestoreMetrics(() => opened)],
  });
  const refusals = new RefusalLog(logger, clock);
  // One for both addresses: what was said to one is not said again to the other.
  const verifier = new SignatureVerifier(secret, clock.wallMs);
  const asked = { verifier, clock, logger, namenode: operations };
  addNamenodeRoutes(workers, asked);
  addInternalRoutes(workers, { coordinator, verifier, refusals });
  if (workers !== clients) {
    sendWorkersElsewhere(clients, refusals);
    // Operators know the address for clients (`tutti fs`).
    addNamenodeRoutes(clients, asked);
  }
  url = await listen(clients, host, port);
  const internalUrl = internal ? await listen(workers, internal.host, internal.port) : url;
  let storeProblem: Promise<string | undefined> = Promise.resolve(undefined);
  if (options.store) {
    const store = openStore(options);
    namenode = heardByAskers(store.catch((problem: Error) => Promise.reject(noStore(problem.message))));
    storeProblem = store.then(
      (service) => {
        opened = service.namenode;
        return undefined;
      },
      (problem: Error) => problem.message,
    );
  }
  const stopWarmUp = warmUp(
    clock,
    () => coordinator.queries.live().length === 0,
    (problem) => logger.error({ problem: String(problem) }, 'the planner could not be warmed up'),
  );
  return {
    coordinator,
    url,
    internalUrl,
    drained,
    storeProblem,
    close: async () => {
      closing = true;
      stopWarmUp();
      coordinator.close();
      await Promise.all([clients.close(), workers.close()]);
      await namenode.then(
        (service) => service.close(),
        () => undefined,
      );
      fileSystems.close();
      network.close();
    },
  };
}

/** A day to notice what was removed by mistake. HDFS keeps nothing unless its operator has said so. */
const TRASH_MS = 24 * 3_600_000;
/** This cluster's store as planning sees it: which files are read is up to the catalogs' roots. */
const storeOf = (network: StoreNetwork): StoreFileSystem =>
  new StoreFileSystem({
    network,
    clock: systemClock,
    namenode: OWN_NAMENODE,
    caller: { user: STORE_OWNER, groups: [], superuser: true },
    client: `planning-${randomUUID()}`,
    host: hostId(),
    disk: localDisk,
  });

/** Beside everything else, so that queries are answered as soon as without it. What it cannot begin with, it says. */
async function openStore(options: CoordinatorRoleOptions): Promise<NamenodeService> {
  const { dataDirectory, journalDirectories, trashMs = TRASH_MS, logger } = options;
  try {
    const { startNamenode } = await import('./namenode-service.ts');
    return await startNamenode({
      dataDirectory,
      ...(journalDirectories && { journalDirectories }),
      clock: systemClock,
      logger,
      trashMs,
      fatal: (problem) => {
        logger.error({ problem: problem.message }, 'the journal failed: the coordinator ends');
        process.exit(1);
      },
    });
  } catch (problem) {
    logger.error({ problem: (problem as Error).message }, 'the file store does not start');
    throw problem;
  }
}

/** Who asks the namenode hears why there is none. Nobody may ask: queries are answered without it. */
function heardByAskers(namenode: Promise<NamenodeService>): Promise<NamenodeService> {
  namenode.catch(() => undefined);
  return namenode;
}

const noStore = (why: string): StoreError =>
  new StoreError('UnsupportedOperationException', `There is no file store: ${why}`);

/** A query has ended when its last page is made; the page has yet to go out. */
const LAST_ANSWER_MS = 1000;

async function listen(app: ReturnType<typeof makeApp>, host: string, port: number): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (problem) {
    const code = problem instanceof Error && 'code' in problem ? problem.code : undefined;
    if (code === 'EADDRINUSE') {
      throw new QueryError('GENERIC_USER_ERROR', `Port ${port} of ${host} is taken: choose another with --port`);
    }
    throw problem;
  }
}

/** The tables of `system.metadata`, answered from the mounted catalogs. */
const metadataTables = (catalogs: () => CatalogManager): RuntimeTables => ({
  rows: async (_schema, table) =>
    table === 'catalogs' ? catalogs().catalogs().map(catalogRow) : tableComments(catalogs().catalogs()),
});

const catalogRow = ({ name, connectorName }: MountedCatalog): SystemRow => ({
  catalog_name: name,
  connector_id: name,
  connector_name: connectorName,
  state: 'ready',
});

async function tableComments(catalogs: readonly MountedCatalog[]): Promise<readonly SystemRow[]> {
  const rows: SystemRow[] = [];
  for (const { name, connector } of catalogs) {
    for (const schema of await connector.listSchemas()) {
      // One store that does not answer hides its own tables, not those of all catalogs.
      const tables = await connector.listTables(schema).catch((problem: unknown) => {
        if (problem instanceof QueryError) return [];
        throw problem;
      });
      rows.push(...tables.map((table) => ({ catalog_name: name, schema_name: schema, table_name: table })));
    }
  }
  return rows;
}
