/** A table as GitHub's Markdown has it, for pasting into documents. NULL is an empty cell. */
import { isNumeric, signatureOf } from '../column-kind.ts';
import { readCells } from './cells.ts';
import type { ResultFormat, ResultWriter } from './format.ts';

export const markdown: ResultFormat = (columns) => {
  const types = columns.map(signatureOf);
  let head = line(columns.map(({ name }) => name)) + line(types.map((type) => (isNumeric(type) ? '---:' : '---')));
  const flush = (body: string): Buffer => {
    const bytes = Buffer.from(head + body);
    head = '';
    return bytes;
  };
  const writer: ResultWriter = {
    count: 0,
    rows(rows) {
      let body = '';
      for (const cells of readCells(rows, types)) {
        body += line(cells);
        writer.count++;
      }
      return flush(body);
    },
    end: () => flush(''),
  };
  return writer;
};

const line = (cells: readonly (string | null)[]): string =>
  `| ${cells.map((cell) => (cell === null ? '' : escaped(cell))).join(' | ')} |\n`;

/** A cell is one line, and a bar would end it. */
const escaped = (text: string): string =>
  text
    .replaceAll('\\', '\\\\')
    .replaceAll('|', '\\|')
    .replace(/\r\n|\r|\n/g, '<br>');
