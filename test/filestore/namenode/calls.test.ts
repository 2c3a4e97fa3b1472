/** What a namenode remembers of its clients: calls that they repeat, and that they still write. */
import { expect, test } from 'vitest';
import { Datanodes } from '../../../src/filestore/namenode/datanodes.ts';
import { LEASE_MS } from '../../../src/filestore/namenode/leases.ts';
import type { StoreReport } from '../../../src/filestore/namenode/administration.ts';
import type { BlockToWrite, RegisterReply } from '../../../src/filestore/protocol.ts';
import { remoteException } from '../../../src/filestore/webhdfs/remote-exception.ts';
import { SimulatedClock } from '../../cluster/simulated-clock.ts';
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
  await store.ask('mkdirs', { ...MKDIRS, attempt: 1 });
  expect(await store.ask('stat', { caller: ROOT, path: '/folder' })).toMatchObject({ status: { kind: 'folder' } });
});

test('safe mode says whether it ends by itself, also once an administrator has taken it over', async () => {
  const before = await started();
  await before.write('/f', 1, [10]);
  const store = new FakeStore(new Random(1), ['/a'], before.namenode.state);
  const refused = (number: number): Promise<unknown> =>
    store.ask('mkdirs', { ...MKDIRS, number }).catch((problem: unknown) => problem);
  const starting = await refused(1);
  expect(starting).toMatchObject({
    name: 'SafeModeException',
    message: expect.stringContaining('0 of 1 blocks so far'),
  });
  await store.ask('safeMode', { caller: ROOT, action: 'enter' });
  const byHand = await refused(2);
  expect(byHand).toMatchObject({
    name: 'ManualSafeModeException',
    message: expect.stringContaining('-safemode leave'),
  });
  // Of HDFS's names there is one for both.
  for (const problem of [starting, byHand]) {
    expect(remoteException(problem)).toMatchObject({
      status: 403,
      body: { RemoteException: { exception: 'SafeModeException', message: (problem as Error).message } },
    });
  }
  await store.ask('safeMode', { caller: ROOT, action: 'leave' });
  expect(await store.ask('mkdirs', { ...MKDIRS, number: 2, attempt: 1 })).toEqual({ result: true });
});

test('who asks where a block is before its datanode has reported is to ask again, and is not told that nobody has it', async () => {
  const before = await started();
  await before.write('/f', 1, [10]);
  const store = new FakeStore(new Random(1), ['/a'], before.namenode.state);
  const locate = { caller: ROOT, path: '/f' };
  await expect(store.ask('locate', locate)).rejects.toMatchObject({ name: 'SafeModeException' });
  for (const [block, replica] of before.nodes[0]!.replicas) store.nodes[0]!.replicas.set(block, replica);
  await store.start(store.nodes[0]!);
  expect(await store.ask('locate', locate)).toMatchObject({ blocks: [{ replicas: [{ node: 'dn0' }] }] });
});

test('who asks in a safe mode that somebody turned on does not wait for a block that nobody will report', async () => {
  const before = await started();
  await before.write('/f', 1, [10]);
  const store = new FakeStore(new Random(1), ['/a'], before.namenode.state);
  await store.ask('safeMode', { caller: ROOT, action: 'enter' });
  const locate = (): Promise<unknown> => store.ask('locate', { caller: ROOT, path: '/f' });
  await expect(locate()).rejects.toMatchObject({ name: 'SafeModeException' });
  // It has none.
  await store.start(store.nodes[0]!);
  await store.pass(60_000);
  expect(await locate()).toMatchObject({ blocks: [{ replicas: [] }] });
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

test('a writer whose last file is being completed while leases are looked at is nobody who is gone', async () => {
  const store = await started();
  await store.pass(2 * LEASE_MS);
  const { result } = await store.call<{ result: { file: number } }>('create', {
    path: '/f.new',
    mode: 0o644,
    replication: 1,
    blockSize: 1000,
  });
  const warned = store.warnings.length;
  const published = store.call('publish', { file: result.file, path: '/f', overwrite: false });
  store.clock.advance(250);
  expect(await published).toEqual({ published: true });
  await store.pass(250);
  expect(store.warnings.slice(warned)).toEqual([]);
  expect(await store.ask('stat', { caller: ROOT, path: '/f' })).toMatchObject({ status: { kind: 'file' } });
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
  await expect(store.call('publish', publish)).rejects.toMatchObject({ name: 'DiskOutOfSpaceException' });
  store.journal.isFull = false;
  expect(await store.call('publish', publish)).toEqual({ published: true });
});

test('a call that the journal had no room for is carried out when it is repeated, and calls that change nothing are answered', async () => {
  const store = await started();
  store.journal.isFull = true;
  await expect(store.ask('mkdirs', MKDIRS)).rejects.toMatchObject({
    name: 'DiskOutOfSpaceException',
    message: expect.stringContaining('full'),
  });
  const unchanged = { ...MKDIRS, number: 2, path: '/' };
  expect(await store.ask('mkdirs', unchanged)).toEqual({ result: true });
  store.journal.isFull = false;
  // What comes late was refused with the rest: who asked has been told that nothing happened.
  await expect(store.ask('mkdirs', MKDIRS)).rejects.toMatchObject({ name: 'DiskOutOfSpaceException' });
  await store.ask('mkdirs', { ...MKDIRS, attempt: 1 });
  expect(await store.ask('stat', { caller: ROOT, path: '/folder' })).toMatchObject({ status: { kind: 'folder' } });
});

test('a refusal waits for what it was decided on, and goes with it', async () => {
  const store = await started();
  store.journal.isFull = true;
  const create = { path: '/f', mode: 0o644, replication: 1, blockSize: 1000 };
  const outcomes = await Promise.allSettled([store.call('create', create), store.call('create', create)]);
  // The second met the first, which is not there.
  for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { name: 'DiskOutOfSpaceException' } });
  store.journal.isFull = false;
  await store.call('create', create);
  await expect(store.call('create', create)).rejects.toMatchObject({ name: 'AlreadyBeingCreatedException' });
});

test('a block that nobody takes is none', async () => {
  const store = await started();
  const { result } = await store.call<{ result: { file: number } }>('create', {
    path: '/f',
    mode: 0o644,
    replication: 1,
    blockSize: 10_000_000_000,
  });
  const addBlock = { file: result.file, bytes: 10_000_000_000, excluded: [] };
  await expect(store.call('addBlock', addBlock)).rejects.toMatchObject({ name: 'NotEnoughReplicasException' });
  expect(store.journal.tip.blocks.size).toBe(0);
});

test('replicas of a block that was being written do not end safe mode', async () => {
  const before = await started();
  await before.write('/f', 1, [10]);
  const { result } = await before.call<{ result: { file: number } }>('create', {
    path: '/open',
    mode: 0o644,
    replication: 1,
    blockSize: 1000,
  });
  const block = await before.call<BlockToWrite>('addBlock', { file: result.file, bytes: 1000, excluded: [] });
  const store = new FakeStore(new Random(1), ['/a'], before.namenode.state);
  const open = { block: block.block, generation: 1, length: 7, damaged: false, announced: Infinity };
  store.nodes[0]!.replicas.set(block.block, open);
  await store.start(store.nodes[0]!);
  expect(store.namenode.safeMode.isOn).toBe(true);
  for (const [id, replica] of before.nodes[0]!.replicas) store.nodes[0]!.replicas.set(id, replica);
  await store.start(store.nodes[0]!);
  expect(store.namenode.safeMode.isOn).toBe(false);
});

test('a datanode of another store is refused, and operators are told what it is', async () => {
  const store = await started();
  const stranger = { node: 'old', store: 'before', rack: '/a', host: 'h', address: 'http://old', incarnation: '1' };
  for (let i = 0; i < 2; i++) {
    await expect(store.ask('register', stranger)).rejects.toMatchObject({
      name: 'IOException',
      message: expect.stringMatching(/store before.*--journal-dir.*nothing was deleted/),
    });
  }
  const { foreign } = await store.ask<StoreReport>('report', {});
  expect(foreign).toEqual([{ node: 'old', address: 'http://old', store: 'before' }]);
  await store.ask('register', { ...stranger, store: 'store' });
  expect(await store.ask<StoreReport>('report', {})).toMatchObject({ foreign: [] });
});

test('what a datanode said before the namenode began to know it anew is not believed, however late it comes', async () => {
  const store = await started();
  await store.write('/f', 1, [10]);
  const [dn0] = store.nodes;
  const [block] = store.namedBlocks().keys();
  const registration = { node: 'dn0', incarnation: '1', store: 'store', rack: '/a', host: 'dn0', address: 'dn0' };
  const { session } = dn0!;
  const replicas = [...dn0!.replicas.values()];
  const early = { node: 'dn0', session, change: { kind: 'full', from: 0, replicas, corrupt: [] } };
  // Its disk has lost it since, and it says so.
  dn0!.replicas.clear();
  const lost = { kind: 'incremental', received: [], deleted: replicas, corrupt: [] };
  await store.ask('blockReport', { node: 'dn0', session, sequence: 100, change: lost });
  const holders = (): readonly number[] => store.namenode.blocks.nodesOf(block!);
  // The network repeats both while the namenode knows it still,
  expect(await store.ask('register', registration)).toMatchObject({ session });
  await store.ask('blockReport', { ...early, sequence: 99 });
  expect(holders()).toEqual([]);
  // and once it was dead.
  dn0!.isUp = false;
  await store.pass(20_000);
  const anew = await store.ask<RegisterReply>('register', registration);
  expect(anew.session).not.toBe(session);
  await expect(store.ask('blockReport', { ...early, sequence: 99 })).rejects.toMatchObject(UNREGISTERED);
  expect(holders()).toEqual([]);
  // So the datanode, which goes on as before, hears that it has to register.
  await expect(store.ask('heartbeat', { node: 'dn0', session })).rejects.toMatchObject(UNREGISTERED);
  dn0!.isUp = true;
  await store.pass(5_000);
  expect((await store.ask<StoreReport>('report', {})).datanodes).toMatchObject([{ isAlive: true, service: 'normal' }]);
});

test('two namenodes of one store give no session the same name', () => {
  const clock = new SimulatedClock();
  const registration = { node: 'a', incarnation: '1', store: 's', rack: '/a', host: 'a', address: 'a' };
  const [one, next] = [1, 2].map((epoch) => new Datanodes(clock, epoch).register(registration, 'normal'));
  expect(one!.session).not.toBe(next!.session);
});

const UNREGISTERED = { name: 'UnregisteredNodeException' };

test('a writer that repeats itself says nothing of replicas that were deleted since', async () => {
  const store = await started();
  const file = { path: '/f', mode: 0o644, replication: 1, blockSize: 1000 };
  const { result } = await store.call<{ result: { file: number } }>('create', file);
  const first = await store.call<BlockToWrite>('addBlock', { file: result.file, bytes: 1000, excluded: [] });
  const previous = { id: first.block, generation: 1, length: 1000, stored: ['dn0'] };
  const next = { file: result.file, bytes: 1000, excluded: [], previous };
  await store.call('addBlock', next);
  expect(store.namenode.blocks.nodesOf(first.block)).toHaveLength(1);
  const gone = { from: 0, kind: 'full', replicas: [], corrupt: [] };
  await store.ask('blockReport', { node: 'dn0', session: store.nodes[0]!.session, sequence: 100, change: gone });
  // As of another namenode than the first time: it remembers no call.
  await expect(store.call('addBlock', next)).rejects.toMatchObject({ name: 'NotEnoughReplicasException' });
  expect(store.namenode.blocks.nodesOf(first.block)).toEqual([]);
});

test('what a writer says of a datanode that lost it, and said so, before the writer spoke, is found out', async () => {
  const store = await started();
  await store.write('/whole', 1, [10]);
  const datanode = store.namenode.datanodes.byId('dn0')!;
  const file = { path: '/f.new', mode: 0o644, replication: 1, blockSize: 1000 };
  const { result } = await store.call<{ result: { file: number } }>('create', file);
  const lost = await store.call<BlockToWrite>('addBlock', { file: result.file, bytes: 1000, excluded: [] });
  const last = { id: lost.block, generation: 1, length: 1000, stored: ['dn0'] };
  await store.call('publish', { file: result.file, last, path: '/f', overwrite: false });
  expect(store.namenode.blocks.nodesOf(lost.block)).toEqual([datanode.number]);
  expect([...datanode.claimed.keys()]).toContain(lost.block);
  await store.pass(5_000);
  // It has said itself that it has the other one.
  expect([...datanode.claimed.keys()]).toEqual([lost.block]);
  await store.pass(15_000);
  expect([...datanode.claimed.keys()]).toEqual([]);
  expect(await store.ask('fsck', { path: '/' })).toMatchObject({ healthy: false, problems: [{ path: '/f' }] });
  const { sequence } = datanode;
  await store.pass(30_000);
  // It is not asked again and again.
  expect(datanode.sequence).toBe(sequence);
});

async function started(): Promise<FakeStore> {
  const store = new FakeStore(new Random(1), ['/a']);
  await store.start(store.nodes[0]!);
  await store.pass(2_000);
  return store;
}
