/** Reads a statement's pages to their end and writes them in a format as they come. */
import type { Column } from './column-kind.ts';
import type { FormatOptions, ResultFormat, ResultWriter } from './formats/format.ts';
import type { QueryStats, ResultPage, StatementRun } from './protocol-client.ts';

export type ResultTarget = {
  readonly format: ResultFormat;
  readonly options: FormatOptions;
  /** Writes result bytes; they may be reused once the promise is fulfilled. */
  write(bytes: Uint8Array): Promise<void>;
  /** Called for every page, before its rows are written. */
  onPage?(page: ResultPage): void;
};

export type ResultSummary = {
  readonly queryId: string;
  readonly stats: QueryStats;
  /** Rows written; undefined for statements that have an update type instead of a result. */
  readonly rows: number | undefined;
  readonly updateType: string | undefined;
  readonly updateCount: number | undefined;
  readonly warnings: readonly string[];
};

export async function printResult(run: StatementRun, target: ResultTarget): Promise<ResultSummary> {
  let writer: ResultWriter | undefined;
  let columns: readonly Column[] | undefined;
  let last: ResultPage | undefined;
  for await (const page of run.pages()) {
    last = page;
    target.onPage?.(page);
    // USE, INSERT and their like report what they did; their rows only repeat it for old clients.
    if (page.updateType !== undefined) continue;
    columns ??= page.columns;
    if (columns && !writer) writer = target.format(columns, target.options);
    if (writer && page.rows) await writeSome(target, writer.rows(page.rows));
  }
  if (!last) throw new TypeError('a statement without a single page');
  if (writer && last.updateType === undefined) await writeSome(target, writer.end());
  return {
    queryId: last.queryId,
    stats: last.stats,
    rows: last.updateType === undefined ? writer?.count : undefined,
    updateType: last.updateType,
    updateCount: last.updateCount,
    warnings: last.warnings,
  };
}

async function writeSome(target: ResultTarget, bytes: Uint8Array): Promise<void> {
  if (bytes.length > 0) await target.write(bytes);
}

/** What a statement without a result did: `INSERT: 5 rows`. */
export function updateText({ updateType, updateCount }: ResultSummary): string {
  if (updateType === undefined) return '';
  if (updateCount === undefined) return updateType;
  return `${updateType}: ${updateCount.toLocaleString('en-US')} row${updateCount === 1 ? '' : 's'}`;
}
