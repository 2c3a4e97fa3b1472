/** From the last stage's files to the client's pages; decides whether the result is copied first or read on demand. */

import type { ClusterClient } from '../cluster/cluster-client.ts';
import type { Clock } from '../common/clock.ts';
import { QueryError } from '../common/errors.ts';
import type { InputFile } from '../exchange/task-protocol.ts';
import { arrowStream, copyBatches, readBatches } from './arrow-stream.ts';
import type { Execution } from './execution.ts';
import type { Outcome, Query, ResultColumn } from './query.ts';
import {
  COPIED_BYTES_MAX,
  copyResult,
  pagesOf,
  readFromWorkers,
  type ReadFile,
  ResultFileLost,
  resultPages,
} from './result-reader.ts';
import type { WorkerPool } from './worker-pool.ts';

export type Delivery = {
  readonly query: Query;
  readonly execution: Execution;
  readonly columns: readonly ResultColumn[];
  readonly environment: {
    readonly client: ClusterClient;
    readonly clock: Clock;
    readonly pool: WorkerPool;
    readonly removeFiles: (query: Query) => void;
  };
};

/** Until it answers, lost files are made again; afterwards a lost file is the end of the query. */
export async function deliver({ query, execution, columns, environment }: Delivery): Promise<Outcome> {
  const { client, clock, pool } = environment;
  const isThere = (url: string): boolean => pool.workers().some(({ announcement }) => announcement.url === url);
  const read = readFromWorkers(client, clock, isThere, query.abort.signal);
  for (;;) {
    const files = await execution.resultFiles();
    try {
      const isSmall = files.reduce((sum, file) => sum + file.bytes, 0) <= COPIED_BYTES_MAX;
      const rows =
        query.submission.format === 'arrow'
          ? await deliverArrow(query, columns, files, isSmall, read)
          : { pages: isSmall ? pagesOf(await copyResult(files, read)) : await started(resultPages(files, read)) };
      execution.resultCopied();
      execution.end();
      // A client may take its time with the pages; the workers need not keep files for it.
      if (isSmall) environment.removeFiles(query);
      return { columns, ...rows };
    } catch (problem) {
      if (!(problem instanceof ResultFileLost)) throw problem;
      execution.lostFiles([problem.file]);
    }
  }
}

type Rows = Pick<Outcome, 'pages' | 'stream'>;

async function deliverArrow(
  query: Query,
  columns: readonly ResultColumn[],
  files: readonly InputFile[],
  isSmall: boolean,
  read: ReadFile,
): Promise<Rows> {
  const batches = isSmall ? await copyBatches(files, read) : await started(readBatches(files, read));
  query.resultRows = files.reduce((sum, file) => sum + file.rows, 0);
  return { pages: [].values(), stream: arrowStream(columns, batches) };
}

/** With the first of them read: until then, what is lost can be made again. */
async function started<T>(pages: AsyncGenerator<T, void>): Promise<AsyncGenerator<T, void>> {
  return withFirst(await pages.next(), pages);
}

async function* withFirst<T>(first: IteratorResult<T, void>, rest: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  if (!first.done) yield first.value;
  try {
    yield* rest;
  } catch (problem) {
    if (!(problem instanceof ResultFileLost)) throw problem;
    const why = `${problem.message}. Part of the result was delivered, so the query is not restarted: run it again`;
    throw new QueryError('REMOTE_TASK_ERROR', why, undefined, { cause: problem });
  }
}
