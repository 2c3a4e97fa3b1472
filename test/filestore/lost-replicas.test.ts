/** Files of one replica whose datanode is gone: who reads waits as long as that can help, and is told whom to start again. */

import { beforeEach, expect, test } from 'vitest';
import { NameNode } from '../../src/filestore/namenode/namenode.ts';
import { NamenodeCalls } from '../../src/filestore/namenode/namenode-calls.ts';
import { newNamespace } from '../../src/filestore/namespace/state.ts';
import { StoreError } from '../../src/filestore/network.ts';
import { StoreFileSystem, type StoreFileSystemOptions } from '../../src/filestore/store-file-system.ts';
import { redirectTo } from '../../src/filestore/webhdfs/redirects.ts';
import { WebRequest } from '../../src/filestore/webhdfs/web-request.ts';
import { settle } from './datanode/fake-network.ts';
import { type TestNode, TestNodes } from './datanode/nodes.ts';
import { SILENT } from './datanode/stores.ts';
import { memoryJournal, ROOT } from './namenode/fake-store.ts';
import { Signal } from './signal.ts';

const OPTIONS = { namenodes: ['namenode'] };
const CONTENT = Buffer.from('nothing but this');

let world: TestNodes;
let journal: ReturnType<typeof memoryJournal>;
let namenode: NameNode;
let holder: TestNode;
let said: string[];

beforeEach(async () => {
  world = new TestNodes();
  journal = memoryJournal(newNamespace({ owner: 'root', group: 'root' }));
  startNamenode();
  said = [];
  for (let i = 0; i < 2; i++) (await world.add(OPTIONS)).node.start();
  await pass(12_000);
  await ended(clientOf().create('/f', CONTENT));
  holder = world.nodes.find(({ disk }) => disk.paths().some((path) => /\/\d+_\d+$/.test(path)))!;
});

function startNamenode(): void {
  namenode?.stop();
  namenode = new NameNode({
    store: 'store-1',
    journal,
    clock: world.clock,
    random: () => world.random.next(),
    logger: SILENT,
  });
  world.network.serve('namenode', namenode.operations());
}

let clients = 0;
const clientOf = (options: Partial<StoreFileSystemOptions> = {}): StoreFileSystem =>
  new StoreFileSystem({
    network: world.network.of('client'),
    clock: world.clock,
    namenode: 'namenode',
    caller: ROOT,
    client: `client-${(clients += 1)}`,
    attributes: { replication: 1, blockSize: 1_000 },
    onWait: (problem) => said.push(problem.message),
    ...options,
  });

async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) {
    world.clock.advance(250);
    await settle(15);
  }
}

/** Time passes until it is done. */
async function ended<T>(work: Promise<T>): Promise<T> {
  const state = { isOver: false };
  const over = (): void => void (state.isOver = true);
  work.then(over, over);
  for (await settle(15); !state.isOver;) await pass(250);
  return work;
}

async function read(options: Partial<StoreFileSystemOptions> = {}): Promise<Uint8Array> {
  const file = await clientOf(options).open('/f');
  return file.read(0, file.length);
}

async function failure(options: Partial<StoreFileSystemOptions> = {}): Promise<StoreError> {
  const found = await ended(read(options).then(String, (problem: unknown) => problem));
  if (!(found instanceof StoreError)) throw new Error('it was read', { cause: found });
  return found;
}

async function startAgain({ address, disk, fatal }: TestNode): Promise<void> {
  (await world.open(address, disk, fatal, OPTIONS)).start();
}

/** What the reader asked of whom, with how many times. */
function asked(): Readonly<Record<string, number>> {
  const calls = world.network.calls.filter((call) => call.startsWith('client → '));
  return Object.fromEntries([...new Set(calls)].map((call) => [call.slice(9), calls.filter((c) => c === call).length]));
}

test('of one that is dead the namenode says so: nobody is asked for bytes, and the error names whom to start', async () => {
  world.kill(holder);
  await pass(25_000);
  world.network.calls.length = 0;
  const problem = await failure();
  expect(problem.name).toBe('BlockMissingException');
  expect(problem.message).toMatch(
    /^Could not obtain block blk_\d+_\d+ of \/f: no datanode that lives has it\. It was on datanode (\S+) \((\S+), last heard of 2\d s ago\): start this worker again\. tutti fs -fsck \/f /,
  );
  expect(problem.message).toContain(`datanode ${holder.node.id} (${holder.address}, `);
  // When it is opened, and after two short waits.
  expect(asked()).toEqual({ 'namenode locate': 3, 'namenode holders': 2 });
});

test('one that is back before it is called dead is read on', async () => {
  world.kill(holder);
  const reading = read();
  await pass(3_000);
  await startAgain(holder);
  expect(await ended(reading)).toEqual(CONTENT);
});

test('one that is called dead while it is waited for is not asked any longer', async () => {
  world.kill(holder);
  await pass(5_000);
  world.network.calls.length = 0;
  expect((await failure()).name).toBe('BlockMissingException');
  // Of the five times that it would be asked the last one comes too late.
  expect(asked()[`${holder.address} readBlock`]).toBe(4);
});

test('one that refuses connections, and is not dead yet, is asked five times; who waits is told once', async () => {
  world.kill(holder);
  world.network.calls.length = 0;
  const problem = await failure();
  expect(problem.name).toBe('IOException');
  expect(problem.message).toContain(`of /f: nobody is at ${holder.address}. It is on datanode ${holder.node.id} (`);
  expect(problem.message).toContain('start the worker again if it has ended');
  expect(asked()[`${holder.address} readBlock`]).toBe(5);
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/^block blk_\d+_\d+ of \/f: nobody is at \S+; trying for some seconds$/);
});

test('one that is silent is asked twice, not once more by another way, and who waits is told before the first time is over', async () => {
  world.network.hang(holder.address);
  world.network.calls.length = 0;
  const reading = failure({ host: holder.address, disk: holder.disk.mount() });
  await pass(3_000);
  expect(said).toEqual([expect.stringContaining('its datanodes have not answered yet')]);
  expect((await reading).name).toBe('IOException');
  const { 'namenode locate': located, 'namenode holders': names, ...bytes } = asked();
  expect(bytes).toEqual({ [`${holder.address} localReplica`]: 2 });
  expect([located, names]).toEqual([2, 1]);
});

test('what is read at once is no reason for a word', async () => {
  await ended(read());
  await pass(5_000);
  expect(said).toEqual([]);
});

test('a datanode that is back and has not reported yet is waited for', async () => {
  world.kill(holder);
  await pass(12_000);
  const mayReport = new Signal();
  const operations = namenode.operations();
  world.network.serve('namenode', {
    ...operations,
    blockReport: async (message, body) => {
      await mayReport.given;
      return operations['blockReport']!(message, body);
    },
  });
  await startAgain(holder);
  await pass(1_000);
  const reading = read();
  await pass(4_000);
  mayReport.give();
  expect(await ended(reading)).toEqual(CONTENT);
});

test('of one that is back, and does not come to report, the error does not say that it has nothing', async () => {
  world.kill(holder);
  await pass(12_000);
  world.network.serve('namenode', { ...namenode.operations(), blockReport: () => new Promise<never>(() => undefined) });
  await startAgain(holder);
  await pass(1_000);
  const problem = await failure();
  // Whoever asks for it may ask again.
  expect(problem.name).toBe('IOException');
  expect(problem.message).toContain('Not all datanodes have said yet what they have: try again in a moment');
});

test.each(
  (['kill', 'hang'] as const).flatMap((how) => [0, 750, 1_500, 3_000, 4_500].map((phaseMs) => [how, phaseMs] as const)),
)(
  'what is read when a namenode that heard nobody for long is heard again is waited for: %s, %i ms',
  async (how, phaseMs) => {
    world.network[how]('namenode');
    await pass(60_000 + phaseMs);
    world.network.serve('namenode', namenode.operations());
    expect(await ended(read())).toEqual(CONTENT);
  },
);

test('one that died a moment ago is waited for: it may be starting again', async () => {
  world.kill(holder);
  await pass(12_000);
  const reading = read();
  await pass(4_000);
  await startAgain(holder);
  expect(await ended(reading)).toEqual(CONTENT);
});

test('just after the namenode started one that has not come yet is waited for', async () => {
  world.kill(holder);
  await pass(12_000);
  startNamenode();
  await world.network.of('client').call('namenode', 'safeMode', { caller: ROOT, action: 'leave' });
  const reading = read();
  await pass(4_000);
  await startAgain(holder);
  expect(await ended(reading)).toEqual(CONTENT);
});

test('of a block that nobody has reported since the namenode started nobody can be named', async () => {
  world.kill(holder);
  startNamenode();
  await world.network.of('client').call('namenode', 'safeMode', { caller: ROOT, action: 'leave' });
  await pass(12_000);
  const problem = await failure();
  expect(problem.name).toBe('BlockMissingException');
  expect(problem.message).toContain('start the workers that are missing');
});

test('who asks over WebHDFS is told the same, and sent nowhere', async () => {
  const calls = new NamenodeCalls(() => Promise.resolve(namenode.operations()), 'webhdfs');
  const asked = { request: new WebRequest('/webhdfs/v1/f?op=OPEN'), caller: ROOT, namenode: calls };
  const options = { secret: 's', clock: world.clock, datanodes: () => Promise.resolve([]), random: () => 0 };
  expect(await redirectTo('OPEN', asked, 'here', options)).toContain(holder.address);
  world.kill(holder);
  await pass(12_000);
  await expect(redirectTo('OPEN', asked, 'here', options)).rejects.toMatchObject({
    name: 'BlockMissingException',
    message: expect.stringContaining(`It was on datanode ${holder.node.id} (`) as string,
  });
});

test('of one that is damaged the error says where, and what is left to do', async () => {
  const file = holder.disk.paths().find((path) => /\/\d+_\d+$/.test(path))!;
  holder.disk.flipBit(file, 5, 1);
  await pass(12_000);
  const problem = await failure();
  expect(problem.name).toBe('BlockMissingException');
  expect(problem.message).toMatch(
    /: no datanode that lives has a good replica of it\. It is damaged on datanode \S+ \(/,
  );
  expect(problem.message).toContain('write the file anew');
});

test('who waits for one file again and again is told once', async () => {
  const file = await clientOf().open('/f');
  world.network.hang(holder.address);
  for (let i = 0; i < 2; i++) await expect(ended(file.read(0, 5))).rejects.toMatchObject({ name: 'IOException' });
  expect(said).toHaveLength(1);
});
