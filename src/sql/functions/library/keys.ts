/** Lists and maps whose elements count as the same by their keys, see `keySql`. A list is given as a short name: it is repeated. */

import { fieldName, hasKeyOfItsOwn, kernelType, keySql } from '../../../types/kernel.ts';
import type { SqlType } from '../../../types/type.ts';

export const elementOf = (type: SqlType | undefined): SqlType =>
  type?.kind === 'array' ? type.element : { kind: 'unknown' };

/** The list of keys by which elements are compared. */
export const keysOf = (list: string, element: SqlType): string =>
  hasKeyOfItsOwn(element) ? `list_transform(${list}, lambda k: ${keySql(element, 'k', 1)})` : list;

/** Where the first element like `item` stands; NULL where there is none. */
export const placeOf = (list: string, element: SqlType, item: string): string =>
  `list_position(${keysOf(list, element)}, ${keySql(element, item)})`;

/** Whether a part of a value is NULL, so that it equals nothing, not even itself; undefined for types without parts. */
export function holdsNull(type: SqlType, value: string, depth = 0): string | undefined {
  if (type.kind === 'map') return holdsNull({ kind: 'array', element: type.value }, `map_values(${value})`, depth);
  if (type.kind === 'row') {
    const parts = type.fields.map((field, i) => isOrHoldsNull(field.type, `(${value}).${fieldName(i)}`, depth));
    return parts.length > 0 ? `(${parts.join(' OR ')})` : undefined;
  }
  if (type.kind !== 'array') return undefined;
  const item = `n${depth}`;
  return `coalesce(list_bool_or(list_transform(${value}, lambda ${item}: ${isOrHoldsNull(type.element, item, depth + 1)})), false)`;
}

function isOrHoldsNull(type: SqlType, value: string, depth: number): string {
  const inner = holdsNull(type, value, depth);
  return `(${value} IS NULL${inner === undefined ? '' : ` OR ${inner}`})`;
}

/** Whether two elements are alike. The kernel finds NaN equal to itself in structs, not as an element. */
export const hasDuplicates = (list: string, element: SqlType): string =>
  `len(${list}) <> len(list_distinct(list_transform(${keysOf(list, element)}, lambda d: {'k': d})))`;

/**
 * The elements alike made one: a list of `{'i', 'v', 'n'}`, place and value of the first and how many there are, in the order
 * of those places. Sorts, since every list that a lambda reaches out for is copied for each of the elements it runs over.
 */
export function groupsOf(list: string, keyOf: (element: string) => string): string {
  const sorted = `list_sort(list_transform(${list}, lambda e, i: {'k': ${keyOf('e')}, 'i': i, 'v': e}))`;
  const pairs = `list_zip(s, list_prepend(NULL, s), true)`;
  const marked = `list_transform(${pairs}, lambda z, j: {'j': j, 'e': z[1], 'new': j = 1 OR z[1].k IS DISTINCT FROM z[2].k})`;
  const ends = `list_append(list_transform(b[2:], lambda c: c.j), len(s) + 1)`;
  const counted = `list_transform(list_zip(b, ${ends}), lambda z: {'i': z[1].e.i, 'v': z[1].e.v, 'n': z[2] - z[1].j})`;
  const groups = `list_transform([list_filter(${marked}, lambda c: c.new)], lambda b: list_sort(${counted}))[1]`;
  return `list_transform([${sorted}], lambda s: CASE WHEN s IS NOT NULL THEN ${groups} END)[1]`;
}

/** The first of the elements alike, in their order. */
export const firstsOf = (list: string, keyOf: (element: string) => string): string =>
  `list_transform(${groupsOf(list, keyOf)}, lambda g: g.v)`;

/** How often each element that is not NULL occurs, as a map of kernel type `kernelType(type)`. */
export const histogramOf = (list: string, element: SqlType, type: SqlType): string =>
  `CAST(map_from_entries(list_transform(${groupsOf(list, (e) => keySql(element, e, 1))}, lambda g: {'key': g.v, 'value': g.n})) AS ${kernelType(type)})`;

/** A map of entries `{'key', 'value'}`; of those alike the first stays. */
export const mapOfFirsts = (entries: string, type: SqlType): string =>
  `CAST(map_from_entries(${firstsOf(entries, (e) => keySql(keyTypeOf(type), `${e}.key`, 1))}) AS ${kernelType(type)})`;

/** A map of entries `{'key', 'value'}` to the lists of the values of those alike. */
export function multimapOf(entries: string, type: SqlType): string {
  const keyOf = (entry: string): string => keySql(keyTypeOf(type), `${entry}.key`, 1);
  const values = `list_transform(list_filter(l, lambda e: ${keyOf('e')} = ${keyOf('g')}), lambda e: e.value)`;
  const lists = `list_transform(${firstsOf('l', keyOf)}, lambda g: {'key': g.key, 'value': ${values}})`;
  return `list_transform([${entries}], lambda l: CAST(map_from_entries(${lists}) AS ${kernelType(type)}))[1]`;
}

export const keyTypeOf = (type: SqlType | undefined): SqlType =>
  type?.kind === 'map' ? type.key : { kind: 'unknown' };

/** What the map holds for the key; NULL where nothing is. */
export const valueAt = (map: string, type: SqlType | undefined, key: string): string =>
  hasKeyOfItsOwn(keyTypeOf(type))
    ? `map_values(${map})[${placeOf(`map_keys(${map})`, keyTypeOf(type), key)}]`
    : `map_extract_value(${map}, ${key})`;

export const hasKey = (map: string, type: SqlType | undefined, key: string): string =>
  hasKeyOfItsOwn(keyTypeOf(type))
    ? `(${placeOf(`map_keys(${map})`, keyTypeOf(type), key)} IS NOT NULL)`
    : `map_contains(${map}, ${key})`;
