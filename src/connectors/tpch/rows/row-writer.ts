/** Writes a table's rows one after another into its columns, beginning where it was made to begin. */
import type { WritableColumn } from '../columns.ts';
import type { Scale } from '../scale.ts';

export interface RowWriter {
  readonly columns: readonly WritableColumn[];
  /** Writes the next row of the table to place `row` of the batch. */
  write(row: number): void;
}

/** What every writer starts from. */
export type RowSource = {
  readonly scale: Scale;
  /** The text pool. */
  readonly text: DataView;
  /** Rows before the first one, in the table's own unit: an order for lineitem, a part for partsupp. */
  readonly first: number;
};
