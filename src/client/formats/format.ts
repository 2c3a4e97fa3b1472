/** The forms in which results leave the client, each a stream: bytes before, for each page, and after. */
import type { Column } from '../column-kind.ts';
import type { RowBytes } from '../page-bytes.ts';

export type ResultWriter = {
  /** Rows seen so far. */
  count: number;
  /** Bytes for these rows, maybe none yet. They stay valid until the next call only. */
  rows(rows: RowBytes): Uint8Array;
  /** What remains to be written once the result is complete. */
  end(): Uint8Array;
};

export type ResultFormat = (columns: readonly Column[], options: FormatOptions) => ResultWriter;

export type FormatOptions = {
  /** Terminal columns to fit into; undefined where no person looks. */
  readonly width?: number | undefined;
  readonly colours: boolean;
  /** Tables show each row as a block of lines, whatever the width. */
  readonly blocks?: boolean;
  /** Lines drawn with box characters, or plain ASCII where the locale has none. */
  readonly unicode: boolean;
};
