/**
 * Which bytes of a Parquet file its reader may look at, when it reads some rows of some columns: everything but the column chunks
 * that it has no business in. Dictionaries stand in the chunks; footer, Bloom filters, page indexes and whatever a writer may have
 * put between chunks stand outside of them, so that they are there without anybody having to know of them. A Bloom filter that is
 * read as zeros would make rows vanish without a word. What is left out begins with a page's header, which no reader takes zeros
 * for.
 */

import { mergeRanges, type Range, rangesWithout } from '../../common/ranges.ts';
import type { ParquetFooter } from './parquet-footer.ts';

/** Ranges of rows, and columns by their lower-case names. */
export type ParquetPart = {
  /** Absent = all rows. */
  readonly rows?: readonly Range[];
  readonly columns: readonly string[];
};

/** In order, and apart from each other. */
export function bytesToRead(
  { rowGroups }: ParquetFooter,
  { rows, columns }: ParquetPart,
  length: number,
): readonly Range[] {
  const wanted = new Set(columns);
  const needed: Range[] = [];
  const others: Range[] = [];
  let first = 0;
  for (const group of rowGroups) {
    const [start, end] = [first, first + group.rows];
    first = end;
    const isRead = rows === undefined || rows.some((range) => range[0] < end && start < range[1]);
    for (const { column, least, most } of group.chunks) {
      if (isRead && wanted.has(column)) needed.push(most);
      else others.push(least);
    }
  }
  // A footer that says otherwise is damaged, or not understood: nothing is left out.
  if ([...needed, ...others].some(([start, end]) => !(start >= 0 && start <= end && end <= length)))
    return [[0, length]];
  return mergeRanges([...needed, ...rangesWithout([[0, length]], others)]);
}
