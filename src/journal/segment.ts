/**
 * A segment is a file of frames. Its header says what comes before it, so that a segment that is missing is noticed. Behind the last frame
 * stand zeros: space that was reserved.
 *
 *     0  magic 'TJSEGMT1' (8)   28  sequence of its first record (8)
 *     8  CRC-32 of the rest     36  epoch (4)
 *    12  journal's id (16)      40  CRC of the frame before (4)
 */

import { crc32 } from 'node:zlib';
import { endOf, findHeaders, frameAt, frameBytes, readSequence, writeSequence } from './frame.ts';
import type { ChainEnd, Frame } from './frame.ts';

const MAGIC = Buffer.from('TJSEGMT1');
export const SEGMENT_HEADER_BYTES = 44;
export const JOURNAL_ID_BYTES = 16;

export type JournalId = Buffer;

/** What the checksums of a journal's frames start from. */
export const seedOf = (id: JournalId): number => crc32(id);

const NAME = /^(\d{16})\.(segment|checkpoint)$/;

/** Of the segment whose first record follows `sequence`, or of the checkpoint that holds the records up to it. */
export const fileName = (sequence: number, kind: 'segment' | 'checkpoint'): string =>
  `${String(sequence).padStart(16, '0')}.${kind}`;

export function parseName(name: string): { sequence: number; kind: 'segment' | 'checkpoint' } | undefined {
  const [, digits, kind] = NAME.exec(name) ?? [];
  return digits === undefined ? undefined : { sequence: Number(digits), kind: kind as 'segment' | 'checkpoint' };
}

/** The first bytes of the segment that begins behind `after`. */
export function encodeSegmentHeader(id: JournalId, after: ChainEnd): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  MAGIC.copy(bytes);
  id.copy(bytes, 12);
  writeSequence(bytes, after.sequence + 1, 28);
  bytes.writeUInt32LE(after.epoch, 36);
  bytes.writeUInt32LE(after.crc, 40);
  bytes.writeUInt32LE(crc32(bytes.subarray(12)), 8);
  return bytes;
}

export type SegmentHeader = { readonly id: JournalId; readonly after: ChainEnd };

export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES || !bytes.subarray(0, 8).equals(MAGIC)) return undefined;
  if (crc32(bytes.subarray(12, SEGMENT_HEADER_BYTES)) !== bytes.readUInt32LE(8)) return undefined;
  return {
    id: Buffer.from(bytes.subarray(12, 12 + JOURNAL_ID_BYTES)),
    after: { epoch: bytes.readUInt32LE(36), sequence: readSequence(bytes, 28) - 1, crc: bytes.readUInt32LE(40) },
  };
}

/** How the frames of a segment end. */
export type SegmentEnd =
  /** Zeros or the file's end. */
  | { readonly kind: 'clean' }
  | { readonly kind: 'sealed' }
  /** Bytes that are no frame, and no frame behind them. */
  | { readonly kind: 'torn' }
  /** Bytes that are no frame before one that was written later, or a frame that does not follow the one before it. */
  | { readonly kind: 'damaged'; readonly what: string };

export type SegmentFrames = {
  readonly after: ChainEnd;
  /** The offset behind the last frame that counts. */
  readonly offset: number;
  readonly end: SegmentEnd;
};

/** Follows the frames from the header on and calls `visit` for each that follows the one before it. */
export function walkFrames(bytes: Buffer, start: ChainEnd, seed: number, visit: (frame: Frame) => void): SegmentFrames {
  let after = start;
  let offset = SEGMENT_HEADER_BYTES;
  for (;;) {
    const frame = frameAt(bytes, offset, seed);
    if (!frame) return { after, offset, end: endAt(bytes, offset, seed) };
    const wrong = whatDoesNotFollow(frame, after);
    if (wrong !== undefined) return { after, offset, end: { kind: 'damaged', what: wrong } };
    offset += frameBytes(frame);
    if (frame.kind === 'sealed') return { after, offset, end: { kind: 'sealed' } };
    after = endOf(frame);
    visit(frame);
  }
}

/** Of a segment whose header was read before. */
export function readFrames(bytes: Buffer, id: JournalId, visit: (frame: Frame) => void): SegmentFrames {
  const header = decodeSegmentHeader(bytes);
  if (!header) return { after: { epoch: 0, sequence: 0, crc: 0 }, offset: 0, end: { kind: 'torn' } };
  return walkFrames(bytes, header.after, seedOf(id), visit);
}

function endAt(bytes: Buffer, offset: number, seed: number): SegmentEnd {
  // A frame is written when the one before it is durable. So the mere header of a later one tells that this one was.
  for (const later of findHeaders(bytes, offset + 1, seed)) {
    return { kind: 'damaged', what: `not a frame as it was written, and one follows at byte ${later.offset}` };
  }
  return { kind: isZero(bytes, offset) ? 'clean' : 'torn' };
}

function whatDoesNotFollow(frame: Frame, after: ChainEnd): string | undefined {
  if (frame.sequence !== after.sequence + 1) {
    return `record ${frame.sequence} stands where ${after.sequence + 1} should`;
  }
  if (frame.previousCrc !== after.crc) return 'the frame belongs behind another one';
  if (frame.kind === 'opened' ? frame.epoch <= after.epoch : frame.epoch !== after.epoch) {
    return `epoch ${frame.epoch} stands behind epoch ${after.epoch}`;
  }
  return undefined;
}

const ZEROS = Buffer.alloc(64 * 1024);

function isZero(bytes: Buffer, from: number): boolean {
  for (let at = from; at < bytes.length; at += ZEROS.length) {
    const part = bytes.subarray(at, at + ZEROS.length);
    if (part.compare(ZEROS, 0, part.length) !== 0) return false;
  }
  return true;
}
