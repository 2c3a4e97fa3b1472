/**
 * `file://`: the files below a root folder of a disk. A file is written under a temporary name in its folder, synced, and then given its
 * name: by link(2), which fails when the name is taken, or by rename(2), which replaces. The folder is synced before the answer, and so
 * is every folder above it that was made. Symbolic links that lead out of the root are refused.
 */

import { randomUUID } from 'node:crypto';
import { assert } from '../common/assert.ts';
import { mapLimited } from '../common/collections.ts';
import type { Clock } from '../common/clock.ts';
import { diskErrorCode } from '../common/disk.ts';
import type { Disk, DiskStat } from '../common/disk.ts';
import { piecesOf } from './content.ts';
import { LIST_LIMIT } from './file-system.ts';
import type { Content, FileStatus, FileSystem, ListOptions, ListPage, OpenFile, WalkOptions } from './file-system.ts';
import { onDisk, unlessMissing } from './local-errors.ts';
import { openLocalFile } from './local-file.ts';
import { LocalFolders } from './local-folders.ts';
import { pageOf } from './listing.ts';
import { namesBelow, removeTree, visibleNames } from './local-listing.ts';
import { StoreError } from './network.ts';
import { namesOf, newNamesOf, pathBelow, TEMPORARY_PREFIX } from './store-path.ts';

export type LocalFileSystemOptions = {
  readonly disk: Disk;
  /** An absolute path of a folder that exists; it stands as `/`. */
  readonly root: string;
  readonly clock: Clock;
  /** Gives a name that nobody else was given. */
  readonly unique?: () => string;
};

/** Entries of a page that are asked about at once: as many as the thread pool has threads. */
const STATS_AT_ONCE = 4;

/** Entries that are asked about before they are handed on. */
const STATS_IN_A_ROW = 100;

export class LocalFileSystem implements FileSystem {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #unique: () => string;
  readonly #folders: LocalFolders;

  constructor({ disk, root, clock, unique = randomUUID }: LocalFileSystemOptions) {
    assert(root.startsWith('/'), 'the root of a local file system is an absolute path');
    this.#disk = disk;
    this.#clock = clock;
    this.#unique = unique;
    this.#folders = new LocalFolders(disk, root);
  }

  async open(path: string): Promise<OpenFile> {
    const names = namesOf(path);
    return onDisk(path, async () => openLocalFile(this.#disk, path, await this.#folders.find(names)));
  }

  async create(path: string, content: Content, { overwrite = false } = {}): Promise<void> {
    if ((await this.#create(path, content, overwrite)) === 'exists') throw taken(path, 'a file');
  }

  createIfAbsent(path: string, content: Content): Promise<'created' | 'exists'> {
    return this.#create(path, content, false);
  }

  list(path: string, { limit = LIST_LIMIT, ...options }: ListOptions = {}): Promise<ListPage> {
    // One more than the page has says whether there is another.
    return pageOf(path, this.#walk(path, options, Math.min(limit + 1, STATS_IN_A_ROW)), limit);
  }

  walk(path: string, options: WalkOptions = {}): AsyncGenerator<FileStatus, void, undefined> {
    return this.#walk(path, options, STATS_IN_A_ROW);
  }

  async *#walk(
    path: string,
    { after, recursive = false }: WalkOptions,
    stats: number,
  ): AsyncGenerator<FileStatus, void, undefined> {
    const names = namesOf(path);
    const folder = await onDisk(path, async () => {
      const found = await unlessMissing(this.#folders.find(names));
      if (found === undefined || (await this.#disk.stat(found)).kind === 'folder') return found;
      throw new StoreError('PathIsNotDirectoryException', `${path}: it is a file`);
    });
    if (folder === undefined) return;
    const below = namesBelow(this.#disk, this.#clock, folder, { recursive, after });
    for (;;) {
      const some = await onDisk(path, () => nextOf(below, stats));
      const found = await mapLimited(some, STATS_AT_ONCE, (name) => this.#entry(pathBelow(path, name), recursive));
      for (const entry of found) if (entry) yield entry;
      if (some.length < stats) return;
    }
  }

  async stat(path: string): Promise<FileStatus | undefined> {
    const names = namesOf(path);
    return onDisk(path, async () => {
      const local = await unlessMissing(this.#folders.find(names));
      const found = local === undefined ? undefined : await unlessMissing(this.#disk.stat(local));
      return found && statusOf(path, found);
    });
  }

  async rename(from: string, to: string, { overwrite = false } = {}): Promise<void> {
    const source = namesOf(from);
    const target = newNamesOf(to);
    if (source.length === 0 || target.length === 0) throw new StoreError('IOException', 'The root cannot be renamed');
    await onDisk(from, async () => {
      const here = await this.#folders.place(source);
      const kind = await this.#kindOf(here.local);
      if (kind === undefined) throw new StoreError('FileNotFoundException', `${from}: it does not exist`);
      if (to.startsWith(`${from}/`)) throw new StoreError('IOException', `${to} lies in ${from}`);
      await onDisk(to, async () => {
        const there = await this.#folders.place(target);
        const old = from === to ? kind : await this.#kindOf(there.local);
        if (old !== undefined && old !== kind) throw new StoreError('IOException', `${to}: it is a ${old}`);
        if (from === to || (old !== undefined && !overwrite)) throw taken(to, `a ${kind}`);
        await this.#folders.changing([source, target], () => this.#move(to, kind, here.local, there, overwrite));
      });
      await this.#disk.syncFolder(here.folder);
    });
  }

  async delete(path: string, { recursive = false } = {}): Promise<boolean> {
    const names = namesOf(path);
    return onDisk(path, async () => {
      const place = await unlessMissing(this.#folders.place(names));
      if (!place) return false;
      const kind = await this.#kindOf(place.local);
      if (kind === undefined) return false;
      if (kind === 'folder' && !recursive && (await visibleNames(this.#disk, this.#clock, place.local)).length > 0) {
        throw new StoreError('PathIsNotEmptyDirectoryException', `${path}: it is not empty`);
      }
      if (names.length === 0) return false;
      return this.#folders.changing([names], async () => {
        if (kind === 'folder' && recursive) return this.#removeTree(place);
        const removing = kind === 'folder' ? this.#removeEmptyFolder(place.local) : this.#disk.remove(place.local);
        const removed = await unlessMissing(removing.then(() => true));
        if (removed) await this.#disk.syncFolder(place.folder);
        return removed ?? false;
      });
    });
  }

  async mkdirs(path: string): Promise<void> {
    const names = newNamesOf(path);
    if ((await this.stat(path))?.kind === 'file') throw taken(path, 'a file');
    await onDisk(path, () => this.#folders.make(names));
  }

  async #create(path: string, content: Content, overwrite: boolean): Promise<'created' | 'exists'> {
    const names = newNamesOf(path);
    if (names.length === 0) throw taken(path, 'a folder');
    return onDisk(path, async () => {
      const folder = await this.#folders.make(names.slice(0, -1));
      const local = pathBelow(folder, names.at(-1)!);
      // Asked first to spare the writing; that the name is free is decided below.
      const old = (await unlessMissing(this.#disk.stat(local)))?.kind;
      if (old === 'folder') throw taken(path, 'a folder');
      if (old !== undefined && !overwrite) return this.#lost(folder);
      const temporary = pathBelow(folder, TEMPORARY_PREFIX + this.#unique());
      try {
        await this.#write(temporary, content);
        if (overwrite) await this.#disk.rename(temporary, local);
        else if (!(await this.#link(path, temporary, local))) return await this.#lost(folder);
      } finally {
        // It has no such name any more when it was renamed; when it was linked, one sync makes both changes durable.
        await this.#discard(temporary);
      }
      await this.#disk.syncFolder(folder);
      return 'created';
    });
  }

  /** Whoever was first may not have synced the folder yet, and the caller goes by what it has heard. */
  async #lost(folder: string): Promise<'exists'> {
    await this.#disk.syncFolder(folder);
    return 'exists';
  }

  async #write(local: string, content: Content): Promise<void> {
    const file = await this.#disk.open(local, 'create');
    try {
      let offset = 0;
      for await (const piece of piecesOf(content)) {
        await file.write(offset, piece);
        offset += piece.length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
  }

  /** Whether the name was free and is now the file's. */
  async #link(path: string, temporary: string, local: string): Promise<boolean> {
    try {
      await this.#disk.link(temporary, local);
      return true;
    } catch (problem) {
      if (diskErrorCode(problem) !== 'EEXIST') throw problem;
      const [ours, theirs] = await Promise.all([this.#disk.stat(temporary), unlessMissing(this.#disk.stat(local))]);
      if (theirs?.kind === 'folder') throw taken(path, 'a folder');
      // A network file system asks again when an answer was lost, and hears that the name is taken: by this very file.
      return ours.inode === theirs?.inode;
    }
  }

  async #move(path: string, kind: Kind, from: string, to: Place, overwrite: boolean): Promise<void> {
    if (overwrite) {
      await this.#replace(path, from, to.local);
    } else if (kind === 'file') {
      // Durable under the new name before the old one goes: a crash between the two leaves both.
      if (!(await this.#link(path, from, to.local))) throw taken(path, 'a file');
      await this.#disk.syncFolder(to.folder);
      await this.#disk.remove(from);
      return;
    } else {
      // A folder takes the place of an empty one, which nobody else can have made.
      await this.#disk.mkdir(to.local);
      await this.#replace(path, from, to.local);
    }
    await this.#disk.syncFolder(to.folder);
  }

  async #replace(path: string, from: string, to: string): Promise<void> {
    try {
      await this.#disk.rename(from, to);
    } catch (problem) {
      if (diskErrorCode(problem) !== 'ENOTEMPTY' && diskErrorCode(problem) !== 'EEXIST') throw problem;
      throw new StoreError('IOException', `${path}: it is a folder that is not empty`, { cause: problem });
    }
  }

  /** Whether it was there. Seen from outside, a tree is there wholly or not at all, also after a crash. */
  async #removeTree({ folder, local }: Place): Promise<boolean> {
    const hidden = pathBelow(folder, TEMPORARY_PREFIX + this.#unique());
    const moved = await unlessMissing(this.#disk.rename(local, hidden).then(() => true));
    if (!moved) return false;
    await this.#disk.syncFolder(folder);
    await removeTree(this.#disk, hidden);
    return true;
  }

  /** A folder in which nothing is seen. Who is writing a file there will not find it again, and say so. */
  async #removeEmptyFolder(local: string): Promise<void> {
    for (const { name } of await this.#disk.list(local)) {
      if (name.startsWith(TEMPORARY_PREFIX)) await this.#discard(pathBelow(local, name));
    }
    await this.#disk.removeFolder(local);
  }

  /** What the name itself is: a symbolic link is moved and removed as a file, whatever it leads to. */
  async #kindOf(local: string): Promise<Kind | undefined> {
    const found = await unlessMissing(this.#disk.stat(local));
    if (found?.kind !== 'folder') return found && 'file';
    return (await this.#disk.realPath(local)) === local ? 'folder' : 'file';
  }

  /** The status of a listed name: what a link leads to, if that is inside. Undefined for what no file system has. */
  async #entry(path: string, filesOnly: boolean): Promise<FileStatus | undefined> {
    try {
      const status = await this.stat(path);
      return filesOnly && status?.kind === 'folder' ? undefined : status;
    } catch (problem) {
      // A link that leads out, or a name that no path can say.
      if (problem instanceof StoreError && problem.name !== 'IOException') return undefined;
      throw problem;
    }
  }

  /** What stays after a failure is removed when it is old. */
  async #discard(temporary: string): Promise<void> {
    try {
      await this.#disk.remove(temporary);
    } catch (problem) {
      if (diskErrorCode(problem) === undefined) throw problem;
    }
  }
}

/** Fewer at the end. */
async function nextOf(names: AsyncGenerator<string, void, undefined>, count: number): Promise<readonly string[]> {
  const some: string[] = [];
  while (some.length < count) {
    const { done, value } = await names.next();
    if (done === true) break;
    some.push(value);
  }
  return some;
}

type Kind = 'file' | 'folder';
type Place = { readonly folder: string; readonly local: string };

const taken = (path: string, by: string): StoreError =>
  new StoreError('FileAlreadyExistsException', `${path}: it exists already, as ${by}`);

const statusOf = (path: string, { kind, inode, bytes, modifiedMs }: DiskStat): FileStatus | undefined =>
  kind === 'other' ? undefined : { path, kind, id: String(inode), length: kind === 'file' ? bytes : 0, modifiedMs };
