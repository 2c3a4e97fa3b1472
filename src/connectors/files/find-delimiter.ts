/**
 * What separates the fields of a CSV file: the character that the first line has as often as most others. The kernel's own
 * search wants all lines alike: with one field too few or too many somewhere it finds a table of one column.
 */

import { quote } from '../../types/kernel.ts';
import type { JsonValue } from '../connector.ts';
import { textCell } from './kernel-schema.ts';

const DELIMITERS = [',', '\t', ';', '|'] as const;

const QUOTED = '"(?:[^"]|"")*"';

/** Lines of the file (kernel SQL of its path), as many as the kernel samples. */
export function delimiterCounts(path: string, linesMax: number): string {
  // No character of text is expected there; a line that has it says nothing of the others.
  const whole = `delim = '\x01', quote = '', escape = '', header = false, columns = {'line': 'VARCHAR'}, auto_detect = false`;
  const lines = `read_csv(${path}, ${whole}, strict_mode = false, ignore_errors = true, null_padding = true)`;
  const bare = `SELECT regexp_replace(line, ${quote(QUOTED)}, '', 'g') AS line FROM ${lines} WHERE line IS NOT NULL LIMIT ${linesMax}`;
  const candidates = `(SELECT unnest([${DELIMITERS.map(quote).join(', ')}]) AS delimiter)`;
  const counts = `SELECT delimiter, length(line) - length(replace(line, delimiter, '')) AS n FROM (${bare}), ${candidates}`;
  return `SELECT delimiter, n, count(*) FROM (${counts}) GROUP BY ALL`;
}

/** `counts`: how many lines have the delimiter n times, the first line among them. */
export function chooseDelimiter(firstLine: string, counts: readonly (readonly JsonValue[])[]): string {
  const first = firstLine.replaceAll(new RegExp(QUOTED, 'g'), '');
  const candidates = DELIMITERS.map((delimiter) => {
    const lines = counts
      .filter(([found]) => textCell(found) === delimiter)
      .map(([, n, count]) => ({ n: Number(n), count: Number(count) }));
    const fields = first.split(delimiter).length - 1;
    const total = lines.reduce((sum, { count }) => sum + count, 0);
    const alike = lines.find(({ n }) => n === fields)?.count ?? 0;
    const without = lines.find(({ n }) => n === 0)?.count ?? 0;
    return { delimiter, fields, agrees: fields > 0 && (alike > 1 || total <= 1), alike, without, total };
  });
  const [agreed] = candidates
    .filter(({ agrees }) => agrees)
    .toSorted((a, b) => b.alike - a.alike || b.fields - a.fields);
  if (agreed) return agreed.delimiter;
  // No other line is like the first. Where most have it, it separates, and reading tells which line is wrong.
  const [most] = candidates
    .filter(({ without, total }) => 2 * without < total || (without < total && total <= 2))
    .toSorted((a, b) => a.without - b.without || b.fields - a.fields);
  // One column: what the fewest of its texts hold.
  return (most ?? candidates.toSorted((a, b) => b.without - a.without)[0]!).delimiter;
}
