/** Files that writers on the datanode's machine fill: taken over whole or not at all, and gone when their writer is. */

import { beforeEach, expect, test } from 'vitest';
import type { Disk } from '../../../src/common/disk.ts';
import { ChunkSummer } from '../../../src/filestore/datanode/chunk-summer.ts';
import { StagedWrites } from '../../../src/filestore/datanode/staged-writes.ts';
import type { AdoptBlock } from '../../../src/filestore/protocol.ts';
import { Random } from '../../simulation/random.ts';
import { SimulatedDisk } from '../../simulation/simulated-disk.ts';
import { settle } from './fake-network.ts';
import { CHUNK_BYTES, contentOf, openStore, readReplica } from './stores.ts';
import type { TestStore } from './stores.ts';

const REPLICA = { block: 5, generation: 1, length: 3_500 };
const STAGE = { block: 5, generation: 1, bytesMax: 10_000 };
const WRITER_MS = 60_000;

type Subject = TestStore & { readonly staged: StagedWrites; readonly mounted: Disk };

let disk: SimulatedDisk;
beforeEach(() => {
  disk = new SimulatedDisk({ random: new Random(1), capacityBytes: 50_000 });
});

async function start(): Promise<Subject> {
  disk.kill();
  const mounted = disk.mount();
  const opened = await openStore(mounted);
  const { store, clock } = opened;
  return { ...opened, mounted, staged: new StagedWrites({ store, clock, writerTimeoutMs: WRITER_MS }) };
}

async function fill({ mounted }: Subject, path: string, content = contentOf(REPLICA)): Promise<void> {
  const file = await mounted.open(path, 'write');
  await file.write(0, content);
  await file.close();
}

function adoptionOf(path: string, content = contentOf(REPLICA)): AdoptBlock {
  const summer = new ChunkSummer(CHUNK_BYTES);
  summer.pass(content);
  const { length, chunks } = summer.end(REPLICA);
  const { block, generation } = REPLICA;
  return { block, generation, path, length, chunkBytes: CHUNK_BYTES, chunks: [...chunks], pipeline: [] };
}

const free = async ({ store }: Subject): Promise<number> => (await store.figures()).freeBytes;

test('a file that was filled is the block, durable when it is said to be', async () => {
  const subject = await start();
  const { path } = await subject.staged.stage(STAGE);
  await fill(subject, path);
  expect(await subject.staged.adopt(adoptionOf(path))).toMatchObject(REPLICA);
  expect(subject.changes).toEqual([{ kind: 'received', replica: REPLICA }]);
  disk.crash();
  const again = await start();
  expect((await readReplica(again.store, REPLICA)).equals(contentOf(REPLICA))).toBe(true);
  expect(disk.paths().filter((name) => name.includes('incoming'))).toEqual([]);
});

test('the room is reserved while the file is filled, and free again', async () => {
  const subject = await start();
  const before = await free(subject);
  const { path } = await subject.staged.stage(STAGE);
  expect(await free(subject)).toBeLessThanOrEqual(before - STAGE.bytesMax);
  await subject.staged.drop(path);
  expect(await free(subject)).toBe(before);
  await expect(subject.staged.stage({ ...STAGE, bytesMax: 60_000 })).rejects.toMatchObject({
    name: 'DiskOutOfSpaceException',
  });
  expect(await free(subject)).toBe(before);
});

test('asked once more, it answers what is there; with other bytes it does not', async () => {
  const subject = await start();
  const { path } = await subject.staged.stage(STAGE);
  await fill(subject, path);
  const first = await subject.staged.adopt(adoptionOf(path));
  expect(await subject.staged.adopt(adoptionOf(path))).toEqual(first);
  const other = contentOf(REPLICA).toReversed();
  await expect(subject.staged.adopt(adoptionOf(path, other))).rejects.toMatchObject({
    name: 'ReplicaNotFoundException',
  });
});

test.each<[string, (right: AdoptBlock) => AdoptBlock]>([
  ['another length', (right) => adoptionOf(right.path, contentOf(REPLICA).subarray(0, 3_400))],
  ['another block', (right) => ({ ...right, block: 6 })],
  ['other chunks', (right) => ({ ...right, chunkBytes: 700, chunks: [1, 2, 3, 4, 5] })],
  ['too few checksums', (right) => ({ ...right, chunks: right.chunks.slice(1) })],
  ['checksums that are none', (right) => ({ ...right, chunks: right.chunks.map(() => -1) })],
  ['a path that was never staged', (right) => ({ ...right, path: '/data/datanode.json' })],
])('%s: nothing becomes a block', async (_, change) => {
  const subject = await start();
  const { path } = await subject.staged.stage(STAGE);
  await fill(subject, path);
  await expect(subject.staged.adopt(change(adoptionOf(path)))).rejects.toMatchObject({ name: /Exception$/ });
  expect(subject.store.replicas()).toEqual({ sound: [], corrupt: [] });
  expect(subject.changes).toEqual([]);
  expect(disk.paths()).toContain('/data/datanode.json');
});

test('a writer that adds nothing for a minute is given up; one that is slow is not', async () => {
  const subject = await start();
  const before = await free(subject);
  const { path } = await subject.staged.stage(STAGE);
  for (let minutes = 1; minutes <= 5; minutes++) {
    await fill(subject, path, new Uint8Array(minutes * 10));
    subject.clock.advance(WRITER_MS / 2);
    await settle();
    subject.clock.advance(WRITER_MS / 2);
    await settle();
    expect(disk.paths()).toContain(path);
  }
  for (let quarter = 0; quarter < 5; quarter++) {
    subject.clock.advance(WRITER_MS / 4);
    await settle();
  }
  expect(disk.paths()).not.toContain(path);
  expect(subject.staged.size).toBe(0);
  expect(await free(subject)).toBe(before);
  await expect(subject.staged.adopt(adoptionOf(path))).rejects.toMatchObject({ name: 'ReplicaNotFoundException' });
});

test('a sync that fails ends the service of the folder, and no block is there', async () => {
  const subject = await start();
  const { path } = await subject.staged.stage(STAGE);
  await fill(subject, path);
  disk.syncFailures = 1;
  await expect(subject.staged.adopt(adoptionOf(path))).rejects.toMatchObject({ name: 'IOException' });
  disk.syncFailures = 0;
  expect((await subject.store.figures()).failedFolders).toBe(1);
  expect(subject.store.replicas().sound).toEqual([]);
});

test.each(['before', 'after'] as const)(
  'power loss %s every call of the disk: the block is there whole, or not at all',
  async (when) => {
    let runs = 0;
    for (let at = 1; ; at++) {
      disk = new SimulatedDisk({ random: new Random(at) });
      const subject = await start();
      const { path } = await subject.staged.stage(STAGE);
      await fill(subject, path);
      let calls = 0;
      let died = false;
      disk.crashAt = () => {
        died = (calls += 1) === at;
        return died ? when : undefined;
      };
      let acknowledged = false;
      const adopting = subject.staged.adopt(adoptionOf(path)).then(() => (acknowledged = true));
      adopting.catch(() => undefined);
      await settle(30);
      disk.crashAt = () => undefined;
      if (calls < at) break;
      const again = await start();
      const sound = again.store.replicas().sound;
      expect(sound.length, `call ${at}`).toBeGreaterThanOrEqual(acknowledged ? 1 : 0);
      // What is reported has the bytes, and what has not is not reported.
      for (const each of sound) {
        expect((await readReplica(again.store, each)).equals(contentOf(REPLICA)), `call ${at}`).toBe(true);
      }
      runs += 1;
    }
    expect(runs).toBeGreaterThan(10);
  },
);

test('room that a writer has filled is counted once', async () => {
  const subject = await start();
  const before = await free(subject);
  const { path } = await subject.staged.stage(STAGE);
  const reserved = before - (await free(subject));
  expect(reserved).toBeGreaterThanOrEqual(STAGE.bytesMax);
  await fill(subject, path);
  await subject.staged.measure();
  expect(before - (await free(subject))).toBe(reserved);
  await subject.staged.measure();
  expect(before - (await free(subject))).toBe(reserved);
  await subject.staged.drop(path);
  expect(await free(subject)).toBe(before);
});
