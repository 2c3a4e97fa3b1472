/** `tutti://`: the cluster's own file store, as its namenode and datanodes keep it. */

import type { Disk } from '../common/disk.ts';
import {
  type Content,
  type FileLocation,
  type FileStatus,
  type FileSystem,
  LIST_LIMIT,
  type ListOptions,
  type ListPage,
  type OpenFile,
  type WalkOptions,
} from './file-system.ts';
import { pageOf, pathsBelow } from './listing.ts';
import { STAGED_BYTES_MIN } from './local-writes.ts';
import type { Status } from './namespace/queries.ts';
import { StoreError } from './network.ts';
import type { BlockLocation } from './protocol.ts';
import { StoreClient, type StoreClientOptions } from './store-client.ts';
import { namesOf, newNamesOf, pathBelow, TEMPORARY_PREFIX } from './store-path.ts';
import { openFile } from './store-reader.ts';
import { type FileAttributes, writeFile } from './store-writer.ts';

export type StoreFileSystemOptions = StoreClientOptions & {
  /** Of files that are written here. */
  readonly attributes?: Partial<FileAttributes>;
  /** Of the machine that `host` names: blocks of its datanodes are read from their own files, and written into them. */
  readonly disk?: Disk;
  /** What is shorter is sent to them. */
  readonly stagedBytesMin?: number;
};

/** Of files about which nobody says otherwise. */
export const FILE_DEFAULTS: FileAttributes = { mode: 0o644, replication: 3, blockSize: 128 * 1024 * 1024 };

/** Entries that one answer of the namenode has. */
const PAGE = 1000;

export class StoreFileSystem implements FileSystem {
  readonly client: StoreClient;
  readonly #attributes: FileAttributes;
  readonly #disk: Disk | undefined;
  readonly #stagedBytesMin: number;

  constructor({ attributes, disk, stagedBytesMin = STAGED_BYTES_MIN, ...options }: StoreFileSystemOptions) {
    this.client = new StoreClient(options);
    this.#attributes = { ...FILE_DEFAULTS, ...attributes };
    this.#disk = disk;
    this.#stagedBytesMin = stagedBytesMin;
  }

  async open(path: string): Promise<OpenFile> {
    namesOf(path);
    return openFile(this.client, path, this.#disk);
  }

  async create(path: string, content: Content, { overwrite = false } = {}): Promise<void> {
    const created = await this.#create(path, content, overwrite);
    if (created === 'exists') throw new StoreError('FileAlreadyExistsException', `${path}: it exists already`);
  }

  createIfAbsent(path: string, content: Content): Promise<'created' | 'exists'> {
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
    const found = await this.#status(path);
    if (!found) return;
    if (found.kind === 'file') throw new StoreError('PathIsNotDirectoryException', `${path}: it is a file`);
    const below = recursive ? this.#recursive(path, after) : this.#entries(path, after);
    for await (const [name, status] of below) yield statusOf(pathBelow(path, name), status);
  }

  async stat(path: string): Promise<FileStatus | undefined> {
    namesOf(path);
    const status = await this.#status(path);
    return status && statusOf(path, status);
  }

  async rename(from: string, to: string, { overwrite = false } = {}): Promise<void> {
    namesOf(from);
    newNamesOf(to);
    await this.client.change('rename', { source: from, target: to, how: overwrite ? 'overwrite' : 'exact' });
  }

  async delete(path: string, { recursive = false } = {}): Promise<boolean> {
    namesOf(path);
    const { result } = await this.client.change<{ result: boolean }>('delete', { path, recursive });
    return result;
  }

  async mkdirs(path: string): Promise<void> {
    newNamesOf(path);
    await this.client.change('mkdirs', { path, mode: 0o755 });
  }

  async locations(path: string): Promise<readonly FileLocation[]> {
    namesOf(path);
    const { blocks } = await this.client.read<{ blocks: readonly BlockLocation[] }>('locate', { path });
    return blocks.map(({ offset, length, replicas }) => ({ offset, length, hosts: replicas.map(({ host }) => host) }));
  }

  async #create(path: string, content: Content, overwrite: boolean): Promise<'created' | 'exists'> {
    const names = newNamesOf(path);
    const old = await this.#status(path);
    if (old?.kind === 'folder') throw new StoreError('FileAlreadyExistsException', `${path}: it is a folder`);
    // Asked first to spare the writing; that the name is free is decided when the file is whole.
    if (old && !overwrite) return 'exists';
    const local = this.#disk && { disk: this.#disk, bytesMin: this.#stagedBytesMin };
    return writeFile(this.client, names, content, { ...this.#attributes, overwrite, local });
  }

  /** What is to be seen at a path. */
  async #status(path: string): Promise<Status | undefined> {
    const { status } = await this.client.read<{ status?: Status }>('stat', { path });
    return status?.open === true ? undefined : status;
  }

  async *#entries(folder: string, after?: string): AsyncGenerator<readonly [string, Status], void, undefined> {
    for (let from = after; ;) {
      const behind = from !== undefined && { after: from };
      const page = await this.client.read<{ entries: readonly Status[]; remaining: number }>('list', {
        path: folder,
        limit: PAGE,
        ...behind,
      });
      for (const status of page.entries) if (isSeen(status)) yield [status.name, status];
      if (page.remaining === 0) return;
      from = page.entries.at(-1)!.name;
    }
  }

  async *#recursive(folder: string, after?: string): AsyncGenerator<readonly [string, Status], void, undefined> {
    const entriesOf = async (below: string): Promise<readonly Status[]> => {
      const entries: Status[] = [];
      try {
        for await (const [, status] of this.#entries(below)) entries.push(status);
      } catch (problem) {
        // Removed while its folder was listed.
        if (!(problem instanceof StoreError && problem.name === 'FileNotFoundException')) throw problem;
      }
      return entries;
    };
    for await (const { path, entry } of pathsBelow(folder, entriesOf, { recursive: true, after })) yield [path, entry];
  }
}

/** Not a file that is being written. */
export const isSeen = ({ open, name }: Status): boolean => !open && !name.startsWith(TEMPORARY_PREFIX);

const statusOf = (path: string, { id, kind, length, mtime }: Status): FileStatus => ({
  path,
  kind,
  id: String(id),
  length,
  modifiedMs: mtime,
});
