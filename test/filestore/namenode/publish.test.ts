/** A file that is whole gets its name: what its writer is told, and what becomes of its blocks. */

import { expect, test } from 'vitest';
import type { BlockToWrite, StoredBlock } from '../../../src/filestore/protocol.ts';
import { Random } from '../../simulation/random.ts';
import { FakeStore, ROOT } from './fake-store.ts';

type Written = { readonly file: number; readonly last: StoredBlock };

/** A file of one block that `dn0` alone has stored, and has said so. */
async function written(store: FakeStore, replication = 1): Promise<Written> {
  const settings = { path: '/hidden', mode: 0o644, replication, blockSize: 1000 };
  const { file } = (await store.call<{ result: { file: number } }>('create', settings)).result;
  const { block, generation } = await store.call<BlockToWrite>('addBlock', { file, bytes: 1, excluded: [] });
  const replica = { block, generation, length: 1, damaged: false, announced: Infinity };
  store.nodes[0]!.replicas.set(block, replica);
  await store.pass(3_000);
  return { file, last: { id: block, generation, length: 1, stored: ['dn0'] } };
}

async function started(nodes: number): Promise<FakeStore> {
  const store = new FakeStore(
    new Random(1),
    Array.from({ length: nodes }, () => '/a'),
  );
  for (const node of store.nodes) await store.start(node);
  await store.pass(2_000);
  return store;
}

test('whose name is taken, or cannot be, is told so, and nothing is left of the file', async () => {
  const store = await started(1);
  await store.call('mkdirs', { path: '/f', mode: 0o755 });
  await store.write('/taken', 1, []);
  const taken = store.call('publish', { ...(await written(store)), path: '/taken', overwrite: false });
  expect(await taken).toEqual({ published: false });
  const astray = store.call('publish', { ...(await written(store)), path: '/none/f', overwrite: false });
  await expect(astray).rejects.toMatchObject({ name: 'FileNotFoundException' });
  const folder = store.call('publish', { ...(await written(store)), path: '/f', overwrite: true });
  await expect(folder).rejects.toMatchObject({ name: 'IOException' });
  await store.pass(5_000);
  expect([store.namenode.state.blocks.size, store.namenode.state.leases.size]).toEqual([0, 0]);
  expect(store.nodes[0]!.replicas.size).toBe(0);
});

test('a block that fewer datanodes have stored than are wanted is copied, also when all of them have said so before', async () => {
  const store = await started(2);
  await store.call('publish', { ...(await written(store, 2)), path: '/f', overwrite: false });
  await store.pass(10_000);
  expect(store.nodes.map(({ replicas }) => replicas.size)).toEqual([1, 1]);
});

test('asked again, the answer is the same, whoever has the block by now', async () => {
  const store = await started(1);
  const publish = { ...(await written(store)), path: '/f', overwrite: false };
  await store.call('publish', publish);
  store.nodes[0]!.isUp = false;
  await store.pass(20_000);
  // As of another namenode than the first time: it remembers no call.
  expect(await store.call('publish', publish)).toEqual({ published: true });
});

test('a file whose last block nobody has is not published', async () => {
  const store = await started(1);
  const publish = { ...(await written(store)), path: '/f', overwrite: false };
  store.nodes[0]!.isUp = false;
  await store.pass(20_000);
  await expect(store.call('publish', publish)).rejects.toMatchObject({ name: 'NotEnoughReplicasException' });
  expect(await store.ask('stat', { caller: ROOT, path: '/hidden' })).toMatchObject({
    status: { open: true },
  });
});
