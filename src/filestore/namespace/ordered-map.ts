/**
 * An immutable ordered map as a wide B+tree: a change copies one node a level and shares the rest with the map it came from.
 * A folder of a million entries is four levels deep, and an entry costs two words and a little in its leaf.
 */

import { assert } from '../../common/assert.ts';
import { compareNames, isPlain } from '../compare-names.ts';

export type Key = string | number;

/** One node, of either sort, so that the engine sees a single shape; `height` 0 is a leaf. Empty maps are one empty leaf. */
export type OrderedMap<K extends Key, V> = {
  readonly height: number;
  /** Entries below. */
  readonly size: number;
  /** A leaf's keys; in a branch, for each child a lower bound of its keys that is above all keys of the child before, in ascending order. */
  readonly keys: readonly K[];
  readonly items: readonly (V | OrderedMap<K, V>)[];
};

/** Items of a node: wide enough for shallow trees, small enough that copying a node costs some tens of nanoseconds. */
const WIDTH = 32;

/** A node that removal leaves smaller is joined with a neighbour. */
const WIDTH_MIN = 8;

const EMPTY: OrderedMap<never, never> = { height: 0, size: 0, keys: [], items: [] };

export const emptyMap = <K extends Key, V>(): OrderedMap<K, V> => EMPTY as OrderedMap<Key, unknown> as OrderedMap<K, V>;

const childOf = <K extends Key, V>(node: OrderedMap<K, V>, at: number): OrderedMap<K, V> =>
  node.items[at] as OrderedMap<K, V>;

export function get<K extends Key, V>(map: OrderedMap<K, V>, key: K): V | undefined {
  const search = searchFor(key);
  let node = map;
  while (node.height > 0) node = childOf(node, childAt(node.keys, key, search));
  const at = search(node.keys, key);
  return node.keys[at] === key ? (node.items[at] as V) : undefined;
}

/** The map with `key` bound to `value`, whether or not it was bound before. */
export function set<K extends Key, V>(map: OrderedMap<K, V>, key: K, value: V): OrderedMap<K, V> {
  const root = insert(map, key, value, searchFor(key));
  if (root.items.length <= WIDTH) return root;
  const [left, right] = split(root, key);
  return branch(root.height + 1, [left.keys[0]!, right.keys[0]!], [left, right]);
}

/** The map without `key`, which it must hold. */
export function remove<K extends Key, V>(map: OrderedMap<K, V>, key: K): OrderedMap<K, V> {
  let root = take(map, key, searchFor(key));
  while (root.height > 0 && root.items.length === 1) root = childOf(root, 0);
  return root.items.length === 0 ? emptyMap() : root;
}

/** Entries in the order of their keys; with `after`, those with a greater key only. Lazy: cheap to begin, cheap to leave. */
export function* entries<K extends Key, V>(
  map: OrderedMap<K, V>,
  after?: K,
): Generator<readonly [K, V], void, undefined> {
  if (map.height === 0) {
    for (let i = after === undefined ? 0 : above(map.keys, after); i < map.keys.length; i++) {
      yield [map.keys[i]!, map.items[i] as V];
    }
    return;
  }
  const first = after === undefined ? 0 : childAt(map.keys, after);
  for (let i = first; i < map.items.length; i++) yield* entries(childOf(map, i), i === first ? after : undefined);
}

/** Calls `visit` for every entry after `after`, in order, until it returns false: for walks where a generator costs too much. */
export function visit<K extends Key, V>(
  map: OrderedMap<K, V>,
  after: K | undefined,
  visitor: (key: K, value: V) => boolean,
): boolean {
  if (map.height === 0) {
    for (let i = after === undefined ? 0 : above(map.keys, after); i < map.keys.length; i++) {
      if (!visitor(map.keys[i]!, map.items[i] as V)) return false;
    }
    return true;
  }
  const first = after === undefined ? 0 : childAt(map.keys, after);
  for (let i = first; i < map.items.length; i++) {
    if (!visit(childOf(map, i), i === first ? after : undefined, visitor)) return false;
  }
  return true;
}

/** How many entries have a greater key. */
export function countAfter<K extends Key, V>(map: OrderedMap<K, V>, after: K): number {
  if (map.height === 0) return map.keys.length - above(map.keys, after);
  const at = childAt(map.keys, after);
  let count = countAfter(childOf(map, at), after);
  for (let i = at + 1; i < map.items.length; i++) count += childOf(map, i).size;
  return count;
}

/** A leaf read from a checkpoint: its keys ascend. */
export const leafOf = <K extends Key, V>(keys: readonly K[], values: readonly V[]): OrderedMap<K, V> =>
  keys.length === 0 ? emptyMap() : { height: 0, size: keys.length, keys, items: values };

/** A branch read from a checkpoint: children of one height, in order. */
export function branchOf<K extends Key, V>(
  keys: readonly K[],
  children: readonly OrderedMap<K, V>[],
): OrderedMap<K, V> {
  const height = children[0]?.height ?? -1;
  assert(
    keys.length === children.length && children.every((child) => child.height === height),
    'the children of a branch stand on one level',
  );
  return branch(height + 1, keys, children);
}

/** A full tree of entries whose keys ascend. */
export function fromSorted<K extends Key, V>(keys: readonly K[], values: readonly V[]): OrderedMap<K, V> {
  let level: OrderedMap<K, V>[] = [];
  for (let i = 0; i < keys.length; i += WIDTH) level.push(leafOf(keys.slice(i, i + WIDTH), values.slice(i, i + WIDTH)));
  while (level.length > 1) {
    const next: OrderedMap<K, V>[] = [];
    for (let i = 0; i < level.length; i += WIDTH) {
      const children = level.slice(i, i + WIDTH);
      next.push(
        branchOf(
          children.map((child) => child.keys[0]!),
          children,
        ),
      );
    }
    level = next;
  }
  return level[0] ?? emptyMap();
}

/** May return a node with one item too many: the caller splits it. */
function insert<K extends Key, V>(node: OrderedMap<K, V>, key: K, value: V, search: Search): OrderedMap<K, V> {
  const { height, items } = node;
  let { keys } = node;
  if (height === 0) {
    const at = search(keys, key);
    if (keys[at] === key) return { height, size: node.size, keys, items: replaced(items, at, value) };
    return { height, size: node.size + 1, keys: keys.toSpliced(at, 0, key), items: items.toSpliced(at, 0, value) };
  }
  const after = above(keys, key, search);
  // Else the first bound could meet the second when the first child is split.
  if (after === 0) keys = replaced(keys, 0, key);
  const at = Math.max(0, after - 1);
  const before = childOf(node, at);
  const child = insert(before, key, value, search);
  const size = node.size + child.size - before.size;
  if (child.items.length <= WIDTH) return { height, size, keys, items: replaced(items, at, child) };
  const [left, right] = split(child, key);
  return {
    height,
    size,
    keys: keys.toSpliced(at + 1, 0, right.keys[0]!),
    items: items.toSpliced(at, 1, left, right),
  };
}

/**
 * In halves, but for a key that came last: then the left part stays full, since keys that come in order (ids always, names
 * often) never return to it.
 */
function split<K extends Key, V>(
  node: OrderedMap<K, V>,
  key: K,
): readonly [left: OrderedMap<K, V>, right: OrderedMap<K, V>] {
  const { keys, items } = node;
  const cut = isBelow(key, keys.at(-1)!) ? (WIDTH + 1) >> 1 : WIDTH;
  return [part(node, keys.slice(0, cut), items.slice(0, cut)), part(node, keys.slice(cut), items.slice(cut))];
}

const part = <K extends Key, V>(
  { height }: OrderedMap<K, V>,
  keys: readonly K[],
  items: readonly (V | OrderedMap<K, V>)[],
): OrderedMap<K, V> =>
  height === 0
    ? { height, size: items.length, keys, items }
    : branch(height, keys, items as readonly OrderedMap<K, V>[]);

function branch<K extends Key, V>(
  height: number,
  keys: readonly K[],
  children: readonly OrderedMap<K, V>[],
): OrderedMap<K, V> {
  let size = 0;
  for (const child of children) size += child.size;
  return { height, size, keys, items: children };
}

/** May return a node with too few items, even none: the caller joins it with a neighbour. */
function take<K extends Key, V>(node: OrderedMap<K, V>, key: K, search: Search): OrderedMap<K, V> {
  const { height, keys, items, size } = node;
  if (height === 0) {
    const at = search(keys, key);
    assert(keys[at] === key, 'the map holds the key that is removed');
    return { height, size: size - 1, keys: keys.toSpliced(at, 1), items: items.toSpliced(at, 1) };
  }
  const at = childAt(keys, key, search);
  const child = take(childOf(node, at), key, search);
  if (child.items.length === 0)
    return { height, size: size - 1, keys: keys.toSpliced(at, 1), items: items.toSpliced(at, 1) };
  if (child.items.length >= WIDTH_MIN || items.length === 1) {
    return { height, size: size - 1, keys, items: replaced(items, at, child) };
  }
  const first = at === 0 ? 0 : at - 1;
  const left = at === 0 ? child : childOf(node, first);
  const right = at === 0 ? childOf(node, 1) : child;
  const joined = join(left, right, keys[first]!);
  return {
    height,
    size: size - 1,
    keys: [...keys.slice(0, first), ...joined.map(([bound]) => bound), ...keys.slice(first + 2)],
    items: [...items.slice(0, first), ...joined.map(([, part]) => part), ...items.slice(first + 2)],
  };
}

/** Two neighbours as one node, or as two of like size when one would be too wide; each with its lower bound. */
function join<K extends Key, V>(
  left: OrderedMap<K, V>,
  right: OrderedMap<K, V>,
  leftBound: K,
): readonly (readonly [K, OrderedMap<K, V>])[] {
  const keys = [...left.keys, ...right.keys];
  const items = [...left.items, ...right.items];
  if (items.length <= WIDTH) return [[leftBound, part(left, keys, items)]];
  const cut = items.length >> 1;
  return [
    [leftBound, part(left, keys.slice(0, cut), items.slice(0, cut))],
    [keys[cut]!, part(left, keys.slice(cut), items.slice(cut))],
  ];
}

/** The child whose range holds the key: the last one that does not begin above it. */
function childAt<K extends Key>(keys: readonly K[], key: K, search = searchFor(key)): number {
  return Math.max(0, above(keys, key, search) - 1);
}

function above<K extends Key>(keys: readonly K[], key: K, search = searchFor(key)): number {
  const at = search(keys, key);
  return keys[at] === key ? at + 1 : at;
}

export const isBelow = (one: Key, other: Key): boolean =>
  typeof one === 'number' ? one < (other as number) : compareNames(one, other as string) < 0;

/** The place of the first key that is not below `key`. */
type Search = (keys: readonly Key[], key: Key) => number;

/** One loop for each sort of key, so that the engine compares like with like; chosen once for all levels of a map. */
function searchFor(key: Key): Search {
  if (typeof key === 'number') return lowerBoundOfNumber as Search;
  // Almost every name: what the engine compares by itself, it compares five times as fast.
  return (isPlain(key) ? lowerBoundOfPlain : lowerBoundOfText) as Search;
}

function lowerBoundOfNumber(keys: readonly number[], key: number): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function lowerBoundOfPlain(keys: readonly string[], key: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function lowerBoundOfText(keys: readonly string[], key: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareNames(keys[middle]!, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function replaced<T>(list: readonly T[], at: number, item: T): readonly T[] {
  const copy = list.slice();
  copy[at] = item;
  return copy;
}
