/** What operators are told of a store. */
import { expect, test } from 'vitest';
import { fsck } from '../../../src/filestore/namenode/administration.ts';
import { Random } from '../../simulation/random.ts';
import { FakeStore } from './fake-store.ts';

test('a missing block is no health, however many lesser problems are named before it', async () => {
  const store = new FakeStore(new Random(1), ['/a', '/b']);
  for (const node of store.nodes) await store.start(node);
  await store.pass(2_000);
  await store.write('/many', 2, Array<number>(1_001).fill(1));
  await store.write('/one', 1, [1]);
  await store.call('setReplication', { path: '/many', replication: 1 });
  expect(fsck(store.namenode, '/')).toMatchObject({ files: 2, blocks: 1_002, healthy: true });
  const [[missing]] = [...store.namedBlocks()].slice(-1) as [[number, number]];
  store.namenode.blocks.forget(missing);
  const found = fsck(store.namenode, '/');
  expect(found).toMatchObject({ healthy: false, counts: { missing: 1, 'over-replicated': 1_001 } });
  expect(found.problems).toHaveLength(1_001);
  // By name, since whoever asks acts on it.
  expect(found.problems.at(-1)).toMatchObject({ path: '/one', kind: 'missing' });
  expect(fsck(store.namenode, '/one').problems).toEqual([
    { path: '/one', block: missing, kind: 'missing', replicas: 0, wanted: 1 },
  ]);
});

test('files that miss a block are counted all, though only some of their blocks are named', async () => {
  const store = new FakeStore(new Random(1), ['/a', '/b']);
  for (const node of store.nodes) await store.start(node);
  await store.pass(2_000);
  await store.write('/many', 1, Array<number>(1_001).fill(1));
  await store.write('/one', 1, [1]);
  for (const block of store.namedBlocks().keys()) store.namenode.blocks.forget(block);
  const found = fsck(store.namenode, '/');
  expect(found).toMatchObject({ healthy: false, lostFiles: 2, counts: { missing: 1_002 } });
  expect(found.problems).toHaveLength(1_000);
  expect(new Set(found.problems.map(({ path }) => path))).toEqual(new Set(['/many']));
});
