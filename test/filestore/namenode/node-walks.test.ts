/** A datanode has more blocks than are walked in one go: what happens in between. */

import { expect, test } from 'vitest';
import { fsck } from '../../../src/filestore/namenode/administration.ts';
import { BlockMap } from '../../../src/filestore/namenode/block-map.ts';
import { type Datanode, Datanodes } from '../../../src/filestore/namenode/datanodes.ts';
import { NodeWalks } from '../../../src/filestore/namenode/node-walks.ts';
import { holdersOf } from '../../../src/filestore/namenode/replicas.ts';
import { SimulatedClock } from '../../cluster/simulated-clock.ts';
import { Random } from '../../simulation/random.ts';
import { atOnce } from './at-once.ts';
import { type FakeDatanode, FakeStore, ROOT } from './fake-store.ts';

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

test('blocks spread to a rack that came in safe mode once that is over', async () => {
  const { store, far } = await crowded(['/a', '/a', '/b']);
  await store.ask('safeMode', { caller: ROOT, action: 'enter' });
  await store.pass(400_000);
  // There was only one rack: that one comes is heard of.
  expect(store.namenode.replication.takeCrowded()).toBe(false);
  await store.start(far);
  await store.pass(20_000);
  expect(far.replicas.size).toBe(0);
  await store.ask('safeMode', { caller: ROOT, action: 'leave' });
  await store.pass(20_000);
  expect(far.replicas.size).toBe(10);
});

test('blocks spread to a rack that had no room when it has some: on a datanode that comes, or that was full', async () => {
  const { store, far } = await crowded(['/a', '/a', '/b', '/b']);
  const another = store.nodes[3]!;
  // All of it is taken.
  const filler = { block: 1, generation: 1, length: store.capacityBytes, damaged: false, announced: 0 };
  await store.start(far);
  far.replicas.set(1, filler);
  await store.pass(20_000);
  expect(far.replicas.size).toBe(1);
  await store.start(another);
  await store.pass(400_000);
  expect(another.replicas.size).toBe(10);
});

test('however often a rack comes and goes, one walk at a time looks for what may spread to it, and the last time counts', async () => {
  const clock = new SimulatedClock();
  const datanodes = new Datanodes(clock, 1);
  const blocks = new BlockMap();
  const looks: number[] = [];
  for (const node of ['one', 'two']) {
    const { number } = datanodes.register(
      { node, rack: '/a', host: node, incarnation: '1', address: node, store: 'store' },
      'normal',
    );
    for (let id = 1; id <= BLOCKS; id++) blocks.add(id, number);
  }
  const walks = new NodeWalks({ clock, blocks, datanodes, replication: { look: (id) => void looks.push(id) } });
  const pass = async (ms: number): Promise<void> => {
    for (let i = 0; i < ms; i++) {
      clock.advance(1);
      await new Promise((resolve) => void setImmediate(resolve));
    }
  };
  walks.rackCame();
  await pass(2);
  expect(looks.length).toBeGreaterThan(0);
  expect(looks.length).toBeLessThan(2 * BLOCKS);
  for (let i = 0; i < 5; i++) walks.rackCame();
  await pass(100);
  expect(looks.length).toBe(2 * 2 * BLOCKS);
  walks.rackCame();
  await pass(100);
  expect(looks.length).toBe(3 * 2 * BLOCKS);
});

/** Ten blocks of two replicas on the first of the racks: the others are down. */
async function crowded(racks: readonly string[]): Promise<{ store: FakeStore; far: FakeDatanode }> {
  const store = new FakeStore(new Random(1), racks);
  for (const node of store.nodes) node.isUp = node.rack === '/a';
  await store.pass(2_000);
  await store.write('/some', 2, Array<number>(10).fill(1));
  await store.pass(5_000);
  return { store, far: store.nodes.find(({ isUp }) => !isUp)! };
}

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
