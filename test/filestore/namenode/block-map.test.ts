/** The block map against a plain one. */

import { expect, test } from 'vitest';
import { BlockMap } from '../../../src/filestore/namenode/block-map.ts';
import { Random } from '../../simulation/random.ts';

test('what is added, removed and forgotten is as in a plain map, in any range of ids', () => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = new Random(seed);
    const map = new BlockMap();
    const model = new Map<number, number[]>();
    const lost = new Map<number, number[]>();
    // Near each other, or with large gaps, beyond what thirty-two bits hold.
    const spread = random.pick([1, 7, 1_000, 10 ** 9]);
    const ids = Array.from({ length: 300 }, () => random.below(500) * spread);
    const nodes = [1, 2, 3, 4, 5, 1_023, 1_024];
    for (let step = 0; step < 800; step++) {
      const [id, node] = [random.pick(ids), random.pick(nodes)];
      const known = model.get(id) ?? [];
      // One in fifty is forgotten.
      const action = random.chance(0.02) ? 'forget' : random.pick(['add', 'add', 'remove', 'deny'] as const);
      const rest = known.filter((one) => one !== node);
      const [answer, after] = {
        add: [!known.includes(node), known.includes(node) ? known : [...known, node]],
        remove: [known.includes(node), rest],
        deny: [undefined, rest],
        forget: [known, []],
      }[action] as [unknown, number[]];
      expect(action === 'forget' ? map.forget(id) : map[action](id, node)).toEqual(answer);
      model.set(id, after);
      expect(map.nodesOf(id)).toEqual(model.get(id) ?? []);
      const others = (lost.get(id) ?? []).filter((one) => one !== node);
      if (action === 'forget') lost.delete(id);
      else if (action !== 'remove') lost.set(id, others);
      else if (answer === true) lost.set(id, [...others, node]);
      expect(map.lostBy(id)).toEqual(lost.get(id) ?? []);
    }
    expect(map.size).toBe([...model.values()].filter((held) => held.length > 0).length);
    for (let i = 0; i < 50; i++) {
      const [node, from] = [random.pick(nodes), random.pick(ids)];
      const to = random.chance(0.3) ? Infinity : from + random.below(300) * spread;
      const expected = (all: ReadonlyMap<number, readonly number[]>): readonly number[] =>
        [...all]
          .filter(([id, nodesOf]) => id >= from && id < to && nodesOf.includes(node))
          .map(([id]) => id)
          .toSorted((a, b) => a - b);
      expect([...map.blocksOf(node, from, to)].toSorted((a, b) => a - b)).toEqual(expected(model));
      expect([...map.lossesOf(node, from, to)].toSorted((a, b) => a - b)).toEqual(expected(lost));
    }
  }
});

test('of many that had a block and are gone, the last three are known', () => {
  const blocks = new BlockMap();
  for (let node = 1; node <= 5; node++) {
    blocks.add(7, node);
    blocks.remove(7, node);
  }
  expect(blocks.lostBy(7)).toEqual([3, 4, 5]);
});

test('a walk goes on while what it finds is removed', () => {
  const map = new BlockMap();
  for (let block = 0; block < 1_000; block++) map.add(block, 1);
  let found = 0;
  for (const block of map.blocksOf(1)) {
    map.remove(block, 1);
    found += 1;
  }
  expect([found, map.size]).toEqual([1_000, 0]);
});
