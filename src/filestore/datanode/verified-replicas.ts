/**
 * The replicas as they are read: every byte is compared with its checksum before anybody is given it. What does not fit is told to
 * `condemn`, and never served again.
 */

import type { Clock } from '../../common/clock.ts';
import { diskErrorCode } from '../../common/disk.ts';
import type { Disk, DiskStat } from '../../common/disk.ts';
import { StoreError } from '../network.ts';
import type { Bytes } from '../network.ts';
import type { DatanodeId } from '../protocol.ts';
import type { Checksums } from './checksum-file.ts';
import type { StoredReplica } from './incoming-replica.ts';
import { readAhead } from './read-ahead.ts';
import { checkNumbers, damaged, notFound } from './replica-errors.ts';
import { DamageError, readChecksums, ReplicaReader } from './replica-reader.ts';
import { keyOf, replicaOf } from './replica-table.ts';
import type { Entry, ReplicaKey, ReplicaTable } from './replica-table.ts';
import { Verifications } from './verifications.ts';
import type { Verification } from './verifications.ts';

export type VerifiedReplicasOptions = {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly node: DatanodeId;
  readonly replicas: ReplicaTable;
  /** How long verified bytes are believed. */
  readonly intervalMs: number;
  readonly condemn: (entry: Entry, error: Error) => void;
};

/** A replica's own file, for readers on this machine. They must only read. */
export type ReplicaFile = { readonly path: string; readonly inode: number; readonly checksums: Checksums };

/**
 * What of a replica is compared before its file is named: nothing, as the reader compares each chunk himself; all that was not verified
 * within the interval, in the file as it is; or all of it, whatever is believed.
 */
export type Verify = 'none' | 'due' | 'anew';

export class VerifiedReplicas {
  readonly #options: VerifiedReplicasOptions;
  readonly #verifications: Verifications;
  /** Whole verifications under way: who wants the same block waits for the same one. */
  readonly #verifying = new Map<string, Promise<void>>();

  constructor(options: VerifiedReplicasOptions) {
    this.#options = options;
    this.#verifications = new Verifications(options.intervalMs);
  }

  /** Its length and checksum as they were when it came; its bytes are not read. */
  async stored(entry: Entry): Promise<StoredReplica> {
    const { crc32c } = await this.#judged(entry, () => this.#readChecksums(entry));
    return { crc32c, ...replicaOf(entry) };
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
    const entry = this.entry(replica);
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

  /** Throws as a read does. */
  async file(replica: ReplicaKey, verify: Verify): Promise<ReplicaFile> {
    const entry = this.entry(replica);
    if (verify === 'anew') this.#verifications.forget(keyOf(entry));
    if (verify !== 'none') await this.#verifyOnce(entry);
    return this.#judged(entry, async () => {
      const checksums = await this.#readChecksums(entry);
      const { inode } = await this.#stat(entry);
      return { path: entry.folder.blockPath(entry), inode, checksums };
    });
  }

  /** Compares every chunk that was not verified since `since`, as fast as `pace` lets it. Throws as a read does. */
  async scrub(replica: ReplicaKey, since: number, pace: (bytes: number) => Promise<void>): Promise<void> {
    const entry = this.#options.replicas.sound(replica);
    if (!entry) return;
    await this.#verifyAll(entry, (verification, chunk) => verification.verifiedSince(chunk, since), pace);
  }

  /** What may be served; throws when there is none. */
  entry(replica: ReplicaKey): Entry {
    const { replicas, node } = this.#options;
    const entry = replicas.get(replica);
    if (!entry) throw notFound(replica, node);
    if (entry.damaged) throw damaged(entry, node, 'it was found damaged before');
    return entry;
  }

  forget(replica: ReplicaKey): void {
    this.#verifications.forget(keyOf(replica));
  }

  #readChecksums(entry: Entry): Promise<Checksums> {
    return readChecksums(this.#options.disk, entry.folder.checksumPath(entry), entry);
  }

  async #stat(entry: Entry): Promise<DiskStat> {
    const stat = await this.#options.disk.stat(entry.folder.blockPath(entry));
    if (stat.bytes !== entry.length) throw new DamageError(`its file has ${stat.bytes} bytes, not ${entry.length}`);
    return stat;
  }

  #openReader(entry: Entry): Promise<{ readonly reader: ReplicaReader; readonly verification: Verification }> {
    return this.#judged(entry, async () => {
      const { disk, clock } = this.#options;
      const checksums = await this.#readChecksums(entry);
      // Asked before the file is opened, so that what changes in between shows the next time.
      const stat = await this.#stat(entry);
      const verification = this.#verifications.of(keyOf(entry), stat, checksums.chunks.length);
      const file = await disk.open(entry.folder.blockPath(entry), 'read');
      return { reader: new ReplicaReader({ clock, file, checksums, verification }), verification };
    });
  }

  #verifyOnce(entry: Entry): Promise<void> {
    const key = keyOf(entry);
    let verifying = this.#verifying.get(key);
    if (!verifying) {
      const now = this.#options.clock.elapsedMs();
      verifying = this.#verifyAll(entry, (verification, chunk) => verification.holds(chunk, now));
      this.#verifying.set(key, verifying);
      const forget = (): void => void this.#verifying.delete(key);
      verifying.then(forget, forget);
    }
    return verifying;
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
    const { replicas, node, condemn } = this.#options;
    try {
      return await work();
    } catch (error) {
      const code = diskErrorCode(error instanceof DamageError ? error.cause : error);
      if (!(error instanceof DamageError) && code === undefined) throw error;
      if (!replicas.has(entry)) throw notFound(entry, node, error);
      if (error instanceof DamageError || code === 'EIO' || code === 'ENOENT') {
        condemn(entry, error as Error);
        throw damaged(entry, node, (error as Error).message, error);
      }
      throw new StoreError('IOException', `block ${entry.block} cannot be read: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}
