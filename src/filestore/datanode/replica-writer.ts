/** A replica that comes in piece by piece: its checksums are kept as the bytes pass. At most two pieces are in memory. */

import { assert } from '../../common/assert.ts';
import { StoreError } from '../network.ts';
import type { Replica } from '../protocol.ts';
import type { Checksums } from './checksum-file.ts';
import { ChunkSummer } from './chunk-summer.ts';
import { IncomingReplica } from './incoming-replica.ts';
import type { IncomingOptions, StoredReplica } from './incoming-replica.ts';

/** Where a block's bytes go. After any error only `abort` may follow; it never throws. */
export type ReplicaSink = {
  /** May return while the piece is still being written; the next call waits for it. */
  readonly write: (piece: Uint8Array) => Promise<void>;
  readonly commit: () => Promise<StoredReplica>;
  readonly abort: () => Promise<void>;
};

export class ReplicaWriter implements ReplicaSink {
  readonly #incoming: IncomingReplica;
  readonly #summer: ChunkSummer;
  #writing: Promise<void> = Promise.resolve();

  static async open(options: IncomingOptions): Promise<ReplicaWriter> {
    return new ReplicaWriter(await IncomingReplica.open(options));
  }

  private constructor(incoming: IncomingReplica) {
    this.#incoming = incoming;
    this.#summer = new ChunkSummer(incoming.options.chunkBytes);
  }

  async write(piece: Uint8Array): Promise<void> {
    await this.#writing;
    assert(!this.#incoming.hasEnded, 'nothing is written behind the end of a replica');
    const offset = this.#summer.length;
    const { replica, bytesMax } = this.#incoming.options;
    if (offset + piece.length > bytesMax) {
      throw new StoreError(
        'IllegalArgumentException',
        `block ${replica.block} is longer than the ${bytesMax} bytes that were announced`,
      );
    }
    this.#writing = this.#incoming.write(offset, piece);
    this.#writing.catch(() => undefined);
    this.#summer.pass(piece);
  }

  async commit(): Promise<StoredReplica> {
    await this.#writing;
    return this.#incoming.commit(this.#summer.end(this.#incoming.options.replica));
  }

  async abort(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await this.#incoming.abort();
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
