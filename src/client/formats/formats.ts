/** The formats by the names that `--format` and `\format` take. */
import { nearest } from '../../common/errors.ts';
import { printable } from '../display-width.ts';
import { UsageFailure } from '../failures.ts';
import { csv } from './csv.ts';
import type { ResultFormat } from './format.ts';
import { jsonLines } from './json-lines.ts';
import { markdown } from './markdown.ts';
import { table } from './table.ts';

export const FORMAT_NAMES = ['table', 'csv', 'json', 'markdown', 'arrow'] as const;
export type FormatName = (typeof FORMAT_NAMES)[number];

/** Arrow is not here: the server writes it, and the client passes its bytes on. */
export const FORMATS: Readonly<Record<Exclude<FormatName, 'arrow'>, ResultFormat>> = {
  table,
  csv: forPeople(csv),
  json: forPeople(jsonLines),
  markdown: forPeople(markdown),
};

/** Where a person looks, control characters in data steer no terminal; files and programs get them as they are. */
function forPeople(format: ResultFormat): ResultFormat {
  return (columns, options) => {
    const writer = format(columns, options);
    if (options.width === undefined) return writer;
    return {
      get count() {
        return writer.count;
      },
      rows: (rows) => shown(writer.rows(rows)),
      end: () => shown(writer.end()),
    };
  };
}

/** Writers give whole lines: no character is cut. */
const shown = (bytes: Uint8Array): Uint8Array => Buffer.from(printable(Buffer.from(bytes).toString('utf8')));

export function formatNamed(name: string): FormatName {
  const found = FORMAT_NAMES.find((format) => format === name.toLowerCase());
  if (found) return found;
  const near = nearest(name, FORMAT_NAMES);
  throw new UsageFailure(
    `there is no format "${name}"${near ? `; did you mean ${near}?` : '.'} The formats are ${FORMAT_NAMES.join(', ')}.`,
  );
}
