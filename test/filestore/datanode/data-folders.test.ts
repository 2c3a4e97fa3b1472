/** Several folders, each on a disk of its own: the one with the most room, the one that fails, the one of somebody else. */

import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { crc32c } from '../../../src/common/crc32c.ts';
import type { Disk } from '../../../src/common/disk.ts';
import { openFolders } from '../../../src/filestore/datanode/open-folders.ts';
import { Random } from '../../simulation/random.ts';
import { SimulatedDisk } from '../../simulation/simulated-disk.ts';
import { contentOf, openStore, readReplica, sorted, writeReplica } from './stores.ts';
import type { TestStore } from './stores.ts';

const FOLDERS = ['/a/data', '/b/data'];

let a: SimulatedDisk;
let b: SimulatedDisk;
beforeEach(async () => {
  a = new SimulatedDisk({ random: new Random(1), capacityBytes: 100_000 });
  b = new SimulatedDisk({ random: new Random(2), capacityBytes: 200_000 });
  for (const [disk, folder] of [
    [a, '/a'],
    [b, '/b'],
  ] as const) {
    await disk.mount().mkdir(folder);
    await disk.mount().syncFolder('/');
  }
});

/** Each path on the disk of its first folder; from one to the other there is no way but to copy. */
function together(): Disk {
  const [onA, onB] = [a.mount(), b.mount()];
  const of = (file: string): Disk => (file.startsWith('/a') ? onA : onB);
  const both = (from: string, to: string): Disk => {
    if (of(from) !== of(to)) throw Object.assign(new Error('EXDEV: another disk'), { code: 'EXDEV' });
    return of(to);
  };
  return {
    open: (file, mode) => of(file).open(file, mode),
    stat: (file) => of(file).stat(file),
    realPath: (file) => of(file).realPath(file),
    list: (folder) => of(folder).list(folder),
    rename: async (from, to) => both(from, to).rename(from, to),
    link: async (from, to) => both(from, to).link(from, to),
    remove: (file) => of(file).remove(file),
    removeFolder: (folder) => of(folder).removeFolder(folder),
    mkdir: (folder) => of(folder).mkdir(folder),
    syncFolder: (folder) => of(folder).syncFolder(folder),
    freeBytes: (folder) => of(folder).freeBytes(folder),
    lock: (file) => of(file).lock(file),
  };
}

const open = (folders = FOLDERS): Promise<TestStore> => {
  a.kill();
  b.kill();
  return openStore(together(), { folders });
};

const blocksOn = (disk: SimulatedDisk): readonly string[] =>
  disk
    .paths()
    .filter((file) => /\/blocks\/.*_\d+$/.test(file))
    .map((file) => path.basename(file));

const replica = (block: number, length: number): { block: number; generation: number; length: number } => ({
  block,
  generation: 1,
  length,
});

test('a block goes where there is the most room, what is promised taken off', async () => {
  const { store } = await open();
  await writeReplica(store, replica(1, 1_000));
  expect([blocksOn(a), blocksOn(b)]).toEqual([[], ['1_1']]);
  // The second disk has promised so much that the first has more to give.
  const sink = await store.create(replica(2, 0), 150_000);
  await writeReplica(store, replica(3, 1_000));
  expect(blocksOn(a)).toEqual(['3_1']);
  await sink.abort();
  await writeReplica(store, replica(4, 1_000));
  expect(blocksOn(b)).toEqual(['1_1', '4_1']);
});

test('no folder has the room: a typed error before a byte is written, and none of two who ask at once is promised too much', async () => {
  const { store } = await open();
  await expect(store.create(replica(1, 0), 201_000)).rejects.toMatchObject({ name: 'DiskOutOfSpaceException' });
  const asked = await Promise.allSettled([1, 2, 3].map((block) => store.create(replica(block, 0), 90_000)));
  expect(asked.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
  await expect(store.create(replica(4, 0), 90_000)).rejects.toMatchObject({ name: 'DiskOutOfSpaceException' });
  expect((await store.figures()).freeBytes).toBeLessThan(30_000);
});

test('space that is kept for others is not given away', async () => {
  const { store } = await openStore(together(), { folders: FOLDERS, keepFreeBytes: 150_000 });
  expect((await store.figures()).freeBytes).toBeLessThan(50_000);
  await expect(store.create(replica(1, 0), 60_000)).rejects.toMatchObject({ name: 'DiskOutOfSpaceException' });
});

test.each(['write', 'sync', 'rename', 'syncFolder'])(
  'a folder that fails at a %s is out of service, its replicas are lost, the other goes on',
  async (call) => {
    const { store, changes } = await open();
    for (const block of [1, 2]) await writeReplica(store, replica(block, 1_000));
    a.capacityBytes = 1_000_000;
    await writeReplica(store, replica(3, 1_000));
    expect([blocksOn(a), blocksOn(b)]).toEqual([['3_1'], ['1_1', '2_1']]);
    a.crashAt = (_, name) => {
      if (name === call) throw Object.assign(new Error('EIO: the disk is broken'), { code: 'EIO' });
      return undefined;
    };
    await expect(writeReplica(store, replica(4, 1_000))).rejects.toMatchObject({ name: 'IOException' });
    expect(changes.filter(({ kind }) => kind === 'deleted').map(({ replica: { block } }) => block)).toEqual([3]);
    expect(sorted(store.replicas().sound).map(({ block }) => block)).toEqual([1, 2]);
    await expect(store.read(replica(3, 0), 0, 1)).rejects.toMatchObject({ name: 'ReplicaNotFoundException' });
    expect(await store.figures()).toMatchObject({ failedFolders: 1 });
    await writeReplica(store, replica(4, 1_000));
    expect((await readReplica(store, replica(1, 0))).equals(contentOf(replica(1, 1_000)))).toBe(true);
    a.crashAt = () => undefined;
    // Out of service until somebody starts the datanode again, whatever the disk says meanwhile.
    expect(await store.figures()).toMatchObject({ failedFolders: 1 });
    const next = await open();
    expect(sorted(next.store.replicas().sound).map(({ block }) => block)).toEqual([1, 2, 3, 4]);
  },
);

test('a replica that cannot be read is damaged; its folder goes on if it can be written', async () => {
  const { store, changes } = await open();
  for (const block of [1, 2]) await writeReplica(store, replica(block, 1_000));
  b.crashAt = (_, name, file) => {
    if (name === 'read' && file.endsWith('1_1')) throw Object.assign(new Error('EIO'), { code: 'EIO' });
    return undefined;
  };
  await expect(readReplica(store, replica(1, 0))).rejects.toMatchObject({ name: 'ChecksumException' });
  expect(changes.at(-1)).toEqual({ kind: 'corrupt', replica: replica(1, 1_000) });
  expect(await readReplica(store, replica(2, 0))).toHaveLength(1_000);
  await store.close();
  expect((await open()).store.replicas()).toEqual({ sound: [replica(2, 1_000)], corrupt: [replica(1, 1_000)] });
});

test('a disk that is gone is noticed by a read, and all its replicas are lost', async () => {
  const { store, changes } = await open();
  for (const block of [1, 2]) await writeReplica(store, replica(block, 1_000));
  b.crashAt = () => {
    throw Object.assign(new Error('EIO'), { code: 'EIO' });
  };
  await expect(readReplica(store, replica(1, 0))).rejects.toMatchObject({ name: 'ChecksumException' });
  await store.close();
  const lost = new Map(changes.map(({ kind, replica: { block } }) => [block, kind]));
  expect([...lost]).toEqual([
    [1, 'deleted'],
    [2, 'deleted'],
  ]);
});

test('a full disk is no failure, and heals', async () => {
  const { store } = await open(['/b/data']);
  await writeReplica(store, replica(1, 1_000));
  const sink = await store.create(replica(2, 0), 50_000);
  b.capacityBytes = 3_000;
  await sink.write(new Uint8Array(5_000));
  await expect(sink.write(new Uint8Array(1))).rejects.toMatchObject({ name: 'DiskOutOfSpaceException' });
  await sink.abort();
  expect(await readReplica(store, replica(1, 0))).toHaveLength(1_000);
  await expect(writeReplica(store, replica(2, 5_000))).rejects.toMatchObject({ name: 'DiskOutOfSpaceException' });
  b.capacityBytes = 200_000;
  await writeReplica(store, replica(2, 5_000));
  expect(await store.figures()).toMatchObject({ failedFolders: 0 });
  expect(b.paths().filter((file) => file.includes('/incoming/'))).toEqual([]);
});

test('the id is made once; a folder that joins later gets it, and that of the store', async () => {
  let ids = 0;
  const newNode = (): string => `node-${(ids += 1)}`;
  const first = await openStore(together(), { folders: ['/a/data'], newNode });
  await first.store.bind('store-1');
  await first.store.close();
  const second = await openStore(together(), { folders: FOLDERS, newNode });
  expect([second.store.node, second.store.store]).toEqual(['node-1', 'store-1']);
  await second.store.close();
  const third = await openStore(together(), { folders: ['/b/data'], newNode });
  expect([third.store.node, third.store.store]).toEqual(['node-1', 'store-1']);
  await expect(third.store.bind('store-2')).rejects.toThrow(/belong to store store-1, .*; give /);
});

test('once it is known to which store the blocks belong, no power loss makes it forgotten', async () => {
  for (let seed = 0; seed < 20; seed++) {
    a = new SimulatedDisk({ random: new Random(seed) });
    const { store } = await openStore(a.mount(), { folders: ['/a'] });
    await store.bind('store-1');
    a.crash();
    expect((await openStore(a.mount(), { folders: ['/a'] })).store.store, `seed ${seed}`).toBe('store-1');
  }
});

test.each([
  ['of another datanode', 'node-2', 'store-1', /belongs to datanode node-2, .*; name folders of one/],
  ['of another store', 'node-1', 'store-2', /belongs to store store-2, .*; name folders of one/],
])('a folder %s is refused', async (_, node, store, message) => {
  for (const [folder, newNode, bound] of [
    ['/a/data', 'node-1', 'store-1'],
    ['/b/data', node, store],
  ] as const) {
    const opened = await openStore(together(), { folders: [folder], newNode: () => newNode });
    await opened.store.bind(bound);
    await opened.store.close();
  }
  await expect(openStore(together(), { folders: FOLDERS })).rejects.toThrow(message);
  // Nothing stays locked.
  expect((await openStore(together(), { folders: ['/a/data'] })).store.node).toBe('node-1');
});

test('a folder of another format, and one that cannot be looked through, are refused with what to do', async () => {
  await b.mount().mkdir('/b/later');
  const file = await b.mount().open('/b/later/datanode.json', 'create');
  const line = '{"format":2}';
  await file.write(0, Buffer.from(`${line}\n${crc32c(Buffer.from(line)).toString(16).padStart(8, '0')}\n`));
  await expect(open(['/b/later'])).rejects.toThrow(
    /has format 2, this version knows 1; start the version that wrote it/,
  );
  await (await open()).store.close();
  for (const disk of [a, b]) {
    disk.crashAt = (_, name, of) => {
      if (name === 'list' && of.includes('blocks')) throw Object.assign(new Error('EIO: broken'), { code: 'EIO' });
      return undefined;
    };
  }
  await expect(openStore(together(), { folders: FOLDERS })).rejects.toThrow(
    'no data folder works: EIO: broken; mend one, or name another one',
  );
});

test('a folder with other things in it, one that is in use, and one whose parent is no folder', async () => {
  const mounted = b.mount();
  await mounted.mkdir('/b/photos');
  await mounted.open('/b/photos/holiday.jpg', 'create');
  await expect(openStore(together(), { folders: ['/b/photos'] })).rejects.toThrow('holds "holiday.jpg"');
  await openStore(together(), { folders: ['/b/data'] });
  await expect(openStore(together(), { folders: ['/b/data'] })).rejects.toThrow(
    '/b/data is in use by another process; stop that one',
  );
  await expect(openStore(together(), { folders: ['/b/photos/holiday.jpg/data'] })).rejects.toThrow(
    '/b/photos/holiday.jpg/data cannot be used',
  );
});

test('one disk failed and another process has the other: an error, not a second failed folder', async () => {
  const { store } = await open();
  await store.close();
  const holder = await open(['/b/data']);
  const failing: Disk = {
    ...together(),
    syncFolder: (name) => (name === '/a' ? broken() : together().syncFolder(name)),
  };
  await expect(openStore(failing, { folders: FOLDERS })).rejects.toMatchObject({ code: 'FOLDER_IN_USE' });
  await holder.store.close();
  const alone = await openStore(failing, { folders: FOLDERS });
  expect(await alone.store.figures()).toMatchObject({ failedFolders: 1 });
});

const broken = (): Promise<never> => Promise.reject(Object.assign(new Error('EIO: it is broken'), { code: 'EIO' }));

test('a folder that fails is let go with the others, not before', async () => {
  await (await open()).store.close();
  b.flipBit('/b/data/datanode.json', 15, 0);
  const { store } = await open();
  expect(await store.figures()).toMatchObject({ failedFolders: 1 });
  await expect(openStore(together(), { folders: ['/b/data'] })).rejects.toMatchObject({ code: 'FOLDER_IN_USE' });
  await store.close();
  await expect(openStore(together(), { folders: ['/b/data'] })).rejects.toMatchObject({ code: 'FOLDER_FAILED' });
});

/** Of which no lock below /a can be let go. */
const sticky = (mounted: Disk): Disk => ({
  ...mounted,
  lock: async (file) => {
    const lock = await mounted.lock(file);
    return lock && (file.startsWith('/a') ? { release: broken } : lock);
  },
});

test('a lock that cannot be let go keeps no other one, and hides no reason', async () => {
  const opened = await openFolders(sticky(together()), FOLDERS, () => 'node-1');
  await expect(opened.release()).rejects.toMatchObject({ code: 'EIO' });
  await (await openStore(together(), { folders: ['/b/data'] })).store.close();
  a.kill();
  await b.mount().mkdir('/b/photos');
  await b.mount().open('/b/photos/holiday.jpg', 'create');
  const opening = openFolders(sticky(together()), ['/a/data', '/b/data', '/b/photos'], () => 'node-1');
  await expect(opening).rejects.toMatchObject({ code: 'FOLDER_MISMATCH' });
  await (await openStore(together(), { folders: ['/b/data'] })).store.close();
});

test('a new datanode begins without a folder that cannot be made, and takes it into service once it can', async () => {
  await b.mount().open('/b/file', 'create');
  const folders = ['/b/file/data', '/a/data', '/b/more/data'];
  const { store } = await open(folders);
  expect(await store.figures()).toMatchObject({ failedFolders: 1 });
  await writeReplica(store, replica(1, 1_000));
  await store.close();
  await b.mount().remove('/b/file');
  const again = await openStore(together(), { folders, newNode: () => 'another' });
  expect(again.store.node).toBe('node-1');
  expect(await again.store.figures()).toMatchObject({ failedFolders: 0 });
  expect(again.store.replicas().sound).toEqual([replica(1, 1_000)]);
});

test('a new datanode does not begin beside a folder that is there and cannot be read: it may hold another id', async () => {
  const onBoth = together();
  const refusing: Disk = {
    ...onBoth,
    lock: (file) =>
      file.startsWith('/b')
        ? Promise.reject(Object.assign(new Error('EIO: the disk is broken'), { code: 'EIO' }))
        : onBoth.lock(file),
  };
  await expect(openStore(refusing, { folders: FOLDERS })).rejects.toThrow(
    /\/b\/data cannot be used: EIO.*; mend it, or name another/,
  );
});

test('a folder whose marks are damaged is left out; alone it is refused', async () => {
  const first = await open();
  for (const block of [1, 2]) await writeReplica(first.store, replica(block, 1_000));
  b.flipBit('/b/data/datanode.json', 15, 0);
  const { store } = await open();
  expect(store.node).toBe('node-1');
  expect(await store.figures()).toMatchObject({ failedFolders: 1 });
  await expect(open(['/b/data'])).rejects.toThrow('datanode.json is damaged');
});

test('a file on another disk is copied when it becomes a block', async () => {
  const { store } = await open(['/b/data']);
  const adopted = replica(1, 2_500);
  const file = await a.mount().open('/a/written', 'create');
  await file.write(0, contentOf(adopted));
  const stored = await store.adopt(adopted, '/a/written');
  expect(stored).toMatchObject(adopted);
  expect(await store.adopt(adopted, '/a/written')).toEqual(stored);
  a.crash();
  b.crash();
  const next = await open(['/b/data']);
  expect((await readReplica(next.store, adopted)).equals(contentOf(adopted))).toBe(true);
});

test('a file on the same disk is linked when it becomes a block: no room is needed', async () => {
  const { store } = await open(['/b/data']);
  const adopted = replica(1, 120_000);
  const file = await b.mount().open('/b/written', 'create');
  await file.write(0, contentOf(adopted));
  const stored = await store.adopt(adopted, '/b/written');
  expect(await store.adopt(adopted, '/b/written')).toEqual(stored);
  expect(blocksOn(b)).toEqual(['1_1']);
  expect(b.paths().filter((each) => each.includes('/incoming/'))).toEqual([]);
  await expect(store.adopt(replica(2, 0), '/b/nothing')).rejects.toMatchObject({ name: 'FileNotFoundException' });
});

test('a file that is written to while it becomes a block is refused', async () => {
  const mounted = together();
  const growing = await b.mount().open('/b/growing', 'create');
  await growing.write(0, contentOf(replica(1, 2_500)));
  const disk: Disk = {
    ...mounted,
    open: async (file, mode) => {
      const opened = await mounted.open(file, mode);
      if (!file.includes('/incoming/') || mode !== 'read') return opened;
      return {
        ...opened,
        read: async (at, buffer) => (await growing.write(0, Uint8Array.of(1)), opened.read(at, buffer)),
      };
    },
  };
  const { store } = await openStore(disk, { folders: ['/b/data'] });
  await expect(store.adopt(replica(1, 0), '/b/growing')).rejects.toMatchObject({ name: 'IllegalArgumentException' });
  expect(b.paths().filter((file) => file.includes('/incoming/'))).toEqual([]);
});
