/**
 * A result as one Arrow stream: the schema, the files of the last stage's tasks as they are, in task order, the end. Their
 * batches are counted while they pass.
 */

import { QueryError } from '../common/errors.ts';
import { BatchCounter } from '../exchange/arrow/batch-counter.ts';
import { ARROW_END_OF_STREAM } from '../exchange/arrow/framing.ts';
import type { InputFile } from '../exchange/task-protocol.ts';
import type { ResultColumn } from './query.ts';
import { blocks, type ReadFile } from './result-reader.ts';

/** A stream without an end is one that failed, and readers can tell. */
export async function* arrowStream(
  columns: readonly ResultColumn[],
  batches: Iterable<Buffer> | AsyncIterable<Buffer>,
): AsyncGenerator<Uint8Array, void> {
  // The format's library is loaded by those who use it: a coordinator is to be small.
  const { arrowSchemaMessage } = await import('../exchange/arrow/schema.ts');
  yield arrowSchemaMessage(columns);
  yield* batches;
  yield ARROW_END_OF_STREAM;
}

/** The files' bytes, each block read when it is asked for. Throws ResultFileLost. */
export async function* readBatches(files: readonly InputFile[], read: ReadFile): AsyncGenerator<Buffer, void> {
  for (const file of files) {
    const counter = new BatchCounter();
    for await (const block of blocks(file, read)) {
      counter.pass(block);
      yield block;
    }
    checkBatches(file, counter);
  }
}

/** Copies a small result from its workers. Throws ResultFileLost. */
export const copyBatches = (files: readonly InputFile[], read: ReadFile): Promise<readonly Buffer[]> =>
  Promise.all(
    files.map(async (file) => {
      const bytes = await read(file, 0, file.bytes - 1);
      const counter = new BatchCounter();
      counter.pass(bytes);
      checkBatches(file, counter);
      return bytes;
    }),
  );

function checkBatches(file: InputFile, counter: BatchCounter): void {
  if (counter.rows === file.rows && counter.isWhole) return;
  const found = counter.isWhole ? `${counter.rows} rows` : `${counter.rows} rows and a part of a batch`;
  throw new QueryError('REMOTE_TASK_ERROR', `Task ${file.taskId} wrote ${file.rows} rows, but its file has ${found}`);
}
