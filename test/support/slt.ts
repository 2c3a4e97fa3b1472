/**
 * Golden SQL files. A record is a header line, the statement, `----` and the rows, ended by an empty line:
 *
 *     query [ordered] [nooracle]     rows as cells separated by tabs; a multiset unless `ordered`
 *     error CODE                     the statement fails with this code
 *
 * `nooracle` marks what plain DuckDB answers differently from Trino, with a comment that says why. Cells: NULL, (empty), and
 * `\n`, `\t`, `\\` for the characters themselves.
 */

export type SltRecord = {
  readonly line: number;
  readonly comments: readonly string[];
  readonly kind: 'query' | 'error';
  readonly code?: string;
  readonly ordered: boolean;
  readonly oracle: boolean;
  readonly sql: string;
  readonly rows: readonly string[];
};

export function parseSlt(text: string): { readonly title: string; readonly records: readonly SltRecord[] } {
  const [title = '', ...blocks] = text.trimEnd().split(/\n\n/);
  let line = title.split('\n').length + 2;
  const records = blocks.map((block) => {
    const record = parseRecord(block, line);
    line += block.split('\n').length + 1;
    return record;
  });
  return { title, records };
}

function parseRecord(block: string, line: number): SltRecord {
  const lines = block.split('\n');
  const start = lines.findIndex((text) => !text.startsWith('#'));
  const [kind, ...words] = (lines[start] ?? '').split(' ');
  if (kind !== 'query' && kind !== 'error')
    throw new Error(`line ${line}: a record begins with query or error: ${block}`);
  const end = lines.indexOf('----');
  return {
    line,
    comments: lines.slice(0, start),
    kind,
    ...(kind === 'error' && { code: words[0] ?? '' }),
    ordered: words.includes('ordered'),
    oracle: kind === 'query' && !words.includes('nooracle'),
    sql: lines.slice(start + 1, end < 0 ? undefined : end).join('\n'),
    rows: end < 0 ? [] : lines.slice(end + 1),
  };
}

export function printSlt(title: string, records: readonly SltRecord[]): string {
  const blocks = records.map((record) => {
    const words = [
      record.kind,
      record.code,
      record.ordered && 'ordered',
      record.kind === 'query' && !record.oracle && 'nooracle',
    ];
    const lines = [...record.comments, words.filter(Boolean).join(' '), record.sql];
    if (record.kind === 'query') lines.push('----', ...record.rows);
    return lines.join('\n');
  });
  return `${[title, ...blocks].join('\n\n')}\n`;
}

/** A row as a line of a golden file. Values are those of Trino's JSON, parsed without loss. */
export const printRow = (row: readonly unknown[]): string => row.map(printCell).join('\t');

export function printCell(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'string') {
    if (value === '') return '(empty)';
    return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\t', '\\t');
  }
  return JSON.stringify(value);
}

/** Relative difference that sums of DOUBLE may have between runs of one and the same engine. */
const TOLERANCE = 1e-9;

/** Undefined when the rows are equal, else what differs. Numbers with a fraction or exponent are compared to 1e-9. */
export function difference(
  actual: readonly string[],
  expected: readonly string[],
  ordered: boolean,
): string | undefined {
  if (actual.length !== expected.length) return `${actual.length} rows, expected ${expected.length}`;
  const [a, e] = ordered ? [actual, expected] : [actual.toSorted(byCells), expected.toSorted(byCells)];
  const at = a.findIndex((row, i) => !sameRow(row, e[i]!));
  return at < 0 ? undefined : `row ${at + 1} is ${a[at]}, expected ${e[at]}`;
}

/** Rounds inexact numbers, so that values that are equal by the tolerance sort alike. */
const sortKey = (row: string): string =>
  row
    .split('\t')
    .map((cell) => (isInexact(cell) ? Number(cell).toPrecision(6) : moment(cell)))
    .join('\t');

const byCells = (x: string, y: string): number => (sortKey(x) < sortKey(y) ? -1 : sortKey(x) > sortKey(y) ? 1 : 0);

const isInexact = (cell: string): boolean => /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(cell) && /[.e]/i.test(cell);

function sameRow(actual: string, expected: string): boolean {
  const [a, e] = [actual.split('\t'), expected.split('\t')];
  return a.length === e.length && a.every((cell, i) => sameCell(cell, e[i]!));
}

/** `01:02:03.000` and `01:02:03` are the same moment. */
const moment = (cell: string): string =>
  cell.replace(/(:\d\d)\.(\d*?)0+(?= |$)/, (_, seconds: string, digits: string) => seconds + (digits && `.${digits}`));

function sameCell(a: string, e: string): boolean {
  if (moment(a) === moment(e)) return true;
  if (!isInexact(a) && !isInexact(e)) return false;
  const [x, y] = [Number(a), Number(e)];
  return Math.abs(x - y) <= TOLERANCE * Math.max(Math.abs(x), Math.abs(y));
}
