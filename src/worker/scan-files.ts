/**
 * The files that a task's scans read, within its kernel's reach and unchanged while it runs: local ones in place, those of a store by a
 * replica on this machine, else as a sparse copy of what the task needs of them. No rows of a file and of the one that took its name
 * are ever mixed: a store's files never change, and of local ones length and time are compared before and after.
 */

import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import type { Clock } from '../common/clock.ts';
import { mapLimited } from '../common/collections.ts';
import { diskErrorCode } from '../common/disk.ts';
import { QueryError } from '../common/errors.ts';
import { mergeRanges, type Range, sizeOfRanges } from '../common/ranges.ts';
import type { ScanFile, ScanProvider } from '../connectors/connector.ts';
import { asQueryError, changedFile } from '../connectors/store-failure.ts';
import type { OpenFile } from '../filestore/file-system.ts';
import type { FileSystems } from '../filestore/file-systems.ts';
import type { RangeCache } from '../filestore/range-cache.ts';
import { parseStoreUri } from '../filestore/store-uri.ts';
import type { HeldLink, LocalLinks } from './local-links.ts';

export type ScanFilesOptions = {
  readonly fileSystems: FileSystems;
  readonly cache: RangeCache;
  readonly links: LocalLinks;
  readonly providers: Readonly<Record<string, ScanProvider>>;
  readonly clock: Clock;
};

/** What one scan, or one statement of a connector, reads. */
export type WantedFile = { readonly connector: string; readonly file: ScanFile };

/** The same files from their first byte to their last. */
export const inWhole = (wanted: readonly WantedFile[]): readonly WantedFile[] =>
  wanted.map(({ connector, file: { location, bytes, modifiedMs, id } }) => {
    const file = { location, bytes, ...(modifiedMs !== undefined && { modifiedMs }), ...(id !== undefined && { id }) };
    return { connector, file };
  });

export type OpenedFiles = {
  /** Where the kernel finds them, by their locations. */
  readonly paths: ReadonlyMap<string, string>;
  /** Of the bytes that the kernel may look at in a file, by its location: the share that came without a network; 1 = all. */
  readonly localShare: (location: string) => number;
  /** Over a network, now. */
  readonly bytesFetched: number;
  /** Some are there in part. */
  readonly hasHoles: boolean;
  /** Throws FILE_CHANGED when a local file is not the one any more that it was. */
  readonly check: () => void;
  /** With locations instead of the paths that the kernel knows. */
  readonly told: (text: string) => string;
  /** Call once. */
  readonly release: () => Promise<void>;
};

type StoredFile = {
  readonly file: OpenFile;
  /** A verified replica on this machine, when it was last asked for. */
  replica?: { readonly path: string | undefined; readonly askedMs: number };
};

type Held = {
  readonly path: string;
  /** Of copies. */
  readonly localShare?: number;
  readonly bytesFetched?: number;
  readonly hasHoles?: boolean;
  readonly release: () => Promise<void> | void;
};

/** Files of one task that are opened at a time. */
const OPENED_AT_ONCE = 16;

/**
 * How long a replica that its datanode has verified is taken again without asking: little beside the interval in which the datanode
 * itself does not look again.
 */
const REPLICA_TRUSTED_MS = 10_000;

/** Files of stores that stay open for later tasks: it spares them the question to the namenode. */
const KEPT_OPEN_MAX = 1000;

export class ScanFiles {
  readonly #options: ScanFilesOptions;
  /** By what tells a file from every other; the longest unused first. */
  readonly #open = new Map<string, Promise<StoredFile>>();

  constructor(options: ScanFilesOptions) {
    this.#options = options;
  }

  /** Rejects with QueryError. */
  async open(wanted: readonly WantedFile[], signal: AbortSignal): Promise<OpenedFiles> {
    const local = wanted.filter(({ file }) => isLocal(file));
    const check = (): void => local.forEach(({ file }) => checkLocal(file));
    check();
    const stored = sharedFiles(wanted.filter(({ file }) => !isLocal(file)));
    const held = new Map<string, Held>();
    const release = async (): Promise<void> => {
      await Promise.all([...held.values()].map(async (each) => each.release()));
    };
    let failure: unknown;
    // All of them end before what is held is released.
    await mapLimited(stored, OPENED_AT_ONCE, async (files) => {
      try {
        if (failure === undefined) held.set(files[0]!.file.location, await this.#hold(files, signal));
      } catch (problem) {
        failure = problem;
      }
    });
    if (failure !== undefined) {
      await release();
      throw failure;
    }
    const names = [...held];
    return {
      paths: new Map(names.map(([location, { path }]) => [location, path])),
      localShare: (location) => held.get(location)?.localShare ?? 1,
      bytesFetched: names.reduce((sum, [, { bytesFetched = 0 }]) => sum + bytesFetched, 0),
      hasHoles: stored.some((files) => held.get(files[0]!.file.location)!.hasHoles ?? false),
      check,
      told: (text) => names.reduce((told, [location, { path }]) => told.replaceAll(path, () => location), text),
      release,
    };
  }

  async close(): Promise<void> {
    this.#options.fileSystems.close();
    for (const opening of this.#open.values()) {
      await closed(opening);
    }
    this.#open.clear();
    this.#options.links.close();
  }

  async #hold(files: readonly WantedFile[], signal: AbortSignal): Promise<Held> {
    const { cache, providers } = this.#options;
    const { file } = files[0]!;
    const { location } = file;
    const key = keyOf(file);
    return asQueryError(location, async () => {
      const stored = await this.#opened(key, file);
      const opened = stored.file;
      const extension = extensionOf(location);
      const link = await this.#linked(stored, key, extension);
      if (link) return link;
      const ranges = await Promise.all(
        files.map(async ({ connector, file: { part } }): Promise<readonly Range[]> => {
          const provider = providers[connector];
          if (part === undefined || !provider?.bytesOf) return [[0, opened.length]];
          return provider.bytesOf(part, location, opened);
        }),
      );
      try {
        const wanted = mergeRanges(ranges.flat());
        const bytes = sizeOfRanges(wanted);
        const copy = await cache.hold(key, extension, opened, wanted, signal);
        return { ...copy, localShare: bytes === 0 ? 1 : copy.localBytes / bytes, hasHoles: bytes < opened.length };
      } catch (problem) {
        if (diskErrorCode(problem) !== 'ENOSPC') throw problem;
        const say = `A worker's disk is full: it has no room for what the query reads of ${location}`;
        throw new QueryError('GENERIC_INSUFFICIENT_RESOURCES', say);
      }
    });
  }

  async #linked(stored: StoredFile, key: string, extension: string): Promise<HeldLink | undefined> {
    // What was there may have gone with its worker, and another replica be here.
    for (let tries = 0; tries < 2; tries++) {
      const replica = await this.#replicaOf(stored);
      if (replica === undefined) return undefined;
      const link = this.#options.links.hold(key, extension, replica);
      if (link) return link;
      delete stored.replica;
    }
    return undefined;
  }

  async #replicaOf(stored: StoredFile): Promise<string | undefined> {
    const now = this.#options.clock.elapsedMs();
    const isOld = stored.replica === undefined || now - stored.replica.askedMs > REPLICA_TRUSTED_MS;
    if (isOld) stored.replica = { path: await stored.file.localPath(), askedMs: now };
    return stored.replica?.path;
  }

  /** The file that the splits were made of, or FILE_CHANGED. */
  async #opened(key: string, { location, id, bytes }: ScanFile): Promise<StoredFile> {
    const known = this.#open.get(key);
    this.#open.delete(key);
    const opening =
      known ??
      (async () => {
        const uri = parseStoreUri(location);
        const opened = await this.#options.fileSystems.of(uri).open(uri.path);
        if (opened.id === id && opened.length === bytes) return { file: opened };
        await opened.close();
        throw changedFile(location);
      })();
    this.#open.set(key, opening);
    try {
      await this.#closeOldest();
      return await opening;
    } catch (problem) {
      if (this.#open.get(key) === opening) this.#open.delete(key);
      throw problem;
    }
  }

  async #closeOldest(): Promise<void> {
    const [oldest] = this.#open;
    if (this.#open.size <= KEPT_OPEN_MAX || !oldest) return;
    this.#open.delete(oldest[0]);
    // Its bytes are read from the store by name and id: who still reads it goes on.
    await closed(oldest[1]);
  }
}

const closed = (opening: Promise<StoredFile>): Promise<void> =>
  opening.then(
    ({ file }) => file.close(),
    () => undefined,
  );

const isLocal = ({ location }: ScanFile): boolean => location.startsWith('/');

function checkLocal({ location, bytes, modifiedMs }: ScanFile): void {
  // Not asynchronous: through the thread pool it takes many times as long, while the client waits.
  const found = statSync(location, { throwIfNoEntry: false });
  if (found?.size === bytes && (modifiedMs === undefined || found.mtimeMs === modifiedMs)) return;
  throw changedFile(location);
}

/** What the scans want of one and the same file. */
function sharedFiles(wanted: readonly WantedFile[]): readonly (readonly WantedFile[])[] {
  const byLocation = new Map<string, WantedFile[]>();
  for (const each of wanted) {
    const others = byLocation.get(each.file.location);
    // The query was planned while the file was replaced.
    if (others && keyOf(others[0]!.file) !== keyOf(each.file)) throw changedFile(each.file.location);
    if (others) others.push(each);
    else byLocation.set(each.file.location, [each]);
  }
  return [...byLocation.values()];
}

const keyOf = ({ location, id, bytes, modifiedMs }: ScanFile): string =>
  createHash('sha256')
    .update(JSON.stringify([location, id, bytes, modifiedMs]))
    .digest('hex');

/** `.csv.gz` of a file's name: kernels look at it. */
const extensionOf = (location: string): string => /(?:\.[A-Za-z0-9]{1,10}){0,2}$/.exec(location)![0];
