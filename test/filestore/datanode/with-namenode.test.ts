/** Datanodes and the namenode together: what one orders the others do, until every block has its replicas again. */

import { beforeEach, expect, test } from 'vitest';
import { NameNode } from '../../../src/filestore/namenode/namenode.ts';
import { newNamespace } from '../../../src/filestore/namespace/state.ts';
import type { BalanceReply, BlockToWrite, PublishReply, Replica } from '../../../src/filestore/protocol.ts';
import { memoryJournal, ROOT } from '../namenode/fake-store.ts';
import { settle } from './fake-network.ts';
import { TestNodes } from './nodes.ts';
import type { TestNode } from './nodes.ts';
import { contentOf, SILENT } from './stores.ts';

const OPTIONS = { namenodes: ['namenode'] };

let world: TestNodes;
let namenode: NameNode;
beforeEach(() => begin(1));

async function begin(seed: number, options: Parameters<TestNodes['add']>[0] = OPTIONS): Promise<void> {
  world = new TestNodes(seed);
  namenode = new NameNode({
    store: 'store-1',
    journal: memoryJournal(newNamespace({ owner: 'root', group: 'root' })),
    clock: world.clock,
    random: () => world.random.next(),
    logger: SILENT,
  });
  world.network.serve('namenode', namenode.operations());
  for (let i = 0; i < 5; i++) (await world.add(options)).node.start();
  await pass(3_000);
}

async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) {
    world.clock.advance(250);
    await settle(15);
  }
}

let number = 0;
const ask = <Answer>(operation: string, message: object): Promise<Answer> => {
  const call = { caller: ROOT, client: 'client', number: (number += 1), epoch: 1, ...message };
  return world.network.of('client').call<Answer>('namenode', operation, call);
};

/** A file of one block with three replicas. */
async function write(path: string, length: number): Promise<Replica> {
  const create = { path: `${path}.new`, mode: 0o644, replication: 3, blockSize: 1_000_000 };
  const { result } = await ask<{ result: { file: number } }>('create', create);
  const added = await ask<BlockToWrite>('addBlock', { file: result.file, bytes: length, excluded: [] });
  const replica = { block: added.block, generation: added.generation, length };
  const targets = added.targets.map(({ node }) => world.nodes.find((each) => each.node.id === node)!);
  const { stored } = await world.write(replica, targets);
  const last = { id: added.block, generation: added.generation, length, stored };
  const { published } = await ask<PublishReply>('publish', { file: result.file, last, path, overwrite: false });
  expect(published).toBe(true);
  return replica;
}

/** The datanodes on whose disks the block stands as it was written. */
function holders(replica: Replica): readonly TestNode[] {
  const name = `${replica.block}_${replica.generation}`;
  return world.nodes.filter(({ disk }) => {
    const file = disk.paths().find((each) => each.endsWith(`/${name}`));
    return file !== undefined && disk.bytesOf(file).equals(contentOf(replica));
  });
}

const fileOf = ({ disk }: TestNode, { block, generation }: Replica): string | undefined =>
  disk.paths().find((each) => each.endsWith(`/${block}_${generation}`));

test('a written file has its replicas, and keeps them when nothing happens', async () => {
  const replica = await write('/file', 5_000);
  await pass(5_000);
  expect(holders(replica)).toHaveLength(3);
});

test('a datanode that is lost is made good, and when it comes back there are not too many', async () => {
  const replica = await write('/file', 5_000);
  await pass(2_000);
  const lost = holders(replica)[1]!;
  world.kill(lost);
  await pass(40_000);
  expect(holders(replica).filter((each) => each !== lost)).toHaveLength(3);
  lost.node = await world.open(lost.address, lost.disk, lost.fatal, OPTIONS);
  lost.node.start();
  await settle();
  expect(holders(replica)).toHaveLength(4);
  await pass(30_000);
  expect(holders(replica)).toHaveLength(3);
  for (const each of holders(replica)) {
    expect((await world.read(replica, each)).equals(contentOf(replica))).toBe(true);
  }
});

test('a damaged replica is replaced, and then removed', async () => {
  const replica = await write('/file', 5_000);
  await pass(2_000);
  const bad = holders(replica)[0]!;
  bad.disk.flipBit(fileOf(bad, replica)!, 4_321, 5);
  await expect(world.read(replica, bad)).rejects.toMatchObject({ name: 'ChecksumException' });
  await pass(30_000);
  expect(holders(replica)).toHaveLength(3);
  const damaged = world.nodes.filter((each) => fileOf(each, replica) && !holders(replica).includes(each));
  expect(damaged).toEqual([]);
  expect(bad.disk.paths().filter((each) => each.endsWith('.bad'))).toEqual([]);
});

test('datanodes that are new take their share when it is balanced, byte for byte', async () => {
  const options = { ...OPTIONS, capacityBytes: 1_000_000 };
  await begin(1, options);
  const replicas: Replica[] = [];
  for (let i = 0; i < 30; i++) replicas.push(await write(`/file${i}`, 16_000));
  for (let i = 0; i < 2; i++) (await world.add(options)).node.start();
  await pass(3_000);
  const asked = { caller: ROOT, action: 'start', threshold: 5 };
  const { average, datanodes } = await ask<BalanceReply>('balance', asked);
  const [, , , , , newcomer] = datanodes;
  expect(average - newcomer!.utilisation).toBeGreaterThan(15);
  await pass(60_000);
  const reply = await ask<BalanceReply>('balance', { ...asked, action: 'status' });
  expect(reply).toMatchObject({ state: 'balanced', movingBlocks: 0, leftBytes: 0 });
  expect(reply.movedBlocks).toBeGreaterThan(4);
  for (const { utilisation } of reply.datanodes) expect(Math.abs(utilisation - reply.average)).toBeLessThan(5);
  for (const replica of replicas) expect(holders(replica)).toHaveLength(3);
});

test('the blocks of a deleted file go from every disk', async () => {
  const replica = await write('/file', 5_000);
  await pass(2_000);
  await ask('delete', { path: '/file', recursive: false });
  await pass(30_000);
  expect(world.nodes.filter((each) => fileOf(each, replica))).toEqual([]);
});

test('a disk that fails is made good, and a namenode that is new hears of everything', async () => {
  const replica = await write('/file', 5_000);
  await pass(2_000);
  const broken = holders(replica)[2]!;
  broken.disk.crashAt = () => {
    throw Object.assign(new Error('EIO'), { code: 'EIO' });
  };
  await expect(world.read(replica, broken)).rejects.toMatchObject({ name: 'ChecksumException' });
  await pass(30_000);
  expect(holders(replica).filter((each) => each !== broken)).toHaveLength(3);
  namenode.stop();
  const next = new NameNode({
    store: 'store-1',
    journal: { ...memoryJournal(namenode.state), epoch: 2 },
    clock: world.clock,
    random: () => world.random.next(),
    logger: SILENT,
  });
  world.network.serve('namenode', next.operations());
  await pass(5_000);
  const known = next.blocks.nodesOf(replica.block).map((node) => next.datanodes.byNumber(node).node);
  expect(known.toSorted()).toEqual(
    holders(replica)
      .filter((each) => each !== broken)
      .map(({ node }) => node.id)
      .toSorted(),
  );
});

/** The power of a machine fails; it comes back with what its disk kept. */
async function crash(node: TestNode): Promise<void> {
  world.kill(node);
  node.disk.crash();
  await pass(world.random.below(15_000));
  node.node = await world.open(node.address, node.disk, node.fatal, OPTIONS);
  node.node.start();
  await pass(1_000);
}

/** One bit of one replica, where the others are sound; somebody reads it then. Says how many bits. */
async function flip(replica: Replica): Promise<number> {
  const [victim, ...others] = holders(replica);
  if (!victim || others.length < 2 || replica.length === 0) return 0;
  victim.disk.flipBit(fileOf(victim, replica)!, world.random.below(replica.length), world.random.below(8));
  await expect(world.read(replica, victim)).rejects.toMatchObject({ name: 'ChecksumException' });
  return 1;
}

test('random lives: files are written while machines lose their power and bits flip; no acknowledged one is lost', async () => {
  let [written, failed, crashes, flips] = [0, 0, 0, 0];
  for (let seed = 0; seed < 15; seed++) {
    await begin(seed);
    const { random } = world;
    const files: Replica[] = [];
    for (let i = 0; i < 12; i++) {
      const dying = random.chance(0.4) ? random.pick(world.nodes) : undefined;
      const at = random.below(4);
      let died: Promise<void> | undefined;
      world.network.onPiece = (to, pieces) => {
        if (to === dying?.address && pieces === at) died ??= crash(dying);
      };
      await write(`/${i}`, random.between(1, 4_000)).then(
        (file) => files.push(file),
        () => (failed += 1),
      );
      world.network.onPiece = () => undefined;
      if (died) crashes += 1;
      await died;
      // At most one replica of a block: the others are what it is repaired from.
      if (files.length > 0 && random.chance(0.3)) flips += await flip(random.pick(files));
      await pass(random.below(3_000));
    }
    await pass(60_000);
    for (const file of files) {
      const good = holders(file);
      expect(good.length, `seed ${seed}, block ${file.block}`).toBe(3);
      for (const each of good) expect((await world.read(file, each)).equals(contentOf(file))).toBe(true);
    }
    written += files.length;
    namenode.stop();
  }
  expect(written).toBeGreaterThan(100);
  expect(Math.min(failed, crashes, flips)).toBeGreaterThan(5);
});

test('a namenode that is away is told of once, in one line, and again once it was there', async () => {
  const said: object[] = [];
  const logger = { ...SILENT, warn: (...what: readonly unknown[]) => void said.push(what[0] as object) };
  (await world.add({ namenodes: ['absent'], logger })).node.start();
  await pass(20_000);
  expect(said).toEqual([{ namenode: 'absent', problem: expect.stringMatching(/^[^\n]+$/) }]);
  world.network.serve('absent', namenode.operations());
  await pass(5_000);
  world.network.kill('absent');
  await pass(20_000);
  expect(said).toHaveLength(2);
});
