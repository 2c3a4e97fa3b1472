/** What a namenode remembers of its clients: calls that they repeat, and that they still write. */
import { expect, test } from 'vitest';
import { LEASE_MS } from '../../../src/filestore/namenode/leases.ts';
import { Random } from '../../simulation/random.ts';
import { FakeStore, ROOT } from './fake-store.ts';

const MKDIRS = { caller: ROOT, client: 'one', number: 1, epoch: 1, path: '/folder', mode: 0o755 };

test('a call that was refused in safe mode is carried out when it is repeated afterwards', async () => {
  const before = await started();
  await before.write('/f', 1, [10]);
  const store = new FakeStore(new Random(1), ['/a'], before.namenode.state);
  await expect(store.ask('mkdirs', MKDIRS)).rejects.toMatchObject({ name: 'SafeModeException' });
  for (const [block, replica] of before.nodes[0]!.replicas) store.nodes[0]!.replicas.set(block, replica);
  await store.start(store.nodes[0]!);
  expect(store.namenode.safeMode.isOn).toBe(false);
  await store.ask('mkdirs', MKDIRS);
  expect(await store.ask('stat', { caller: ROOT, path: '/folder' })).toMatchObject({ status: { kind: 'folder' } });
});

test('a writer whose first file becomes durable while leases are looked at keeps it', async () => {
  const store = await started();
  await store.pass(2 * LEASE_MS);
  const created = store.call('create', { path: '/f', mode: 0o644, replication: 1, blockSize: 1000 });
  store.clock.advance(250);
  await created;
  await store.pass(LEASE_MS / 2);
  expect(await store.ask('stat', { caller: ROOT, path: '/f' })).toMatchObject({ status: { kind: 'file', open: true } });
});

test('a file whose publication does not fit on the disk is not published, and the namenode goes on', async () => {
  const store = await started();
  const { result } = await store.call<{ result: { file: number } }>('create', {
    path: '/f.new',
    mode: 0o644,
    replication: 1,
    blockSize: 1000,
  });
  const publish = { file: result.file, path: '/f', overwrite: false };
  store.journal.isFull = true;
  await expect(store.call('publish', publish)).rejects.toThrow('full');
  store.journal.isFull = false;
  expect(await store.call('publish', publish)).toEqual({ published: true });
});

async function started(): Promise<FakeStore> {
  const store = new FakeStore(new Random(1), ['/a']);
  await store.start(store.nodes[0]!);
  await store.pass(2_000);
  return store;
}
