/** A datanode has more blocks than are walked in one go: what happens in between. */

import { expect, test } from 'vitest';
import { fsck } from '../../../src/filestore/namenode/administration.ts';
import type { Datanode } from '../../../src/filestore/namenode/datanodes.ts';
import { holdersOf } from '../../../src/filestore/namenode/replicas.ts';
import { Random } from '../../simulation/random.ts';
import { atOnce } from './at-once.ts';
import { type FakeDatanode, FakeStore } from './fake-store.ts';

const BLOCKS = 5_000;

const heldBy = ({ namenode }: FakeStore, { number }: Datanode): number => [...namenode.blocks.blocksOf(number)].length;

test('one that is lost counts no more at once, though it is forgotten bit by bit', async () => {
  const { store, lost } = await lostHalfWay();
  const [still] = store.namenode.blocks.blocksOf(lost.number);
  // What is counted decides whether damaged replicas may go.
  expect(holdersOf(store.namenode, still!).map(({ node }) => node)).toEqual([store.nodes[1]!.node]);
  expect(atOnce(fsck(store.namenode, '/')).counts).toMatchObject({ missing: 0, 'under-replicated': BLOCKS });
  await store.pass(1_000);
  expect(heldBy(store, lost)).toBe(0);
  expect(atOnce(fsck(store.namenode, '/')).counts).toMatchObject({ missing: 0, 'under-replicated': BLOCKS });
});

test('one that comes back half-way is believed what it says then', async () => {
  const { store, node, lost } = await lostHalfWay();
  await store.start(node);
  await store.pass(30_000);
  expect(heldBy(store, lost)).toBe(BLOCKS);
  expect(store.namenode.replication.pending).toBe(0);
  expect(atOnce(fsck(store.namenode, '/')).counts).toMatchObject({ missing: 0, 'under-replicated': 0 });
});

test('one that is taken into maintenance half-way keeps what is not forgotten yet', async () => {
  const { store, node, lost } = await lostHalfWay();
  const left = heldBy(store, lost);
  await store.call('setService', { node: node.node, service: 'maintenance' });
  await store.pass(2_000);
  expect(heldBy(store, lost)).toBe(left);
  // It will not come back after all.
  await store.call('setService', { node: node.node, service: 'normal' });
  expect(atOnce(fsck(store.namenode, '/')).counts).toMatchObject({ 'under-replicated': BLOCKS });
  await store.pass(2_000);
  expect(heldBy(store, lost)).toBe(0);
});

test('one that died in maintenance, and will not come back after all, is forgotten; of what nobody else has a copy is urgent', async () => {
  const { store, node } = await withBlocks();
  const lost = store.namenode.datanodes.byId(node.node)!;
  await store.call('setService', { node: node.node, service: 'maintenance' });
  node.isUp = false;
  await store.pass(20_000);
  expect([lost.isAlive, heldBy(store, lost)]).toEqual([false, BLOCKS]);
  expect(store.namenode.replication.isRepairing).toBe(false);
  await store.call('setService', { node: node.node, service: 'normal' });
  expect(store.namenode.replication.isRepairing).toBe(true);
  await store.pass(2_000);
  expect(heldBy(store, lost)).toBe(0);
});

test('all blocks of one that is to go are looked at, some at a time', async () => {
  const { store, node } = await withBlocks();
  await store.call('setService', { node: node.node, service: 'decommissioning' });
  const first = store.namenode.replication.pending;
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThan(BLOCKS / 2);
  await store.pass(2_000);
  // Nobody else can take them: all wait for somebody who does.
  expect(store.namenode.replication.pending).toBe(BLOCKS);
});

test.each([
  ['a rack that was down', 2_000],
  ['a rack that was never there before', 0],
])('blocks on one rack only spread to %s when it comes', async (_what, thereMs) => {
  const store = new FakeStore(new Random(1), ['/a', '/a', '/b']);
  const far = store.nodes[2]!;
  await store.pass(thereMs);
  far.isUp = false;
  await store.pass(20_000);
  await store.write('/some', 2, Array<number>(10).fill(1));
  await store.pass(5_000);
  await store.start(far);
  await store.pass(20_000);
  expect(store.namenode.replication.pending).toBe(0);
  expect(far.replicas.size).toBe(10);
  expect(atOnce(fsck(store.namenode, '/')).counts).toMatchObject({ 'under-replicated': 0, 'over-replicated': 0 });
});

async function withBlocks(): Promise<{ store: FakeStore; node: FakeDatanode }> {
  const store = new FakeStore(new Random(1), ['/a', '/b']);
  for (const node of store.nodes) await store.start(node);
  await store.pass(2_000);
  await store.write('/many', 2, Array<number>(BLOCKS).fill(1));
  await store.pass(10_000);
  expect(store.namenode.replication.pending).toBe(0);
  return { store, node: store.nodes[0]! };
}

async function lostHalfWay(): Promise<{ store: FakeStore; node: FakeDatanode; lost: Datanode }> {
  const { store, node } = await withBlocks();
  const lost = store.namenode.datanodes.byId(node.node)!;
  node.isUp = false;
  while (lost.isAlive) await store.pass(250);
  return { store, node, lost };
}
