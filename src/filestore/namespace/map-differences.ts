/** Where two versions of a map differ. What they share is passed by identity, so that the cost goes by what has changed. */

import { isBelow, type Key, type OrderedMap } from './ordered-map.ts';

/** `before`, `after`: undefined where that version has no such key. */
export type MapDifference<K extends Key, V> = {
  readonly key: K;
  readonly before: V | undefined;
  readonly after: V | undefined;
};

/** Steps without a difference after which the walk says that it still goes. */
const STEPS_MAX = 1_000;

/** In the order of keys; undefined now and then, where there is none for a while. */
export function* differences<K extends Key, V>(
  before: OrderedMap<K, V>,
  after: OrderedMap<K, V>,
): Generator<MapDifference<K, V> | undefined, void, void> {
  const [left, right] = [new Cursor(before), new Cursor(after)];
  for (let steps = 1; !left.isAtEnd || !right.isAtEnd; steps++) {
    if (steps % STEPS_MAX === 0) yield undefined;
    const [a, b] = [left.node, right.node];
    // All keys before them were passed on both sides.
    if (a && a === b) {
      left.pass();
      right.pass();
    } else if (a || b) {
      const height = Math.max(a?.height ?? -1, b?.height ?? -1);
      if (a?.height === height) left.enter(a);
      if (b?.height === height) right.enter(b);
    } else {
      const [first, second] = [left.entry, right.entry];
      const isLeft = first !== undefined && (second === undefined || !isBelow(second.key, first.key));
      const isRight = second !== undefined && (first === undefined || !isBelow(first.key, second.key));
      if (isLeft) left.pass();
      if (isRight) right.pass();
      if (!isLeft) yield { key: second!.key, before: undefined, after: second!.value };
      else if (!isRight) yield { key: first.key, before: first.value, after: undefined };
      else if (first.value !== second.value) yield { key: first.key, before: first.value, after: second.value };
    }
  }
}

/** Stands before a node of the tree, before an entry, or at the end. */
class Cursor<K extends Key, V> {
  readonly #above: { readonly node: OrderedMap<K, V>; at: number }[];

  constructor(map: OrderedMap<K, V>) {
    this.#above = [{ node: { height: map.height + 1, size: map.size, keys: [], items: [map] }, at: 0 }];
  }

  get isAtEnd(): boolean {
    return this.#above.length === 0;
  }

  get node(): OrderedMap<K, V> | undefined {
    const top = this.#above.at(-1);
    return top && top.node.height > 0 ? (top.node.items[top.at] as OrderedMap<K, V>) : undefined;
  }

  get entry(): { readonly key: K; readonly value: V } | undefined {
    const top = this.#above.at(-1);
    return top?.node.height === 0 ? { key: top.node.keys[top.at]!, value: top.node.items[top.at] as V } : undefined;
  }

  /** Before the first of what stands in the node. */
  enter(node: OrderedMap<K, V>): void {
    if (node.items.length === 0) this.pass();
    else this.#above.push({ node, at: 0 });
  }

  /** Behind it. */
  pass(): void {
    for (let top = this.#above.at(-1); top; top = this.#above.at(-1)) {
      top.at += 1;
      if (top.at < top.node.items.length) return;
      this.#above.pop();
    }
  }
}
