/** A worker: runs the tasks that the coordinator sends, in a kernel process of its own, and serves their outputs. */

import { randomUUID } from 'node:crypto';
import path from 'node:path';
import fastify from 'fastify';
import { ClusterClient } from '../cluster/cluster-client.ts';
import { hostId } from '../cluster/host-id.ts';
import { guardInternalRoutes } from '../cluster/internal-routes.ts';
import { SignatureVerifier } from '../cluster/signature.ts';
import { systemClock } from '../common/clock.ts';
import { localDisk } from '../common/disk.ts';
import { makeFolders } from '../common/files.ts';
import type { ScanProvider } from '../connectors/connector.ts';
import { InputFiles } from '../exchange/input-files.ts';
import type { Announcement, AnnouncementReply } from '../exchange/task-protocol.ts';
import type { Logger } from '../observe/logger.ts';
import { FUNCTIONS } from '../sql/functions/registry.ts';
import type { DataNode } from '../filestore/datanode/datanode.ts';
import { DataFolderError } from '../filestore/datanode/folder-errors.ts';
import type { OpenedFolders } from '../filestore/datanode/open-folders.ts';
import { HttpNetwork } from '../filestore/http-network.ts';
import { StoreError } from '../filestore/network.ts';
import { STORE_OWNER } from '../filestore/namespace/permissions.ts';
import { StoreFileSystem, type StoreFileSystemOptions } from '../filestore/store-file-system.ts';
import { addStoreRoutes } from '../filestore/store-routes.ts';
import { addTransferRoutes } from '../filestore/webhdfs/transfer-routes.ts';
import { FileSystems } from '../filestore/file-systems.ts';
import { RangeCache } from '../filestore/range-cache.ts';
import { Admission } from './admission.ts';
import { announcementProblem, Announcer } from './announcer.ts';
import type { DatanodeServiceOptions } from './datanode-service.ts';
import type { Patience } from './folders-in-use.ts';
import { runKernelQuery } from './kernel-queries.ts';
import { LocalLinks } from './local-links.ts';
import { ScanFiles } from './scan-files.ts';
import { Kernel } from './kernel/kernel.ts';
import type { KernelOptions } from './kernel/protocol.ts';
import { machineIdOf } from './machine-id.ts';
import { checkNodeId, LINKS_FOLDER, takeNodeFolders } from './node-folders.ts';
import { addWorkerRoutes } from './routes.ts';
import { takeStoreFolders } from './store-folders.ts';
import type { StoreFoldersOptions } from './store-folders.ts';
import { TaskManager } from './task-manager.ts';
import { lockWorker } from './worker-lock.ts';

export type WorkerOptions = {
  readonly coordinatorUrl: string;
  readonly dataDirectory: string;
  readonly version: string;
  /** The same at each start, so that it finds what it left behind. */
  readonly nodeId?: string;
  readonly host?: string;
  readonly port?: number;
  /** How others reach it, when not under `host`. */
  readonly advertisedHost?: string;
  readonly threads: number;
  /** Tasks it runs at a time; as many as threads when not said. */
  readonly slots?: number;
  /** This worker's share of the machine's memory. */
  readonly memoryBytes: number;
  readonly secret: string;
  readonly scanProviders: Readonly<Record<string, ScanProvider>>;
  /** With another worker of this name that still ends and has the folders until then; none when not said. */
  readonly patience?: Patience;
  /** Keeps blocks of the cluster's file store. */
  readonly store?: StoreOptions;
  /** The coordinator has taken this worker in. */
  readonly joined?: (nodeId: string, url: string) => void;
  /** What people should know who look after the cluster. */
  readonly log?: (message: string) => void;
};

/** `rack`: where the machine stands, such as `/rack1`. `directories`: of its disks; absent = below the data directory. */
export type StoreOptions = {
  readonly rack: string;
  readonly directories?: readonly string[];
  readonly logger: Logger;
};

export type Worker = {
  readonly url: string;
  readonly nodeId: string;
  /** Ends the kernel and all tasks, removes their files. */
  readonly stop: () => Promise<void>;
  /** Of the kernel as it is now, for tests of what happens when it dies. */
  readonly kernelProcessId: () => number | undefined;
};

/** The rest is for this process, other programs, and the system's cache of files. */
const KERNEL_MEMORY_SHARE = 0.7;

/** Spilled data may take a multiple of memory; a full disk would hurt others. */
const SPILL_FACTOR = 20;

/** Copies of parts of a store's files that no task reads any more are kept up to a multiple of memory. */
const FILES_FACTOR = 2;

/** Below the data directory: what kernels read and write. The cluster's secret stands beside them, out of their reach. */
const KERNEL_FOLDERS = ['exchange', 'files', 'tpch'];

/**
 * Throws, before anything is touched, a QueryError for a name that cannot be one of folders, and a DataFolderError when another process has
 * its name in the data directory, or the folders of its blocks.
 */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { secret, threads, slots = threads, log = () => {} } = options;
  const clock = systemClock;
  if (options.nodeId !== undefined) checkNodeId(options.nodeId);
  const nodeId = options.nodeId ?? `worker-${randomUUID().slice(0, 8)}`;
  const dataDirectory = path.resolve(options.dataDirectory);
  const place = { dataDirectory, clock, ...(options.patience && { patience: options.patience }) };
  await makeFolders(localDisk, dataDirectory);
  // Both locks until the worker has ended, whatever becomes of its datanode. A name that is new at every start needs none.
  const lock = options.nodeId !== undefined && (await lockWorker({ ...place, disk: localDisk, nodeId, log }));
  const storeFolders =
    options.store &&
    (await storeFoldersOf(options.store, place, options.nodeId).catch(async (problem: unknown) => {
      if (lock) await lock.release();
      throw problem;
    }));
  // Beside the blocks of each disk, see LocalLinks; the lock of the blocks' folder is theirs too.
  const linkFolders = !options.store?.directories
    ? []
    : workingFolders(storeFolders).map((folder) => path.join(path.dirname(folder), LINKS_FOLDER));
  const folders = await takeNodeFolders(dataDirectory, nodeId, linkFolders);
  const machineId = await machineIdOf(dataDirectory);

  const kernelOptions = (roots: readonly string[]): KernelOptions => ({
    dataDirectory,
    folders: [...KERNEL_FOLDERS.map((folder) => path.join(dataDirectory, folder)), ...linkFolders, ...roots],
    spillDirectory: folders.spill,
    memoryBytes: Math.floor(options.memoryBytes * KERNEL_MEMORY_SHARE),
    spillBytesMax: options.memoryBytes * SPILL_FACTOR,
    threads,
  });
  const kernel = new Kernel(kernelOptions([]), clock);
  kernel.start();
  // Folders once allowed stay so: a catalog that is gone is asked for no more.
  const roots = new Set<string>();
  const allow = (more: readonly string[]): void => {
    for (const root of more) roots.add(root);
    kernel.reconfigure(kernelOptions([...roots].sort()));
  };

  // Tasks wait for the coordinator's first answer, which names the folders that they read.
  let introduced: (() => void) | undefined;
  const introduction = new Promise<void>((resolve) => {
    introduced = resolve;
  });
  const client = new ClusterClient(secret, clock);
  const admission = new Admission(slots);
  const network = new HttpNetwork(secret, clock);
  const scanFiles = new ScanFiles({
    // Which files are read is up to the catalogs' roots.
    fileSystems: new FileSystems(clock, storeOf({ network, clock, namenode: options.coordinatorUrl })),
    cache: await RangeCache.open({
      directory: path.join(folders.files, 'ranges'),
      bytesMax: options.memoryBytes * FILES_FACTOR,
    }),
    links: new LocalLinks([path.join(folders.files, 'links'), ...folders.links]),
    providers: options.scanProviders,
    clock,
  });
  const tasks = new TaskManager(folders.exchange, {
    introduction,
    kernel,
    admission,
    inputFiles: new InputFiles(client, clock, machineId),
    registry: FUNCTIONS,
    providers: options.scanProviders,
    scan: { dataDirectory },
    scanFiles,
    machineId,
    clock,
  });

  const app = fastify({
    forceCloseConnections: true,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Room for the longest path of the store, each of its characters encoded.
    http: { maxHeaderSize: 128 * 1024 },
  });
  const verifier = new SignatureVerifier(secret, clock.wallMs);
  let datanode: Promise<DataNode> | undefined;
  app.register(async (internal) => {
    addStoreRoutes(internal, async () => (await (datanode ?? noDatanode())).operations, {
      verifier,
      clock,
      onBug: (problem, operation) => log(`the datanode failed at ${operation}: ${String(problem)}`),
    });
  });
  if (options.store) {
    app.register(async (routes) => {
      addTransferRoutes(routes, {
        secret,
        clock,
        files: (caller, attributes) =>
          new StoreFileSystem({
            network,
            clock,
            namenode: options.coordinatorUrl,
            caller,
            client: `webhdfs-${randomUUID()}`,
            host: hostId(),
            disk: localDisk,
            ...(attributes && { attributes }),
          }),
        onBug: (problem, operation) => log(`WebHDFS failed at ${operation}: ${String(problem)}`),
      });
    });
  }
  app.register(async (internal) => {
    guardInternalRoutes(internal, verifier);
    addWorkerRoutes(internal, tasks, (request) => {
      allow(request.roots);
      return runKernelQuery(kernel, admission, clock, scanFiles, request);
    });
  });
  const host = options.host ?? '127.0.0.1';
  await app.listen({ host, port: options.port ?? 0 });
  const address = app.server.address();
  const port = typeof address === 'object' && address ? address.port : options.port;
  const url = `http://${options.advertisedHost ?? host}:${port}`;

  const incarnation = randomUUID();
  let joined = false;
  const announcer = new Announcer({
    client,
    clock,
    coordinatorUrl: options.coordinatorUrl,
    announcement: (): Announcement => ({
      nodeId,
      incarnation,
      url,
      version: options.version,
      machineId,
      hostId: hostId(),
      threads,
      slots,
      memoryBytes: options.memoryBytes,
      memoryUsedBytes: process.memoryUsage.rss() + kernel.memoryBytes,
      runningTasks: tasks.runningTasks,
    }),
    heard: (reply: AnnouncementReply) => {
      allow(reply.roots);
      introduced?.();
      if (!joined) options.joined?.(nodeId, url);
      joined = true;
      tasks.removeAllBut(reply.liveQueries).catch((problem: unknown) => log(`leftovers stay: ${String(problem)}`));
    },
    failed: (problem) => log(announcementProblem(problem, options.coordinatorUrl)),
  });
  announcer.start();
  if (options.store && storeFolders) {
    const { rack, logger } = options.store;
    datanode = openDatanode({
      folders: storeFolders,
      url,
      rack,
      logger,
      network,
      clock,
      namenode: options.coordinatorUrl,
      host: hostId(),
    });
    datanode.catch(() => undefined);
  }

  return {
    url,
    nodeId,
    kernelProcessId: () => kernel.processId,
    stop: async () => {
      announcer.stop();
      await kernel.stop();
      await tasks.stop();
      await scanFiles.close();
      await datanode?.then(
        (running) => running.close(),
        () => undefined,
      );
      await app.close();
      client.close();
      network.close();
      await folders.remove();
      // The next worker of this name comes upon nothing that is about to go.
      await storeFolders?.release();
      if (lock) await lock.release();
    },
  };
}

/** This cluster's store as the engine itself sees it. */
function storeOf(connection: Pick<StoreFileSystemOptions, 'network' | 'clock' | 'namenode'>): StoreFileSystem {
  const caller = { user: STORE_OWNER, groups: [], superuser: true };
  return new StoreFileSystem({
    ...connection,
    caller,
    client: `scans-${randomUUID()}`,
    host: hostId(),
    disk: localDisk,
  });
}

/** Undefined when they cannot be used, which is no reason to answer no queries; that another process has them is one. */
async function storeFoldersOf(
  { directories, logger }: StoreOptions,
  place: Pick<StoreFoldersOptions, 'dataDirectory' | 'clock' | 'patience'>,
  nodeId: string | undefined,
): Promise<OpenedFolders | undefined> {
  try {
    return await takeStoreFolders({
      ...place,
      ...(directories && { directories }),
      ...(nodeId !== undefined && { nodeId }),
    });
  } catch (problem) {
    if (problem instanceof DataFolderError && problem.isClaimed) throw problem;
    noteNoDatanode(logger, problem);
    return undefined;
  }
}

/** Those that are locked and ours. */
const workingFolders = (taken: OpenedFolders | undefined): readonly string[] =>
  (taken?.folders ?? []).flatMap(({ path: folder, problem }) => (problem ? [] : [folder]));

/** Beside everything else, so that the first task does not wait for it. */
async function openDatanode(options: DatanodeServiceOptions): Promise<DataNode> {
  try {
    const { startDatanode } = await import('./datanode-service.ts');
    return await startDatanode(options);
  } catch (problem) {
    noteNoDatanode(options.logger, problem);
    throw problem;
  }
}

const noteNoDatanode = (logger: Logger, problem: unknown): void =>
  logger.error({ problem: (problem as Error).message }, 'the datanode does not start');

const noDatanode = (): Promise<never> =>
  Promise.reject(new StoreError('UnsupportedOperationException', 'This worker keeps no blocks'));

/** Other processes keep their connections open between two heartbeats. */
const KEEP_ALIVE_MS = 60_000;
