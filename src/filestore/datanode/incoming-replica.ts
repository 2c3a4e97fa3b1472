/**
 * The files of a replica that is not whole yet: under temporary names, with room reserved for them. Nothing counts before `commit` has
 * both synced and under their names.
 */

import type { Disk, DiskFile } from '../../common/disk.ts';
import type { Replica } from '../protocol.ts';
import { checksumFileBytes, encodeChecksums } from './checksum-file.ts';
import type { Checksums } from './checksum-file.ts';
import type { DataFolder } from './data-folder.ts';

export type StoredReplica = Replica & { readonly crc32c: number };

export type TemporaryReplica = { readonly block: string; readonly checksums: string };

export type IncomingOptions = {
  readonly disk: Disk;
  /** With `bytesToReserve` reserved in it already. */
  readonly folder: DataFolder;
  readonly replica: Omit<Replica, 'length'>;
  readonly bytesMax: number;
  readonly chunkBytes: number;
  /** Makes the two synced files a replica, or finds that it is there already. */
  readonly publish: (checksums: Checksums, temporary: TemporaryReplica) => Promise<StoredReplica>;
};

/** Room for a block and its checksums. */
export const bytesToReserve = (bytesMax: number, chunkBytes: number): number =>
  bytesMax + checksumFileBytes(bytesMax, chunkBytes);

/** After any error only `abort` may follow; it never throws. */
export class IncomingReplica {
  readonly options: IncomingOptions;
  readonly #file: DiskFile;
  readonly #temporary: TemporaryReplica;
  #reserved: number;
  /** By whomever, as far as is known: it is missing from the disk's free space, and no longer reserved. */
  #written = 0;
  #ended = false;

  static async open(options: IncomingOptions): Promise<IncomingReplica> {
    const block = options.folder.temporaryPath(options.replica);
    try {
      const file = await options.folder.writing(() => options.disk.open(block, 'create'));
      return new IncomingReplica(options, file, block);
    } catch (error) {
      options.folder.reservedBytes -= bytesToReserve(options.bytesMax, options.chunkBytes);
      throw error;
    }
  }

  private constructor(options: IncomingOptions, file: DiskFile, block: string) {
    this.options = options;
    this.#file = file;
    this.#temporary = { block, checksums: `${block}.crc` };
    this.#reserved = bytesToReserve(options.bytesMax, options.chunkBytes);
  }

  /** Where the block's bytes are. */
  get path(): string {
    return this.#temporary.block;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  write(offset: number, piece: Uint8Array): Promise<void> {
    return this.options.folder.writing(async () => {
      await this.#file.write(offset, piece);
      this.#hasWritten(offset + piece.length);
    });
  }

  /** So far. */
  bytes(): Promise<number> {
    return this.options.folder.writing(async () => {
      const bytes = await this.#file.bytes();
      this.#hasWritten(bytes);
      return bytes;
    });
  }

  async commit(checksums: Checksums): Promise<StoredReplica> {
    const { folder, disk, publish } = this.options;
    await folder.writing(async () => {
      await Promise.all([this.#file.sync(), writeSynced(disk, this.#temporary.checksums, encodeChecksums(checksums))]);
    });
    const stored = await publish(checksums, this.#temporary);
    await this.#end();
    return stored;
  }

  async abort(): Promise<void> {
    if (this.#ended) return;
    await this.#end();
    const { folder } = this.options;
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

  #hasWritten(bytes: number): void {
    this.#release(Math.max(0, bytes - this.#written));
    this.#written = Math.max(bytes, this.#written);
  }

  #release(bytes: number): void {
    const released = Math.min(bytes, this.#reserved);
    this.#reserved -= released;
    this.options.folder.reservedBytes -= released;
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
