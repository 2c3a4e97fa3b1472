/**
 * Blocks that processes on this machine write into files of the datanode's folders, each taken over once it is written. The writer
 * computes the checksums, as the bytes come to him: nobody reads them again to bless them, so what is damaged between him and the disk
 * shows at the first verification.
 */

import type { Clock } from '../../common/clock.ts';
import { StoreError } from '../network.ts';
import type { AdoptBlock, StageBlock } from '../protocol.ts';
import type { BlockStore } from './block-store.ts';
import { checksumsOf } from './checksum-file.ts';
import type { Checksums } from './checksum-file.ts';
import type { IncomingReplica, StoredReplica } from './incoming-replica.ts';
import { checkNumbers } from './replica-errors.ts';

type Staged = {
  readonly file: IncomingReplica;
  /** When it was looked at last and had grown. */
  bytes: number;
  grownMs: number;
};

export type StagedWritesOptions = {
  readonly store: BlockStore;
  readonly clock: Clock;
  /** How long a writer may add nothing: he is dead then, or as good as that. */
  readonly writerTimeoutMs: number;
};

export class StagedWrites {
  readonly #options: StagedWritesOptions;
  /** By path. */
  readonly #staged = new Map<string, Staged>();
  #isWatching = false;

  constructor(options: StagedWritesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#staged.size;
  }

  async stage({ bytesMax, ...replica }: StageBlock): Promise<IncomingReplica> {
    const { store, clock } = this.#options;
    const file = await store.stage(replica, bytesMax);
    this.#staged.set(file.path, { file, bytes: 0, grownMs: clock.elapsedMs() });
    this.#watch();
    return file;
  }

  /** The file becomes the block: whole and durable, or not at all. Asked again, it is answered by what is there. */
  async adopt({ path, chunks, ...message }: AdoptBlock): Promise<StoredReplica> {
    const { block, generation, length, chunkBytes } = message;
    checkNumbers({ block, generation, length, chunkBytes });
    if (chunks.length !== Math.ceil(length / chunkBytes)) {
      throw new StoreError('IllegalArgumentException', `${chunks.length} checksums are not those of ${length} bytes`);
    }
    for (const crc of chunks) checkNumbers({ crc });
    const checksums = checksumsOf({ block, generation, length }, chunkBytes, chunks);
    const staged = this.#take(path);
    if (!staged) return this.#adoptedBefore(checksums, path);
    const { file } = staged;
    try {
      const { chunkBytes: given, replica } = file.options;
      if (replica.block !== block || replica.generation !== generation || given !== chunkBytes) {
        throw new StoreError('IllegalArgumentException', `${path} is not staged for block ${block}`);
      }
      const bytes = await file.bytes();
      if (bytes !== length) {
        throw new StoreError('ReplicaNotFoundException', `${path} has ${bytes} bytes, not the ${length} of its writer`);
      }
      return await file.commit(checksums);
    } catch (error) {
      await file.abort();
      throw error;
    }
  }

  async drop(path: string): Promise<void> {
    await this.#take(path)?.file.abort();
  }

  /** What their writers have written is reserved no more: the disk's free space lacks it already. */
  async measure(): Promise<void> {
    // A folder that failed has nothing to measure.
    await Promise.all([...this.#staged.values()].map(({ file }) => file.bytes().catch(() => undefined)));
  }

  async close(): Promise<void> {
    for (const path of this.#staged.keys()) await this.drop(path);
  }

  async #adoptedBefore(checksums: Checksums, path: string): Promise<StoredReplica> {
    const there = await this.#options.store.stored(checksums);
    if (there.length === checksums.length && there.crc32c === checksums.crc32c) return there;
    throw new StoreError('ReplicaNotFoundException', `${path} is not staged here`);
  }

  #take(path: string): Staged | undefined {
    const staged = this.#staged.get(path);
    this.#staged.delete(path);
    return staged;
  }

  /** While there is anything to look at. */
  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    const { clock, writerTimeoutMs } = this.#options;
    clock.after(writerTimeoutMs / 4, () => {
      void this.#dropSilent().finally(() => {
        this.#isWatching = false;
        if (this.#staged.size > 0) this.#watch();
      });
    });
  }

  async #dropSilent(): Promise<void> {
    const { clock, writerTimeoutMs } = this.#options;
    for (const [path, staged] of this.#staged) {
      // A folder that failed has nothing to wait for.
      const bytes = await staged.file.bytes().catch(() => undefined);
      if (bytes !== undefined && bytes > staged.bytes) Object.assign(staged, { bytes, grownMs: clock.elapsedMs() });
      const isSilent = clock.elapsedMs() - staged.grownMs >= writerTimeoutMs;
      if (bytes === undefined || isSilent) await this.drop(path);
    }
  }
}
