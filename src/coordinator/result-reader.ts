/**
 * Brings the rows of a query's last stage to the client: files of JSON lines, in task order, cut into pages at line ends
 * and never parsed. A result up to 16 MB is copied whole before its first page goes out, so that nothing can be lost under
 * the client's hands; a larger one is read from the workers as the client asks, a few megabytes ahead at most.
 */

import { ClusterError, type ClusterClient } from '../cluster/cluster-client.ts';
import type { Clock } from '../common/clock.ts';
import { QueryError } from '../common/errors.ts';
import type { InputFile } from '../exchange/task-protocol.ts';

/** One page for the client: JSON arrays joined by commas. */
export type ResultPage = { readonly rows: number; readonly body: Buffer };

/** Reads bytes `first` … `last` of a file, all of them. */
export type ReadFile = (file: InputFile, first: number, last: number) => Promise<Buffer>;

export const COPIED_BYTES_MAX = 16 * 1024 * 1024;
/** As large as clients expect pages to be. */
const PAGE_BYTES = 1024 * 1024;
/** One request to a worker; two blocks of a query are in memory at most, and one row may pass it. */
const BLOCK_BYTES = 4 * 1024 * 1024;

/** A file of the result that its worker no longer has, or cannot be asked for. */
export class ResultFileLost extends Error {
  override readonly name = 'ResultFileLost';
  readonly file: InputFile;

  constructor(file: InputFile, cause: Error) {
    super(`Rows of task ${file.taskId} were lost with their worker: ${cause.message}`, { cause });
    this.file = file;
  }
}

/** The pages of `files`, each page read when it is asked for. Throws ResultFileLost. */
export async function* resultPages(files: readonly InputFile[], read: ReadFile): AsyncGenerator<ResultPage, void> {
  for (const file of files) {
    let rows = 0;
    /** Of a row that goes on in the next block; it may go on for many. */
    let begun: Buffer[] = [];
    for await (const block of blocks(file, read)) {
      const end = block.lastIndexOf(NEWLINE) + 1;
      if (end > 0) {
        const lines = block.subarray(0, end);
        for (const page of cut(begun.length === 0 ? lines : Buffer.concat([...begun, lines]))) {
          rows += page.rows;
          yield page;
        }
        begun = [];
      }
      if (end < block.length) begun.push(block.subarray(end));
    }
    check(
      file,
      rows,
      begun.reduce((sum, part) => sum + part.length, 0),
    );
  }
}

/** Copies a small result from its workers; each file's rows are counted. Throws ResultFileLost. */
export async function copyResult(files: readonly InputFile[], read: ReadFile): Promise<Buffer> {
  const parts = await Promise.all(
    files.map(async (file) => {
      const bytes = await read(file, 0, file.bytes - 1);
      check(file, countRows(bytes), bytes.length - 1 - bytes.lastIndexOf(NEWLINE));
      return bytes;
    }),
  );
  return Buffer.concat(parts);
}

/** The pages of a result that is in memory. */
export function* pagesOf(lines: Buffer): Generator<ResultPage, void> {
  yield* cut(lines);
}

/** Reads from workers by ranges. One that does not answer is asked again, unless the cluster misses it by then. */
export function readFromWorkers(
  client: ClusterClient,
  clock: Clock,
  isThere: (worker: string) => boolean,
  signal: AbortSignal,
): ReadFile {
  return async (file, first, last) => {
    if (file.inline !== undefined) return Buffer.from(file.inline).subarray(first, last + 1);
    const url = `${file.worker}/v1/exchange/${file.taskId}/${file.attempt}/${file.partition}`;
    for (let tries = 1; ; tries++) {
      try {
        const options = { signal, range: { first, last }, timeoutMs: READ_TIMEOUT_MS };
        const bytes = await client.bytes('GET', url, options);
        if (bytes.length === last - first + 1) return bytes;
        throw new ClusterError(`GET ${url}: ${bytes.length} bytes instead of ${last - first + 1}`);
      } catch (problem) {
        if (!(problem instanceof ClusterError)) throw problem;
        const isLost = problem.status !== undefined || tries === READ_TRIES || !isThere(file.worker);
        if (signal.aborted || isLost) throw new ResultFileLost(file, problem);
        await new Promise<void>((resolve) => void clock.after(READ_RETRY_MS, resolve));
      }
    }
  };
}

const READ_TIMEOUT_MS = 4000;
const READ_TRIES = 3;
const READ_RETRY_MS = 200;
const NEWLINE = 0x0a;
const COMMA = 0x2c;

/** The file's blocks in order; the next one is on its way while this one is used. */
export async function* blocks(file: InputFile, read: ReadFile): AsyncGenerator<Buffer, void> {
  const fetch = (first: number): Promise<Buffer> | undefined => {
    if (first >= file.bytes) return undefined;
    const block = read(file, first, Math.min(first + BLOCK_BYTES, file.bytes) - 1);
    // Awaited below; a reader that leaves before never sees the failure, and must not be ended by it.
    block.catch(() => undefined);
    return block;
  };
  let ahead = fetch(0);
  for (let first = 0; ahead; first += BLOCK_BYTES) {
    const block: Buffer = await ahead;
    ahead = fetch(first + BLOCK_BYTES);
    yield block;
  }
}

/** Whole lines to pages; the line ends become commas in place. */
function* cut(lines: Buffer): Generator<ResultPage, void> {
  for (let start = 0; start < lines.length;) {
    const end = pageEnd(lines, start);
    const page = lines.subarray(start, end);
    let rows = 0;
    for (let at = page.indexOf(NEWLINE); at >= 0; at = page.indexOf(NEWLINE, at + 1)) {
      page[at] = COMMA;
      rows += 1;
    }
    yield { rows, body: page.subarray(0, page.length - 1) };
    start = end;
  }
}

/** After the last line that ends within a page's size; after the first one when that is longer. */
function pageEnd(lines: Buffer, start: number): number {
  if (lines.length - start <= PAGE_BYTES) return lines.length;
  const last = lines.subarray(start, start + PAGE_BYTES).lastIndexOf(NEWLINE);
  return last >= 0 ? start + last + 1 : lines.indexOf(NEWLINE, start) + 1;
}

function countRows(bytes: Buffer): number {
  let rows = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) rows += 1;
  return rows;
}

/** What the kernel said it wrote is what the client gets. */
function check(file: InputFile, rows: number, bytesLeft: number): void {
  if (rows === file.rows && bytesLeft === 0) return;
  const found = bytesLeft > 0 ? `${rows} rows and ${bytesLeft} bytes of another` : `${rows} rows`;
  throw new QueryError('REMOTE_TASK_ERROR', `Task ${file.taskId} wrote ${file.rows} rows, but its file has ${found}`);
}
