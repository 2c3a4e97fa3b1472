/**
 * A checkpoint holds the state after all records up to one, in slices. Numbers are little-endian.
 *
 *     0  magic 'TJCHECK1' (8)   28  sequence of the last record in it (8)
 *     8  CRC-32 of the rest     36  epoch of the last frame in it (4)
 *    12  journal's id (16)      40  CRC of the last frame in it (4)
 *
 * Then of each slice its bytes' count (4), the CRC-32 of these bytes behind all slices before (4), and the bytes. The last has no bytes.
 */

import { crc32 } from 'node:zlib';
import { assert } from '../common/assert.ts';
import type { Disk, DiskFile } from '../common/disk.ts';
import { readSequence, writeSequence } from './frame.ts';
import type { ChainEnd } from './frame.ts';
import { SLICE_BYTES_MAX } from './journal.ts';
import { JOURNAL_ID_BYTES } from './segment.ts';
import type { JournalId } from './segment.ts';

const MAGIC = Buffer.from('TJCHECK1');
const HEADER_BYTES = 44;
const SLICE_HEADER_BYTES = 8;

/** Bytes written between two syncs: what the disk still has in hand delays the sync of every frame. */
const UNSYNCED_BYTES_MAX = 8 * 2 ** 20;

/** Small slices are written together. */
const WRITE_BYTES = 256 * 1024;

/** Returns the bytes written; the caller syncs the last of them. Between slices other work gets its turn: `pause`. */
export async function writeCheckpoint(
  file: DiskFile,
  { id, end }: CheckpointHeader,
  slices: Iterable<Uint8Array>,
  pause: () => Promise<void>,
): Promise<number> {
  const writer = new Writer(file);
  await writer.write(encodeHeader(id, end));
  let crc = 0;
  for (const slice of slices) {
    assert(slice.length <= SLICE_BYTES_MAX, 'a slice of a checkpoint is within its bound');
    if (slice.length === 0) continue;
    crc = crc32(slice, crc);
    await writer.write(sliceHeader(slice.length, crc));
    await writer.write(slice);
    await pause();
  }
  await writer.write(sliceHeader(0, crc));
  return writer.finish();
}

export type CheckpointHeader = { readonly id: JournalId; readonly end: ChainEnd };

/** The header once all slices were read and found whole, or where they are not. `visit` gets them as they are read. */
export async function readCheckpoint(
  disk: Disk,
  path: string,
  visit: (slice: Buffer) => void,
): Promise<{ readonly header: CheckpointHeader } | { readonly damagedAt: number }> {
  const file = await disk.open(path, 'read');
  try {
    const head = Buffer.alloc(HEADER_BYTES);
    const header = (await file.read(0, head)) === HEADER_BYTES ? decodeHeader(head) : undefined;
    if (!header) return { damagedAt: 0 };
    const bytes = await file.bytes();
    const buffer = Buffer.allocUnsafe(Math.min(bytes, SLICE_HEADER_BYTES + SLICE_BYTES_MAX));
    let crc = 0;
    for (let at = HEADER_BYTES; ;) {
      const read = await file.read(at, buffer);
      // As many slices as the buffer holds whole.
      let from = 0;
      for (;;) {
        if (from + SLICE_HEADER_BYTES > read) break;
        const length = buffer.readUInt32LE(from);
        const end = from + SLICE_HEADER_BYTES + length;
        if (end > read) break;
        const slice = buffer.subarray(from + SLICE_HEADER_BYTES, end);
        crc = crc32(slice, crc);
        if (crc !== buffer.readUInt32LE(from + 4)) return { damagedAt: at + from };
        if (length === 0) {
          return at + end === bytes ? { header } : { damagedAt: at + end };
        }
        visit(slice);
        from = end;
      }
      if (from === 0) return { damagedAt: at };
      at += from;
    }
  } finally {
    await file.close();
  }
}

function encodeHeader(id: JournalId, end: ChainEnd): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(bytes);
  id.copy(bytes, 12);
  writeSequence(bytes, end.sequence, 28);
  bytes.writeUInt32LE(end.epoch, 36);
  bytes.writeUInt32LE(end.crc, 40);
  bytes.writeUInt32LE(crc32(bytes.subarray(12)), 8);
  return bytes;
}

function decodeHeader(bytes: Buffer): CheckpointHeader | undefined {
  if (!bytes.subarray(0, 8).equals(MAGIC) || crc32(bytes.subarray(12)) !== bytes.readUInt32LE(8)) return undefined;
  return {
    id: Buffer.from(bytes.subarray(12, 12 + JOURNAL_ID_BYTES)),
    end: { sequence: readSequence(bytes, 28), epoch: bytes.readUInt32LE(36), crc: bytes.readUInt32LE(40) },
  };
}

function sliceHeader(length: number, crc: number): Buffer {
  const bytes = Buffer.allocUnsafe(SLICE_HEADER_BYTES);
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt32LE(crc, 4);
  return bytes;
}

/** Gathers small writes, and syncs as it goes. */
class Writer {
  readonly #file: DiskFile;
  #parts: Uint8Array[] = [];
  #gathered = 0;
  #written = 0;
  #unsynced = 0;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  /** Keeps `bytes` until it has gathered enough. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#parts.push(bytes);
    this.#gathered += bytes.length;
    if (this.#gathered >= WRITE_BYTES) await this.#flush();
  }

  async finish(): Promise<number> {
    await this.#flush();
    return this.#written;
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#gathered = 0;
    await this.#file.write(this.#written, bytes);
    this.#written += bytes.length;
    this.#unsynced += bytes.length;
    if (this.#unsynced < UNSYNCED_BYTES_MAX) return;
    await this.#file.sync();
    this.#unsynced = 0;
  }
}
