/** A datanode's folders together: which of them work, which has the most room, and whose they are. */

import type { Disk } from '../../common/disk.ts';
import { StoreError } from '../network.ts';
import type { DatanodeId, StoreId } from '../protocol.ts';
import { DataFolder } from './data-folder.ts';
import { DataFolderError } from './folder-errors.ts';
import { writeIdentity } from './folder-identity.ts';
import { openFolders } from './open-folders.ts';
import type { OpenedFolders } from './open-folders.ts';

export type DataFoldersOptions = {
  readonly disk: Disk;
  /** Paths, or folders that the caller has taken, who lets them go. */
  readonly folders: readonly string[] | OpenedFolders;
  readonly newNode: () => DatanodeId;
  /** Of each folder's disk, not for blocks. */
  readonly keepFreeBytes: number;
  readonly onFailure: (folder: DataFolder) => void;
};

export type FolderFigures = {
  readonly capacityBytes: number;
  readonly usedBytes: number;
  readonly freeBytes: number;
  readonly failedFolders: number;
};

export class DataFolders {
  readonly node: DatanodeId;
  readonly #disk: Disk;
  /** Lets others have the folders. */
  readonly unlock: () => Promise<void>;
  readonly #folders: readonly DataFolder[];
  #store: StoreId | undefined;

  /** Locked and known to be ours, but not looked through yet. Throws DataFolderError. */
  static async open(options: DataFoldersOptions): Promise<DataFolders> {
    const { disk, folders: given, newNode } = options;
    const isTaken = 'release' in given;
    const opened = isTaken ? given : await openFolders(disk, given, newNode);
    const folders = new DataFolders(options, opened, isTaken ? () => Promise.resolve() : opened.release);
    for (const [i, { found, problem }] of opened.folders.entries()) {
      const folder = folders.#folders[i]!;
      if (problem) folder.fail(problem);
      else if (!found || found.store !== folders.#store) await folders.#mark(folder).catch(() => undefined);
    }
    return folders;
  }

  private constructor(options: DataFoldersOptions, { identity, folders }: OpenedFolders, unlock: () => Promise<void>) {
    const { disk, keepFreeBytes, onFailure } = options;
    this.#disk = disk;
    this.unlock = unlock;
    this.node = identity.node;
    this.#store = identity.store;
    this.#folders = folders.map(({ path }) => new DataFolder({ path, disk, keepFreeBytes, onFailure }));
  }

  /** The store that the blocks belong to; undefined until a namenode has said it. */
  get store(): StoreId | undefined {
    return this.#store;
  }

  /** Kept in every folder. Throws DataFolderError when the blocks belong to another store. */
  async bind(store: StoreId): Promise<void> {
    if (this.#store === store) return;
    if (this.#store !== undefined) {
      throw new DataFolderError(
        'FOLDER_MISMATCH',
        `the data folders belong to store ${this.#store}, the namenode leads ${store}; give this worker the coordinator of the first, or other folders`,
      );
    }
    this.#store = store;
    try {
      for (const folder of this.inService()) await this.#mark(folder);
    } catch (error) {
      this.#store = undefined;
      throw error;
    }
  }

  #mark(folder: DataFolder): Promise<void> {
    const identity = { node: this.node, store: this.#store };
    return folder.writing(() => writeIdentity(this.#disk, folder.path, identity));
  }

  inService(): readonly DataFolder[] {
    return this.#folders.filter(({ failure }) => !failure);
  }

  /** Those that work, with what their disks have left, most room first. */
  async byRoom(): Promise<readonly { readonly folder: DataFolder; readonly diskFreeBytes: number }[]> {
    const asked = this.inService().map(async (folder) => ({
      folder,
      diskFreeBytes: await folder.diskFreeBytes().catch(() => 0),
    }));
    const folders = (await Promise.all(asked)).filter(({ folder }) => !folder.failure);
    return folders.toSorted((a, b) => b.folder.freeBytes(b.diskFreeBytes) - a.folder.freeBytes(a.diskFreeBytes));
  }

  /** Promises room in the folder that has the most. Throws DiskOutOfSpaceException, and IOException when no folder works. */
  async reserve(bytes: number): Promise<DataFolder> {
    const folders = await this.byRoom();
    if (folders.length === 0) throw new StoreError('IOException', `datanode ${this.node} has no folder that works`);
    // What others reserved since the disks were asked counts; from here on nobody comes between.
    const room = folders.find(({ folder, diskFreeBytes }) => folder.freeBytes(diskFreeBytes) >= bytes);
    if (!room) {
      throw new StoreError('DiskOutOfSpaceException', `datanode ${this.node} has no folder with ${bytes} bytes left`);
    }
    room.folder.reservedBytes += bytes;
    return room.folder;
  }

  async figures(): Promise<FolderFigures> {
    const room = await this.byRoom();
    const free = room.reduce((sum, { folder, diskFreeBytes }) => sum + folder.freeBytes(diskFreeBytes), 0);
    const used = room.reduce((sum, { folder }) => sum + folder.usedBytes, 0);
    const reserved = room.reduce((sum, { folder }) => sum + folder.reservedBytes, 0);
    const failedFolders = this.#folders.length - room.length;
    return { capacityBytes: used + reserved + free, usedBytes: used, freeBytes: free, failedFolders };
  }

  /** For the error of a start that found no folder to serve. */
  get firstFailure(): Error | undefined {
    return this.#folders.find(({ failure }) => failure)?.failure;
  }
}
