/** Sets of whole numbers as ranges: bytes of a file, rows of a table. */

/** From `start` to below `end`. */
export type Range = readonly [start: number, end: number];

/** The same numbers in order, in as few ranges as can be. */
export function mergeRanges(ranges: readonly Range[]): readonly Range[] {
  const merged: [number, number][] = [];
  for (const [start, end] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (start >= end) continue;
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}

/** What is in `wanted` and not in `present`; in order. */
export function rangesWithout(wanted: readonly Range[], present: readonly Range[]): readonly Range[] {
  const missing: Range[] = [];
  const others = mergeRanges(present);
  for (const [start, end] of mergeRanges(wanted)) {
    let at = start;
    for (const [from, to] of others) {
      if (to <= at) continue;
      if (from >= end) break;
      if (from > at) missing.push([at, from]);
      at = to;
    }
    if (at < end) missing.push([at, end]);
  }
  return missing;
}

/** What is in both; in order. */
export const commonRanges = (ranges: readonly Range[], others: readonly Range[]): readonly Range[] =>
  rangesWithout(ranges, rangesWithout(ranges, others));

export const sizeOfRanges = (ranges: readonly Range[]): number =>
  ranges.reduce((sum, [start, end]) => sum + end - start, 0);
