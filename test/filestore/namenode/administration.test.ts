/** What operators are told of a store. */
import { expect, test } from 'vitest';
import {
  type DatanodeReport,
  fsck,
  type StoreReport,
  storeReport,
} from '../../../src/filestore/namenode/administration.ts';
import { Random } from '../../simulation/random.ts';
import { atOnce } from './at-once.ts';
import { FakeStore } from './fake-store.ts';

test('a missing block is no health, however many lesser problems are named before it', async () => {
  const store = new FakeStore(new Random(1), ['/a', '/b']);
  for (const node of store.nodes) await store.start(node);
  await store.pass(2_000);
  await store.write('/many', 2, Array<number>(1_001).fill(1));
  await store.write('/one', 1, [1]);
  await store.call('setReplication', { path: '/many', replication: 1 });
  expect(atOnce(fsck(store.namenode, '/'))).toMatchObject({ files: 2, blocks: 1_002, healthy: true });
  const [[missing]] = [...store.namedBlocks()].slice(-1) as [[number, number]];
  store.namenode.blocks.forget(missing);
  const found = atOnce(fsck(store.namenode, '/'));
  expect(found).toMatchObject({ healthy: false, counts: { missing: 1, 'over-replicated': 1_001 } });
  expect(found.problems).toHaveLength(1_001);
  // By name, since whoever asks acts on it.
  expect(found.problems.at(-1)).toMatchObject({ path: '/one', kind: 'missing' });
  expect(atOnce(fsck(store.namenode, '/one')).problems).toEqual([
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
  const found = atOnce(fsck(store.namenode, '/'));
  expect(found).toMatchObject({ healthy: false, lostFiles: 2, counts: { missing: 1_002 } });
  expect(found.problems).toHaveLength(1_000);
  expect(new Set(found.problems.map(({ path }) => path))).toEqual(new Set(['/many']));
});

test('a datanode is named by its id, its address, or how its id begins, when that means one', async () => {
  const store = new FakeStore(new Random(1), []);
  const join = (node: string, address: string): Promise<object> =>
    store.ask('register', { node, store: 'store', rack: '/a', host: 'h', address, incarnation: '1' });
  const named = async (node: string): Promise<unknown> =>
    (await store.call<{ result: { node: string } }>('setService', { node, service: 'maintenance' })).result.node;
  await join('aaaa-1', 'http://h:1');
  await join('aaaa-2', 'http://h:2');
  expect(await named('aaaa-1')).toBe('aaaa-1');
  expect(await named('h:2')).toBe('aaaa-2');
  expect(await named('aaaa-2')).toBe('aaaa-2');
  const message = 'aaaa may be each of the datanodes aaaa-1 (h:1), aaaa-2 (h:2)';
  await expect(named('aaaa')).rejects.toMatchObject({ name: 'FileNotFoundException', message });
  for (const none of ['', 'aaa', 'h:3', 'aaaa-3']) {
    await expect(named(none)).rejects.toMatchObject({
      message: `There is no datanode ${none}; known are aaaa-1 (h:1), aaaa-2 (h:2)`,
    });
  }
  // What comes with empty disks is another datanode, at the address of the one that died.
  await store.pass(20_000);
  await join('bbbbb', 'http://h:1');
  expect(await named('h:1')).toBe('bbbbb');
  expect(await named('bbbb')).toBe('bbbbb');
});

test('what is decommissioned says what it still has to give away, and what nobody can take', async () => {
  const store = new FakeStore(new Random(1), ['/a', '/b', '/c']);
  const [first, second, third] = store.nodes as [
    (typeof store.nodes)[0],
    (typeof store.nodes)[0],
    (typeof store.nodes)[0],
  ];
  for (const node of [first, second]) await store.start(node);
  third.isUp = false;
  await store.pass(2_000);
  await store.write('/two', 2, [1, 1, 1]);
  const report = (): DatanodeReport | undefined =>
    atOnce(storeReport(store.namenode, store.clock.elapsedMs())).datanodes.find(({ node }) => node === first.node);
  const leaving = (): DatanodeReport['leaving'] => report()?.leaving;
  expect(leaving()).toBeUndefined();
  await store.call('setService', { node: first.node, service: 'decommissioning' });
  await store.pass(5_000);
  expect(leaving()).toEqual({ blocks: 3, stuck: 3 });
  await store.start(third);
  await store.pass(30_000);
  expect(report()).toMatchObject({ service: 'decommissioned' });
  // It is asked for what was asked for before.
  await store.call('setService', { node: first.node, service: 'decommissioning' });
  expect(report()).toMatchObject({ service: 'decommissioned' });
  // Others lose what they had.
  third.isUp = false;
  await store.pass(90_000);
  expect(leaving()).toEqual({ blocks: 3, stuck: 3 });
  // It has to say first what it has.
  store.namenode.datanodes.byId(first.node)!.reportedTo = 1;
  expect(leaving()).toBeUndefined();
});

test('files that go, or want fewer replicas, while fsck walks are no problems', async () => {
  const store = new FakeStore(new Random(1), ['/a', '/b']);
  for (const node of store.nodes) await store.start(node);
  await store.pass(2_000);
  await store.write('/long', 1, Array<number>(1_000).fill(1));
  await store.write('/lowered', 2, [1]);
  await store.write('/removed', 2, [1]);
  const steps = fsck(store.namenode, '/');
  expect(steps.next().done).toBe(false);
  await store.call('delete', { path: '/removed', recursive: false });
  await store.call('setReplication', { path: '/lowered', replication: 1 });
  await store.pass(10_000);
  expect(store.namedBlocks().size).toBe(1_001);
  const counts = { missing: 0, corrupt: 0, 'under-replicated': 0, 'over-replicated': 0 };
  expect(atOnce(steps)).toMatchObject({ files: 3, healthy: true, counts });
});

test('a report over more blocks than are walked while one waits is asked for on', async () => {
  const store = new FakeStore(new Random(1), ['/a', '/b']);
  for (const node of store.nodes) await store.start(node);
  await store.pass(2_000);
  await store.write('/many', 2, Array<number>(5_000).fill(1));
  await store.call('setService', { node: 'dn0', service: 'decommissioning' });
  const first = store.ask('report', { request: 'one' });
  store.clock.advance(6_000);
  expect(await first).toEqual({ stillAtWork: true });
  const second = store.ask<StoreReport>('report', { request: 'one' });
  await store.pass(2_000);
  expect((await second).datanodes[0]).toMatchObject({ node: 'dn0', leaving: { blocks: 5_000 } });
});
