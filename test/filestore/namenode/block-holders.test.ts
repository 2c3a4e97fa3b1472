/** Who is said to have a block that cannot be read. */

import { expect, test } from 'vitest';
import type { HoldersReply } from '../../../src/filestore/protocol.ts';
import { Random } from '../../simulation/random.ts';
import { type FakeDatanode, FakeStore, ROOT } from './fake-store.ts';

async function written(replication: number): Promise<{
  readonly store: FakeStore;
  readonly holders: readonly FakeDatanode[];
  readonly ask: () => Promise<HoldersReply>;
}> {
  const store = new FakeStore(new Random(1), ['/a', '/a']);
  for (const node of store.nodes) await store.start(node);
  // Who has not come within that time is not waited for.
  await store.pass(12_000);
  expect(await store.write('/f', replication, [10])).toBe(true);
  const [[block]] = [...store.namedBlocks()] as [[number, number]];
  const holders = store.nodes.filter(({ replicas }) => replicas.has(block));
  expect(holders).toHaveLength(replication);
  const asked = { caller: ROOT, path: '/f', block, offset: 0 };
  return { store, holders, ask: () => store.ask<HoldersReply>('holders', asked) };
}

test('those that live, and when they were last heard of', async () => {
  const { store, holders, ask } = await written(1);
  await store.pass(3_000);
  const { isAwaited, holders: found } = await ask();
  expect(isAwaited).toBe(false);
  expect(found).toMatchObject([{ node: holders[0]!.node, isAlive: true, isDamaged: false }]);
  expect(found[0]!.silentMs).toBeLessThanOrEqual(2_000);
});

test('those that are dead, until they say what they have now', async () => {
  const { store, holders, ask } = await written(2);
  for (const node of holders) node.isUp = false;
  await store.pass(20_000);
  const { holders: dead } = await ask();
  expect(new Set(dead.map(({ node }) => node))).toEqual(new Set(['dn0', 'dn1']));
  expect(dead.map(({ isAlive }) => isAlive)).toEqual([false, false]);
  for (const { silentMs } of dead) expect(silentMs).toBeGreaterThanOrEqual(17_000);
  // One comes back with an empty disk, and dies once more.
  const [first] = holders as [FakeDatanode];
  store.wipe(first);
  await store.start(first);
  expect((await ask()).holders.map(({ node }) => node)).toEqual(['dn1']);
  first.isUp = false;
  await store.pass(20_000);
  expect((await ask()).holders.map(({ node }) => node)).toEqual(['dn1']);
});

test('one that is back and has not said what it has is awaited', async () => {
  const { store, holders, ask } = await written(1);
  const [node] = holders as [FakeDatanode];
  node.isUp = false;
  await store.pass(20_000);
  expect((await ask()).isAwaited).toBe(false);
  const register = {
    node: node.node,
    incarnation: '9',
    store: 'store',
    rack: '/a',
    host: node.node,
    address: node.node,
  };
  await store.ask('register', register);
  expect(await ask()).toEqual({ holders: [], isAwaited: true });
});

test('damaged replicas are said to be damaged, as long as their datanodes live', async () => {
  const { store, holders, ask } = await written(1);
  const [node] = holders as [FakeDatanode];
  await store.damage(node, [...node.replicas.values()][0]!);
  expect((await ask()).holders).toMatchObject([{ node: node.node, isAlive: true, isDamaged: true }]);
  node.isUp = false;
  await store.pass(20_000);
  expect((await ask()).holders).toEqual([]);
});

test('nobody is named to who may not read the file, or asks for a block that it has no more', async () => {
  const { store } = await written(1);
  const [[block]] = [...store.namedBlocks()] as [[number, number]];
  const other = { caller: ROOT, path: '/f', block: block + 1, offset: 0 };
  await expect(store.ask('holders', other)).rejects.toMatchObject({ name: 'FileNotFoundException' });
  await store.call('setPermission', { path: '/f', mode: 0o600 });
  const stranger = { user: 'anna', groups: [], superuser: false };
  await expect(store.ask('holders', { caller: stranger, path: '/f', block, offset: 0 })).rejects.toMatchObject({
    name: 'AccessControlException',
  });
});
