/** Datanodes die, come back, lose their disks and replicas: the namenode brings every block back to its replicas, and loses none. */
import { expect, test } from 'vitest';
import { StoreError } from '../../../src/filestore/network.ts';
import { Random } from '../../simulation/random.ts';
import { type FakeDatanode, FakeStore, ROOT } from './fake-store.ts';

const RUNS = Number(process.env['SEEDS'] ?? 60);
const STEPS = 60;
const RACKS = ['/a', '/a', '/b', '/b', '/c'];

test('random lives of five datanodes end with every block where it should be', async () => {
  const first = Number(process.env['SEED'] ?? 1);
  for (let seed = first; seed < first + RUNS; seed++) {
    const found = await live(seed).catch((problem: unknown) => [String(problem)]);
    expect(found, `SEED=${seed} SEEDS=1 repeats it`).toEqual([]);
  }
});

test('a block that nobody has waits for who comes back, not in front of others in every turn', async () => {
  const store = new FakeStore(new Random(1), ['/a']);
  const [node] = store.nodes;
  await store.start(node!);
  await store.pass(2_000);
  expect(await store.write('/f', 1, [10])).toBe(true);
  node!.isUp = false;
  await store.pass(20_000);
  expect(store.namenode.replication.pending).toBe(0);
  await store.start(node!);
  const located = await store.ask('locate', { caller: ROOT, path: '/f' });
  expect(located).toMatchObject({ blocks: [{ replicas: [{ node: node!.node }] }] });
});

test('a copy is ordered in every answer to its source until it is reported', async () => {
  const { store, holder, beat } = await withCopyDue(2);
  const other = store.nodes.find((node) => node !== holder)!;
  const copy = { kind: 'copy', targets: [{ node: other.node }] };
  for (let lost = 0; lost < 3; lost++) expect(await store.ask('heartbeat', beat)).toMatchObject({ commands: [copy] });
  await store.pass(10_000);
  expect(other.replicas.size).toBe(1);
  expect(await store.ask('heartbeat', beat)).toMatchObject({ commands: [] });
});

test('a copy that its source could not make is ordered elsewhere at once', async () => {
  const { store, beat } = await withCopyDue(3);
  type Order = { readonly commands: readonly { targets: readonly { node: string }[]; replica: { block: number } }[] };
  const first = (await store.ask<Order>('heartbeat', beat)).commands[0]!;
  const target = first.targets[0]!.node;
  const broken = store.nodes.find(({ node }) => node === target)!;
  const self = { node: target, session: broken.session };
  await store.ask('heartbeat', { ...beat, ...self, capacityBytes: 0, freeBytes: 0, failedFolders: 1 });
  await store.ask('heartbeat', { ...beat, failedCopies: [{ block: first.replica.block, target }] });
  store.clock.advance(500);
  const second = (await store.ask<Order>('heartbeat', beat)).commands[0]!;
  expect(second.targets[0]!.node).not.toBe(target);
});

/** A file that wants one replica more, on so many datanodes of a rack; `beat` is a heartbeat of the one that has it. */
async function withCopyDue(nodes: number): Promise<{ store: FakeStore; holder: FakeDatanode; beat: object }> {
  const store = new FakeStore(new Random(1), Array<string>(nodes).fill('/a'));
  for (const node of store.nodes) await store.start(node);
  await store.pass(2_000);
  await store.write('/f', 1, [10]);
  await store.call('setReplication', { path: '/f', replication: 2 });
  store.clock.advance(500);
  const holder = store.nodes.find(({ replicas }) => replicas.size > 0)!;
  const room = { capacityBytes: 1e9, usedBytes: 0, freeBytes: 1e9, transfers: 0, failedFolders: 0, failedCopies: [] };
  const beat = { node: holder.node, session: holder.session, ...room };
  return { store, holder, beat };
}

async function live(seed: number): Promise<string[]> {
  const random = new Random(seed);
  const store = new FakeStore(random.fork(), RACKS);
  /** Blocks of which the world took every replica. */
  const doomed = new Set<number>();
  const files: string[] = [];
  for (const node of store.nodes) await store.start(node);
  await store.pass(2_000);
  for (let step = 0; step < STEPS; step++) {
    await act(random, store, files, doomed);
    await store.pass(random.pick([250, 250, 1_000, 4_000]));
    noteLosses(store, doomed);
  }
  for (const node of store.nodes) {
    await store.call('setService', { node: node.node, service: 'normal' });
    if (!node.isUp) await store.start(node);
  }
  await store.pass(180_000);
  return faults(store, doomed);
}

/** What is not as it should be once everything is at rest. */
function faults(store: FakeStore, doomed: ReadonlySet<number>): string[] {
  const found: string[] = [];
  const named = store.namedBlocks();
  for (const [block, replication] of named) {
    const holders = store.nodes.filter(({ replicas }) => replicas.has(block));
    const good = holders.filter(({ replicas }) => !replicas.get(block)!.damaged);
    if (doomed.has(block)) continue;
    const wanted = Math.min(replication, store.nodes.length);
    if (good.length !== wanted) found.push(`block ${block}: ${good.length} replicas, not ${wanted}`);
    if (good.length >= replication && holders.length > good.length) found.push(`block ${block}: damaged replicas stay`);
  }
  for (const { node, replicas } of store.nodes) {
    for (const block of replicas.keys()) if (!named.has(block)) found.push(`${node} keeps block ${block} of nobody`);
  }
  return found;
}

async function act(random: Random, store: FakeStore, files: string[], doomed: Set<number>): Promise<void> {
  const node = random.pick(store.nodes);
  const up = store.nodes.filter(({ isUp }) => isUp);
  switch (random.below(11)) {
    case 0:
    case 1:
    case 2: {
      const path = `/f${files.length}`;
      const lengths = Array.from({ length: random.below(4) }, () => random.between(1, 1000));
      if (await store.write(path, random.between(1, 4), lengths)) files.push(path);
      return;
    }
    case 3:
      return attempt(store.call('delete', { path: random.pick([...files, '/none']), recursive: false }));
    case 4:
      return attempt(
        store.call('setReplication', { path: random.pick([...files, '/none']), replication: random.between(1, 4) }),
      );
    case 5:
      // One at least goes on, or nothing can.
      if (up.length > 1) node.isUp = false;
      return;
    case 6:
      if (!node.isUp) await store.start(node);
      return;
    case 7:
      return damageOne(random, store, node);
    case 8:
      if (random.chance(0.3) && !node.isUp) store.wipe(node);
      return;
    case 10: {
      // All are nearly empty: everything that is not the same counts as too much.
      store.capacityBytes = 20_000;
      const message = { action: random.pick(['start', 'start', 'stop']), threshold: 1, bytesPerSecond: 1_000 };
      await store.ask('balance', { caller: ROOT, ...message });
      return;
    }
    case 9: {
      const service = random.pick(['normal', 'decommissioning', 'maintenance']);
      await store.call('setService', { node: node.node, service });
    }
  }
  noteLosses(store, doomed);
}

async function damageOne(random: Random, store: FakeStore, node: FakeDatanode): Promise<void> {
  if (node.replicas.size > 0) await store.damage(node, random.pick([...node.replicas.values()]));
}

function noteLosses(store: FakeStore, doomed: Set<number>): void {
  for (const block of store.namedBlocks().keys()) {
    if (!store.nodes.some(({ replicas }) => replicas.get(block)?.damaged === false)) doomed.add(block);
  }
}

async function attempt(call: Promise<unknown>): Promise<void> {
  await call.catch((problem: unknown) => {
    if (!(problem instanceof StoreError)) throw problem;
  });
}
