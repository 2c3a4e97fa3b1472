import { expect, test } from 'vitest';
import type { FsckReport } from '../../../src/filestore/namenode/administration.ts';
import { takeReport } from '../../../src/filestore/namenode/block-reports.ts';
import { orderDeletion } from '../../../src/filestore/namenode/datanodes.ts';
import { Random } from '../../simulation/random.ts';
import { FakeStore } from './fake-store.ts';

test.each([
  ['fewer ids than orders', 5, 8, [5, 6, 7]],
  ['more ids than orders', 5, 100, [5, 6, 7, 8, 9]],
])(
  'a slice of a report ends the orders to delete what it does not name, and no others: %s',
  async (_, from, to, ended) => {
    const store = new FakeStore(new Random(1), ['/a']);
    await store.start(store.nodes[0]!);
    const { namenode } = store;
    const datanode = namenode.datanodes.byId('dn0')!;
    const ordered = [3, 4, 5, 6, 7, 8, 9, 100, 101];
    for (const block of ordered) orderDeletion(datanode, block, 1);
    const { blocks, replication, state } = namenode;
    const report = { node: 'dn0', session: '1', sequence: 10 };
    const change = { kind: 'full', from, to, replicas: [], corrupt: [] } as const;
    expect(takeReport({ ...report, change }, datanode, { blocks, replication, state: () => state })).toBe(true);
    expect([...datanode.deletions.keys()]).toEqual(ordered.filter((block) => !ended.includes(block)));
  },
);

test('a damaged replica that was deleted before the datanode registered anew, and nobody heard of it, is no longer known as damaged', async () => {
  const store = new FakeStore(new Random(1), ['/a', '/b', '/c']);
  const [first, second, third] = store.nodes;
  for (const node of [first!, second!]) await store.start(node);
  third!.isUp = false;
  await store.pass(2_000);
  await store.write('/f', 2, [1, 1]);
  const [gone, stays] = [...first!.replicas.values()];
  for (const replica of [gone, stays]) await store.damage(first!, replica!);
  expect([...store.namenode.replication.corrupt.keys()]).toEqual([gone!.block, stays!.block]);
  first!.replicas.delete(gone!.block);
  await store.start(first!);
  // It goes on having the other one, and says so.
  const left = await store.ask<FsckReport>('fsck', { path: '/' });
  expect(left.problems.filter(({ kind }) => kind === 'corrupt')).toMatchObject([{ block: stays!.block }]);
  await store.start(third!);
  await store.pass(10_000);
  expect(await store.ask('fsck', { path: '/' })).toMatchObject({ healthy: true, problems: [] });
});
