/** The ordered map against a sorted list, with thousands of keys, so that nodes split and join on every level. */

import { expect, test } from 'vitest';
import * as maps from '../../src/filestore/namespace/ordered-map.ts';
import type { Key, OrderedMap } from '../../src/filestore/namespace/ordered-map.ts';
import { Random } from '../coordinator/random.ts';

const KEYS = 6_000;

const orders: Record<string, (random: Random) => Key[]> = {
  'ascending numbers': () => Array.from({ length: KEYS }, (_, i) => i * 3),
  'numbers beyond 32 bits, ascending': () => Array.from({ length: KEYS }, (_, i) => 2 ** 31 - 100 + i),
  'descending texts': () => Array.from({ length: KEYS }, (_, i) => `part-${String(KEYS - i).padStart(6, '0')}`),
  // In the order of their bytes, which is not that of UTF-16.
  'texts of all planes': (random) =>
    Array.from({ length: KEYS }, () =>
      Array.from({ length: 5 }, () => random.pick(['a', 'b', '\uD7FF', '\uE000', '\uFFFD', '😀', '\u{10FFFF}'])).join(
        '',
      ),
    ),
  'texts at random': (random) => Array.from({ length: KEYS }, () => `n${random.integer(0, 2 ** 40)}`),
};

const order = (a: Key, b: Key): number =>
  typeof a === 'number' ? a - Number(b) : Buffer.compare(Buffer.from(a), Buffer.from(String(b)));

test.each(Object.keys(orders))('%s', (name) => {
  const random = new Random(7);
  const keys = [...new Set(orders[name]!(random))];
  let map: OrderedMap<Key, number> = maps.emptyMap();
  const versions: OrderedMap<Key, number>[] = [];
  for (const [i, key] of keys.entries()) {
    if (i % 1_000 === 0) versions.push(map);
    map = maps.set(map, key, i);
  }
  checkShape(map);
  const sorted = keys.map((key, i) => [key, i] as const).sort(([a], [b]) => order(a, b));
  expect([...maps.entries(map)]).toEqual(sorted);
  expect(keys.every((key, i) => maps.get(map, key) === i)).toBe(true);
  // Earlier versions are what they were.
  expect(versions.map(({ size }) => size)).toEqual(versions.map((_, i) => i * 1_000));
  expect(versions.map((version) => [...maps.entries(version)].length)).toEqual(versions.map((_, i) => i * 1_000));
  for (let i = 0; i < 50; i++) checkFrom(map, sorted, random.pick(sorted)[0]);
  checkFrom(map, sorted, typeof keys[0] === 'number' ? -1 : '');
  const bulk = maps.fromSorted(
    sorted.map(([key]) => key),
    sorted.map(([, value]) => value),
  );
  checkShape(bulk);
  expect([...maps.entries(bulk)]).toEqual(sorted);
});

test.each(Object.keys(orders))('%s, taken out again', (name) => {
  const random = new Random(11);
  const left = new Map([...new Set(orders[name]!(random))].map((key, i) => [key, i]));
  let map: OrderedMap<Key, number> = maps.emptyMap();
  for (const [key, value] of left) map = maps.set(map, key, value);
  const way = [...left.keys()];
  // First in runs of neighbours, which empties nodes; then anywhere, with some put back.
  for (const key of way.slice(1_000, 3_000)) {
    map = maps.remove(map, key);
    left.delete(key);
  }
  checkShape(map);
  while (left.size > 0) {
    const key = random.pick(way);
    if (left.delete(key)) {
      map = maps.remove(map, key);
      if (left.size % 1_000 === 0) {
        checkAgainst(map, left);
      }
    } else if (random.chance(0.2) && left.size > 3_000) {
      map = maps.set(map, key, -1);
      left.set(key, -1);
    }
  }
  expect(map).toBe(maps.emptyMap());
});

test('keys in order leave full nodes behind', () => {
  let map: OrderedMap<Key, number> = maps.emptyMap();
  for (let i = 0; i < 32 * 32 * 4; i++) map = maps.set(map, i, i);
  expect(leaves(map)).toBe(32 * 4);
});

test('a removed key was there', () => {
  expect(() => maps.remove(maps.set(maps.emptyMap<string, number>(), 'a', 1), 'b')).toThrow(
    'the map holds the key that is removed',
  );
});

/** Reading from a key on, in the three ways there are. */
function checkFrom(map: OrderedMap<Key, number>, sorted: readonly (readonly [Key, number])[], after: Key): void {
  const rest = sorted.filter(([key]) => order(key, after) > 0);
  expect(maps.countAfter(map, after)).toBe(rest.length);
  const some = rest.slice(0, 40);
  const visited: (readonly [Key, number])[] = [];
  maps.visit(map, after, (key, value) => {
    if (visited.length === 40) return false;
    visited.push([key, value]);
    return true;
  });
  expect(visited).toEqual(some);
  const generated: (readonly [Key, number])[] = [];
  for (const entry of maps.entries(map, after)) {
    if (generated.push(entry) === 40) break;
  }
  expect(generated.slice(0, 40)).toEqual(some);
}

function checkAgainst(map: OrderedMap<Key, number>, wanted: ReadonlyMap<Key, number>): void {
  checkShape(map);
  expect([...maps.entries(map)]).toEqual([...wanted].sort(([a], [b]) => order(a, b)));
}

/** All leaves on one level, sizes that add up, keys in order and within the bounds of the nodes above, no node too wide. */
const checkShape = (map: OrderedMap<Key, number>): void => expect(shapeFault(map)).toBe(undefined);

function shapeFault(map: OrderedMap<Key, number>, low?: Key, high?: Key): string | undefined {
  const { keys, items, size, height } = map;
  const at = `the node of height ${height} from ${keys[0]}`;
  if (keys.length !== items.length || items.length > 32) return `${at} has ${items.length} items`;
  if (keys.some((key, i) => i > 0 && order(keys[i - 1]!, key) >= 0)) return `${at} is out of order`;
  if (height === 0) {
    const outside = keys.find(
      (key) => (low !== undefined && order(key, low) < 0) || (high !== undefined && order(key, high) >= 0),
    );
    return outside === undefined && size === keys.length ? undefined : `${at} holds ${outside}, size ${size}`;
  }
  const children = items as readonly OrderedMap<Key, number>[];
  if (size !== children.reduce((sum, child) => sum + child.size, 0)) return `${at} has a wrong size`;
  for (const [i, child] of children.entries()) {
    if (child.height !== height - 1 || child.items.length === 0) return `${at} has a child of height ${child.height}`;
    const fault = shapeFault(child, i === 0 ? low : keys[i], keys[i + 1] ?? high);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

const leaves = (map: OrderedMap<Key, number>): number =>
  map.height === 0
    ? 1
    : (map.items as readonly OrderedMap<Key, number>[]).reduce((sum, child) => sum + leaves(child), 0);
