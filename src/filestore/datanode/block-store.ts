/**
 * The replicas of a datanode on its disks: whole or not there, and verified before anybody is given a byte. It knows nothing of
 * namenodes; what comes, goes, or is found damaged it tells `onChange`.
 */

import type { Clock } from '../../common/clock.ts';
import { diskErrorCode } from '../../common/disk.ts';
import type { Disk } from '../../common/disk.ts';
import type { Logger } from '../../observe/logger.ts';
import { StoreError } from '../network.ts';
import type { Bytes } from '../network.ts';
import type { DatanodeId, Replica, StoreId } from '../protocol.ts';
import { adoptFile } from './adopt.ts';
import { CHUNK_BYTES } from './checksum-file.ts';
import type { Checksums } from './checksum-file.ts';
import type { DataFolder, FoundReplica } from './data-folder.ts';
import { DataFolders } from './data-folders.ts';
import type { FolderFigures } from './data-folders.ts';
import { DataFolderError } from './folder-identity.ts';
import { KeyedLock } from './keyed-lock.ts';
import { readAhead } from './read-ahead.ts';
import { checkNumbers, damaged, notFound } from './replica-errors.ts';
import { DamageError, readChecksums, ReplicaReader } from './replica-reader.ts';
import { keyOf, replicaOf, ReplicaTable } from './replica-table.ts';
import type { Entry, ReplicaKey } from './replica-table.ts';
import { bytesToReserve, RepeatedWrite, ReplicaWriter } from './replica-writer.ts';
import type { ReplicaSink, StoredReplica, TemporaryReplica } from './replica-writer.ts';
import { Verifications } from './verifications.ts';
import type { Verification } from './verifications.ts';

export type BlockStoreOptions = {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn' | 'error'>;
  /** Best on disks of their own. */
  readonly folders: readonly string[];
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
  readonly #verifications: Verifications;
  /** Whole verifications under way: who wants the same block waits for the same one. */
  readonly #verifying = new Map<string, Promise<void>>();
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
      paths: options.folders,
      newNode: options.newNode,
      keepFreeBytes: options.keepFreeBytes ?? 0,
      onFailure: (folder) => {
        options.logger.error({ error: folder.failure, folder: folder.path }, 'a data folder is out of service');
        for (const store of stores) store.#lose(folder);
      },
    });
    const store = new BlockStore(options, folders);
    stores.push(store);
    try {
      for (const folder of folders.inService()) await store.#load(folder);
      if (folders.inService().length === 0) {
        throw new DataFolderError(`no data folder works: ${folders.firstFailure?.message}`);
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
    this.#verifications = new Verifications(options.verifyIntervalMs ?? VERIFY_INTERVAL_MS);
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
    this.#replicas.add({ ...found, folder });
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
    const [disk, chunkBytes] = [this.#options.disk, this.#chunkBytes];
    checkNumbers({ block: replica.block, generation: replica.generation, bytesMax });
    const there = this.#replicas.sound(replica);
    if (there) return new RepeatedWrite(there, chunkBytes, (checksums) => this.#compare(there, checksums));
    const folder = await this.#folders.reserve(bytesToReserve(bytesMax, chunkBytes));
    const publish = (checksums: Checksums, temporary: TemporaryReplica): Promise<StoredReplica> =>
      this.#publish(folder, checksums, temporary);
    return ReplicaWriter.open({ disk, folder, replica, bytesMax, chunkBytes, publish });
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
    const entry = this.#entry(replica);
    const { crc32c } = await this.#judged(entry, () => this.#readChecksums(entry));
    return { ...replicaOf(entry), crc32c };
  }

  /**
   * The bytes of a range, as far as the block goes; verified. Throws ReplicaNotFoundException, and ChecksumException, as does the body.
   * Read it to the end or `return` it.
   */
  async read(
    replica: ReplicaKey,
    offset: number,
    length: number,
  ): Promise<{ readonly length: number; readonly body: Bytes }> {
    checkNumbers({ offset });
    const entry = this.#entry(replica);
    const available = Math.max(0, Math.min(length, entry.length - offset));
    const { reader } = await this.#openReader(entry);
    const pieces = reader.read(offset, available);
    const next = (): Promise<IteratorResult<Uint8Array, void>> => this.#judged(entry, () => pieces.next());
    try {
      // Most reads are short: what is wrong is then said instead of an answer.
      return { length: available, body: readAhead(await next(), next, () => reader.close()) };
    } catch (error) {
      await reader.close();
      throw error;
    }
  }

  /** The block's file, for a reader on this machine, once all of it was verified. It must only read. */
  async verifiedPath(replica: ReplicaKey): Promise<string> {
    const entry = this.#entry(replica);
    const key = keyOf(entry);
    let verifying = this.#verifying.get(key);
    if (!verifying) {
      const now = this.#options.clock.elapsedMs();
      verifying = this.#verifyAll(entry, (verification, chunk) => verification.holds(chunk, now));
      this.#verifying.set(key, verifying);
      const forget = (): void => void this.#verifying.delete(key);
      verifying.then(forget, forget);
    }
    await verifying;
    return entry.folder.blockPath(entry);
  }

  /** Compares every chunk that was not verified since `since`, as fast as `pace` lets it. Throws as a read does. */
  async scrub(replica: ReplicaKey, since: number, pace: (bytes: number) => Promise<void>): Promise<void> {
    const entry = this.#replicas.sound(replica);
    if (!entry) return;
    await this.#verifyAll(entry, (verification, chunk) => verification.verifiedSince(chunk, since), pace);
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

  #entry(replica: ReplicaKey): Entry {
    const entry = this.#replicas.get(replica);
    if (!entry) throw notFound(replica, this.node);
    if (entry.damaged) throw damaged(entry, this.node, 'it was found damaged before');
    return entry;
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
      this.#replicas.add({ ...replica, folder, damaged: false });
      this.#tell('received', replica);
      return { ...replica, crc32c: checksums.crc32c };
    });
  }

  /** A repeated write is answered with what is there, if that is what it brought. */
  async #compare(there: Entry, brought: Checksums): Promise<StoredReplica> {
    const { crc32c, length } = await this.#judged(there, () => this.#readChecksums(there));
    if (length === brought.length && crc32c === brought.crc32c) return { ...replicaOf(there), crc32c };
    throw new StoreError(
      'ReplicaAlreadyExistsException',
      `datanode ${this.node} has other bytes as block ${there.block}, generation ${there.generation}: ${length} of them, not ${brought.length}`,
    );
  }

  #readChecksums(entry: Entry): Promise<Checksums> {
    return readChecksums(this.#options.disk, entry.folder.checksumPath(entry), entry);
  }

  #openReader(entry: Entry): Promise<{ readonly reader: ReplicaReader; readonly verification: Verification }> {
    return this.#judged(entry, async () => {
      const { disk, clock } = this.#options;
      const path = entry.folder.blockPath(entry);
      const checksums = await this.#readChecksums(entry);
      // Asked before the file is opened, so that what changes in between shows the next time.
      const stat = await disk.stat(path);
      if (stat.bytes !== entry.length) throw new DamageError(`its file has ${stat.bytes} bytes, not ${entry.length}`);
      const verification = this.#verifications.of(keyOf(entry), stat, checksums.chunks.length);
      const file = await disk.open(path, 'read');
      return { reader: new ReplicaReader({ clock, file, checksums, verification }), verification };
    });
  }

  /** Until all chunks hold, in the file as it then is. */
  async #verifyAll(
    entry: Entry,
    holds: (verification: Verification, chunk: number) => boolean,
    pace: (bytes: number) => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    for (;;) {
      const { reader, verification } = await this.#openReader(entry);
      try {
        const buffer = Buffer.allocUnsafeSlow(Math.min(reader.chunkBytes, entry.length));
        const open = Array.from({ length: verification.chunks }, (_, chunk) => chunk);
        const missing = open.filter((chunk) => !holds(verification, chunk));
        if (missing.length === 0) return;
        for (const chunk of missing) {
          await pace(buffer.length);
          await this.#judged(entry, () => reader.verify(chunk, buffer));
        }
      } finally {
        await reader.close();
      }
    }
  }

  /** Runs what reads a replica, and draws the consequences of what it finds. */
  async #judged<T>(entry: Entry, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const code = diskErrorCode(error instanceof DamageError ? error.cause : error);
      if (!(error instanceof DamageError) && code === undefined) throw error;
      if (!this.#replicas.has(entry)) throw notFound(entry, this.node, error);
      if (error instanceof DamageError || code === 'EIO' || code === 'ENOENT') {
        this.#condemn(entry, error as Error);
        throw damaged(entry, this.node, (error as Error).message, error);
      }
      throw new StoreError('IOException', `block ${entry.block} cannot be read: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  /** Never served again. It stays until the namenode, which knows of other replicas, orders its removal. */
  #condemn(entry: Entry, error: Error): void {
    if (entry.damaged) return;
    entry.damaged = true;
    this.#verifications.forget(keyOf(entry));
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
    this.#verifications.forget(keyOf(entry));
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
