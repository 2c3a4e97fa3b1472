/**
 * The replicas of a datanode on its disks: whole or not there, and verified before anybody is given a byte (`verified-replicas.ts`). It
 * knows nothing of namenodes; what comes, goes, or is found damaged it tells `onChange`.
 */

import type { Clock } from '../../common/clock.ts';
import type { Disk } from '../../common/disk.ts';
import type { Logger } from '../../observe/logger.ts';
import { StoreError } from '../network.ts';
import type { DatanodeId, Replica, StoreId } from '../protocol.ts';
import { adoptFile } from './adopt.ts';
import { CHUNK_BYTES } from './checksum-file.ts';
import type { Checksums } from './checksum-file.ts';
import type { DataFolder, FoundReplica } from './data-folder.ts';
import { DataFolders } from './data-folders.ts';
import type { FolderFigures } from './data-folders.ts';
import { DataFolderError } from './folder-errors.ts';
import type { OpenedFolders } from './open-folders.ts';
import { KeyedLock } from './keyed-lock.ts';
import { checkNumbers, notFound } from './replica-errors.ts';
import { keyOf, replicaOf, ReplicaTable } from './replica-table.ts';
import type { Entry, ReplicaKey } from './replica-table.ts';
import { bytesToReserve, IncomingReplica } from './incoming-replica.ts';
import type { IncomingOptions, StoredReplica, TemporaryReplica } from './incoming-replica.ts';
import { RepeatedWrite, ReplicaWriter } from './replica-writer.ts';
import type { ReplicaSink } from './replica-writer.ts';
import { VerifiedReplicas } from './verified-replicas.ts';
import type { ReplicaFile, Verify } from './verified-replicas.ts';

export type BlockStoreOptions = {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn' | 'error'>;
  /** Best on disks of their own; paths, or folders that the caller has taken, who lets them go after. */
  readonly folders: readonly string[] | OpenedFolders;
  /** For a datanode whose folders are all new. */
  readonly newNode: () => DatanodeId;
  readonly onChange: (change: ReplicaChange) => void;
  /** Of each folder's disk, not for blocks. */
  readonly keepFreeBytes?: number;
  /** How long verified bytes are believed. */
  readonly verifyIntervalMs?: number;
  readonly chunkBytes?: number;
};

/** `deleted`: also what was lost with its folder. */
export type ReplicaChange = { readonly kind: 'received' | 'deleted' | 'corrupt'; readonly replica: Replica };

/** Bits that flip on a disk after a verification are served for an hour at most; 100 GB that are always in use cost 28 MB/s. */
const VERIFY_INTERVAL_MS = 3_600_000;

export class BlockStore {
  readonly #options: BlockStoreOptions;
  readonly #chunkBytes: number;
  readonly #folders: DataFolders;
  readonly #lock = new KeyedLock();
  readonly #replicas: ReplicaTable;
  readonly #verified: VerifiedReplicas;
  /** Work that nobody waits for but `close`. */
  readonly #background = new Set<Promise<void>>();
  /** Before and after that nobody listens. */
  #serving = false;

  /** Throws DataFolderError when the folders are not ours, and when none is left that works. */
  static async open(options: BlockStoreOptions): Promise<BlockStore> {
    // A folder that fails before there is a store has nothing to lose.
    const stores: BlockStore[] = [];
    const folders = await DataFolders.open({
      disk: options.disk,
      folders: options.folders,
      newNode: options.newNode,
      keepFreeBytes: options.keepFreeBytes ?? 0,
      onFailure: (folder) => {
        options.logger.error(
          { problem: folder.failure?.message, folder: folder.path },
          'a data folder is out of service',
        );
        for (const store of stores) store.#lose(folder);
      },
    });
    const store = new BlockStore(options, folders);
    stores.push(store);
    try {
      for (const folder of folders.inService()) await store.#load(folder);
      if (folders.inService().length === 0) {
        throw new DataFolderError(
          'FOLDER_FAILED',
          `no data folder works: ${folders.firstFailure?.message}; mend one, or name another one`,
        );
      }
      store.#serving = true;
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  private constructor(options: BlockStoreOptions, folders: DataFolders) {
    this.#options = options;
    this.#chunkBytes = options.chunkBytes ?? CHUNK_BYTES;
    this.#folders = folders;
    this.#replicas = new ReplicaTable(this.#chunkBytes);
    this.#verified = new VerifiedReplicas({
      disk: options.disk,
      clock: options.clock,
      node: folders.node,
      replicas: this.#replicas,
      intervalMs: options.verifyIntervalMs ?? VERIFY_INTERVAL_MS,
      condemn: (entry, error) => this.#condemn(entry, error),
    });
  }

  async #load(folder: DataFolder): Promise<void> {
    const load = async (): Promise<void> => {
      for (const replica of await folder.scan()) await this.#enterFound(folder, replica);
    };
    // A folder that fails is out of service by that.
    await folder.writing(load).catch((error: unknown) => {
      if (!folder.failure) throw error;
    });
  }

  /** A block that stands in two folders was being replaced: the sound one is kept. */
  async #enterFound(folder: DataFolder, found: FoundReplica): Promise<void> {
    const other = this.#replicas.get(found);
    if (other && (found.damaged || !other.damaged)) return folder.unpublish(found);
    if (other) {
      this.#leave(other);
      await other.folder.unpublish(other);
    }
    this.#replicas.add({ folder, ...found });
  }

  get node(): DatanodeId {
    return this.#folders.node;
  }

  /** The store that the blocks belong to; undefined until a namenode has said it. */
  get store(): StoreId | undefined {
    return this.#folders.store;
  }

  /** Kept in every folder. Throws DataFolderError when the blocks belong to another store. */
  bind(store: StoreId): Promise<void> {
    return this.#folders.bind(store);
  }

  /** What is served, and what is there but damaged. */
  replicas(): { readonly sound: readonly Replica[]; readonly corrupt: readonly Replica[] } {
    const entries = this.#replicas.all();
    return {
      sound: entries.filter(({ damaged: bad }) => !bad).map(replicaOf),
      corrupt: entries.filter(({ damaged: bad }) => bad).map(replicaOf),
    };
  }

  /** Reserves the room first: throws DiskOutOfSpaceException. The sink must be committed or aborted. */
  async create(replica: ReplicaKey, bytesMax: number): Promise<ReplicaSink> {
    checkNumbers({ block: replica.block, generation: replica.generation, bytesMax });
    const there = this.#replicas.sound(replica);
    if (there) return new RepeatedWrite(there, this.#chunkBytes, (checksums) => this.#compare(there, checksums));
    return ReplicaWriter.open(await this.#reserved(replica, bytesMax));
  }

  /** A file that a process on this machine writes itself. Reserves the room first, and must be committed or aborted, as a sink. */
  async stage(replica: ReplicaKey, bytesMax: number): Promise<IncomingReplica> {
    checkNumbers({ block: replica.block, generation: replica.generation, bytesMax });
    return IncomingReplica.open(await this.#reserved(replica, bytesMax));
  }

  async #reserved(replica: ReplicaKey, bytesMax: number): Promise<IncomingOptions> {
    const [disk, chunkBytes] = [this.#options.disk, this.#chunkBytes];
    const folder = await this.#folders.reserve(bytesToReserve(bytesMax, chunkBytes));
    const publish = (checksums: Checksums, temporary: TemporaryReplica): Promise<StoredReplica> =>
      this.#publish(folder, checksums, temporary);
    return { disk, folder, replica, bytesMax, chunkBytes, publish };
  }

  /**
   * Makes a block of a file that was written beside the datanode: synced, checksummed, linked. The file may be removed after; it must
   * not be written to any more.
   */
  async adopt(replica: ReplicaKey, path: string): Promise<StoredReplica> {
    checkNumbers(replica);
    const folders = this.#replicas.sound(replica) ? [] : await this.#folders.byRoom();
    return adoptFile({
      disk: this.#options.disk,
      path,
      replica,
      chunkBytes: this.#chunkBytes,
      folders: folders.map(({ folder }) => folder),
      publish: (folder, checksums, temporary) => this.#publish(folder, checksums, temporary),
      create: (bytesMax) => this.create(replica, bytesMax),
    });
  }

  /** Its length and checksum as they were when it came; its bytes are not read. */
  async stored(replica: ReplicaKey): Promise<StoredReplica> {
    return this.#verified.stored(this.#verified.entry(replica));
  }

  /** A range of it, verified. */
  read(...range: Parameters<VerifiedReplicas['read']>): ReturnType<VerifiedReplicas['read']> {
    return this.#verified.read(...range);
  }

  /** The block's file, for a reader on this machine. */
  file(replica: ReplicaKey, verify: Verify): Promise<ReplicaFile> {
    return this.#verified.file(replica, verify);
  }

  /** The block's file, once all of it was verified. */
  async verifiedPath(replica: ReplicaKey): Promise<string> {
    return (await this.#verified.file(replica, 'due')).path;
  }

  scrub(...pass: Parameters<VerifiedReplicas['scrub']>): Promise<void> {
    return this.#verified.scrub(...pass);
  }

  /** What a change would say of the replica now. */
  find(replica: ReplicaKey): ReplicaChange | undefined {
    const entry = this.#replicas.get(replica);
    return entry && { kind: entry.damaged ? 'corrupt' : 'received', replica: replicaOf(entry) };
  }

  /**
   * Gone from service at once, then from the disk, unless `may` says, once nobody else is at its files, that it is to stay. Told also
   * when it was not there, so that the namenode asks no more.
   */
  delete(replica: ReplicaKey, may: () => boolean = () => true): Promise<void> {
    return this.#lock.run(keyOf(replica), async () => {
      const entry = this.#replicas.get(replica);
      if (entry && !may()) return;
      if (entry) {
        this.#leave(entry);
        try {
          await entry.folder.writing(() => entry.folder.unpublish(entry));
        } catch (error) {
          // If the folder failed, it is gone with it; if not, the next start finds the replica again and reports it.
          this.#options.logger.warn({ error, ...replicaOf(entry) }, 'a replica could not be removed');
        }
      }
      this.#tell('deleted', entry ?? { block: replica.block, generation: replica.generation, length: 0 });
    });
  }

  figures(): Promise<FolderFigures> {
    return this.#folders.figures();
  }

  async close(): Promise<void> {
    this.#serving = false;
    while (this.#background.size > 0) await Promise.all(this.#background);
    await this.#folders.unlock();
  }

  /** Two synced files become a replica, unless it came by another way meanwhile. */
  #publish(folder: DataFolder, checksums: Checksums, temporary: TemporaryReplica): Promise<StoredReplica> {
    const replica = replicaOf(checksums);
    return this.#lock.run(keyOf(replica), async () => {
      const there = this.#replicas.get(replica);
      if (there && !there.damaged) {
        const stored = await this.#compare(there, checksums);
        await folder.writing(() => folder.removeTemporary(temporary.block, temporary.checksums));
        return stored;
      }
      try {
        await folder.writing(() => folder.publish(replica, temporary));
      } catch (error) {
        await folder.writing(() => folder.unpublish(replica)).catch(() => undefined);
        if (there?.folder === folder && this.#leave(there)) this.#tell('deleted', there);
        throw error;
      }
      // It may have failed under another's hands while this one waited.
      folder.checkService();
      if (there && this.#leave(there) && there.folder !== folder) {
        await there.folder.writing(() => there.folder.unpublish(there)).catch(() => undefined);
      }
      this.#replicas.add({ folder, damaged: false, ...replica });
      this.#tell('received', replica);
      return { crc32c: checksums.crc32c, ...replica };
    });
  }

  /** A repeated write is answered with what is there, if that is what it brought, and is not on its way out by now. */
  async #compare(there: Entry, brought: Checksums): Promise<StoredReplica> {
    const stored = await this.#verified.stored(there);
    if (this.#verified.entry(there) !== there) throw notFound(there, this.node);
    const { crc32c, length } = stored;
    if (length === brought.length && crc32c === brought.crc32c) return stored;
    throw new StoreError(
      'ReplicaAlreadyExistsException',
      `datanode ${this.node} has other bytes as block ${there.block}, generation ${there.generation}: ${length} of them, not ${brought.length}`,
    );
  }

  /** Never served again. It stays until the namenode, which knows of other replicas, orders its removal. */
  #condemn(entry: Entry, error: Error): void {
    if (entry.damaged) return;
    entry.damaged = true;
    this.#verified.forget(entry);
    this.#options.logger.error({ error, ...replicaOf(entry) }, 'a replica is damaged');
    this.#tell('corrupt', entry);
    // It is also a test of the folder: one that cannot be written any more goes out of service by it.
    this.#inBackground(() =>
      this.#lock.run(keyOf(entry), async () => {
        if (!this.#replicas.has(entry)) return;
        await entry.folder.writing(() => entry.folder.condemn(entry));
      }),
    );
  }

  /** Every replica of a folder that failed is lost; the others go on. */
  #lose(folder: DataFolder): void {
    for (const entry of this.#replicas.all().filter((each) => each.folder === folder)) {
      this.#leave(entry);
      this.#tell('deleted', entry);
    }
  }

  /** False when it was not there any more. */
  #leave(entry: Entry): boolean {
    this.#verified.forget(entry);
    return this.#replicas.remove(entry);
  }

  #tell(kind: ReplicaChange['kind'], replica: Replica): void {
    if (this.#serving) this.#options.onChange({ kind, replica: replicaOf(replica) });
  }

  #inBackground(work: () => Promise<void>): void {
    // What fails has been told where it failed.
    const running = work().catch(() => undefined);
    this.#background.add(running);
    void running.then(() => this.#background.delete(running));
  }
}
