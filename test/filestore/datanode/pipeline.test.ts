/** Blocks through three datanodes, of which one dies, hangs or is full. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { crc32c } from '../../../src/common/crc32c.ts';
import type { SimulatedDisk } from '../../simulation/simulated-disk.ts';
import { settle } from './fake-network.ts';
import { piecesOf, TestNodes } from './nodes.ts';
import type { TestNode } from './nodes.ts';
import { contentOf } from './stores.ts';

const REPLICA = { block: 5, generation: 1, length: 20_000 };
const CONTENT = contentOf(REPLICA);

const ids = (nodes: readonly TestNode[]): readonly string[] => nodes.map(({ node }) => node.id);
const incoming = (disk: SimulatedDisk): readonly string[] => disk.paths().filter((path) => path.includes('/incoming/'));

async function expectStored(world: TestNodes, nodes: readonly TestNode[]): Promise<void> {
  for (const each of nodes) {
    const read = await world.read(REPLICA, each);
    expect(read.equals(CONTENT), `bytes on ${each.address}`).toBe(true);
    expect(incoming(each.disk)).toEqual([]);
  }
}

test('a block goes through the pipeline and is on every disk, synced, when it is acknowledged', async () => {
  const world = new TestNodes();
  const nodes = await world.three();
  const reply = await world.write(REPLICA, nodes);
  expect(reply).toEqual({ length: 20_000, stored: ids(nodes), crc32c: crc32c(CONTENT) });
  for (const each of nodes) {
    each.disk.crash();
    each.node = await world.open(each.address, each.disk);
  }
  await expectStored(world, nodes);
  expect(world.network.calls.filter((call) => call.includes('writeBlock'))).toEqual([
    'client → node-1 writeBlock',
    'node-1 → node-2 writeBlock',
    'node-2 → node-3 writeBlock',
  ]);
});

test('the same block again is the same answer', async () => {
  const world = new TestNodes();
  const nodes = await world.three();
  const reply = await world.write(REPLICA, nodes);
  expect(await world.write(REPLICA, nodes)).toEqual(reply);
  await expectStored(world, nodes);
});

test('a datanode that dies at any piece is left out; the others have the block, and it has no part of it', async () => {
  for (let seed = 0; seed < 60; seed++) {
    const world = new TestNodes(seed);
    const nodes = await world.three();
    const victim = world.random.pick([nodes[1], nodes[2]]);
    const at = world.random.below(Math.ceil(REPLICA.length / 700));
    world.network.onPiece = (to, pieces) => {
      if (to === victim.address && pieces === at) world.kill(victim);
    };
    const others = nodes.filter((each) => each !== victim);
    const reply = await world.write(REPLICA, nodes);
    expect(reply, `seed ${seed}: ${victim.address} at ${at}`).toEqual({
      length: REPLICA.length,
      stored: ids(others),
      crc32c: crc32c(CONTENT),
    });
    await expectStored(world, others);
    victim.disk.crash();
    victim.node = await world.open(victim.address, victim.disk);
    await expect(world.read(REPLICA, victim)).rejects.toMatchObject({ name: 'ReplicaNotFoundException' });
  }
});

test('when the first datanode dies the write fails, and no replica is anywhere', async () => {
  const world = new TestNodes();
  const nodes = await world.three();
  world.network.onPiece = (to, pieces) => {
    if (to === 'node-1' && pieces === 9) world.kill(nodes[0]);
  };
  await expect(world.write(REPLICA, nodes)).rejects.toMatchObject({ name: 'NetworkError' });
  await settle();
  for (const each of nodes.slice(1)) {
    await expect(world.read(REPLICA, each)).rejects.toMatchObject({ name: 'ReplicaNotFoundException' });
    expect(incoming(each.disk)).toEqual([]);
  }
});

async function* failing(): AsyncGenerator<Uint8Array, void, void> {
  yield* piecesOf(CONTENT.subarray(0, 15_000));
  throw new Error('the writer died');
}

test('when the writer fails, no datanode takes what came for the block', async () => {
  const world = new TestNodes();
  const nodes = await world.three();
  await expect(world.write(REPLICA, nodes, failing())).rejects.toThrow('the writer died');
  await settle();
  for (const each of nodes) {
    await expect(world.read(REPLICA, each)).rejects.toMatchObject({ name: 'ReplicaNotFoundException' });
    expect(incoming(each.disk)).toEqual([]);
  }
});

test.each([0, 1, 2])('datanode %i is full: it passes the bytes on, and the others have the block', async (full) => {
  const world = new TestNodes();
  const nodes = await world.three();
  nodes[full]!.disk.capacityBytes = 15_000;
  const others = nodes.filter((_, i) => i !== full);
  expect(await world.write(REPLICA, nodes)).toMatchObject({ stored: ids(others) });
  await expectStored(world, others);
  await expect(world.read(REPLICA, nodes[full]!)).rejects.toMatchObject({ name: 'ReplicaNotFoundException' });
});

test.each([0, 1, 2])('the disk of datanode %i fills up in the middle: the same', async (full) => {
  const world = new TestNodes();
  const nodes = await world.three();
  world.network.onPiece = (_, pieces) => {
    if (pieces === 3) nodes[full]!.disk.capacityBytes = 4_000;
  };
  const others = nodes.filter((_, i) => i !== full);
  expect(await world.write(REPLICA, nodes)).toMatchObject({ stored: ids(others) });
  await expectStored(world, others);
  expect(incoming(nodes[full]!.disk)).toEqual([]);
});

test('every disk fills up in the middle, and nobody is left: a typed error, until there is room', async () => {
  const world = new TestNodes();
  const nodes = await world.three();
  world.network.onPiece = (to, pieces) => {
    if (pieces === 3) nodes.find(({ address }) => address === to)!.disk.capacityBytes = 10_000;
  };
  await expect(world.write(REPLICA, nodes)).rejects.toMatchObject({ name: 'DiskOutOfSpaceException' });
  world.network.onPiece = () => undefined;
  for (const each of nodes) {
    expect(incoming(each.disk)).toEqual([]);
    each.disk.capacityBytes = 1_000_000;
  }
  expect(await world.write(REPLICA, nodes)).toMatchObject({ stored: ids(nodes) });
});

test.each([1, 2])('datanode %i hangs: it is left out after a while', async (silent) => {
  const world = new TestNodes();
  const nodes = await world.three();
  world.network.hang(nodes[silent]!.address);
  const others = nodes.filter((_, i) => i !== silent);
  const writing = world.write(REPLICA, nodes);
  // Ten seconds for each that may stand still.
  for (let waited = 0; waited < 30_000; waited += 1_000) {
    await settle();
    world.clock.advance(1_000);
  }
  expect(await writing).toMatchObject({ stored: ids(others) });
  await expectStored(world, others);
});

async function* silent(): AsyncGenerator<Uint8Array, void, void> {
  yield CONTENT.slice(0, 1_000);
  await new Promise<never>(() => undefined);
}

test('a writer that falls silent does not hold its room for ever', async () => {
  const world = new TestNodes();
  const [node] = await world.three();
  const writing = world.write(REPLICA, [node], silent());
  writing.catch(() => undefined);
  await settle();
  expect(incoming(node.disk)).toHaveLength(1);
  world.clock.advance(60_000);
  await expect(writing).rejects.toMatchObject({ name: 'IOException' });
  expect(incoming(node.disk)).toEqual([]);
});

test('a slow datanode slows the writer: only some pieces are in memory', async () => {
  const world = new TestNodes();
  const nodes = await world.three();
  const replica = { block: 6, generation: 1, length: 6_000_000 };
  let gate: Promise<void> = Promise.resolve();
  let taken = 0;
  world.network.onPiece = async (to) => {
    if (to !== 'node-3') return;
    await gate;
    taken += 100_000;
  };
  let open!: () => void;
  gate = new Promise((resolve) => (open = resolve));
  let sent = 0;
  let most = 0;
  async function* pieces(): AsyncGenerator<Uint8Array, void, void> {
    for (; sent < replica.length; sent += 100_000) {
      most = Math.max(most, sent - taken);
      yield new Uint8Array(100_000);
    }
  }
  const writing = world.write(replica, nodes, pieces());
  await settle(500);
  // Two queues of a megabyte, and what each of the three has in hand.
  expect(sent).toBeLessThan(3_500_000);
  open();
  expect(await writing).toMatchObject({ length: 6_000_000, stored: ids(nodes) });
  expect(most).toBeLessThan(3_500_000);
});

test('pieces that are written and sent are not kept until the block is whole', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const world = new TestNodes();
  const [first] = await world.three();
  const pieces: WeakRef<Uint8Array>[] = [];
  async function* body(): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 20; i++) {
      const piece = Buffer.alloc(1_000, i);
      pieces.push(new WeakRef(piece));
      yield piece;
    }
    await settle();
    collect();
    // The last two may be on their way to the disk.
    expect(pieces.slice(0, -2).filter((piece) => piece.deref() !== undefined)).toHaveLength(0);
  }
  const reply = await first.node.write({ block: 5, generation: 1, bytesMax: 20_000, pipeline: [] }, body());
  expect(reply.length).toBe(20_000);
});
