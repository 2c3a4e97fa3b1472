/** What a block store promises, on a disk that flips bits, fills up and fails. */

import { beforeEach, expect, test } from 'vitest';
import type { Disk } from '../../../src/common/disk.ts';
import { crc32c } from '../../../src/common/crc32c.ts';
import { Random } from '../../simulation/random.ts';
import { SimulatedDisk } from '../../simulation/simulated-disk.ts';
import { Signal } from '../signal.ts';
import { bytesOf, CHUNK_BYTES, contentOf, openStore, readReplica, sorted, writeReplica } from './stores.ts';
import type { TestStore } from './stores.ts';

const REPLICA = { block: 70_000, generation: 1, length: 3_500 };
const FILE = '/data/blocks/01/11/70000_1';

let disk: SimulatedDisk;
beforeEach(() => {
  disk = new SimulatedDisk({ random: new Random(1) });
});

const restart = (options?: Parameters<typeof openStore>[1]): Promise<TestStore> => {
  disk.kill();
  return openStore(disk.mount(), options);
};

test('a block is a plain file with its checksums beside it, and comes back as it went in', async () => {
  const { store, changes } = await openStore(disk.mount());
  const stored = await writeReplica(store, REPLICA);
  const content = contentOf(REPLICA);
  expect(stored).toEqual({ ...REPLICA, crc32c: crc32c(content) });
  expect(disk.paths()).toEqual([FILE, `${FILE}.crc`, '/data/datanode.json', '/data/lock']);
  expect(disk.bytesOf(FILE).equals(content)).toBe(true);
  expect((await readReplica(store, REPLICA)).equals(content)).toBe(true);
  expect(changes).toEqual([{ kind: 'received', replica: REPLICA }]);
  expect(await store.figures()).toMatchObject({ usedBytes: 3_500 + 48 + 4 * 4, failedFolders: 0 });
});

test('ranges, also beyond the end, before and after their chunks were verified', async () => {
  const { store } = await openStore(disk.mount());
  await writeReplica(store, REPLICA);
  const content = contentOf(REPLICA);
  const random = new Random(5);
  for (let i = 0; i < 100; i++) {
    const [offset, length] = [random.below(4_000), random.below(3_000)];
    const read = await store.read(REPLICA, offset, length);
    const expected = content.subarray(offset, offset + length);
    expect(read.length).toBe(expected.length);
    expect((await bytesOf(read.body)).equals(expected), `${offset} + ${length}`).toBe(true);
  }
});

test('an empty block', async () => {
  const { store } = await openStore(disk.mount());
  const replica = { ...REPLICA, length: 0 };
  expect(await writeReplica(store, replica)).toEqual({ ...replica, crc32c: 0 });
  expect(await readReplica(store, replica)).toHaveLength(0);
  expect(await store.verifiedPath(replica)).toBe(FILE);
});

test('what is not there is ReplicaNotFoundException, another generation too', async () => {
  const { store } = await openStore(disk.mount());
  await writeReplica(store, REPLICA);
  await expect(store.read({ block: 9, generation: 1 }, 0, 1)).rejects.toMatchObject({
    name: 'ReplicaNotFoundException',
  });
  const other = { ...REPLICA, generation: 2 };
  await expect(store.read(other, 0, 1)).rejects.toMatchObject({ name: 'ReplicaNotFoundException' });
  await expect(store.verifiedPath(other)).rejects.toMatchObject({ name: 'ReplicaNotFoundException' });
});

test('a block that was not committed is nowhere, and its room is free again', async () => {
  const { store, changes } = await openStore(disk.mount());
  const before = disk.paths();
  const sink = await store.create(REPLICA, REPLICA.length);
  await sink.write(contentOf(REPLICA));
  await expect(store.read(REPLICA, 0, 1)).rejects.toMatchObject({ name: 'ReplicaNotFoundException' });
  await sink.abort();
  expect(disk.paths()).toEqual(before);
  expect(changes).toEqual([]);
  expect(await store.figures()).toMatchObject({ usedBytes: 0, freeBytes: Infinity });
});

test('a restart finds the replicas, and removes what was being written', async () => {
  const first = await openStore(disk.mount());
  const others = [1, 2, 3, 300, 70_001].map((block) => ({ block, generation: 2, length: block }));
  for (const replica of [REPLICA, ...others]) await writeReplica(first.store, replica);
  await (await first.store.create({ block: 4, generation: 1 }, 10)).write(new Uint8Array(10));
  const { store } = await restart();
  expect(store.node).toBe('node-1');
  expect(sorted(store.replicas().sound)).toEqual([...others.slice(0, 4), REPLICA, others[4]]);
  expect(disk.paths().filter((path) => path.includes('incoming'))).toEqual([]);
  for (const replica of others) {
    expect((await readReplica(store, replica)).equals(contentOf(replica))).toBe(true);
  }
});

test('a repeated write is answered with what is there; other bytes are refused', async () => {
  const { store, changes } = await openStore(disk.mount());
  const stored = await writeReplica(store, REPLICA);
  expect(await writeReplica(store, REPLICA)).toEqual(stored);
  const other = contentOf(REPLICA).toReversed();
  await expect(writeReplica(store, REPLICA, other)).rejects.toMatchObject({ name: 'ReplicaAlreadyExistsException' });
  const shorter = contentOf(REPLICA).subarray(1);
  await expect(writeReplica(store, REPLICA, shorter)).rejects.toMatchObject({ name: 'ReplicaAlreadyExistsException' });
  expect(changes).toHaveLength(1);
  expect((await readReplica(store, REPLICA)).equals(contentOf(REPLICA))).toBe(true);
});

test.each(['deleted', 'found damaged'])(
  'a repeated write does not answer for a replica that is being %s',
  async (how) => {
    const mounted = disk.mount();
    const letGo = new Signal();
    // A disk that is slow to take the names away.
    const slow: Disk = {
      ...mounted,
      remove: (file) => (file === FILE ? letGo.given : Promise.resolve()).then(() => mounted.remove(file)),
      rename: (from, to) =>
        (to.endsWith('.bad') ? letGo.given : Promise.resolve()).then(() => mounted.rename(from, to)),
    };
    const { store } = await openStore(slow);
    await writeReplica(store, REPLICA);
    const sink = await store.create(REPLICA, 3_500);
    await sink.write(contentOf(REPLICA));
    let deletion: Promise<void> | undefined;
    if (how === 'deleted') deletion = store.delete(REPLICA);
    else {
      disk.flipBit(FILE, 5, 0);
      await readReplica(store, REPLICA).catch(() => undefined);
    }
    const name = how === 'deleted' ? 'ReplicaNotFoundException' : 'ChecksumException';
    await expect(sink.commit()).rejects.toMatchObject({ name });
    letGo.give();
    await deletion;
  },
);

test('two writes of one block at a time: one replica, two equal answers', async () => {
  const { store, changes } = await openStore(disk.mount());
  const [first, second] = await Promise.all([writeReplica(store, REPLICA), writeReplica(store, REPLICA)]);
  expect(first).toEqual(second);
  expect(changes).toHaveLength(1);
  expect(disk.paths().filter((path) => path.includes('incoming'))).toEqual([]);
});

test('a writer that brings more than it announced is refused', async () => {
  const { store } = await openStore(disk.mount());
  const sink = await store.create(REPLICA, 10);
  await sink.write(new Uint8Array(10));
  await expect(sink.write(new Uint8Array(1))).rejects.toMatchObject({ name: 'IllegalArgumentException' });
  await sink.abort();
});

test('a deleted replica is gone, from the disk too, and told also when it was not there', async () => {
  const { store, changes } = await openStore(disk.mount());
  await writeReplica(store, REPLICA);
  await store.delete(REPLICA);
  await store.delete(REPLICA);
  expect(disk.paths()).toEqual(['/data/datanode.json', '/data/lock']);
  expect(changes.map(({ kind }) => kind)).toEqual(['received', 'deleted', 'deleted']);
  expect(await store.figures()).toMatchObject({ usedBytes: 0 });
  await expect(store.read(REPLICA, 0, 1)).rejects.toMatchObject({ name: 'ReplicaNotFoundException' });
});

test('any flipped bit is found before a byte of its chunk is delivered', async () => {
  for (let seed = 0; seed < 60; seed++) {
    disk = new SimulatedDisk({ random: new Random(seed) });
    const random = new Random(seed);
    const { store, changes } = await openStore(disk.mount());
    await writeReplica(store, REPLICA);
    const at = random.below(REPLICA.length);
    disk.flipBit(FILE, at, random.below(8));
    const pieces: Uint8Array[] = [];
    const reading = (async () => {
      for await (const piece of (await store.read(REPLICA, 0, REPLICA.length)).body) pieces.push(piece);
    })();
    await expect(reading, `seed ${seed}`).rejects.toMatchObject({ name: 'ChecksumException' });
    const delivered = Buffer.concat(pieces);
    expect(delivered).toHaveLength(Math.floor(at / CHUNK_BYTES) * CHUNK_BYTES);
    expect(delivered.equals(contentOf(REPLICA).subarray(0, delivered.length))).toBe(true);
    expect(changes.at(-1)).toEqual({ kind: 'corrupt', replica: REPLICA });
  }
});

test('the path of a damaged block is not given', async () => {
  const { store } = await openStore(disk.mount());
  await writeReplica(store, REPLICA);
  disk.flipBit(FILE, 3_400, 0);
  await expect(store.verifiedPath(REPLICA)).rejects.toMatchObject({ name: 'ChecksumException' });
});

test('a damaged replica is reported, never served, kept for the next start, and replaced by a new write', async () => {
  const { store, changes } = await openStore(disk.mount());
  await writeReplica(store, REPLICA);
  disk.flipBit(FILE, 1, 1);
  await expect(readReplica(store, REPLICA)).rejects.toMatchObject({ name: 'ChecksumException' });
  // What is asked for lies in a sound chunk: the replica is not served all the same.
  await expect(readReplica(store, REPLICA, 2_000, 10)).rejects.toMatchObject({ name: 'ChecksumException' });
  expect(store.replicas()).toEqual({ sound: [], corrupt: [REPLICA] });
  expect(changes.map(({ kind }) => kind)).toEqual(['received', 'corrupt']);
  await store.close();
  const next = await restart();
  expect(next.store.replicas()).toEqual({ sound: [], corrupt: [REPLICA] });
  await writeReplica(next.store, REPLICA);
  expect(next.store.replicas()).toEqual({ sound: [REPLICA], corrupt: [] });
  expect((await readReplica(next.store, REPLICA)).equals(contentOf(REPLICA))).toBe(true);
  const last = await restart();
  expect(last.store.replicas()).toEqual({ sound: [REPLICA], corrupt: [] });
  await last.store.delete(REPLICA);
  expect(disk.paths()).toEqual(['/data/datanode.json', '/data/lock']);
});

test.each([0, 20, 30, 41, 46])('flipped bits in the checksum file, at byte %i, are damage', async (at) => {
  const { store } = await openStore(disk.mount());
  await writeReplica(store, REPLICA);
  disk.flipBit(`${FILE}.crc`, at, 0);
  await expect(readReplica(store, REPLICA)).rejects.toMatchObject({ name: 'ChecksumException' });
});

test('checksums of another block are damage, though its bytes are the same', async () => {
  const { store } = await openStore(disk.mount());
  const twin = { ...REPLICA, block: REPLICA.block + 1 };
  for (const replica of [REPLICA, twin]) await writeReplica(store, replica, contentOf(REPLICA));
  await disk.mount().rename(`${FILE}.crc`, `${FILE.replace('70000', '70001')}.crc`);
  await expect(readReplica(store, twin)).rejects.toMatchObject({ name: 'ChecksumException' });
});

test('a damaged replica is not served, though the disk does not let it be marked', async () => {
  const mounted = disk.mount();
  const stubborn: Disk = {
    ...mounted,
    rename: async (from, to) => {
      if (to.endsWith('.bad')) throw Object.assign(new Error('EMFILE'), { code: 'EMFILE' });
      await mounted.rename(from, to);
    },
  };
  const { store } = await openStore(stubborn);
  await writeReplica(store, REPLICA);
  disk.flipBit(FILE, 1, 1);
  await expect(readReplica(store, REPLICA)).rejects.toMatchObject({ name: 'ChecksumException' });
  await expect(readReplica(store, REPLICA, 2_000, 10)).rejects.toMatchObject({ name: 'ChecksumException' });
});

test('checksums of another block, and a file that lost its end, are damage', async () => {
  const { store } = await openStore(disk.mount());
  const twin = { ...REPLICA, block: REPLICA.block + 1 };
  for (const replica of [REPLICA, twin]) await writeReplica(store, replica);
  const by = disk.mount();
  await by.rename(`${FILE}.crc`, `${FILE.replace('70000', '70001')}.crc`);
  await expect(readReplica(store, twin)).rejects.toMatchObject({ name: 'ChecksumException' });
  await expect(readReplica(store, REPLICA)).rejects.toMatchObject({ name: 'ChecksumException' });
  const short = { block: 5, generation: 1, length: 2_000 };
  await writeReplica(store, short);
  await (await by.open('/data/blocks/00/00/5_1', 'write')).truncate(1_000);
  await expect(readReplica(store, short, 0, 10)).rejects.toMatchObject({ name: 'ChecksumException' });
});

test('verified bytes are believed for the interval, and no longer than their file stays as it is', async () => {
  const { store, clock } = await openStore(disk.mount(), { verifyIntervalMs: 60_000 });
  await writeReplica(store, REPLICA);
  expect(await store.verifiedPath(REPLICA)).toBe(FILE);
  disk.flipBit(FILE, 2_500, 0);
  clock.advance(59_000);
  // Nothing was read: the flip lies behind the verification.
  expect(await store.verifiedPath(REPLICA)).toBe(FILE);
  expect(await readReplica(store, REPLICA, 2_400, 10)).toHaveLength(10);
  clock.advance(1_000);
  await expect(readReplica(store, REPLICA, 2_400, 10)).rejects.toMatchObject({ name: 'ChecksumException' });
});

test('a file that was written to is verified at once', async () => {
  const { store } = await openStore(disk.mount());
  await writeReplica(store, REPLICA);
  expect(await store.verifiedPath(REPLICA)).toBe(FILE);
  const byte = disk.bytesOf(FILE)[7]!;
  await (await disk.mount().open(FILE, 'write')).write(7, Uint8Array.of(byte ^ 1));
  await expect(store.verifiedPath(REPLICA)).rejects.toMatchObject({ name: 'ChecksumException' });
});

test('replicas keep the chunks that they were written with', async () => {
  await writeReplica((await openStore(disk.mount())).store, REPLICA);
  const { store } = await restart({ chunkBytes: 300 });
  expect(await store.verifiedPath(REPLICA)).toBe(FILE);
  expect((await readReplica(store, REPLICA, 100, 2_000)).equals(contentOf(REPLICA).subarray(100, 2_100))).toBe(true);
  expect(await writeReplica(store, REPLICA)).toMatchObject(REPLICA);
});

test.each([
  { block: '../../secret', generation: 1 },
  { block: 1.5, generation: 1 },
  { block: 1, generation: -1 },
])('what is no number of a block never becomes a name: %o', async (named) => {
  const { store } = await openStore(disk.mount());
  const replica = named as { block: number; generation: number };
  await expect(store.create(replica, 10)).rejects.toMatchObject({ name: 'IllegalArgumentException' });
  await expect(store.adopt(replica, '/data/lock')).rejects.toMatchObject({ name: 'IllegalArgumentException' });
  expect(disk.paths()).toEqual(['/data/datanode.json', '/data/lock']);
});

test.each([-1, 0.5, Number.NaN])('an offset of %d is refused, and no reason to doubt the replica', async (offset) => {
  const { store } = await openStore(disk.mount());
  await writeReplica(store, REPLICA);
  await expect(store.read(REPLICA, offset, 10)).rejects.toMatchObject({ name: 'IllegalArgumentException' });
  expect(store.replicas()).toEqual({ sound: [REPLICA], corrupt: [] });
});

test('one verification serves all who wait for the same block', async () => {
  let reads = 0;
  const mounted = disk.mount();
  const counting: Disk = {
    ...mounted,
    open: async (path, mode) => {
      const file = await mounted.open(path, mode);
      return { ...file, read: (offset, buffer) => ((reads += path === FILE ? 1 : 0), file.read(offset, buffer)) };
    },
  };
  const { store } = await openStore(counting);
  await writeReplica(store, REPLICA);
  await Promise.all(Array.from({ length: 5 }, () => store.verifiedPath(REPLICA)));
  expect(reads).toBe(4);
  await store.verifiedPath(REPLICA);
  expect(reads).toBe(4);
});

test('a scrub finds what nobody reads', async () => {
  const { store, changes, clock } = await openStore(disk.mount());
  await writeReplica(store, REPLICA);
  const paced: number[] = [];
  const pace = (bytes: number): Promise<void> => (paced.push(bytes), Promise.resolve());
  await store.scrub(REPLICA, clock.elapsedMs(), pace);
  expect(paced).toHaveLength(4);
  disk.flipBit(FILE, 3_499, 7);
  await store.scrub(REPLICA, clock.elapsedMs(), pace);
  expect(paced).toHaveLength(4);
  clock.advance(1);
  await expect(store.scrub(REPLICA, clock.elapsedMs(), pace)).rejects.toMatchObject({ name: 'ChecksumException' });
  expect(changes.at(-1)?.kind).toBe('corrupt');
});
