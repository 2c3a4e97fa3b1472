/** Datanodes become as full as each other, and no block has fewer replicas or stands on fewer racks on the way. */

import { expect, test } from 'vitest';
import { mayMove, planBalance } from '../../../src/filestore/namenode/balance-plan.ts';
import type { BalanceReply } from '../../../src/filestore/protocol.ts';
import { Random } from '../../simulation/random.ts';
import { FakeStore, ROOT, usedOf } from './fake-store.ts';

const balance = (store: FakeStore, message: object): Promise<BalanceReply> =>
  store.ask('balance', { caller: ROOT, ...message });

const node = (usedBytes: number, rack: string, host: string) => ({ usedBytes, capacityBytes: 100, rack, host });

test('who is too full gives to any below the average, and who is too empty takes of any above it', () => {
  const [a, b, c, d] = [90, 55, 45, 10].map((usedBytes, i) => ({
    usedBytes,
    capacityBytes: 100,
    rack: '/a',
    host: `${i}`,
  }));
  expect(planBalance([a!, b!, c!, d!], 20)).toEqual({ average: 50, sources: [a], targets: [d], leftBytes: 20 });
  expect(planBalance([b!, c!, { ...d!, usedBytes: 20 }], 18)).toEqual({
    average: 40,
    sources: [b, c],
    targets: [{ ...d!, usedBytes: 20 }],
    leftBytes: 2,
  });
  expect(planBalance([b!, c!], 10)).toMatchObject({ leftBytes: 0 });
  // A larger one holds more: what counts is its share.
  expect(planBalance([{ ...a!, capacityBytes: 180 }, b!], 10)).toMatchObject({ leftBytes: 0 });
  expect(planBalance([], 10)).toEqual({ average: 0, sources: [], targets: [], leftBytes: 0 });
});

test('a move makes nobody too full or too empty, and keeps racks and machines apart', () => {
  const limits = { average: 50, threshold: 10 };
  const [source, other, target] = [node(90, '/a', 'x'), node(50, '/b', 'y'), node(10, '/a', 'z')];
  expect(mayMove(10, [source, target], [source, other], limits)).toBe(true);
  expect(mayMove(51, [source, target], [source, other], limits)).toBe(false);
  expect(mayMove(41, [node(80, '/a', 'x'), target], [], limits)).toBe(false);
  expect(mayMove(10, [source, node(10, '/b', 'z')], [source, other], limits)).toBe(false);
  expect(mayMove(10, [source, node(10, '/c', 'y')], [source, other], limits)).toBe(false);
});

/** Three datanodes of two racks with files, and two that came later, one of them on a rack of its own. */
async function lopsided(seed: number, blockBytes = 100): Promise<FakeStore> {
  const store = new FakeStore(new Random(seed), ['/a', '/a', '/b', '/b', '/c']);
  store.capacityBytes = 10_000;
  const [, , , fourth, fifth] = store.nodes;
  [fourth!.isUp, fifth!.isUp] = [false, false];
  for (const node of store.nodes.slice(0, 3)) await store.start(node);
  await store.pass(3_000);
  for (let i = 0; i < 3_000 / blockBytes; i++)
    expect(await store.write(`/f${i}`, 2, [blockBytes, blockBytes])).toBe(true);
  await store.start(fourth!);
  await store.start(fifth!);
  await store.pass(3_000);
  return store;
}

/** Percent, of each. */
const uses = (store: FakeStore): readonly number[] =>
  store.nodes.map((node) => (usedOf(node) / store.capacityBytes) * 100);

function faults(store: FakeStore): string[] {
  const found: string[] = [];
  for (const [block, replication] of store.namedBlocks()) {
    const holders = store.nodes.filter(({ replicas }) => replicas.has(block));
    if (holders.length < replication) found.push(`block ${block} has ${holders.length} replicas`);
    if (new Set(holders.map(({ rack }) => rack)).size < 2) found.push(`block ${block} is on one rack`);
  }
  return found;
}

test('new datanodes take their share, no faster than they may, and blocks keep their replicas and racks', async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const store = await lopsided(seed);
    expect(faults(store)).toEqual([]);
    const average = uses(store).reduce((sum, use) => sum + use, 0) / 5;
    expect(Math.max(...uses(store)) - average).toBeGreaterThan(8);
    expect(await balance(store, { action: 'status' })).toMatchObject({ state: 'idle', movedBlocks: 0, average });
    await balance(store, { action: 'start', threshold: 3, bytesPerSecond: 50 });
    let reply: BalanceReply | undefined;
    for (let passed = 0; reply?.state !== 'balanced'; passed += 1_000) {
      await store.pass(1_000);
      expect(faults(store)).toEqual([]);
      reply = await balance(store, { action: 'status' });
      expect(['running', 'balanced']).toContain(reply.state);
      // Each of the two newcomers takes 50 bytes a second, and the first block at once.
      expect(reply.movedBytes).toBeLessThanOrEqual(2 * 50 * (passed / 1_000 + 1) + 2 * 2 * 100);
    }
    await store.pass(5_000);
    for (const use of uses(store)) expect(Math.abs(use - average)).toBeLessThanOrEqual(3);
    expect(reply).toMatchObject({ leftBytes: 0, movingBlocks: 0, average, threshold: 3, bytesPerSecond: 50 });
    expect(reply.movedBlocks * 100).toBe(reply.movedBytes);
    for (const [block, replication] of store.namedBlocks()) {
      expect(store.nodes.filter(({ replicas }) => replicas.has(block))).toHaveLength(replication);
    }
    // At rest it moves nothing more.
    const before = uses(store);
    await balance(store, { action: 'start', threshold: 3 });
    await store.pass(10_000);
    expect(await balance(store, { action: 'status' })).toMatchObject({ state: 'balanced', movedBlocks: 0 });
    expect(uses(store)).toEqual(before);
  }
});

test('it stops when it is told to, and says so when there is nothing that it may move', async () => {
  const store = await lopsided(1);
  await balance(store, { action: 'start', threshold: 3, bytesPerSecond: 50 });
  await store.pass(5_000);
  const { movedBlocks } = await balance(store, { action: 'stop' });
  expect(movedBlocks).toBeGreaterThan(0);
  await store.pass(5_000);
  const before = uses(store);
  await store.pass(60_000);
  expect(uses(store)).toEqual(before);
  expect(await balance(store, { action: 'status' })).toMatchObject({ state: 'stopped', movingBlocks: 0 });
  // A block is a tenth of a datanode: one too many here is one too many there.
  const coarse = await lopsided(1, 1_000);
  await balance(coarse, { action: 'start', threshold: 3 });
  await coarse.pass(20_000);
  const stuck = await balance(coarse, { action: 'status' });
  expect(stuck).toMatchObject({ state: 'stuck', movingBlocks: 0 });
  expect(stuck.movedBlocks).toBeGreaterThan(0);
  expect(stuck.leftBytes).toBeGreaterThan(0);
});

test('only a superuser balances, with a threshold that makes sense', async () => {
  const store = await lopsided(1);
  const caller = { user: 'bob', groups: [], superuser: false };
  await expect(store.ask('balance', { caller, action: 'status' })).rejects.toMatchObject({
    name: 'AccessControlException',
  });
  for (const threshold of [0, 101, Number.NaN]) {
    await expect(balance(store, { action: 'start', threshold })).rejects.toMatchObject({
      name: 'IllegalArgumentException',
    });
  }
  await expect(balance(store, { action: 'start', bytesPerSecond: 0 })).rejects.toMatchObject({
    name: 'IllegalArgumentException',
  });
});

test('a datanode that dies in the middle is made good first, and what is moved meanwhile is not lost', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const store = await lopsided(seed);
    const random = new Random(seed);
    await balance(store, { action: 'start', threshold: 2, bytesPerSecond: 200 });
    await store.pass(random.between(500, 8_000));
    const node = random.pick(store.nodes);
    node.isUp = false;
    await store.pass(random.pick([2_000, 30_000]));
    await store.start(node);
    await store.pass(120_000);
    expect(faults(store)).toEqual([]);
    for (const [block, replication] of store.namedBlocks()) {
      expect(
        store.nodes.filter(({ replicas }) => replicas.has(block)),
        `block ${block}, seed ${seed}`,
      ).toHaveLength(replication);
    }
    expect(await balance(store, { action: 'status' })).toMatchObject({ movingBlocks: 0 });
  }
});

test('the copy of a move makes good no replica that is lost meanwhile: another rack gets one', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const store = new FakeStore(new Random(seed), ['/a', '/b', '/b', '/c']);
    const [first, second, third, fourth] = store.nodes;
    [third!.isUp, fourth!.isUp] = [false, false];
    for (const node of [first!, second!]) await store.start(node);
    await store.pass(3_000);
    await store.write('/f', 2, [100]);
    const [block] = store.namedBlocks().keys();
    for (const node of [third!, fourth!]) await store.start(node);
    await store.pass(3_000);
    first!.isUp = false;
    await store.pass(7_500);
    const { datanodes, replication } = store.namenode;
    const known = (name: string) => datanodes.byId(name)!;
    while (known(first!.node).isAlive && !replication.moves.has(block!)) {
      await store.pass(250);
      // Just before its death is noticed.
      if (store.clock.elapsedMs() - known(first!.node).heardMs < 9_700) continue;
      expect(replication.move(block!, known(second!.node), known(third!.node))).toBe(true);
    }
    await store.pass(60_000);
    const racks = store.nodes.filter(({ isUp, replicas }) => isUp && replicas.has(block!)).map(({ rack }) => rack);
    expect(racks.toSorted(), `seed ${seed}`).toEqual(['/b', '/c']);
  }
});
