/** Small statements for connectors: schema inference and column sketches. */

import type { Clock } from '../common/clock.ts';
import { QueryError, toErrorInfo } from '../common/errors.ts';
import type { KernelFile } from '../connectors/connector.ts';
import type { KernelRequest, KernelResponse } from '../exchange/task-protocol.ts';
import { globFree, quote } from '../types/kernel.ts';
import type { Admission } from './admission.ts';
import { kernelError } from './kernel/errors.ts';
import { type Kernel, KernelDied, KernelFailure } from './kernel/kernel.ts';
import type { OpenedFiles, ScanFiles } from './scan-files.ts';

/** More rows are no small answer. */
const ROWS_MAX = 100_000;

/** Sketches read whole tables; what takes longer holds up the query that waits for it. */
const TIMEOUT_MS = 300_000;

export async function runKernelQuery(
  kernel: Kernel,
  admission: Admission,
  clock: Clock,
  scanFiles: ScanFiles,
  { sql, files: wanted = [] }: KernelRequest,
): Promise<KernelResponse> {
  const abort = new AbortController();
  const slow = new QueryError('EXCEEDED_TIME_LIMIT', `A worker did not read the files within ${TIMEOUT_MS / 1000} s`);
  try {
    // Copying takes as long as the files are large; each read of it has an end of its own.
    const files = await scanFiles.open(wanted, abort.signal);
    const callOff = clock.after(TIMEOUT_MS, () => abort.abort(slow));
    try {
      const leave = await admission.enter('query', abort.signal);
      try {
        return await run(kernel, withPaths(sql, wanted, files), abort.signal, true);
      } catch (problem) {
        if (problem instanceof KernelFailure) return { error: kernelError(files.told(problem.message), sql) };
        throw problem;
      } finally {
        leave();
      }
    } finally {
      callOff();
      await files.release();
    }
  } catch (problem) {
    if (problem instanceof KernelDied) return { error: { code: 'REMOTE_TASK_ERROR', message: problem.message } };
    return { error: toErrorInfo(problem) };
  }
}

/** Names stand in literals; they are nothing that SQL or a glob would take for anything else, what a path may be. */
const withPaths = (sql: string, wanted: readonly KernelFile[], { paths }: OpenedFiles): string =>
  wanted.reduce(
    (text, { as, file }) => text.replaceAll(as, () => quote(globFree(paths.get(file.location)!)).slice(1, -1)),
    sql,
  );

/** A kernel that died of something else is no answer: the statement gets a second one. */
async function run(kernel: Kernel, sql: string, signal: AbortSignal, again: boolean): Promise<KernelResponse> {
  try {
    const { rows } = await kernel.run({ kind: 'run', statement: sql, rowsMax: ROWS_MAX }, signal);
    return { rows: rows[0]! };
  } catch (problem) {
    if (again && problem instanceof KernelDied && !problem.alone) return run(kernel, sql, signal, false);
    throw problem;
  }
}
