/**
 * A replica on its way in: bytes go to a temporary file as they come, their checksums are kept, and nothing counts before `commit`
 * has both files synced and under their names. At most two pieces are in memory.
 */

import { assert } from '../../common/assert.ts';
import { crc32c } from '../../common/crc32c.ts';
import type { Disk, DiskFile } from '../../common/disk.ts';
import { StoreError } from '../network.ts';
import type { Replica } from '../protocol.ts';
import { checksumFileBytes, checksumsOf, encodeChecksums } from './checksum-file.ts';
import type { Checksums } from './checksum-file.ts';
import type { DataFolder } from './data-folder.ts';

export type StoredReplica = Replica & { readonly crc32c: number };

/** Where a block's bytes go. After any error only `abort` may follow; it never throws. */
export type ReplicaSink = {
  /** May return while the piece is still being written; the next call waits for it. */
  readonly write: (piece: Uint8Array) => Promise<void>;
  readonly commit: () => Promise<StoredReplica>;
  readonly abort: () => Promise<void>;
};

/** Checksums of bytes that come in pieces of any size. */
export class ChunkSummer {
  length = 0;
  readonly #chunkBytes: number;
  readonly #chunks: number[] = [];
  #crc = 0;
  #filled = 0;

  constructor(chunkBytes: number) {
    this.#chunkBytes = chunkBytes;
  }

  pass(piece: Uint8Array): void {
    for (let at = 0; at < piece.length;) {
      const part = piece.subarray(at, at + this.#chunkBytes - this.#filled);
      this.#crc = crc32c(part, this.#crc);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#chunkBytes) this.#endChunk();
    }
    this.length += piece.length;
  }

  end(of: Omit<Replica, 'length'>): Checksums {
    if (this.#filled > 0) this.#endChunk();
    return checksumsOf(
      { block: of.block, generation: of.generation, length: this.length },
      this.#chunkBytes,
      this.#chunks,
    );
  }

  #endChunk(): void {
    this.#chunks.push(this.#crc);
    this.#crc = 0;
    this.#filled = 0;
  }
}

export type ReplicaWriterOptions = {
  readonly disk: Disk;
  /** With `reservedBytes` reserved in it already. */
  readonly folder: DataFolder;
  readonly replica: Omit<Replica, 'length'>;
  readonly bytesMax: number;
  readonly chunkBytes: number;
  /** Makes the two synced files a replica, or finds that it is there already. */
  readonly publish: (checksums: Checksums, temporary: TemporaryReplica) => Promise<StoredReplica>;
};

export type TemporaryReplica = { readonly block: string; readonly checksums: string };

/** Room for a block and its checksums. */
export const bytesToReserve = (bytesMax: number, chunkBytes: number): number =>
  bytesMax + checksumFileBytes(bytesMax, chunkBytes);

export class ReplicaWriter implements ReplicaSink {
  readonly #options: ReplicaWriterOptions;
  readonly #file: DiskFile;
  readonly #temporary: TemporaryReplica;
  readonly #summer: ChunkSummer;
  #reserved: number;
  #writing: Promise<void> = Promise.resolve();
  #ended = false;

  static async open(options: ReplicaWriterOptions): Promise<ReplicaWriter> {
    const block = options.folder.temporaryPath(options.replica);
    try {
      const file = await options.folder.writing(() => options.disk.open(block, 'create'));
      return new ReplicaWriter(options, file, block);
    } catch (error) {
      options.folder.reservedBytes -= bytesToReserve(options.bytesMax, options.chunkBytes);
      throw error;
    }
  }

  private constructor(options: ReplicaWriterOptions, file: DiskFile, block: string) {
    this.#options = options;
    this.#file = file;
    this.#temporary = { block, checksums: `${block}.crc` };
    this.#summer = new ChunkSummer(options.chunkBytes);
    this.#reserved = bytesToReserve(options.bytesMax, options.chunkBytes);
  }

  async write(piece: Uint8Array): Promise<void> {
    await this.#writing;
    assert(!this.#ended, 'nothing is written behind the end of a replica');
    const offset = this.#summer.length;
    if (offset + piece.length > this.#options.bytesMax) {
      throw new StoreError(
        'IllegalArgumentException',
        `block ${this.#options.replica.block} is longer than the ${this.#options.bytesMax} bytes that were announced`,
      );
    }
    const { folder } = this.#options;
    this.#writing = folder.writing(async () => {
      await this.#file.write(offset, piece);
      // What is written is missing from the disk's free space now.
      this.#release(piece.length);
    });
    this.#writing.catch(() => undefined);
    this.#summer.pass(piece);
  }

  async commit(): Promise<StoredReplica> {
    const { folder, disk, replica, publish } = this.#options;
    await this.#writing;
    const checksums = this.#summer.end(replica);
    await folder.writing(async () => {
      await Promise.all([this.#file.sync(), writeSynced(disk, this.#temporary.checksums, encodeChecksums(checksums))]);
    });
    const stored = await publish(checksums, this.#temporary);
    await this.#end();
    return stored;
  }

  async abort(): Promise<void> {
    if (this.#ended) return;
    await this.#writing.catch(() => undefined);
    await this.#end();
    const { folder } = this.#options;
    // What cannot be removed now goes at the next start.
    await folder
      .writing(() => folder.removeTemporary(this.#temporary.block, this.#temporary.checksums))
      .catch(() => undefined);
  }

  async #end(): Promise<void> {
    this.#ended = true;
    this.#release(this.#reserved);
    await this.#file.close().catch(() => undefined);
  }

  #release(bytes: number): void {
    const released = Math.min(bytes, this.#reserved);
    this.#reserved -= released;
    this.#options.folder.reservedBytes -= released;
  }
}

/** A write of a block that is there already: its bytes are compared, not stored again. */
export class RepeatedWrite implements ReplicaSink {
  readonly #replica: Replica;
  readonly #summer: ChunkSummer;
  readonly #compare: (checksums: Checksums) => Promise<StoredReplica>;

  constructor(replica: Replica, chunkBytes: number, compare: (checksums: Checksums) => Promise<StoredReplica>) {
    this.#replica = replica;
    this.#summer = new ChunkSummer(chunkBytes);
    this.#compare = compare;
  }

  write(piece: Uint8Array): Promise<void> {
    this.#summer.pass(piece);
    return Promise.resolve();
  }

  commit(): Promise<StoredReplica> {
    return this.#compare(this.#summer.end(this.#replica));
  }

  abort(): Promise<void> {
    return Promise.resolve();
  }
}

export async function writeSynced(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const file = await disk.open(path, 'create');
  try {
    await file.write(0, bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}
