/**
 * How an Arrow stream is put together: a schema message, any number of record batches, an end. Files of a result hold
 * record batches alone, so that the files of several tasks make one stream by standing one behind the other.
 */

import { assert } from '../../common/assert.ts';
import { QueryError } from '../../common/errors.ts';

export const ARROW_STREAM_TYPE = 'application/vnd.apache.arrow.stream';

/** Without it a reader cannot tell a whole stream from one that was cut between two batches. */
export const ARROW_END_OF_STREAM: Uint8Array = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0);

/** Of one column or nested column, parents before children. */
export type FieldNode = { readonly length: number; readonly nulls: number };

/**
 * The encapsulated message of a record batch without compression, as pieces to be written in order. `buffers` stand in the
 * order that Arrow's columnar format prescribes for `nodes`. The pieces share memory with `buffers`.
 */
export function recordBatchMessage(
  rows: number,
  nodes: readonly FieldNode[],
  buffers: readonly Uint8Array[],
): Uint8Array[] {
  const pieces: Uint8Array[] = [recordBatchHead(rows, nodes, buffers)];
  for (const buffer of buffers) {
    if (buffer.length === 0) continue;
    pieces.push(buffer);
    const padding = padded(buffer.length) - buffer.length;
    if (padding > 0) pieces.push(ZEROS.subarray(0, padding));
  }
  return pieces;
}

const ZEROS = new Uint8Array(8);
const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8;

/*
 * The metadata is a flatbuffer (Message.fbs of the Arrow format) whose tables always have the same fields, so everything but
 * the two vectors stands at a fixed place. All offsets count from the place where they are written, except that a table
 * points back to its vtable.
 */
const PREFIX_BYTES = 8;
const MESSAGE_VTABLE = 4;
const MESSAGE = 16;
const BATCH_VTABLE = 36;
const BATCH = 48;
/** Length of the first vector; its elements follow at a multiple of eight. */
const NODES = 68;
const VECTOR_ELEMENT_BYTES = 16;
const METADATA_VERSION_5 = 4;
const HEADER_IS_RECORD_BATCH = 3;

/** Of a head, enough to know its length. */
export const HEAD_START_BYTES = PREFIX_BYTES;

/** With as many columns as any result has. */
const HEAD_BYTES_MAX = 64 * 1024 * 1024;

/** Bytes before a batch's body. Throws when this is no beginning of a message. */
export function headLength(head: Buffer): number {
  const length = PREFIX_BYTES + head.readUInt32LE(4);
  if (head.readInt32LE(0) !== -1 || length > HEAD_BYTES_MAX) throw noBatch();
  return length;
}

/** What a head made by `recordBatchMessage` says. Throws on any other. */
export function batchSize(head: Buffer): { readonly rows: number; readonly bodyBytes: number } {
  const at = head.subarray(PREFIX_BYTES);
  const isOurs =
    at.length >= NODES &&
    at.readUInt32LE(0) === MESSAGE &&
    at.readUInt8(MESSAGE + 18) === HEADER_IS_RECORD_BATCH &&
    at.readUInt32LE(MESSAGE + 4) === BATCH - (MESSAGE + 4);
  if (!isOurs) throw noBatch();
  return { rows: Number(at.readBigInt64LE(BATCH + 8)), bodyBytes: Number(at.readBigInt64LE(MESSAGE + 8)) };
}

const noBatch = (): QueryError =>
  new QueryError(
    'REMOTE_TASK_ERROR',
    'A file of the result holds other bytes than the record batches that were written',
  );

function recordBatchHead(rows: number, nodes: readonly FieldNode[], buffers: readonly Uint8Array[]): Uint8Array {
  // Four bytes of padding bring the second vector's elements to a multiple of eight.
  const buffersAt = NODES + 4 + nodes.length * VECTOR_ELEMENT_BYTES + 4;
  const bytes = buffersAt + 4 + buffers.length * VECTOR_ELEMENT_BYTES;
  assert(bytes % 8 === 0, 'the body of a message begins at a multiple of eight');
  const head = new Uint8Array(PREFIX_BYTES + bytes);
  new DataView(head.buffer).setInt32(0, -1, true);
  new DataView(head.buffer).setInt32(4, bytes, true);

  const at = new DataView(head.buffer, PREFIX_BYTES);
  const u16 = (place: number, ...values: number[]): void =>
    values.forEach((value, i) => at.setUint16(place + 2 * i, value, true));
  const u32 = (place: number, value: number): void => at.setUint32(place, value, true);
  const i64 = (place: number, value: number): void => at.setBigInt64(place, BigInt(value), true);

  u32(0, MESSAGE);
  // Sizes of vtable and table, then where version, header_type, header and bodyLength stand in the table.
  u16(MESSAGE_VTABLE, 12, 20, 16, 18, 4, 8);
  u32(MESSAGE, MESSAGE - MESSAGE_VTABLE);
  u32(MESSAGE + 4, BATCH - (MESSAGE + 4));
  u16(MESSAGE + 16, METADATA_VERSION_5);
  at.setUint8(MESSAGE + 18, HEADER_IS_RECORD_BATCH);
  // Where length, nodes and buffers stand.
  u16(BATCH_VTABLE, 10, 20, 8, 4, 16);
  u32(BATCH, BATCH - BATCH_VTABLE);
  u32(BATCH + 4, NODES - (BATCH + 4));
  i64(BATCH + 8, rows);
  u32(BATCH + 16, buffersAt - (BATCH + 16));

  u32(NODES, nodes.length);
  nodes.forEach(({ length, nulls }, i) => {
    i64(NODES + 4 + i * VECTOR_ELEMENT_BYTES, length);
    i64(NODES + 12 + i * VECTOR_ELEMENT_BYTES, nulls);
  });
  u32(buffersAt, buffers.length);
  let body = 0;
  buffers.forEach((buffer, i) => {
    i64(buffersAt + 4 + i * VECTOR_ELEMENT_BYTES, body);
    i64(buffersAt + 12 + i * VECTOR_ELEMENT_BYTES, buffer.length);
    body += padded(buffer.length);
  });
  i64(MESSAGE + 8, body);
  return head;
}
