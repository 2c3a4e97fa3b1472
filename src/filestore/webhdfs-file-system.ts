/**
 * `webhdfs://`: a real HDFS, over its REST interface. A file is written under a temporary name, because HDFS shows files that are being
 * written and completes those whose writers go away; then it is renamed, which HDFS does in one step, without or with replacing. A Tutti behind this interface says that
 * it shows files when they are whole; there they are written under their own names.
 */

import { randomUUID } from 'node:crypto';
import { assert } from '../common/assert.ts';
import type { Clock } from '../common/clock.ts';
import { compareNames } from './compare-names.ts';
import { ContentError } from './content.ts';
import { LIST_LIMIT } from './file-system.ts';
import type { Content, FileStatus, FileSystem, ListOptions, ListPage, OpenFile, WalkOptions } from './file-system.ts';
import { pageOf, pathsBelow } from './listing.ts';
import { TEMPORARY_AGE_MAX_MS } from './local-listing.ts';
import { NetworkError, StoreError } from './network.ts';
import type { Bytes, StoreErrorName } from './network.ts';
import { namesOf, newNamesOf, pathBelow, TEMPORARY_PREFIX } from './store-path.ts';
import { WebHdfsClient } from './webhdfs-client.ts';
import type { WebHdfsOptions } from './webhdfs-client.ts';

export type WebHdfsFileSystemOptions = WebHdfsOptions & {
  readonly clock: Clock;
  /** Gives a name that nobody else was given. */
  readonly unique?: () => string;
};

/** What HDFS says of a file or folder, as far as it is used here. */
type HdfsStatus = {
  readonly pathSuffix: string;
  readonly type: 'FILE' | 'DIRECTORY' | 'SYMLINK';
  readonly length: number;
  readonly modificationTime: number;
  readonly fileId: number;
};

type Entry = { readonly name: string; readonly kind: 'file' | 'folder'; readonly status: HdfsStatus };

export class WebHdfsFileSystem implements FileSystem {
  readonly #client: WebHdfsClient;
  readonly #clock: Clock;
  readonly #unique: () => string;

  constructor({ clock, unique = randomUUID, ...options }: WebHdfsFileSystemOptions) {
    this.#client = new WebHdfsClient(options);
    this.#clock = clock;
    this.#unique = unique;
  }

  async open(path: string): Promise<OpenFile> {
    namesOf(path);
    return asked(path, async () => {
      const status = await this.#found(path);
      if (status?.type !== 'FILE') {
        throw new StoreError('FileNotFoundException', `${path}: ${status ? 'it is no file' : 'it does not exist'}`);
      }
      const { length } = status;
      const range = (offset: number, bytes: number): Bytes => this.#range(path, status, offset, bytes);
      return {
        id: String(status.fileId),
        length,
        read: (offset, bytes) => {
          assert(offset >= 0 && bytes >= 0, 'a range of a file begins in it');
          return joined(range(offset, Math.min(bytes, length - offset)));
        },
        stream: (offset = 0, bytes = length - offset) => range(offset, Math.min(bytes, length - offset)),
        localPath: () => Promise.resolve(undefined),
        close: () => Promise.resolve(),
      };
    });
  }

  async create(path: string, content: Content, { overwrite = false } = {}): Promise<void> {
    const created = await this.#create(path, content, overwrite);
    if (created === 'exists') throw new StoreError('FileAlreadyExistsException', `${path}: it exists already`);
  }

  async createIfAbsent(path: string, content: Content): Promise<'created' | 'exists'> {
    return this.#create(path, content, false);
  }

  list(path: string, { limit = LIST_LIMIT, ...options }: ListOptions = {}): Promise<ListPage> {
    return pageOf(path, this.walk(path, options), limit);
  }

  async *walk(
    path: string,
    { after, recursive = false }: WalkOptions = {},
  ): AsyncGenerator<FileStatus, void, undefined> {
    namesOf(path);
    try {
      const below = recursive ? this.#filesBelow(path, after) : this.#entries(path, after);
      for await (const { name, status } of below) yield statusOf(pathBelow(path, name), status);
    } catch (problem) {
      throw failed(path, problem);
    }
  }

  async stat(path: string): Promise<FileStatus | undefined> {
    namesOf(path);
    return asked(path, async () => {
      const status = await this.#found(path);
      return status && status.type !== 'SYMLINK' ? statusOf(path, status) : undefined;
    });
  }

  async rename(from: string, to: string, { overwrite = false } = {}): Promise<void> {
    namesOf(from);
    newNamesOf(to);
    return asked(from, () => this.#rename(from, to, overwrite));
  }

  async delete(path: string, { recursive = false } = {}): Promise<boolean> {
    namesOf(path);
    return asked(path, async () => {
      if (!recursive) await this.#removeHidden(path);
      return booleanOf(await this.#client.ask('DELETE', path, 'DELETE', { recursive }));
    });
  }

  async mkdirs(path: string): Promise<void> {
    newNamesOf(path);
    return asked(path, async () => {
      if (booleanOf(await this.#client.ask('PUT', path, 'MKDIRS'))) return;
      throw new StoreError('IOException', `${path}: HDFS did not make it`);
    });
  }

  close(): void {
    this.#client.close();
  }

  async #create(path: string, content: Content, overwrite: boolean): Promise<'created' | 'exists'> {
    const names = newNamesOf(path);
    return asked(path, async () => {
      const old = await this.#status(path);
      if (old?.type === 'DIRECTORY') throw isFolder(path);
      // Asked first to spare the writing; that the name is free is decided when the file is whole.
      if (old && !overwrite) return 'exists';
      if (this.#client.createsWhole) return this.#createWhole(path, content, overwrite);
      const temporary = `/${[...names.slice(0, -1), TEMPORARY_PREFIX + this.#unique()].join('/')}`;
      let published = false;
      try {
        const length = await this.#client.write(temporary, content, { overwrite: false });
        const made = await this.#status(temporary);
        if (made?.length !== length) {
          throw new StoreError('IOException', `${path}: HDFS has ${made?.length ?? 0} of ${length} bytes`);
        }
        published = await this.#publish(temporary, path, made.fileId, overwrite);
      } finally {
        if (!published) await this.#discard(temporary);
      }
      return published ? 'created' : 'exists';
    });
  }

  /** Where a file is seen when it is whole, it is written under its own name. */
  async #createWhole(path: string, content: Content, overwrite: boolean): Promise<'created' | 'exists'> {
    try {
      await this.#client.write(path, content, { overwrite });
      return 'created';
    } catch (problem) {
      if (!isNamed(problem, 'FileAlreadyExistsException')) throw problem;
      if ((await this.#status(path))?.type === 'DIRECTORY') throw isFolder(path);
      return 'exists';
    }
  }

  /** Whether the file has its name now; `false` when another has it. */
  async #publish(temporary: string, path: string, fileId: number, overwrite: boolean): Promise<boolean> {
    try {
      await this.#rename(temporary, path, overwrite);
      return true;
    } catch (problem) {
      // The answer may be lost and the file renamed: then what has the name is this file.
      const now = await this.#status(path).catch(() => undefined);
      if (problem instanceof NetworkError && now?.fileId === fileId) return true;
      if (now?.type === 'DIRECTORY') throw isFolder(path);
      if (problem instanceof StoreError && problem.name === 'FileAlreadyExistsException') return false;
      throw problem;
    }
  }

  /** HDFS's second rename: to exactly this name, in one step. */
  async #rename(from: string, to: string, overwrite: boolean): Promise<void> {
    const renameoptions = overwrite ? 'OVERWRITE' : 'NONE';
    await this.#client.ask('PUT', from, 'RENAME', { destination: to, renameoptions });
  }

  /** HDFS says of a path that goes through a file that nothing is there. */
  async #found(path: string): Promise<HdfsStatus | undefined> {
    const status = await this.#status(path);
    if (status || path === '/') return status;
    for (let above = parentOf(path); above !== '/'; above = parentOf(above)) {
      const folder = await this.#status(above);
      if (folder?.type === 'FILE') throw new StoreError('ParentNotDirectoryException', `${above} is no folder`);
      if (folder) break;
    }
    return undefined;
  }

  async #status(path: string): Promise<HdfsStatus | undefined> {
    try {
      const answer = await this.#client.ask('GET', path, 'GETFILESTATUS');
      return (answer as { readonly FileStatus: HdfsStatus }).FileStatus;
    } catch (problem) {
      if (isNamed(problem, 'FileNotFoundException')) return undefined;
      throw problem;
    }
  }

  /** Bytes of the file as it was opened. HDFS opens it by its name anew, which another file may have by then. */
  async *#range(path: string, opened: HdfsStatus, offset: number, length: number): Bytes {
    if (length <= 0) return;
    let missing = length;
    try {
      const response = await this.#client.read(path, offset, length);
      for await (const piece of response as AsyncIterable<Buffer>) {
        missing -= piece.length;
        if (missing < 0) break;
        yield piece;
      }
    } catch (problem) {
      throw failed(path, problem);
    }
    const now = await asked(path, () => this.#status(path));
    if (missing === 0 && now && isSame(now, opened)) return;
    if (!now) throw new StoreError('FileNotFoundException', `${path}: it was removed while it was read`);
    throw new StoreError('IOException', `${path}: it was replaced, or cut off, while it was read`);
  }

  /** What is seen in a folder, in the order of code points; nothing when there is none. */
  async *#entries(folder: string, after?: string): AsyncGenerator<Entry, void, undefined> {
    // HDFS orders names by bytes with a sign: those beyond ASCII stand before all others that begin as they do. They are held back until
    // it is their turn, and whoever goes on behind a name has to see them again, wherever it stands.
    let held: Entry[] = [];
    const isDue = (entry: Entry, before: string): boolean => compareNames(entry.name, before) < 0;
    for await (const entry of this.#asHdfsLists(folder)) {
      const { name } = entry;
      if (after !== undefined && compareNames(name, after) <= 0) continue;
      if (isAscii(name)) {
        if (held.length > 0) {
          yield* inOrder(held.filter((one) => isDue(one, name)));
          held = held.filter((one) => !isDue(one, name));
        }
        yield entry;
      } else held.push(entry);
    }
    yield* inOrder(held);
  }

  async *#asHdfsLists(folder: string): AsyncGenerator<Entry, void, undefined> {
    for (let startAfter: string | undefined; ;) {
      const page = await this.#page(folder, startAfter);
      for (const status of page.entries) {
        const { pathSuffix: name, type } = status;
        if (name === '') throw new StoreError('PathIsNotDirectoryException', `${folder}: it is a file`);
        if (name.startsWith(TEMPORARY_PREFIX)) await this.#removeAbandoned(pathBelow(folder, name), status);
        else if (type !== 'SYMLINK') yield { name, kind: type === 'FILE' ? 'file' : 'folder', status };
      }
      const last = page.entries.at(-1);
      if (page.remaining === 0 || !last) return;
      startAfter = last.pathSuffix;
    }
  }

  async *#filesBelow(folder: string, after?: string): AsyncGenerator<Entry, void, undefined> {
    const entriesOf = async (below: string): Promise<readonly Entry[]> => {
      const entries: Entry[] = [];
      for await (const entry of this.#entries(below)) entries.push(entry);
      return entries;
    };
    for await (const { path, entry } of pathsBelow(folder, entriesOf, { recursive: true, after })) {
      yield { ...entry, name: path };
    }
  }

  async #page(
    folder: string,
    startAfter: string | undefined,
  ): Promise<{ readonly entries: readonly HdfsStatus[]; readonly remaining: number }> {
    try {
      const answer = await this.#client.ask('GET', folder, 'LISTSTATUS_BATCH', { startAfter });
      const { partialListing, remainingEntries } = (answer as DirectoryListing).DirectoryListing;
      return { entries: partialListing.FileStatuses.FileStatus, remaining: remainingEntries };
    } catch (problem) {
      if (isNamed(problem, 'FileNotFoundException')) return { entries: [], remaining: 0 };
      throw problem;
    }
  }

  /** A folder in which nothing is seen is empty: who is writing a file there will hear that it is gone. */
  async #removeHidden(path: string): Promise<void> {
    if ((await this.#status(path))?.type !== 'DIRECTORY') return;
    const { entries, remaining } = await this.#page(path, undefined);
    if (remaining > 0 || !entries.every(({ pathSuffix }) => pathSuffix.startsWith(TEMPORARY_PREFIX))) return;
    for (const { pathSuffix } of entries) await this.#discard(pathBelow(path, pathSuffix));
  }

  async #removeAbandoned(path: string, { modificationTime }: HdfsStatus): Promise<void> {
    if (this.#clock.wallMs() - modificationTime > TEMPORARY_AGE_MAX_MS) await this.#discard(path);
  }

  /** What stays after a failure is removed when it is old. */
  async #discard(path: string): Promise<void> {
    try {
      await this.#client.ask('DELETE', path, 'DELETE', { recursive: true });
    } catch (problem) {
      if (!(problem instanceof StoreError || problem instanceof NetworkError)) throw problem;
    }
  }
}

type DirectoryListing = {
  readonly DirectoryListing: {
    readonly partialListing: { readonly FileStatuses: { readonly FileStatus: readonly HdfsStatus[] } };
    readonly remainingEntries: number;
  };
};

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';

/** What is cut off and written on again, as HDFS lets one do, keeps its id. */
const isSame = (a: HdfsStatus, b: HdfsStatus): boolean =>
  a.fileId === b.fileId && a.length === b.length && a.modificationTime === b.modificationTime;

const isAscii = (name: string): boolean => /^\p{ASCII}*$/u.test(name);

const inOrder = (entries: readonly Entry[]): readonly Entry[] =>
  entries.toSorted((a, b) => compareNames(a.name, b.name));

async function asked<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (problem) {
    throw failed(path, problem);
  }
}

/** What a caller of any file system reckons with. */
function failed(path: string, problem: unknown): unknown {
  if (problem instanceof ContentError) return problem.cause;
  if (problem instanceof StoreError) return problem;
  // While a body is read, its connection's errors come as they are.
  const isNetwork = problem instanceof NetworkError || (problem instanceof Error && 'code' in problem);
  return isNetwork ? new StoreError('IOException', `${path}: ${problem.message}`, { cause: problem }) : problem;
}

const isNamed = (problem: unknown, name: StoreErrorName): boolean =>
  problem instanceof StoreError && problem.name === name;

const isFolder = (path: string): StoreError =>
  new StoreError('FileAlreadyExistsException', `${path}: it exists already, as a folder`);

const booleanOf = (answer: unknown): boolean =>
  (answer as { readonly boolean?: boolean } | undefined)?.boolean === true;

const statusOf = (path: string, { type, fileId, length, modificationTime }: HdfsStatus): FileStatus => ({
  path,
  id: String(fileId),
  kind: type === 'FILE' ? 'file' : 'folder',
  length: type === 'FILE' ? length : 0,
  modifiedMs: modificationTime,
});

async function joined(bytes: Bytes): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return Buffer.concat(pieces);
}
