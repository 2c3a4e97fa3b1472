/** The commands `server`, `coordinator` and `worker`: options as people type them → roles that run until they are ended. */

import { availableParallelism, homedir, totalmem } from 'node:os';
import path from 'node:path';
import { clusterSecret } from '../cluster/secret.ts';
import { QueryError } from '../common/errors.ts';
import { makeLogger } from '../observe/logger.ts';
import { startCoordinator } from './coordinator-role.ts';
import type { CoordinatorRoleOptions, RunningCoordinator } from './coordinator-role.ts';
import { entry, packageFolder, version } from './package-folder.ts';
import { startServer } from './server-role.ts';
import type { RunningServer } from './server-role.ts';
import { runWorker } from './worker-role.ts';

/** As commander gives them: text, or absent. */
export type ServerCommandOptions = {
  readonly host?: string;
  readonly port?: string;
  readonly internalHost?: string;
  readonly internalPort?: string;
  readonly externalUrl?: string;
  readonly workers?: string;
  readonly threads?: string;
  readonly memory?: string;
  readonly data?: string;
  readonly catalogs?: string;
  readonly insecure?: boolean;
  /** As commander has it for `--no-store`. */
  readonly store?: boolean;
  readonly webhdfs?: boolean;
  readonly journalDir?: readonly string[];
  readonly storeDir?: readonly string[];
  readonly trash?: string;
};

export type WorkerCommandOptions = {
  readonly coordinator: string;
  readonly host?: string;
  readonly port?: string;
  readonly advertisedHost?: string;
  readonly nodeId?: string;
  readonly threads?: string;
  readonly memory?: string;
  readonly data?: string;
  readonly rack?: string;
  readonly store?: boolean;
  readonly storeDir?: readonly string[];
};

/** Starts a cluster on this machine; for the commands that bring their own. */
export function startLocalServer(options: ServerCommandOptions): Promise<RunningServer> {
  const workers = wholeNumber('workers', options.workers ?? '1', 1);
  // The processors are shared out among the workers, whole ones where there are enough.
  const threads = Math.max(1, Math.floor(availableParallelism() / workers));
  return startServer({
    ...coordinatorOptions(options, true),
    workers,
    threads: wholeNumber('threads', options.threads ?? String(threads), 1),
    memoryBytes: memoryBytes(options.memory),
    ...storeDirectories(options),
    entry,
  });
}

/** Runs until SIGTERM, SIGINT, or a request to shut down. */
export async function serverCommand(options: ServerCommandOptions): Promise<void> {
  const running = await startLocalServer(options);
  // Also one that waits for workers that do not come takes them with it.
  const ending = Promise.race([signal(), running.drained, running.refused]);
  void tellReady(running);
  const refusal = await ending;
  await running.close();
  if (refusal) throw refusal;
  process.exit(0);
}

export async function coordinatorCommand(options: ServerCommandOptions): Promise<void> {
  const running = await startCoordinator(coordinatorOptions(options, true));
  process.stdout.write(`Tutti's coordinator is ready at ${running.url}, for workers at ${running.internalUrl}\n`);
  void tellStore(running);
  await Promise.race([signal(), running.drained]);
  await running.close();
  process.exit(0);
}

async function tellReady(running: RunningServer): Promise<void> {
  await running.ready;
  process.stdout.write(`Tutti is ready at ${running.url}\n`);
  await tellStore(running);
}

/** Who starts a server by hand must see that a part of it is missing. */
async function tellStore({ storeProblem }: RunningCoordinator): Promise<void> {
  const problem = await storeProblem;
  if (problem !== undefined) process.stdout.write(`The file store does not run: ${problem}. Queries do.\n`);
}

export type TpchCommandOptions = {
  readonly sf: string;
  readonly out: string;
  readonly data?: string;
};

export async function tpchCommand({ sf, out, data }: TpchCommandOptions): Promise<void> {
  const { exportTpch } = await import('./tpch-command.ts');
  const show = process.stderr.isTTY;
  await exportTpch({
    scaleFactor: sf.trim() === '' ? Number.NaN : Number(sf),
    directory: out,
    dataDirectory: dataFolder(data),
    threads: availableParallelism(),
    memoryBytes: memoryBytes(undefined),
    onFile: (done, total) => show && process.stderr.write(`\r${done} of ${total} files\u001b[K`),
  });
  if (show) process.stderr.write('\r\u001b[K');
  process.stdout.write(`TPC-H at scale factor ${sf} is in ${path.resolve(out)}\n`);
}

export function workerCommand(options: WorkerCommandOptions): Promise<void> {
  const dataDirectory = dataFolder(options.data);
  return runWorker({
    coordinatorUrl: coordinatorUrl(options.coordinator),
    dataDirectory,
    version: version(),
    threads: wholeNumber('threads', options.threads ?? String(availableParallelism()), 1),
    memoryBytes: memoryBytes(options.memory),
    secret: clusterSecret({ environment: process.env, dataDirectory, make: false }),
    ...(options.host !== undefined && { host: options.host }),
    ...(options.port !== undefined && { port: portNumber('port', options.port) }),
    ...(options.advertisedHost !== undefined && { advertisedHost: options.advertisedHost }),
    ...(options.nodeId !== undefined && { nodeId: options.nodeId }),
    ...((options.store ?? true) && { rack: rackName(options.rack ?? '/default-rack') }),
    ...storeDirectories(options),
  });
}

const storeDirectories = ({
  storeDir,
}: Pick<WorkerCommandOptions, 'storeDir'>): { readonly storeDirectories?: readonly string[] } =>
  storeDir ? { storeDirectories: storeDir.map((folder) => path.resolve(folder)) } : {};

/** `/rack1`, `/hall2/rack1`. */
function rackName(text: string): string {
  if (/^(?:\/[^/\s]+)+$/.test(text)) return text;
  throw new QueryError('GENERIC_USER_ERROR', `--rack takes a name such as /rack1, not "${text}"`);
}

/** `http://first:8081`, or `first:8081`. */
function coordinatorUrl(text: string): string {
  const url = /^[^/:]+:\d+\/?$/.test(text) ? `http://${text}` : text;
  if (/^https?:\/\/[^/]/.test(url) && URL.canParse(url)) return url.replace(/\/+$/, '');
  throw new QueryError('GENERIC_USER_ERROR', `--coordinator takes an address such as http://first:8081, not "${text}"`);
}

function coordinatorOptions(options: ServerCommandOptions, make: boolean): CoordinatorRoleOptions {
  const dataDirectory = dataFolder(options.data);
  const internal = options.internalHost ?? options.internalPort;
  return {
    host: options.host ?? '127.0.0.1',
    port: portNumber('port', options.port ?? '8080'),
    ...(internal !== undefined && {
      internal: {
        host: options.internalHost ?? '0.0.0.0',
        port: portNumber('internal-port', options.internalPort ?? '8081'),
      },
    }),
    ...(options.externalUrl !== undefined && { externalUrl: options.externalUrl }),
    store: options.store ?? false,
    webhdfs: options.webhdfs ?? false,
    ...(options.journalDir && { journalDirectories: options.journalDir.map((folder) => path.resolve(folder)) }),
    ...(options.trash !== undefined && { trashMs: durationMs('trash', options.trash) }),
    insecure: options.insecure ?? false,
    dataDirectory,
    catalogDirectory: path.resolve(options.catalogs ?? path.join(packageFolder, 'catalog')),
    secret: clusterSecret({ environment: process.env, dataDirectory, make }),
    version: version(),
    logger: makeLogger('coordinator', process.env),
  };
}

const dataFolder = (given: string | undefined): string =>
  path.resolve(given ?? process.env['TUTTI_DATA'] ?? path.join(homedir(), '.tutti', 'data'));

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (/^\d{1,9}$/.test(text) && value >= least) return value;
  throw new QueryError('GENERIC_USER_ERROR', `--${option} takes a whole number from ${least}, not "${text}"`);
}

function portNumber(option: string, text: string): number {
  const port = wholeNumber(option, text, 0);
  if (port <= 65_535) return port;
  throw new QueryError('GENERIC_USER_ERROR', `--${option} takes a port from 0 to 65535, not ${text}`);
}

const DURATIONS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `24h`, `90m`, `0`. */
function durationMs(option: string, text: string): number {
  const [, digits, unit] = /^(\d{1,6})([smhd]?)$/.exec(text) ?? [];
  const factor = DURATIONS[unit ?? ''] ?? (Number(digits) === 0 ? 0 : undefined);
  if (factor !== undefined) return Number(digits) * factor;
  throw new QueryError(
    'GENERIC_USER_ERROR',
    `--${option} takes a time such as 24h, 90m, 30s or 7d, or 0, not "${text}"`,
  );
}

/** Most of the machine: some is left for the system's cache of files, which the scans live on. */
const MACHINE_SHARE = 0.8;

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** `4GB`, `512M`, plain bytes; absent = most of the machine. */
function memoryBytes(text: string | undefined): number {
  if (text === undefined) return Math.floor(totalmem() * MACHINE_SHARE);
  const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(text) ?? [];
  if (digits === undefined) {
    throw new QueryError('GENERIC_USER_ERROR', `--memory takes a size such as 4GB or 512MB, not "${text}"`);
  }
  return Math.floor(Number(digits) * UNITS[unit!.toUpperCase()]!);
}

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once. */
function signal(): Promise<void> {
  return new Promise((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.once(name, () => {
        process.once(name, () => process.exit(1));
        resolve();
      });
    }
  });
}
