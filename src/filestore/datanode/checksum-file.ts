/**
 * The checksums of a block, in a file beside it. Numbers are little-endian:
 *
 * | at | bytes | |
 * |---|---|---|
 * | 0 | 8 | `TUTTICRC` |
 * | 8 | 4 | version of this format: 1 |
 * | 12 | 4 | bytes of a chunk |
 * | 16 | 8 | block id |
 * | 24 | 8 | generation |
 * | 32 | 8 | length of the block |
 * | 40 | 4 | CRC-32C of the whole block |
 * | 44 | 4 each | CRC-32C of each chunk; the last one may be shorter |
 * | end | 4 | CRC-32C of everything before |
 *
 * Id, generation and length are inside, so that checksums are never taken for those of another block, whatever became of the names.
 */

import { assert } from '../../common/assert.ts';
import { compositeCrc32c, crc32c } from '../../common/crc32c.ts';
import type { Replica } from '../protocol.ts';

/** Bytes under one checksum: a small read costs at most this much verification, and a block of 128 MB has 1 KB of checksums. */
export const CHUNK_BYTES = 512 * 1024;

export type Checksums = Replica & {
  readonly chunkBytes: number;
  readonly chunks: Uint32Array;
  /** Of the whole block. */
  readonly crc32c: number;
};

const MAGIC = Buffer.from('TUTTICRC');
const VERSION = 1;
const HEADER_BYTES = 44;

const chunksIn = (length: number, chunkBytes: number): number => Math.ceil(length / chunkBytes);

export const checksumFileBytes = (length: number, chunkBytes: number): number =>
  HEADER_BYTES + 4 * chunksIn(length, chunkBytes) + 4;

/** Bytes of the chunk with this index. */
export const chunkLength = ({ length, chunkBytes }: Checksums, chunk: number): number =>
  Math.min(chunkBytes, length - chunk * chunkBytes);

/** The whole block's checksum follows from those of its chunks. */
export function checksumsOf(replica: Replica, chunkBytes: number, chunks: readonly number[]): Checksums {
  assert(chunks.length === chunksIn(replica.length, chunkBytes), 'every chunk of a block has a checksum');
  const parts = chunks.map((crc, i) => ({
    crc32c: crc,
    length: Math.min(chunkBytes, replica.length - i * chunkBytes),
  }));
  return { chunkBytes, chunks: Uint32Array.from(chunks), crc32c: compositeCrc32c(parts), ...replica };
}

export function encodeChecksums(checksums: Checksums): Buffer {
  const bytes = Buffer.alloc(checksumFileBytes(checksums.length, checksums.chunkBytes));
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(VERSION, 8);
  bytes.writeUInt32LE(checksums.chunkBytes, 12);
  bytes.writeBigUInt64LE(BigInt(checksums.block), 16);
  bytes.writeBigUInt64LE(BigInt(checksums.generation), 24);
  bytes.writeBigUInt64LE(BigInt(checksums.length), 32);
  bytes.writeUInt32LE(checksums.crc32c, 40);
  checksums.chunks.forEach((crc, i) => bytes.writeUInt32LE(crc, HEADER_BYTES + 4 * i));
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, -4)), bytes.length - 4);
  return bytes;
}

/** Undefined when the bytes are damaged, or are no checksums at all. */
export function decodeChecksums(bytes: Buffer): Checksums | undefined {
  if (bytes.length < HEADER_BYTES + 4) return undefined;
  if (crc32c(bytes.subarray(0, -4)) !== bytes.readUInt32LE(bytes.length - 4)) return undefined;
  if (!bytes.subarray(0, 8).equals(MAGIC) || bytes.readUInt32LE(8) !== VERSION) return undefined;
  const chunkBytes = bytes.readUInt32LE(12);
  const length = Number(bytes.readBigUInt64LE(32));
  if (chunkBytes === 0 || bytes.length !== checksumFileBytes(length, chunkBytes)) return undefined;
  return {
    block: Number(bytes.readBigUInt64LE(16)),
    generation: Number(bytes.readBigUInt64LE(24)),
    length,
    chunkBytes,
    chunks: Uint32Array.from({ length: chunksIn(length, chunkBytes) }, (_, i) =>
      bytes.readUInt32LE(HEADER_BYTES + 4 * i),
    ),
    crc32c: bytes.readUInt32LE(40),
  };
}
