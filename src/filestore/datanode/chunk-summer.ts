import { crc32c } from '../../common/crc32c.ts';
import type { Replica } from '../protocol.ts';
import { checksumsOf } from './checksum-file.ts';
import type { Checksums } from './checksum-file.ts';

/** Checksums of bytes that come in pieces of any size. */
export class ChunkSummer {
  length = 0;
  readonly #chunkBytes: number;
  #chunks: number[] = [];
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

  /** As it is now. */
  copy(): ChunkSummer {
    const copy = new ChunkSummer(this.#chunkBytes);
    copy.length = this.length;
    copy.#chunks = [...this.#chunks];
    copy.#crc = this.#crc;
    copy.#filled = this.#filled;
    return copy;
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
