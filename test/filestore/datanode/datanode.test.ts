/** A datanode and its namenodes: what it tells, and what it does when it is told. */

import { beforeEach, expect, test } from 'vitest';
import { StoreError } from '../../../src/filestore/network.ts';
import type { DatanodeCommand, Replica } from '../../../src/filestore/protocol.ts';
import { Signal } from '../signal.ts';
import { settle } from './fake-network.ts';
import { FakeNamenode, TestNodes } from './nodes.ts';
import type { TestNode } from './nodes.ts';
import { contentOf, SILENT } from './stores.ts';

const REPLICA = { block: 5, generation: 1, length: 3_500 };
const FILE = '/data/blocks/00/00/5_1';

let world: TestNodes;
let namenode: FakeNamenode;
beforeEach(() => {
  world = new TestNodes();
  namenode = new FakeNamenode();
  world.network.serve('namenode', namenode.operations);
});

const options = { namenodes: ['namenode'] };

async function started(more: Parameters<TestNodes['add']>[0] = {}): Promise<TestNode> {
  const added = await world.add({ ...options, ...more });
  added.node.start();
  await settle();
  return added;
}

async function pass(ms: number, step = 500): Promise<void> {
  for (let passed = 0; passed < ms; passed += step) {
    world.clock.advance(step);
    await settle(20);
  }
}

const target = ({ node, address }: TestNode): { readonly node: string; readonly address: string } => ({
  node: node.id,
  address,
});

test('it registers, tells all it has, and says every second how it is', async () => {
  const { node, address, disk } = await world.add(options);
  await world.write(REPLICA, world.nodes);
  node.start();
  await settle();
  expect(namenode.heard).toEqual(['register', 'full']);
  expect(namenode.registrations[0]).toEqual({
    node: node.id,
    address,
    rack: '/default-rack',
    host: address,
    incarnation: `${address}#2`,
  });
  expect([...namenode.replicas]).toEqual([['5_1', 'sound']]);
  await pass(3_000, 1_000);
  expect(namenode.heartbeats).toHaveLength(3);
  const used = 3_500 + 48 + 4 * 4;
  const capacity = namenode.heartbeats[0]!.capacityBytes;
  expect(namenode.heartbeats[0]).toEqual({
    node: node.id,
    session: '1',
    capacityBytes: capacity,
    usedBytes: used,
    freeBytes: capacity - used,
    transfers: 0,
    failedFolders: 0,
    failedCopies: [],
  });
  expect(capacity).toBeLessThanOrEqual(disk.capacityBytes);
});

test('what comes and goes is told at once', async () => {
  const added = await started();
  await world.write(REPLICA, [added]);
  await settle();
  expect([...namenode.replicas]).toEqual([['5_1', 'sound']]);
  added.disk.flipBit(FILE, 3, 3);
  await expect(world.read(REPLICA, added)).rejects.toMatchObject({ name: 'ChecksumException' });
  await settle();
  expect([...namenode.replicas]).toEqual([['5_1', 'corrupt']]);
});

test('room that is reserved is not free, and a write under way is a transfer', async () => {
  const added = await started();
  await pass(1_000, 1_000);
  const before = namenode.heartbeats.at(-1)!.freeBytes;
  const writing = world.write({ ...REPLICA, length: 1_000_000 }, [added], silent());
  writing.catch(() => undefined);
  await settle();
  await pass(1_000, 1_000);
  const { freeBytes, transfers } = namenode.heartbeats.at(-1)!;
  expect(before - freeBytes).toBeGreaterThanOrEqual(1_000_000);
  expect(transfers).toBe(1);
});

async function* silent(): AsyncGenerator<Uint8Array, void, void> {
  yield new Uint8Array(1_000);
  await new Promise<never>(() => undefined);
}

test('a namenode that does not know it hears everything anew', async () => {
  const added = await started();
  await world.write(REPLICA, [added]);
  await settle();
  namenode.reports.length = 0;
  namenode.heard.length = 0;
  namenode.known = false;
  await pass(1_000, 1_000);
  expect(namenode.heard).toEqual(['heartbeat', 'register', 'full']);
  expect([...namenode.replicas]).toEqual([['5_1', 'sound']]);
});

test('a refusal of what was said before it registered anew does not end its session', async () => {
  const added = await started();
  const over = new Signal();
  namenode.slow = over.given;
  await world.write(REPLICA, [added]);
  await settle();
  namenode.known = false;
  namenode.heard.length = 0;
  await pass(1_000, 1_000);
  expect(namenode.heard).toEqual(['heartbeat', 'register']);
  over.give();
  await settle();
  await pass(2_000, 1_000);
  expect(namenode.heard.filter((one) => one === 'register')).toHaveLength(1);
  expect(namenode.reports.at(-1)).toMatchObject({ session: '2' });
  expect([...namenode.replicas]).toEqual([['5_1', 'sound']]);
});

test('a namenode that is away: the datanode asks on, and forgets nothing', async () => {
  const added = await started();
  world.network.kill('namenode');
  await world.write(REPLICA, [added]);
  await pass(10_000, 1_000);
  world.network.serve('namenode', namenode.operations);
  await pass(1_000, 1_000);
  expect(namenode.heard.slice(0, 2)).toEqual(['register', 'full']);
  expect([...namenode.replicas]).toEqual([['5_1', 'sound']]);
  const sequences = namenode.reports.map(({ sequence }) => sequence);
  expect(sequences).toEqual([...new Set(sequences)].toSorted((a, b) => a - b));
});

test('a namenode that hangs is asked again, one question at a time', async () => {
  await world.add(options);
  world.network.hang('namenode');
  world.nodes[0]!.node.start();
  await settle();
  await pass(12_000, 1_000);
  expect(world.network.calls.filter((call) => call.endsWith('register')).length).toBe(3);
});

test('two namenodes are told the same', async () => {
  const standby = new FakeNamenode();
  world.network.serve('standby', standby.operations);
  const added = await started({ namenodes: ['namenode', 'standby'] });
  await world.write(REPLICA, [added]);
  await settle();
  for (const each of [namenode, standby]) expect([...each.replicas]).toEqual([['5_1', 'sound']]);
});

test('a copy that is ordered goes to all targets; a target that is gone is left out', async () => {
  const source = await started();
  await world.write(REPLICA, [source]);
  const gone = await world.add();
  const others = [await world.add(), await world.add()];
  world.kill(gone);
  namenode.commands = [{ kind: 'copy', replica: REPLICA, targets: [gone, ...others].map(target) }];
  await pass(5_000);
  for (const each of others) expect((await world.read(REPLICA, each)).equals(contentOf(REPLICA))).toBe(true);
  const failed = namenode.heartbeats.flatMap(({ failedCopies }) => failedCopies);
  expect(failed[0]).toEqual({ block: REPLICA.block, target: target(gone).node });
  expect(new Set(failed.map(({ target: node }) => node)).size).toBe(1);
});

test('an order that is repeated while it is carried out is not begun again', async () => {
  const source = await started({ copyBytesPerSecond: 500 });
  await world.write(REPLICA, [source]);
  const other = await world.add();
  namenode.commands = [{ kind: 'copy', replica: REPLICA, targets: [target(other)] }];
  await pass(5_000);
  expect(world.network.calls.filter((call) => call === 'node-1 → node-2 writeBlock')).toHaveLength(1);
});

test('of more copies than are made at a time the others wait, and are not left to the next heartbeat', async () => {
  const source = await started({ heartbeatMs: 60_000 });
  const replicas = Array.from({ length: 10 }, (_, i): Replica => ({ block: i + 1, generation: 1, length: 100 }));
  for (const replica of replicas) await world.write(replica, [source]);
  const other = await world.add({ heartbeatMs: 60_000 });
  namenode.commands = replicas.map((replica): DatanodeCommand => ({ kind: 'copy', replica, targets: [target(other)] }));
  await pass(60_000);
  namenode.commands = [];
  await pass(10_000);
  expect(other.disk.paths().filter((path) => /blocks.*_1$/.test(path))).toHaveLength(10);
});

test('copies keep to their bandwidth, all together', async () => {
  const source = await started({ copyBytesPerSecond: 1_000 });
  const replicas: readonly Replica[] = [1, 2].map((block) => ({ block, generation: 1, length: 5_000 }));
  for (const replica of replicas) await world.write(replica, [source]);
  const other = await world.add();
  namenode.commands = replicas.map((replica): DatanodeCommand => ({ kind: 'copy', replica, targets: [target(other)] }));
  const start = world.clock.elapsedMs();
  const there = (): number => other.disk.paths().filter((path) => /blocks.*_1$/.test(path)).length;
  while (there() < 2) await pass(250, 250);
  const seconds = (world.clock.elapsedMs() - start) / 1_000;
  // The last chunk is on its way when those before are paid for.
  expect(seconds).toBeGreaterThanOrEqual(9);
  expect(seconds).toBeLessThan(13);
});

test('a damaged replica is never copied: it is reported', async () => {
  const source = await started();
  await world.write(REPLICA, [source]);
  source.disk.flipBit(FILE, 3_400, 1);
  const other = await world.add();
  namenode.commands = [{ kind: 'copy', replica: REPLICA, targets: [target(other)] }];
  await pass(2_000, 1_000);
  expect(other.disk.paths().filter((path) => path.includes('/blocks/'))).toEqual([]);
  expect([...namenode.replicas]).toEqual([['5_1', 'corrupt']]);
});

test('a replica that is ordered away goes, that generation only', async () => {
  const added = await started();
  const newer = { ...REPLICA, generation: 2 };
  for (const replica of [REPLICA, newer]) await world.write(replica, [added]);
  await settle();
  namenode.commands = [
    { kind: 'delete', replicas: [namenode.order(REPLICA), namenode.order({ block: 77, generation: 1 })] },
  ];
  await pass(1_000, 1_000);
  expect([...namenode.replicas]).toEqual([['5_2', 'sound']]);
  expect(added.disk.paths().filter((path) => path.includes('/blocks/'))).toEqual([
    '/data/blocks/00/00/5_2',
    '/data/blocks/00/00/5_2.crc',
  ]);
});

test('an order that was given before the replica came anew is not about this one, and is asked for again', async () => {
  const added = await started();
  await world.write(REPLICA, [added]);
  await settle();
  const late = namenode.order(REPLICA);
  namenode.commands = [{ kind: 'delete', replicas: [late] }];
  await pass(1_000, 1_000);
  namenode.commands = [];
  await world.write(REPLICA, [added]);
  await settle();
  const { sequence } = namenode.reports.at(-1)!;
  namenode.commands = [{ kind: 'delete', replicas: [late] }];
  await pass(1_000, 1_000);
  expect((await world.read(REPLICA, added)).equals(contentOf(REPLICA))).toBe(true);
  expect(namenode.reports.at(-1)).toMatchObject({ sequence: sequence + 1, change: { received: [REPLICA] } });
  namenode.commands = [{ kind: 'delete', replicas: [namenode.order(REPLICA)] }];
  await pass(1_000, 1_000);
  await expect(world.read(REPLICA, added)).rejects.toMatchObject({ name: 'ReplicaNotFoundException' });
});

test('an order that was given before a full report named the replica is not obeyed', async () => {
  const added = await started();
  await world.write(REPLICA, [added]);
  await settle();
  const early = namenode.order(REPLICA);
  namenode.commands = [{ kind: 'report' }];
  await pass(1_000, 1_000);
  namenode.commands = [{ kind: 'delete', replicas: [early] }];
  await pass(1_000, 1_000);
  expect((await world.read(REPLICA, added)).equals(contentOf(REPLICA))).toBe(true);
});

test('an order for a replica that the namenode has not heard of is not obeyed', async () => {
  const added = await started();
  await world.write(REPLICA, [added]);
  await settle();
  namenode.commands = [{ kind: 'delete', replicas: [namenode.order(REPLICA)] }];
  await pass(1_000, 1_000);
  namenode.commands = [];
  // While a report is on its way the replica comes back, and waits for the next one.
  namenode.slow = new Promise<never>(() => undefined);
  await world.write({ ...REPLICA, block: 6 }, [added]);
  await settle();
  await world.write(REPLICA, [added]);
  expect([...namenode.replicas]).toEqual([['6_1', 'sound']]);
  namenode.commands = [{ kind: 'delete', replicas: [namenode.order(REPLICA)] }];
  await pass(1_000, 1_000);
  expect((await world.read(REPLICA, added)).equals(contentOf(REPLICA))).toBe(true);
});

test('nothing is done for a namenode that another has overtaken', async () => {
  const old = new FakeNamenode();
  world.network.serve('old', old.operations);
  const added = await started({ namenodes: ['namenode', 'old'] });
  await world.write(REPLICA, [added]);
  namenode.epoch = 2;
  await pass(1_000, 1_000);
  old.commands = [{ kind: 'delete', replicas: [old.order(REPLICA)] }];
  await pass(3_000, 1_000);
  expect((await world.read(REPLICA, added)).equals(contentOf(REPLICA))).toBe(true);
  old.epoch = 3;
  await pass(1_000, 1_000);
  await expect(world.read(REPLICA, added)).rejects.toMatchObject({ name: 'ReplicaNotFoundException' });
});

test('told to report, it tells everything', async () => {
  const added = await started();
  await world.write(REPLICA, [added]);
  await settle();
  namenode.reports.length = 0;
  namenode.commands = [{ kind: 'report' }];
  await pass(1_000, 1_000);
  expect(namenode.reports.map(({ change }) => change.kind)).toEqual(['full']);
  expect([...namenode.replicas]).toEqual([['5_1', 'sound']]);
});

test('the store is kept in the folders, and the namenode of another one ends the datanode', async () => {
  const added = await started();
  expect(added.disk.bytesOf('/data/datanode.json').toString()).toContain('"store":"store-1"');
  await added.node.close();
  namenode.store = 'store-2';
  added.node = await world.open(added.address, added.disk, added.fatal, options);
  added.node.start();
  await settle();
  expect(added.fatal).toEqual([
    expect.objectContaining({ name: 'DataFolderError', message: expect.stringContaining('store-2') as string }),
  ]);
  expect(namenode.registrations.at(-1)).toMatchObject({ store: 'store-1' });
  expect(namenode.heard.filter((word) => word === 'full')).toHaveLength(1);
});

test('every replica is scrubbed within the interval, no faster than the bound', async () => {
  const interval = 3_600_000;
  const added = await started({ scrubIntervalMs: interval, verifyIntervalMs: interval });
  const replicas: readonly Replica[] = [1, 2, 3].map((block) => ({ block, generation: 1, length: 3_000 }));
  for (const replica of replicas) await world.write(replica, [added]);
  await pass(interval / 2, 60_000);
  // A pass is over; what breaks now is found in the next one.
  added.disk.flipBit('/data/blocks/00/00/3_1', 2_999, 1);
  await pass(interval, 60_000);
  expect([...namenode.replicas].filter(([, kind]) => kind === 'corrupt')).toEqual([['3_1', 'corrupt']]);
});

test('a bound on scrubbing comes before the interval', async () => {
  const added = await world.add({ ...options, scrubIntervalMs: 20_000, scrubBytesPerSecond: 100 });
  await world.write({ ...REPLICA, length: 10_000 }, [added]);
  added.disk.flipBit(FILE, 9_999, 1);
  added.node.start();
  await pass(85_000, 500);
  expect([...namenode.replicas]).toEqual([['5_1', 'sound']]);
  await pass(10_000, 500);
  expect([...namenode.replicas]).toEqual([['5_1', 'corrupt']]);
});

test('a file becomes a block here and on the others, and is not needed any more', async () => {
  const [first, second] = [await started(), await world.add()];
  const mounted = first.disk.mount();
  const file = await mounted.open('/written', 'create');
  await file.write(0, contentOf(REPLICA));
  const reply = await first.node.adopt(REPLICA, '/written', [target(second)]);
  expect(reply).toMatchObject({ length: 3_500, stored: [first.node.id, second.node.id] });
  await mounted.remove('/written');
  expect((await first.node.localReplica({ ...REPLICA, verify: 'due' })).path).toBe(FILE);
  for (const each of [first, second]) {
    expect((await world.read(REPLICA, each)).equals(contentOf(REPLICA))).toBe(true);
  }
});

test('a datanode that closes lets its folders go', async () => {
  const added = await started();
  const writing = world.write(REPLICA, [added], silent());
  writing.catch(() => undefined);
  await settle();
  await added.node.close();
  await expect(writing).rejects.toMatchObject({ name: 'NetworkError' });
  const next = await world.open(added.address, added.disk);
  expect(next.id).toBe(added.node.id);
});

const refuse = (): Promise<never> => Promise.reject(new StoreError('UnsupportedOperationException', 'no store'));

test('a namenode that refuses it is told of once, not at every heartbeat, and again when it refuses anew', async () => {
  const warned: unknown[] = [];
  const logger = { ...SILENT, warn: (fields: { readonly problem?: string }) => warned.push(fields.problem) };
  world.network.serve('namenode', { ...namenode.operations, register: refuse });
  await started({ logger: logger as never });
  await pass(10_000);
  expect(warned).toEqual(['no store']);
  world.network.serve('namenode', namenode.operations);
  await pass(2_000);
  world.network.serve('namenode', { ...namenode.operations, heartbeat: refuse });
  await pass(10_000);
  expect(warned).toEqual(['no store', 'no store']);
});
