/** Every split in exactly one task, near in size, together where the data is. */
import { array, assert, constantFrom, integer, nat, property, record } from 'fast-check';
import { expect, test } from 'vitest';
import type { Split } from '../../src/connectors/connector.ts';
import { assignSplits } from '../../src/coordinator/split-assignment.ts';

const MB = 1024 * 1024;
const split = (id: string, bytes: number, machines?: readonly string[]): Split => ({
  id,
  payload: null,
  bytes,
  ...(machines && { machines }),
});
const shape = (scans: ReadonlyMap<number, readonly Split[]>, limits = LIMITS): readonly string[] =>
  assignSplits(scans, limits).map(({ splits, machines }) => {
    const ids = Object.values(splits).flatMap((each) => each.map(({ id }) => id));
    return ids.join(' ') + (machines ? ` @${machines.join()}` : '');
  });
const LIMITS = { slots: 2, slotsByHost: new Map<string, number>(), bytesMax: 64 * MB, bytesMin: MB };

test('a table is shared out evenly, neighbours together', () => {
  const splits = ['a', 'b', 'c', 'd'].map((id) => split(id, 10 * MB));
  expect(shape(new Map([[1, splits]]))).toEqual(['a b', 'c d']);
});

test('a large table makes many tasks of a size that is cheap to repeat', () => {
  const splits = Array.from({ length: 64 }, (_, i) => split(String(i), 16 * MB));
  expect(shape(new Map([[1, splits]]))).toHaveLength(16);
});

test('little is one task, unless more are wanted', () => {
  const splits = [split('a', 10), split('b', 10)];
  expect(shape(new Map([[1, splits]]))).toEqual(['a b']);
  expect(shape(new Map([[1, splits]]), { ...LIMITS, bytesMin: 1 })).toEqual(['a', 'b']);
});

test('what only some machines see stays together', () => {
  const splits = [split('a', 5 * MB, ['m1']), split('b', 5 * MB, ['m2']), split('c', 5 * MB, ['m1'])];
  expect(shape(new Map([[1, splits]]), { ...LIMITS, slots: 1 })).toEqual(['a c @m1', 'b @m2']);
});

const onHosts = (id: string, bytes: number, hosts: readonly string[]): Split => ({ ...split(id, bytes), hosts });
const TWO_HOSTS = new Map([
  ['h1', 1],
  ['h2', 1],
]);

test('splits go where their replicas are, each machine as much as the others, neighbours together', () => {
  const splits = Array.from({ length: 8 }, (_, i) => onHosts(String(i), 10 * MB, ['h1', 'h2', 'h3']));
  const tasks = assignSplits(new Map([[1, splits]]), { ...LIMITS, slotsByHost: TWO_HOSTS });
  expect(tasks.map(({ splits: own, hosts }) => [own[1]!.map(({ id }) => id).join(''), hosts])).toEqual([
    ['0123', ['h1', 'h2', 'h3']],
    ['4567', ['h1', 'h2', 'h3']],
  ]);
  const bound = [onHosts('a', 5 * MB, ['h2']), onHosts('b', 5 * MB, ['h1']), onHosts('c', 5 * MB, ['h2'])];
  const apart = assignSplits(new Map([[1, bound]]), { ...LIMITS, slots: 1, slotsByHost: TWO_HOSTS });
  expect(apart.map(({ splits: own, hosts }) => [own[1]!.map(({ id }) => id).join(''), hosts])).toEqual([
    ['ac', ['h2']],
    ['b', ['h1']],
  ]);
});

test('a machine with more slots gets more', () => {
  const splits = Array.from({ length: 12 }, (_, i) => onHosts(String(i), 10 * MB, ['h1', 'h2']));
  const slotsByHost = new Map([
    ['h1', 3],
    ['h2', 1],
  ]);
  const tasks = assignSplits(new Map([[1, splits]]), { ...LIMITS, slots: 4, slotsByHost });
  expect(tasks.map(({ splits: own }) => own[1]!.length)).toEqual([3, 3, 3, 3]);
});

test('where no worker is near, nobody is preferred', () => {
  const splits = [onHosts('a', 5 * MB, ['h8']), onHosts('b', 5 * MB, ['h9'])];
  const [task] = assignSplits(new Map([[1, splits]]), { ...LIMITS, slots: 1, slotsByHost: TWO_HOSTS });
  expect(task!.splits[1]).toHaveLength(2);
  expect(task!.hosts).toBeUndefined();
});

test('nothing to read is one task all the same', () => {
  expect(assignSplits(new Map([[1, []]]), LIMITS)).toEqual([{ splits: {}, bytes: 0 }]);
});

test('no split is lost or read twice', () => {
  const splits = array(
    record({
      scan: integer({ min: 1, max: 2 }),
      bytes: nat(200 * MB),
      machine: constantFrom('', 'm1', 'm2'),
    }),
  );
  assert(
    property(splits, integer({ min: 1, max: 9 }), (given, slots) => {
      const scans = new Map<number, Split[]>([
        [1, []],
        [2, []],
      ]);
      given.forEach(({ scan, bytes, machine }, i) =>
        scans.get(scan)!.push(split(String(i), bytes, machine === '' ? undefined : [machine])),
      );
      const tasks = assignSplits(scans, { ...LIMITS, slots });
      const ids = tasks.flatMap(({ splits }) =>
        Object.values(splits).flatMap((each) => each.map(({ id }) => Number(id))),
      );
      expect(ids.sort((a, b) => a - b)).toEqual(given.map((_, i) => i));
      for (const task of tasks) {
        for (const [scan, each] of Object.entries(task.splits)) {
          for (const one of each) {
            expect(scans.get(Number(scan))).toContain(one);
            expect(one.machines).toEqual(task.machines);
          }
        }
      }
    }),
  );
});
