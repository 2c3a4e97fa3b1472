/** Datanodes that are to go: what was ordered outlives the namenode that heard it. */

import { expect, test } from 'vitest';
import type { DatanodeReport, StoreReport } from '../../../src/filestore/namenode/administration.ts';
import { serviceOf } from '../../../src/filestore/namespace/decide-services.ts';
import type { BlockToWrite, StoredBlock } from '../../../src/filestore/protocol.ts';
import { Random } from '../../simulation/random.ts';
import { FakeStore, ROOT } from './fake-store.ts';

const RACKS = ['/a', '/b', '/c'];

async function started(state?: FakeStore['journal']['durable']): Promise<FakeStore> {
  const store = new FakeStore(new Random(1), RACKS, state);
  if (!state) for (const node of store.nodes) await store.start(node);
  if (!state) await store.pass(2_000);
  return store;
}

async function reportOf(store: FakeStore, node: string): Promise<DatanodeReport | undefined> {
  return (await store.ask<StoreReport>('report', {})).datanodes.find((one) => one.node === node);
}

test('a namenode that starts again knows who is to go, and by what name, before they have come', async () => {
  const before = await started();
  await before.write('/f', 3, [1]);
  await before.call('setService', { node: 'dn0', service: 'decommissioning' });
  await before.call('setService', { node: 'dn1', service: 'maintenance' });
  const store = await started(before.journal.durable);
  expect(await reportOf(store, 'dn0')).toMatchObject({ isAlive: false, service: 'decommissioning', address: 'dn0' });
  for (const [i, node] of store.nodes.entries()) {
    for (const [id, replica] of before.nodes[i]!.replicas) node.replicas.set(id, replica);
    await store.start(node);
  }
  await store.pass(5_000);
  // Three replicas are wanted, and two nodes stay.
  const services = await Promise.all(store.nodes.map(async ({ node }) => (await reportOf(store, node))?.service));
  expect(services).toEqual(['decommissioning', 'maintenance', 'normal']);
  expect(await reportOf(store, 'dn0')).toMatchObject({ isAlive: true, leaving: { blocks: 1, stuck: 1 } });
  // No new block goes there.
  await store.write('/g', 3, [1]);
  expect(store.nodes.map(({ replicas }) => replicas.size)).toEqual([1, 1, 2]);
});

test('one that may go is said to, also when it has gone and the namenode has started again, until it is taken back', async () => {
  const before = await started();
  await before.write('/f', 2, [1, 1, 1]);
  await before.call('setService', { node: 'dn0', service: 'decommissioning' });
  await before.pass(30_000);
  expect(await reportOf(before, 'dn0')).toMatchObject({ service: 'decommissioned', isAlive: true });
  for (const { replicas } of before.nodes.slice(1)) expect(replicas.size).toBe(3);
  before.nodes[0]!.isUp = false;
  await before.pass(20_000);
  expect(await reportOf(before, 'dn0')).toMatchObject({ service: 'decommissioned', isAlive: false });
  const store = await started(before.journal.durable);
  expect(await reportOf(store, 'dn0')).toMatchObject({ service: 'decommissioned', isAlive: false });
  await store.call('setService', { node: 'dn0', service: 'normal' });
  expect(await reportOf(store, 'dn0')).toBeUndefined();
});

test('an order that comes twice does not have the last word', async () => {
  const store = await started();
  const order = { caller: ROOT, client: 'admin', number: 1, epoch: 1, node: 'dn0', service: 'decommissioning' };
  await store.ask('setService', order);
  await store.ask('setService', { ...order, number: 2, service: 'normal' });
  expect(await store.ask('setService', order)).toEqual({ result: { node: 'dn0' } });
  expect(await reportOf(store, 'dn0')).toMatchObject({ service: 'normal' });
  const stale = store.ask('setService', { ...order, epoch: 0, number: 3 });
  await expect(stale).rejects.toMatchObject({ name: 'StaleEpochException' });
  const own = store.call('setService', { node: 'dn0', service: 'decommissioned' });
  await expect(own).rejects.toMatchObject({ name: 'IOException' });
  const user = { user: 'ann', groups: [], superuser: false };
  const denied = store.call('setService', { node: 'dn0', service: 'maintenance', caller: user });
  await expect(denied).rejects.toMatchObject({ name: 'AccessControlException' });
});

test('in safe mode a datanode can be told to go', async () => {
  const store = await started();
  await store.ask('safeMode', { caller: ROOT, action: 'enter' });
  await store.call('setService', { node: 'dn0', service: 'maintenance' });
  // Nobody has looked yet whether others have what it has.
  expect(await reportOf(store, 'dn0')).toMatchObject({ service: 'entering_maintenance' });
});

test('one that goes for a while may go once each of its blocks is on another that is at work', async () => {
  const store = await started();
  await store.write('/two', 2, [1, 1, 1]);
  await store.write('/one', 1, [1, 1, 1]);
  const [dn0, dn1, dn2] = store.nodes;
  const alone = [...dn0!.replicas.keys()].filter((id) => ![dn1, dn2].some((node) => node!.replicas.has(id))).length;
  expect(alone).toBeGreaterThan(0);
  await store.call('setService', { node: 'dn0', service: 'maintenance' });
  expect(await reportOf(store, 'dn0')).toMatchObject({
    service: 'entering_maintenance',
    leaving: { blocks: alone, stuck: 0 },
  });
  await store.pass(10_000);
  const known = await reportOf(store, 'dn0');
  expect(known).toMatchObject({ service: 'maintenance' });
  expect(known).not.toHaveProperty('leaving');
  for (const id of dn0!.replicas.keys()) expect([dn1, dn2].some((node) => node!.replicas.has(id))).toBe(true);
  // What others have a replica of is not copied for its sake, and nothing is amiss while it is away.
  const replicas = (): number => store.nodes.reduce((sum, node) => sum + node.replicas.size, 0);
  expect(replicas()).toBe(9 + alone);
  const healthy = { healthy: true, problems: [] };
  expect(await store.ask('fsck', { path: '/' })).toMatchObject(healthy);
  dn0!.isUp = false;
  await store.pass(60_000);
  expect(await reportOf(store, 'dn0')).toMatchObject({ service: 'maintenance', isAlive: false });
  expect(await store.ask('fsck', { path: '/' })).toMatchObject(healthy);
  expect(replicas()).toBe(9 + alone);
});

test('one in maintenance has to stay again as soon as the other that has what it has is dead, and while it has not said what it has', async () => {
  const store = await started();
  await store.write('/f', 2, [1, 1, 1]);
  const [dn0, dn1, dn2] = store.nodes;
  await store.call('setService', { node: 'dn0', service: 'maintenance' });
  await store.pass(2_000);
  expect(await reportOf(store, 'dn0')).toMatchObject({ service: 'maintenance' });
  for (const node of [dn1!, dn2!]) node.isUp = false;
  while ((await reportOf(store, 'dn1'))!.isAlive || (await reportOf(store, 'dn2'))!.isAlive) await store.pass(50);
  const blocks = dn0!.replicas.size;
  expect(await reportOf(store, 'dn0')).toMatchObject({
    service: 'entering_maintenance',
    leaving: { blocks, stuck: blocks },
  });
  for (const node of [dn1!, dn2!]) await store.start(node);
  await store.pass(10_000);
  expect(await reportOf(store, 'dn0')).toMatchObject({ service: 'maintenance' });
  await store.start(dn0!);
  expect(await reportOf(store, 'dn0')).toMatchObject({ service: 'entering_maintenance' });
  await store.pass(2_000);
  expect(await reportOf(store, 'dn0')).toMatchObject({ service: 'maintenance' });
});

test('one in maintenance has to stay again as soon as the only other replica is damaged, but not for the sake of a number that nobody can have', async () => {
  const store = await started();
  await store.write('/f', 2, [1]);
  const [block] = store.namedBlocks().keys();
  const [first, second] = store.nodes.filter(({ replicas }) => replicas.has(block!));
  const service = async (): Promise<unknown> => (await reportOf(store, first!.node))?.service;
  await store.call('setService', { node: first!.node, service: 'maintenance' });
  await store.call('setReplication', { path: '/f', replication: 4 });
  await store.pass(2_000);
  expect(await service()).toBe('maintenance');
  const holders = store.nodes.filter((node) => node !== first && node.replicas.has(block!));
  expect(holders).toContain(second);
  for (const node of holders) await store.damage(node, node.replicas.get(block!)!);
  expect(await service()).toBe('entering_maintenance');
});

test('what was well when the walk passed it is looked at again before one may go', async () => {
  const store = await started();
  // Two others are not enough for three replicas.
  await store.write('/a', 3, [1]);
  await store.write('/b', 3, [1]);
  const wants = async (path: string, replication: number): Promise<void> => {
    await store.call('setReplication', { path, replication });
    await store.pass(1_000);
  };
  await store.call('setService', { node: 'dn0', service: 'decommissioning' });
  await store.pass(1_000);
  await wants('/a', 2);
  await wants('/a', 3);
  await wants('/b', 2);
  await store.pass(5_000);
  expect(await reportOf(store, 'dn0')).toMatchObject({ service: 'decommissioning', leaving: { blocks: 1, stuck: 1 } });
  await wants('/a', 2);
  await store.pass(1_000);
  expect(await reportOf(store, 'dn0')).toMatchObject({ service: 'decommissioned' });
});

/** `dn0` may go, since the two others have all that it has. */
async function withOneThatMayGo(): Promise<FakeStore> {
  const store = await started();
  await store.write('/f', 2, [1, 1, 1]);
  await store.call('setService', { node: 'dn0', service: 'decommissioning' });
  await store.pass(30_000);
  expect(await reportOf(store, 'dn0')).toMatchObject({ service: 'decommissioned' });
  return store;
}

test('one that may go may no longer as soon as one that has what it has is dead', async () => {
  const store = await withOneThatMayGo();
  const [, dn1] = store.nodes;
  dn1!.isUp = false;
  while ((await reportOf(store, 'dn1'))!.isAlive) {
    expect(await reportOf(store, 'dn0')).toMatchObject({ service: 'decommissioned' });
    await store.pass(50);
  }
  const blocks = store.nodes[0]!.replicas.size;
  expect(blocks).toBeGreaterThan(0);
  expect(await reportOf(store, 'dn0')).toMatchObject({ service: 'decommissioning', leaving: { blocks } });
  await store.pass(1_000);
  expect(recorded(store)).toBe('decommissioning');
  await store.start(dn1!);
  await store.pass(10_000);
  expect(await reportOf(store, 'dn0')).toMatchObject({ service: 'decommissioned' });
});

test('one that may go may no longer as soon as another replica is damaged, another datanode has to go, or more replicas are wanted', async () => {
  const troubles: ((store: FakeStore) => Promise<unknown>)[] = [
    (store) => {
      const [dn0, dn1] = store.nodes;
      const [block] = dn0!.replicas.keys();
      return store.damage(dn1!, dn1!.replicas.get(block!)!);
    },
    (store) => store.call('setService', { node: 'dn1', service: 'decommissioning' }),
    (store) => store.call('setReplication', { path: '/f', replication: 3 }),
  ];
  for (const trouble of troubles) {
    const store = await withOneThatMayGo();
    await trouble(store);
    expect(await reportOf(store, 'dn0')).toMatchObject({ service: 'decommissioning' });
  }
});

test('a block that was on its way to one that may go keeps it from going, from the moment it is there', async () => {
  const store = await started();
  const settings = { path: '/f.new', mode: 0o644, replication: 3, blockSize: 1000 };
  const { file } = (await store.call<{ result: { file: number } }>('create', settings)).result;
  const block = await store.call<BlockToWrite>('addBlock', { file, bytes: 1, excluded: [] });
  await store.call('setService', { node: 'dn0', service: 'decommissioning' });
  await store.pass(5_000);
  expect(await reportOf(store, 'dn0')).toMatchObject({ service: 'decommissioned' });
  const last = { id: block.block, generation: block.generation, length: 1, stored: ['dn0'] };
  const published = store.call('publish', { file, last, path: '/f', overwrite: false });
  // Before that is durable too.
  expect(await reportOf(store, 'dn0')).toMatchObject({ service: 'decommissioning' });
  await published;
  await store.pass(1_000);
  expect(await reportOf(store, 'dn0')).toMatchObject({ service: 'decommissioning', leaving: { blocks: 1 } });
});

/** How a writer gives up a block that it has written. */
const GIVEN_UP = {
  'its file was given up': (store, { file }) => store.call('abandonFile', { file }),
  'the name of its file was taken': async (store, { file, last }) => {
    await store.write('/f', 1, [1]);
    await store.call('publish', { file, last, path: '/f', overwrite: false });
  },
  'another block was written': async (store, { file, last }) => {
    await store.call('abandonBlock', { file, block: last.id });
    await store.call('publish', { file, path: '/f', overwrite: false });
  },
} satisfies Record<string, (store: FakeStore, written: Written) => Promise<unknown>>;

type Written = { readonly file: number; readonly last: StoredBlock };

test.each(Object.entries(GIVEN_UP))(
  'a block that only a snapshot names, as it was while it was written, keeps nobody from going: %s',
  async (_how, giveUp) => {
    const store = await started();
    await store.call('allowSnapshot', { path: '/' });
    const settings = { path: '/hidden', mode: 0o644, replication: 1, blockSize: 1000 };
    const { file } = (await store.call<{ result: { file: number } }>('create', settings)).result;
    const { block, generation, targets } = await store.call<BlockToWrite>('addBlock', { file, bytes: 1, excluded: [] });
    const [{ node }] = targets as [BlockToWrite['targets'][number]];
    const replica = { block, generation, length: 1, damaged: false, announced: Infinity };
    store.nodes.find((one) => one.node === node)!.replicas.set(block, replica);
    await store.call('createSnapshot', { path: '/', name: 's' });
    await store.call('setService', { node, service: 'decommissioning' });
    await store.pass(5_000);
    // Until it is given up.
    expect(await reportOf(store, node)).toMatchObject({ service: 'decommissioning', leaving: { blocks: 1, stuck: 0 } });
    await giveUp(store, { file, last: { id: block, generation, length: 1, stored: [node] } });
    expect(await reportOf(store, node)).toMatchObject({ service: 'decommissioning', leaving: { blocks: 0 } });
    await store.pass(5_000);
    expect(await reportOf(store, node)).toMatchObject({ service: 'decommissioned' });
  },
);

const recorded = (store: FakeStore): string => serviceOf(store.namenode.state, 'dn0');
