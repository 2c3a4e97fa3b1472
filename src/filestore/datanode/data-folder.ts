/**
 * One of a datanode's folders, each best on a disk of its own:
 *
 *     datanode.json                       whose folder this is
 *     lock                                held by the process that serves it
 *     incoming/<block>_<generation>.<n>   what is being written; removed at a start
 *     blocks/<xx>/<yy>/<block>_<generation>       a replica, its bytes as they are
 *     blocks/<xx>/<yy>/<block>_<generation>.crc   its checksums; `.bad` instead once it was found damaged
 *
 * `yy` changes every 256 ids and `xx` every 65,536, so that no folder grows to many thousands of names. A replica counts when both
 * files stand under their names, synced, in a synced folder. A block without checksums was never acknowledged, or is damaged.
 */

import path from 'node:path';
import { mapLimited } from '../../common/collections.ts';
import { diskErrorCode } from '../../common/disk.ts';
import type { Disk, DiskName } from '../../common/disk.ts';
import { StoreError } from '../network.ts';
import type { Replica } from '../protocol.ts';

/** Questions about lengths that wait for the disk together, at a start. */
const STATS_AT_ONCE = 32;

/** Errors of the disk that say nothing about its health: the process has too much open, or there is no room. */
const PASSING_CODES = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EINTR']);

export type FoundReplica = Replica & { readonly damaged: boolean };

export class DataFolder {
  readonly path: string;
  /** Bytes of replicas and their checksums. */
  usedBytes = 0;
  /** Promised to blocks that are being written, and not written yet. */
  reservedBytes = 0;
  /** Why the folder is out of service until the next start. */
  failure: Error | undefined;

  readonly #disk: Disk;
  readonly #blocks: string;
  readonly #keepFreeBytes: number;
  readonly #onFailure: (folder: DataFolder) => void;
  /** Folders of blocks whose own names are durable, or about to be. */
  readonly #leaves = new Map<string, Promise<void>>();
  #temporaries = 0;

  constructor(options: { path: string; disk: Disk; keepFreeBytes: number; onFailure: (folder: DataFolder) => void }) {
    this.path = options.path;
    this.#blocks = path.join(options.path, 'blocks');
    this.#disk = options.disk;
    this.#keepFreeBytes = options.keepFreeBytes;
    this.#onFailure = options.onFailure;
  }

  blockPath(replica: Pick<Replica, 'block' | 'generation'>): string {
    return `${this.#leaf(replica.block)}/${replica.block}_${replica.generation}`;
  }

  checksumPath(replica: Pick<Replica, 'block' | 'generation'>): string {
    return `${this.blockPath(replica)}.crc`;
  }

  /** A name that nothing else has. */
  temporaryPath(replica: Pick<Replica, 'block' | 'generation'>): string {
    return path.join(this.path, 'incoming', `${replica.block}_${replica.generation}.${(this.#temporaries += 1)}`);
  }

  /** Out of service: nothing of it is read or written any more. */
  fail(problem: Error): void {
    if (this.failure) return;
    this.failure = problem;
    this.#onFailure(this);
  }

  /**
   * Runs work that writes to the folder. No room is DiskOutOfSpaceException; any other error of the disk ends the folder's service,
   * since nobody knows what a disk kept that failed once.
   */
  async writing<T>(work: () => Promise<T>): Promise<T> {
    this.checkService();
    try {
      return await work();
    } catch (error) {
      const code = diskErrorCode(error);
      if (!(error instanceof Error) || code === undefined) throw error;
      if (code === 'ENOSPC' || code === 'EDQUOT') {
        throw new StoreError('DiskOutOfSpaceException', `no space left in ${this.path}`, { cause: error });
      }
      if (!PASSING_CODES.has(code)) this.fail(error);
      throw this.#refusal(error);
    }
  }

  checkService(): void {
    if (this.failure) throw this.#refusal(this.failure);
  }

  /** What the disk has left, promised or not. */
  diskFreeBytes(): Promise<number> {
    return this.writing(() => this.#disk.freeBytes(this.path));
  }

  /** What more blocks may take, when the disk has `diskFreeBytes` left. */
  freeBytes(diskFreeBytes: number): number {
    return Math.max(0, diskFreeBytes - this.reservedBytes - this.#keepFreeBytes);
  }

  /** The folder of a block, there and durable. */
  async makeLeaf(block: number): Promise<string> {
    const leaf = this.#leaf(block);
    let made = this.#leaves.get(leaf);
    if (!made) {
      made = this.#makeLeaf(leaf);
      this.#leaves.set(leaf, made);
      made.catch(() => this.#leaves.delete(leaf));
    }
    await made;
    return leaf;
  }

  async #makeLeaf(leaf: string): Promise<void> {
    const parent = path.dirname(leaf);
    await makeFolder(this.#disk, parent);
    await makeFolder(this.#disk, leaf);
    await this.#disk.syncFolder(path.dirname(parent));
    await this.#disk.syncFolder(parent);
  }

  /** Two names become a replica. Also replaces a damaged one. */
  async publish(replica: Replica, temporary: { readonly block: string; readonly checksums: string }): Promise<void> {
    const leaf = await this.makeLeaf(replica.block);
    await this.#disk.rename(temporary.block, this.blockPath(replica));
    await this.#disk.rename(temporary.checksums, this.checksumPath(replica));
    await this.#removeIfThere(`${this.blockPath(replica)}.bad`);
    await this.#disk.syncFolder(leaf);
  }

  /** The block first: should the power fail in between, checksums alone are no replica. */
  async unpublish(replica: Pick<Replica, 'block' | 'generation'>): Promise<void> {
    await this.#removeIfThere(this.blockPath(replica));
    await this.#removeIfThere(this.checksumPath(replica));
    await this.#removeIfThere(`${this.blockPath(replica)}.bad`);
  }

  /** A replica without checksums is damaged also for the next start. */
  async condemn(replica: Pick<Replica, 'block' | 'generation'>): Promise<void> {
    try {
      await this.#disk.rename(this.checksumPath(replica), `${this.blockPath(replica)}.bad`);
    } catch (error) {
      if (diskErrorCode(error) !== 'ENOENT') throw error;
    }
    await this.#disk.syncFolder(this.#leaf(replica.block));
  }

  async removeTemporary(...paths: readonly string[]): Promise<void> {
    for (const each of paths) await this.#removeIfThere(each);
  }

  /** What a start finds. Names that a killed process left unsynced become durable before anybody hears of them. */
  async scan(): Promise<readonly FoundReplica[]> {
    const incoming = path.join(this.path, 'incoming');
    await makeFolder(this.#disk, incoming);
    await makeFolder(this.#disk, this.#blocks);
    await this.#disk.syncFolder(this.path);
    for (const { name, kind } of await this.#disk.list(incoming)) {
      if (kind === 'file') await this.#disk.remove(path.join(incoming, name));
    }
    const found: FoundReplica[] = [];
    for (const parent of await this.#subfolders(this.#blocks)) {
      for (const leaf of await this.#subfolders(parent)) {
        found.push(...(await this.#scanLeaf(leaf)));
        this.#leaves.set(leaf, Promise.resolve());
      }
    }
    return found;
  }

  async #subfolders(folder: string): Promise<readonly string[]> {
    await this.#disk.syncFolder(folder);
    const names = await this.#disk.list(folder);
    return names
      .filter(({ name, kind }) => kind === 'folder' && /^[0-9a-f]{2}$/.test(name))
      .map(({ name }) => path.join(folder, name));
  }

  async #scanLeaf(leaf: string): Promise<readonly FoundReplica[]> {
    await this.#disk.syncFolder(leaf);
    const names = await this.#disk.list(leaf);
    const files = new Set(names.filter(({ kind }) => kind === 'file').map(({ name }) => name));
    for (const name of files) {
      const block = /^(\d+_\d+)\.(?:crc|bad)$/.exec(name)?.[1];
      if (block !== undefined && !files.has(block)) await this.#disk.remove(path.join(leaf, name));
    }
    const replicas = names.flatMap((entry) => parseName(entry) ?? []);
    return mapLimited(replicas, STATS_AT_ONCE, async ({ name, block, generation }) => {
      const { bytes } = await this.#disk.stat(path.join(leaf, name));
      const damaged = !files.has(`${name}.crc`) || files.has(`${name}.bad`);
      return { block, generation, length: bytes, damaged };
    });
  }

  #leaf(block: number): string {
    return `${this.#blocks}/${hexByte(block / 65_536)}/${hexByte(block / 256)}`;
  }

  async #removeIfThere(file: string): Promise<void> {
    try {
      await this.#disk.remove(file);
    } catch (error) {
      if (diskErrorCode(error) !== 'ENOENT') throw error;
    }
  }

  #refusal(cause: Error): StoreError {
    return new StoreError('IOException', `the disk under ${this.path} failed: ${cause.message}`, { cause });
  }
}

function parseName({ name, kind }: DiskName): { name: string; block: number; generation: number } | undefined {
  const match = kind === 'file' ? /^(\d+)_(\d+)$/.exec(name) : undefined;
  return match ? { name, block: Number(match[1]), generation: Number(match[2]) } : undefined;
}

const hexByte = (number: number): string => (Math.floor(number) % 256).toString(16).padStart(2, '0');

async function makeFolder(disk: Disk, folder: string): Promise<void> {
  try {
    await disk.mkdir(folder);
  } catch (error) {
    if (diskErrorCode(error) !== 'EEXIST') throw error;
  }
}
