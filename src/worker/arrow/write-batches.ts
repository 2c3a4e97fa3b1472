/**
 * Writes rows to a file of Arrow record batches, without schema and end (see `exchange/arrow/framing.ts`). Rows pass
 * through memory a batch at a time; the next batch waits until the disk has taken the last one.
 */

import { open, rm, type FileHandle } from 'node:fs/promises';
import { type FieldNode, recordBatchMessage } from '../../exchange/arrow/framing.ts';
import type { SqlType } from '../../types/type.ts';
import type { Chunk, Vector } from '../kernel/vector.ts';
import { type ColumnEncoder, columnEncoder } from './column-encoder.ts';

export type ArrowFile = { readonly rows: number; readonly bytes: number };

/** Large enough that readers spend their time on values, small enough to keep in memory many times. */
const BATCH_ROWS = 65_536;
const BATCH_BYTES = 8 * 1024 * 1024;

/**
 * `chunks` have a column for each of `types`, then the row's number: from 0, without gaps. Rows in another order, or other
 * than `rows` of them, are refused. Leaves no file when it fails.
 */
export async function writeArrowBatches(
  chunks: AsyncIterable<Chunk>,
  types: readonly SqlType[],
  rows: number,
  path: string,
): Promise<ArrowFile> {
  const file = await open(path, 'wx');
  try {
    const writer = new BatchWriter(file, types);
    for await (const chunk of chunks) {
      checkRowNumbers(chunk, writer.rows, types.length);
      await writer.append(chunk);
    }
    await writer.flush();
    if (writer.rows !== rows) throw new Error(`The kernel gave ${writer.rows} of ${rows} rows`);
    return { rows: writer.rows, bytes: writer.bytes };
  } catch (problem) {
    await rm(path, { force: true });
    throw problem;
  } finally {
    await file.close();
  }
}

function checkRowNumbers(chunk: Chunk, first: number, column: number): void {
  // Eight bytes each, of which the lower four tell neighbours apart.
  const data = chunk.column(column).data(8);
  const words = new Int32Array(data.buffer, data.byteOffset, data.length / 4);
  for (let i = 0; i < chunk.rows; i++) {
    if (words[i * 2] !== ((first + i) | 0))
      throw new Error(`The kernel gave rows out of order, from row ${first + i} on`);
  }
}

class BatchWriter {
  /** Appended so far. */
  rows = 0;
  /** Written so far. */
  bytes = 0;
  readonly #file: FileHandle;
  readonly #columns: readonly ColumnEncoder[];
  #batchRows = 0;
  #batchBytes = 0;

  constructor(file: FileHandle, types: readonly SqlType[]) {
    this.#file = file;
    this.#columns = types.map(columnEncoder);
  }

  append(chunk: Chunk): Promise<void> {
    return this.#append(
      this.#columns.map((_, i) => chunk.column(i)),
      0,
      chunk.rows,
    );
  }

  async #append(vectors: readonly Vector[], start: number, count: number): Promise<void> {
    const bytes = this.#columns.reduce((sum, column, i) => sum + column.measure(vectors[i]!, start, count), 0);
    if (bytes > BATCH_BYTES && count > 1) {
      // Long values: as few to a batch as it takes.
      const half = count >> 1;
      await this.#append(vectors, start, half);
      await this.#append(vectors, start + half, count - half);
      return;
    }
    if (this.#batchBytes + bytes > BATCH_BYTES) await this.flush();
    this.#columns.forEach((column, i) => column.append(vectors[i]!, start, count));
    this.rows += count;
    this.#batchRows += count;
    this.#batchBytes += bytes;
    if (this.#batchRows >= BATCH_ROWS) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#batchRows === 0) return;
    const nodes: FieldNode[] = [];
    const buffers: Uint8Array[] = [];
    for (const column of this.#columns) column.collect(nodes, buffers);
    const pieces = recordBatchMessage(this.#batchRows, nodes, buffers);
    await writeAll(this.#file, pieces);
    this.bytes += pieces.reduce((sum, piece) => sum + piece.length, 0);
    for (const column of this.#columns) column.clear();
    this.#batchRows = 0;
    this.#batchBytes = 0;
  }
}

/** The system may take fewer bytes than offered. */
async function writeAll(file: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
  let rest = pieces;
  while (rest.length > 0) {
    let { bytesWritten } = await file.writev(rest);
    let whole = 0;
    while (whole < rest.length && bytesWritten >= rest[whole]!.length) bytesWritten -= rest[whole++]!.length;
    rest = rest.slice(whole);
    if (bytesWritten > 0) rest = [rest[0]!.subarray(bytesWritten), ...rest.slice(1)];
  }
}
