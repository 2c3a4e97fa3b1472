/** `file://` on a real disk and on the simulated one: what every file system does, what a crash leaves, and symbolic links. */

import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/common/clock.ts';
import type { Clock } from '../../src/common/clock.ts';
import { localDisk } from '../../src/common/disk.ts';
import type { Disk } from '../../src/common/disk.ts';
import { listAll } from '../../src/filestore/file-system.ts';
import type { FileSystem } from '../../src/filestore/file-system.ts';
import { LocalFileSystem } from '../../src/filestore/local-file-system.ts';
import { TEMPORARY_AGE_MAX_MS } from '../../src/filestore/local-listing.ts';
import { TEMPORARY_PREFIX } from '../../src/filestore/store-path.ts';
import { Random } from '../simulation/random.ts';
import { SimulatedDisk } from '../simulation/simulated-disk.ts';
import { fileSystemSuite } from './file-system-suite.ts';
import type { SuiteSubject } from './file-system-suite.ts';
import { Signal } from './signal.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

async function textOf(fileSystem: FileSystem, file: string): Promise<string> {
  const opened = await fileSystem.open(file);
  const found = Buffer.from(await opened.read(0, opened.length)).toString();
  await opened.close();
  return found;
}

async function filesOf(fileSystem: FileSystem): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for await (const file of listAll(fileSystem, '/', { recursive: true })) {
    found[file.path] = await textOf(fileSystem, file.path);
  }
  return found;
}

describe('file:// on this machine is a file system', () => {
  fileSystemSuite(onThisMachine);
});
describe('file:// on the simulated disk is a file system', () => {
  fileSystemSuite(onSimulatedDisk);
});

async function onThisMachine(): Promise<SuiteSubject> {
  const root = await mkdtemp(path.join(tmpdir(), 'tutti-files-'));
  const open = (): FileSystem => new LocalFileSystem({ disk: localDisk, root, clock: systemClock });
  const close = (): Promise<void> => rm(root, { recursive: true });
  return { fileSystem: open(), another: open(), readLocal: (local) => readFile(local), close };
}

const nothing = (): Promise<void> => Promise.resolve();
const simulatedClock: Clock = { ...systemClock, wallMs: () => 0 };

async function onSimulatedDisk(): Promise<SuiteSubject> {
  const random = new Random(3);
  // A call takes a turn of the event loop, or several: callers overtake each other.
  const latency = async (): Promise<void> => {
    for (let turns = random.below(3); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
  };
  const disk = new SimulatedDisk({ random: new Random(4), latency });
  const open = (): FileSystem => new LocalFileSystem({ disk: disk.mount(), root: '/', clock: simulatedClock });
  const readLocal = (local: string): Promise<Uint8Array> => Promise.resolve(disk.bytesOf(local));
  return { fileSystem: open(), another: open(), readLocal, close: () => Promise.resolve() };
}

/** Folders that go leave their inodes to the next, as on ext4. */
const sameInodes = (disk: Disk): Disk => ({
  ...disk,
  stat: async (name) => {
    const found = await disk.stat(name);
    return found.kind === 'folder' ? { ...found, inode: 1 } : found;
  },
});

describe('a crash', () => {
  const CONTENT = 'whole '.repeat(500);
  const SEEDS = 12;

  type Outcome = { readonly acknowledged: boolean; readonly files: Readonly<Record<string, string>> };

  /** Runs `work` with the power ending around its k-th call of the disk, for every k, and tells what is there afterwards. */
  async function crashes(
    prepare: (fileSystem: FileSystem) => Promise<unknown>,
    work: (fileSystem: FileSystem) => Promise<unknown>,
  ): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    for (let seed = 0; seed < SEEDS; seed++) {
      for (let k = 1; ; k++) {
        let names = 0;
        const disk = new SimulatedDisk({ random: new Random(seed * 1000 + k) });
        const open = (): FileSystem =>
          new LocalFileSystem({
            disk: sameInodes(disk.mount()),
            root: '/',
            clock: simulatedClock,
            unique: () => `${++names}`,
          });
        const before = open();
        await prepare(before);
        const start = disk.calls;
        const crashed = new Promise<false>((resolve) => (disk.onCrash = () => resolve(false)));
        disk.crashAt = (call) => (call === start + k ? (seed % 2 ? 'before' : 'after') : undefined);
        const acknowledged = await Promise.race([work(before).then(() => true), crashed]);
        disk.crashAt = () => undefined;
        disk.crash();
        const after = open();
        outcomes.push({ acknowledged, files: await filesOf(after) });
        // Whatever was left behind hinders nobody.
        await after.create('/a/later', bytes('later'));
        expect(await textOf(after, '/a/later')).toBe('later');
        await after.delete('/a', { recursive: true });
        expect(await after.stat('/a')).toBeUndefined();
        if (acknowledged) break;
      }
    }
    return outcomes;
  }

  const distinct = (outcomes: readonly Outcome[], acknowledged: boolean): readonly string[] =>
    [
      ...new Set(
        outcomes.filter((one) => one.acknowledged === acknowledged).map(({ files }) => Object.keys(files).join(' ')),
      ),
    ].toSorted();

  const slowly = async function* (): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < CONTENT.length; at += 700) yield bytes(CONTENT.slice(at, at + 700));
  };

  test.each([
    ['create', (files: FileSystem) => files.create('/a/b/c', slowly())],
    ['createIfAbsent', (files: FileSystem) => files.createIfAbsent('/a/b/c', slowly())],
    ['create, overwriting', (files: FileSystem) => files.create('/a/b/c', slowly(), { overwrite: true })],
  ])('%s: acknowledged, the file is whole; else it is whole or not there', async (_name, create) => {
    const outcomes = await crashes(nothing, create);
    expect(distinct(outcomes, true)).toEqual(['/a/b/c']);
    expect(distinct(outcomes, false)).toEqual(['', '/a/b/c']);
    for (const { files } of outcomes) expect([undefined, CONTENT]).toContain(files['/a/b/c']);
  });

  test('overwriting leaves the old file or the new one', async () => {
    const outcomes = await crashes(
      (files) => files.create('/a/f', bytes('old')),
      (files) => files.create('/a/f', slowly(), { overwrite: true }),
    );
    for (const { acknowledged, files } of outcomes) {
      expect(acknowledged ? [CONTENT] : ['old', CONTENT]).toContain(files['/a/f']);
    }
  });

  test('a file is never read under the id of the one that had its name before', async () => {
    const disk = new SimulatedDisk({ random: new Random(1) });
    const mounted = disk.mount();
    const files = new LocalFileSystem({ disk: mounted, root: '/', clock: simulatedClock });
    await files.create('/f', bytes('old'));
    await files.create('/g', bytes('newer'));
    const { id } = (await files.stat('/g'))!;
    const replacing: Disk = {
      ...mounted,
      open: async (name, mode) => {
        if (await files.stat('/g')) await files.rename('/g', '/f', { overwrite: true });
        return mounted.open(name, mode);
      },
    };
    const file = await new LocalFileSystem({ disk: replacing, root: '/', clock: simulatedClock }).open('/f');
    expect(file).toMatchObject({ id, length: 5 });
    await file.close();
  });

  test('who hears that a file exists can rely on it', async () => {
    for (let seed = 0; seed < 50; seed++) {
      const disk = new SimulatedDisk({ random: new Random(seed) });
      const mounted = disk.mount();
      const linked = new Signal();
      // The winner gives the file its name and gets no further.
      const stuck: Disk = {
        ...mounted,
        link: async (existing, name) => {
          await mounted.link(existing, name);
          linked.give();
        },
        syncFolder: (folder) => (folder === '/a' ? new Promise(() => undefined) : mounted.syncFolder(folder)),
      };
      void new LocalFileSystem({ disk: stuck, root: '/', clock: simulatedClock }).createIfAbsent('/a/f', bytes('x'));
      await linked.given;
      const loser = new LocalFileSystem({ disk: disk.mount(), root: '/', clock: simulatedClock });
      expect(await loser.createIfAbsent('/a/f', bytes('y'))).toBe('exists');
      disk.crash();
      const after = new LocalFileSystem({ disk: disk.mount(), root: '/', clock: simulatedClock });
      expect(await filesOf(after), `seed ${seed}`).toEqual({ '/a/f': 'x' });
    }
  });

  test('a folder that another process made is durable before a file in it is', async () => {
    for (let seed = 0; seed < 200; seed++) {
      const disk = new SimulatedDisk({ random: new Random(seed) });
      await disk.mount().mkdir('/a');
      await disk.mount().mkdir('/a/b');
      const open = (): FileSystem => new LocalFileSystem({ disk: disk.mount(), root: '/', clock: simulatedClock });
      await open().create('/a/b/c', bytes('x'));
      disk.crash();
      expect(await filesOf(open()), `seed ${seed}`).toEqual({ '/a/b/c': 'x' });
    }
  });

  test('a folder that another process made again is made durable again', async () => {
    for (let seed = 0; seed < 50; seed++) {
      const disk = new SimulatedDisk({ random: new Random(seed) });
      const open = (): FileSystem => new LocalFileSystem({ disk: disk.mount(), root: '/', clock: simulatedClock });
      const files = open();
      await files.create('/a/1', bytes('x'));
      await open().delete('/a', { recursive: true });
      await disk.mount().mkdir('/a');
      await files.create('/a/2', bytes('x'));
      disk.crash();
      expect(await filesOf(open()), `seed ${seed}`).toEqual({ '/a/2': 'x' });
    }
  });

  test('folders that went and came again are made durable again', async () => {
    const outcomes = await crashes(
      async (files) => {
        await files.create('/a/b/c', bytes('old'));
        await files.delete('/a', { recursive: true });
        await files.create('/d/b/c', bytes('moved'));
        await files.rename('/d', '/e');
      },
      async (files) => {
        await files.create('/a/b/c', bytes('new'));
        await files.create('/d/b/c', bytes('new'));
      },
    );
    expect(distinct(outcomes, true)).toEqual(['/a/b/c /d/b/c /e/b/c']);
  });

  test.each([[false], [true]])('a renamed file is never lost; overwriting: %s', async (overwrite) => {
    const outcomes = await crashes(
      async (files) => {
        await files.create('/a/from', bytes('moved'));
        await files.mkdirs('/b');
        if (overwrite) await files.create('/b/to', bytes('old'));
      },
      (files) => files.rename('/a/from', '/b/to', { overwrite }),
    );
    expect(distinct(outcomes, true)).toEqual(['/b/to']);
    const half = overwrite ? '/a/from /b/to' : '/a/from';
    expect(distinct(outcomes, false)).toEqual(
      (overwrite ? [half, '/b/to'] : ['/a/from', '/a/from /b/to', '/b/to']).toSorted(),
    );
    for (const { files } of outcomes) expect([files['/a/from'], files['/b/to']]).toContain('moved');
  });

  test('a renamed folder is in one place', async () => {
    const outcomes = await crashes(
      async (files) => {
        await files.create('/a/b/c', bytes('c'));
        await files.create('/a/d', bytes('d'));
      },
      (files) => files.rename('/a', '/z'),
    );
    expect(distinct(outcomes, true)).toEqual(['/z/b/c /z/d']);
    expect(distinct(outcomes, false)).toEqual(['/a/b/c /a/d', '/z/b/c /z/d']);
  });

  test('a tree is deleted wholly or not at all, and stays so', async () => {
    const outcomes = await crashes(
      async (files) => {
        for (const file of ['/a/b/1', '/a/b/2', '/a/c/3']) await files.create(file, bytes('x'));
      },
      (files) => files.delete('/a', { recursive: true }),
    );
    expect(distinct(outcomes, true)).toEqual(['']);
    expect(distinct(outcomes, false)).toEqual(['', '/a/b/1 /a/b/2 /a/c/3']);
  });

  test('a file and an empty folder stay deleted', async () => {
    const outcomes = await crashes(
      (files) => files.create('/a/b/1', bytes('x')),
      async (files) => {
        await files.delete('/a/b/1');
        await files.delete('/a/b');
      },
    );
    expect(distinct(outcomes, true)).toEqual(['']);
  });
});

describe('a disk that fails', () => {
  test('a sync that fails is no success, and leaves nothing', async () => {
    const disk = new SimulatedDisk({ random: new Random(1) });
    const files = new LocalFileSystem({ disk: disk.mount(), root: '/', clock: simulatedClock });
    await files.mkdirs('/a');
    disk.syncFailures = 1;
    await expect(files.create('/a/f', bytes('x'))).rejects.toMatchObject({ name: 'IOException' });
    await expect(files.createIfAbsent('/a/f', bytes('x'))).rejects.toMatchObject({ name: 'IOException' });
    disk.syncFailures = 0;
    expect(await filesOf(files)).toEqual({});
    expect(disk.paths()).toEqual([]);
  });

  test('a full disk says so, leaves nothing, and goes on when there is room', async () => {
    const disk = new SimulatedDisk({ random: new Random(1), capacityBytes: 1000 });
    const files = new LocalFileSystem({ disk: disk.mount(), root: '/', clock: simulatedClock });
    await files.create('/f', bytes('x'.repeat(600)));
    const fault = { name: 'DiskOutOfSpaceException' };
    await expect(files.create('/g', bytes('y'.repeat(600)))).rejects.toMatchObject(fault);
    await expect(files.create('/f', bytes('y'.repeat(600)), { overwrite: true })).rejects.toMatchObject(fault);
    expect(disk.paths()).toEqual(['/f']);
    expect((await textOf(files, '/f')).length).toBe(600);
    await files.delete('/f');
    await files.create('/g', bytes('y'.repeat(600)));
  });

  test('a link whose answer a network file system lost is a success', async () => {
    const disk = new SimulatedDisk({ random: new Random(1) }).mount();
    const repeating: Disk = {
      ...disk,
      link: async (existing, name) => {
        await disk.link(existing, name);
        await disk.link(existing, name);
      },
    };
    const files = new LocalFileSystem({ disk: repeating, root: '/', clock: simulatedClock });
    expect(await files.createIfAbsent('/f', bytes('x'))).toBe('created');
    expect(await files.createIfAbsent('/f', bytes('y'))).toBe('exists');
  });
});

describe('on this machine', () => {
  let root: string;
  let outside: string;
  let now = Date.now();
  let files: FileSystem;
  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'tutti-root-'));
    outside = await mkdtemp(path.join(tmpdir(), 'tutti-outside-'));
    now = Date.now();
    const clock: Clock = { ...systemClock, wallMs: () => now };
    // A root may be reached through a link itself.
    await symlink(root, path.join(outside, 'root'));
    files = new LocalFileSystem({ disk: localDisk, root: path.join(outside, 'root'), clock });
    await writeFile(path.join(outside, 'secret'), 'secret');
  });
  afterEach(async () => {
    await rm(root, { recursive: true });
    await rm(outside, { recursive: true });
  });

  test('symbolic links do not lead out', async () => {
    await symlink(outside, path.join(root, 'out'));
    await symlink(path.join(outside, 'secret'), path.join(root, 'file'));
    await symlink('/', path.join(root, 'machine'));
    const fault = { name: 'AccessControlException' };
    for (const link of ['/out/secret', '/file', '/machine/etc/passwd']) {
      await expect(files.open(link)).rejects.toMatchObject(fault);
      await expect(files.stat(link)).rejects.toMatchObject(fault);
    }
    for (const below of ['/out/new', '/out/a/new', `/machine/${outside}/new`.replace('//', '/')]) {
      await expect(files.create(below, bytes('x'))).rejects.toMatchObject(fault);
      await expect(files.createIfAbsent(below, bytes('x'))).rejects.toMatchObject(fault);
      await expect(files.mkdirs(below)).rejects.toMatchObject(fault);
    }
    await files.create('/inside', bytes('x'));
    await expect(files.rename('/inside', '/out/new')).rejects.toMatchObject(fault);
    await expect(files.rename('/out/secret', '/stolen')).rejects.toMatchObject(fault);
    await expect(files.delete('/out/secret')).rejects.toMatchObject(fault);
    await expect(files.list('/out')).rejects.toMatchObject(fault);
    expect((await files.list('/')).entries.map((entry) => entry.path)).toEqual(['/inside']);
    expect(await filesOf(files)).toEqual({ '/inside': 'x' });
    expect((await readdir(outside)).toSorted()).toEqual(['root', 'secret']);
  });

  test('a link is deleted, renamed and replaced, not what it leads to', async () => {
    await files.create('/data/x', bytes('x'));
    await symlink(outside, path.join(root, 'out'));
    await symlink(path.join(root, 'data'), path.join(root, 'alias'));
    await symlink('../data/x', path.join(root, 'data', 'y'));
    expect(await textOf(files, '/alias/x')).toBe('x');
    await files.create('/alias/z', bytes('z'));
    await files.create('/data/y', bytes('new'), { overwrite: true });
    expect(await filesOf(files)).toEqual({ '/data/x': 'x', '/data/y': 'new', '/data/z': 'z' });
    expect((await files.list('/')).entries.map((entry) => entry.path)).toEqual(['/alias', '/data']);
    await files.rename('/alias', '/other');
    expect(await textOf(files, '/other/x')).toBe('x');
    await files.delete('/other', { recursive: true });
    await files.mkdirs('/tree');
    await symlink(path.join(root, 'data'), path.join(root, 'tree', 'link'));
    await files.delete('/tree', { recursive: true });
    await files.delete('/out', { recursive: true });
    expect(Object.keys(await filesOf(files))).toEqual(['/data/x', '/data/y', '/data/z']);
    expect((await readdir(outside)).toSorted()).toEqual(['root', 'secret']);
  });

  test('a folder that links to itself ends no list', async () => {
    await files.create('/a/x', bytes('x'));
    await symlink(path.join(root, 'a'), path.join(root, 'a', 'again'));
    await symlink('loop', path.join(root, 'loop'));
    await symlink('nowhere', path.join(root, 'dangling'));
    expect(Object.keys(await filesOf(files))).toEqual(['/a/x']);
    expect(await files.stat('/dangling')).toBeUndefined();
  });

  test('a file that somebody cuts off while it is read is an error, not the end', async () => {
    await files.create('/f', Buffer.alloc(600_000));
    const file = await files.open('/f');
    await truncate(path.join(root, 'f'), 300_000);
    const fault = { name: 'IOException' };
    await expect(file.read(0, file.length)).rejects.toMatchObject(fault);
    const stream = file.stream()[Symbol.asyncIterator]();
    await stream.next();
    await expect(stream.next()).rejects.toMatchObject(fault);
    expect(await file.localPath()).toBeUndefined();
    await file.close();
  });

  test('the root may be the machine’s', async () => {
    const machine = new LocalFileSystem({ disk: localDisk, root: '/', clock: systemClock });
    await machine.create(`${root}/a/f`, bytes('x'));
    expect(await textOf(machine, `${root}/a/f`)).toBe('x');
    expect((await machine.list(root)).entries).toMatchObject([{ path: `${root}/a`, kind: 'folder' }]);
    expect(await machine.delete(`${root}/a`, { recursive: true })).toBe(true);
  });

  test('a socket is no file', async () => {
    const server = createServer().listen(path.join(root, 'socket'));
    await once(server, 'listening');
    await expect(files.open('/socket')).rejects.toMatchObject({ name: 'FileNotFoundException' });
    expect((await files.list('/')).entries).toEqual([]);
    server.close();
  });

  test('names that others gave are read, colons and all', async () => {
    await writeFile(path.join(root, '10:30.csv'), 'a,b');
    expect(await filesOf(files)).toEqual({ '/10:30.csv': 'a,b' });
    await files.rename('/10:30.csv', '/1030.csv');
    expect(await files.delete('/1030.csv')).toBe(true);
  });

  test('what a process left that died is not seen, and goes in time', async () => {
    await files.create('/a/f', bytes('x'));
    const left = path.join(root, 'a', `${TEMPORARY_PREFIX}left`);
    const tree = path.join(root, `${TEMPORARY_PREFIX}tree`);
    await writeFile(left, 'half');
    await mkdir(path.join(tree, 'deep'), { recursive: true });
    await writeFile(path.join(tree, 'deep', 'file'), 'x');
    expect(await filesOf(files)).toEqual({ '/a/f': 'x' });
    await expect(files.open(`/a/${TEMPORARY_PREFIX}left`)).rejects.toMatchObject({ name: 'InvalidPathException' });
    expect((await readdir(root)).toSorted()).toEqual(['a']);
    expect((await readdir(path.join(root, 'a'))).toSorted()).toEqual([`${TEMPORARY_PREFIX}left`, 'f']);
    now += TEMPORARY_AGE_MAX_MS + 60_000;
    await files.list('/a');
    expect(await readdir(path.join(root, 'a'))).toEqual(['f']);
  });

  test('a folder in which only a dead process’s files are left is empty', async () => {
    await files.mkdirs('/a');
    await writeFile(path.join(root, 'a', `${TEMPORARY_PREFIX}left`), 'half');
    expect(await files.delete('/a')).toBe(true);
    expect(await readdir(root)).toEqual([]);
  });

  test('whoever walks through folders reads each of them once, however many files there are', async () => {
    for (const folder of ['a', 'b/c']) {
      await mkdir(path.join(root, folder), { recursive: true });
      for (let i = 0; i < 1100; i++) await writeFile(path.join(root, folder, `f${i}`), '');
    }
    const read: string[] = [];
    const list = (folder: string): ReturnType<typeof localDisk.list> => {
      read.push(path.relative(root, folder));
      return localDisk.list(folder);
    };
    const counting = new LocalFileSystem({ disk: { ...localDisk, list }, root, clock: systemClock });
    let seen = 0;
    for await (const { kind } of counting.walk('/', { recursive: true })) seen += kind === 'file' ? 1 : 0;
    expect(seen).toBe(2200);
    expect(read).toEqual(['', 'a', 'b', 'b/c']);
  });

  test('who writes into a folder that goes hears so', async () => {
    const gone = new Signal();
    const begun = new Signal();
    const creating = files.create(
      '/a/f',
      (async function* (): AsyncGenerator<Uint8Array> {
        yield bytes('half');
        begun.give();
        await gone.given;
        yield bytes('rest');
      })(),
    );
    await begun.given;
    expect(await files.delete('/a', { recursive: true })).toBe(true);
    gone.give();
    await expect(creating).rejects.toMatchObject({ name: 'FileNotFoundException' });
    expect(await readdir(root)).toEqual([]);
  });
});
