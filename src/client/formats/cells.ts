/** Rows as the texts that people read: for the formats that align or wrap them. */
import type { TypeSignature } from '../../types/wire.ts';
import { CLOSE_BRACKET, COMMA, nextRow, notThePage, type RowBytes, skipSpace, skipValue } from '../page-bytes.ts';
import { valueText } from '../value-text.ts';

/** The text of one value; null is NULL. */
export type Cell = string | null;

export function* readCells(rows: RowBytes, types: readonly TypeSignature[]): Generator<Cell[]> {
  const { bytes } = rows;
  for (let at = nextRow(rows, rows.start); at >= 0; at = nextRow(rows, at)) {
    const cells: Cell[] = [];
    for (const type of types) {
      at = skipSpace(bytes, at);
      if (cells.length > 0) {
        if (bytes[at] !== COMMA) throw notThePage();
        at = skipSpace(bytes, at + 1);
      }
      const start = at;
      at = skipValue(bytes, at);
      cells.push(valueText(bytes.toString('utf8', start, at), type));
    }
    at = skipSpace(bytes, at);
    if (bytes[at] !== CLOSE_BRACKET) throw notThePage();
    at++;
    yield cells;
  }
}
