/**
 * A frame is what one group commit writes: the records that were waiting, under one checksum. Numbers are little-endian.
 *
 *     0  magic 'TJFR'                     20  epoch (4)
 *     4  CRC-32 of the header's rest (4)  24  sequence of its first record (8)
 *     8  CRC-32 of the payload (4)        32  records (4)
 *    12  payload's bytes (4)              36  kind (4)
 *    16  header CRC of the frame          40  payload: of each record its bytes' count (4)
 *        before (4)                           and its bytes
 *
 * The header's checksum covers the payload's. It starts from the journal's own secret number, so that no bytes of a record can pass for a
 * frame. The checksum of the frame before makes a chain: a frame stands for the whole history that led to it.
 */

import { crc32 } from 'node:zlib';
import { assert } from '../common/assert.ts';
import { RECORD_BYTES_MAX } from './journal.ts';

const MAGIC = Buffer.from('TJFR');

export const FRAME_HEADER_BYTES = 40;
/** Of each record in a payload. */
export const RECORD_HEADER_BYTES = 4;

/** A group's payload ends here: the time to write it bounds how long the next records wait. */
export const PAYLOAD_BYTES_MAX = 4 * RECORD_BYTES_MAX;

/**
 * `opened` begins an epoch. `sealed` ends a segment: another follows. `closed` says that the writer went in order. They hold no records,
 * but `opened` holds random bytes, by which two histories of one epoch differ.
 */
export type FrameKind = 'records' | 'opened' | 'sealed' | 'closed';
const KINDS: readonly FrameKind[] = ['records', 'opened', 'sealed', 'closed'];

export type FrameHeader = {
  readonly kind: FrameKind;
  readonly epoch: number;
  /** Of its first record; of the next record when it holds none. */
  readonly sequence: number;
  readonly records: number;
  readonly previousCrc: number;
  readonly crc: number;
  readonly payloadCrc: number;
  readonly payloadBytes: number;
};

export type Frame = FrameHeader & { readonly payload: Buffer };

/** Where a history stands: what the next frame must follow. */
export type ChainEnd = {
  readonly epoch: number;
  /** Of the last record. */
  readonly sequence: number;
  readonly crc: number;
};

export const frameBytes = (frame: FrameHeader): number => FRAME_HEADER_BYTES + frame.payloadBytes;

export const endOf = ({ epoch, sequence, records, crc }: FrameHeader): ChainEnd => ({
  epoch,
  sequence: sequence + records - 1,
  crc,
});

export type FrameContent = {
  readonly kind: FrameKind;
  readonly epoch: number;
  readonly payload: readonly Uint8Array[];
};

/** The bytes of the frame that follows `after`; a payload of kind `records` has one item a record. */
export function encodeFrame(content: FrameContent, after: ChainEnd, seed: number): { bytes: Buffer; end: ChainEnd } {
  const { kind, epoch, payload } = content;
  const records = kind === 'records' ? payload.length : 0;
  const length = payload.reduce((sum, { length }) => sum + length, RECORD_HEADER_BYTES * records);
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES + length);
  MAGIC.copy(bytes);
  let at = FRAME_HEADER_BYTES;
  for (const item of payload) {
    if (kind === 'records') at = bytes.writeUInt32LE(item.length, at);
    bytes.set(item, at);
    at += item.length;
  }
  assert(at === bytes.length, 'a frame is as long as it says');
  bytes.writeUInt32LE(crc32(bytes.subarray(FRAME_HEADER_BYTES)), 8);
  bytes.writeUInt32LE(length, 12);
  bytes.writeUInt32LE(after.crc, 16);
  bytes.writeUInt32LE(epoch, 20);
  writeSequence(bytes, after.sequence + 1, 24);
  bytes.writeUInt32LE(records, 32);
  bytes.writeUInt32LE(KINDS.indexOf(kind), 36);
  const crc = crc32(bytes.subarray(8, FRAME_HEADER_BYTES), seed);
  bytes.writeUInt32LE(crc, 4);
  return { bytes, end: { epoch, sequence: after.sequence + records, crc } };
}

/** The frame at `offset`; undefined when there is none, or not a whole one as it was written. */
export function frameAt(bytes: Buffer, offset: number, seed: number): Frame | undefined {
  const header = headerAt(bytes, offset, seed);
  if (!header) return undefined;
  const start = offset + FRAME_HEADER_BYTES;
  const payload = bytes.subarray(start, start + header.payloadBytes);
  if (payload.length !== header.payloadBytes || crc32(payload) !== header.payloadCrc) return undefined;
  return { payload, ...header };
}

function headerAt(bytes: Buffer, offset: number, seed: number): FrameHeader | undefined {
  const end = offset + FRAME_HEADER_BYTES;
  if (end > bytes.length || MAGIC.compare(bytes, offset, offset + MAGIC.length) !== 0) return undefined;
  const crc = bytes.readUInt32LE(offset + 4);
  if (crc32(bytes.subarray(offset + 8, end), seed) !== crc) return undefined;
  return {
    kind: KINDS[bytes.readUInt32LE(offset + 36)]!,
    epoch: bytes.readUInt32LE(offset + 20),
    sequence: readSequence(bytes, offset + 24),
    records: bytes.readUInt32LE(offset + 32),
    previousCrc: bytes.readUInt32LE(offset + 16),
    crc,
    payloadCrc: bytes.readUInt32LE(offset + 8),
    payloadBytes: bytes.readUInt32LE(offset + 12),
  };
}

/** The headers of frames that begin at `from` or anywhere behind it. Their payloads may be torn. */
export function* findHeaders(bytes: Buffer, from: number, seed: number): Generator<FrameHeader & { offset: number }> {
  for (let at = bytes.indexOf(MAGIC, from); at >= 0; at = bytes.indexOf(MAGIC, at + 1)) {
    const header = headerAt(bytes, at, seed);
    if (header) yield { offset: at, ...header };
  }
}

export function* recordsOf(frame: Frame): Generator<Buffer> {
  let at = 0;
  for (let i = 0; i < frame.records; i++) {
    const start = at + RECORD_HEADER_BYTES;
    at = start + frame.payload.readUInt32LE(at);
    yield frame.payload.subarray(start, at);
  }
}

/** Eight bytes; sequences stay below 2^53. */
export function writeSequence(bytes: Buffer, sequence: number, offset: number): void {
  bytes.writeUInt32LE(sequence % 2 ** 32, offset);
  bytes.writeUInt32LE(Math.floor(sequence / 2 ** 32), offset + 4);
}

export const readSequence = (bytes: Buffer, offset: number): number =>
  bytes.readUInt32LE(offset) + bytes.readUInt32LE(offset + 4) * 2 ** 32;
