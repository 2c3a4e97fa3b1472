/**
 * By what the rows of a task were cut: what tells of two rows that one task has both. Made anew from the fragment alone, not
 * taken from the planner, whose mistakes it is to find.
 */

import type { AggregationNode, JoinNode, SetOperationNode } from './nodes.ts';

/**
 * Rows that agree in all positions are in one task; a position is the names of columns that hold its value. None at all:
 * nothing is known of where a row is.
 */
export type Cut = readonly ReadonlySet<string>[];

/** `map` gives the names that a column has further up. A position that loses all its names tells nothing any more. */
export function renamedCut(cut: Cut, map: (name: string) => readonly string[]): Cut {
  const renamed = cut.map((names) => new Set([...names].flatMap(map)));
  return renamed.every((names) => names.size > 0) ? renamed : [];
}

export const keptCut = (cut: Cut, names: ReadonlySet<string>): Cut =>
  renamedCut(cut, (name) => (names.has(name) ? [name] : []));

/** Are rows that agree in `keys` in one task? */
export const holdsTogether = (cut: Cut, keys: readonly { readonly name: string }[]): boolean =>
  cut.length > 0 && cut.every((names) => keys.some((key) => names.has(key.name)));

/** Are the groups of every grouping set whole? */
export const holdsGroups = (cut: Cut, { keys, groupingSets }: AggregationNode): boolean =>
  (groupingSets ?? [keys.map((_, i) => i)]).every((set) =>
    holdsTogether(
      cut,
      set.map((i) => keys[i]!),
    ),
  );

/** Keys of a set that leaves them out are NULL in its rows. */
export function cutOfGroups(cut: Cut, { keys, groupingSets }: AggregationNode): Cut {
  return groupingSets ? [] : keptCut(cut, new Set(keys.map((key) => key.name)));
}

/** Do rows that the join compares meet? Both sides must be cut by columns that it holds equal, in the same order. */
export const meets = ({ criteria }: JoinNode, left: Cut, right: Cut): boolean =>
  left.length > 0 &&
  left.length === right.length &&
  left.every((names, i) => criteria.some((clause) => names.has(clause.left.name) && right[i]!.has(clause.right.name)));

/** Of a join whose sides met. Columns of a side that may be padded with NULLs tell nothing of where a row is. */
export function cutOfJoin({ type }: JoinNode, left: Cut, right: Cut): Cut {
  switch (type) {
    case 'INNER':
      return left.map((names, i) => new Set([...names, ...right[i]!]));
    case 'LEFT':
    case 'SEMI':
    case 'ANTI':
      return left;
    case 'RIGHT':
      return right;
    case 'FULL':
      return [];
  }
}

/** Of a join in which the other side is whole: an inner one holds the other side's columns equal. */
export function cutBesideWhole({ type, criteria }: JoinNode, spread: 'left' | 'right', cut: Cut): Cut {
  if (type !== 'INNER') return cut;
  const whole = spread === 'left' ? 'right' : 'left';
  return renamedCut(cut, (name) => [
    name,
    ...criteria.filter((clause) => clause[spread].name === name).map((clause) => clause[whole].name),
  ]);
}

/** Of a set operation's rows: by what all its sources are cut alike. */
export function cutOfUnion({ symbols, inputs }: SetOperationNode, sources: readonly Cut[]): Cut {
  const [first, ...others] = sources.map((cut, source) =>
    renamedCut(cut, (name) => symbols.filter((_, i) => inputs[source]![i]!.name === name).map((symbol) => symbol.name)),
  );
  if (!first || others.some((cut) => cut.length !== first.length)) return [];
  const common = first.map(
    (names, i) => new Set([...names].filter((name) => others.every((cut) => cut[i]!.has(name)))),
  );
  return common.every((names) => names.size > 0) ? common : [];
}
