/** From the last stage's files to the client's pages; decides whether the result is copied first or read on demand. */

import type { ClusterClient } from '../cluster/cluster-client.ts';
import type { Clock } from '../common/clock.ts';
import { QueryError } from '../common/errors.ts';
import type { Execution } from './execution.ts';
import type { Outcome, Query, ResultColumn } from './query.ts';
import {
  COPIED_BYTES_MAX,
  copyResult,
  pagesOf,
  readFromWorkers,
  ResultFileLost,
  type ResultPage,
  resultPages,
} from './result-reader.ts';

export type Delivery = {
  readonly query: Query;
  readonly execution: Execution;
  readonly columns: readonly ResultColumn[];
  readonly environment: {
    readonly client: ClusterClient;
    readonly clock: Clock;
    readonly removeFiles: (query: Query) => void;
  };
};

/** Until it answers, lost files are made again; afterwards a lost file is the end of the query. */
export async function deliver({ query, execution, columns, environment }: Delivery): Promise<Outcome> {
  const read = readFromWorkers(environment.client, environment.clock, query.abort.signal);
  for (;;) {
    const files = await execution.resultFiles();
    try {
      const isSmall = files.reduce((sum, file) => sum + file.bytes, 0) <= COPIED_BYTES_MAX;
      const pages = isSmall ? pagesOf(await copyResult(files, read)) : await started(resultPages(files, read));
      execution.resultCopied();
      execution.end();
      // A client may take its time with the pages; the workers need not keep files for it.
      if (isSmall) environment.removeFiles(query);
      return { columns, pages };
    } catch (problem) {
      if (!(problem instanceof ResultFileLost)) throw problem;
      execution.lostFiles([problem.file]);
    }
  }
}

/** With the first page read: until then, what is lost can be made again. */
async function started(pages: AsyncGenerator<ResultPage, void>): Promise<Outcome['pages']> {
  return withFirst(await pages.next(), pages);
}

async function* withFirst(
  first: IteratorResult<ResultPage, void>,
  rest: AsyncGenerator<ResultPage, void>,
): AsyncGenerator<ResultPage, void> {
  if (!first.done) yield first.value;
  try {
    yield* rest;
  } catch (problem) {
    if (!(problem instanceof ResultFileLost)) throw problem;
    const why = `${problem.message}. Part of the result was delivered, so the query is not restarted: run it again`;
    throw new QueryError('REMOTE_TASK_ERROR', why, undefined, { cause: problem });
  }
}
