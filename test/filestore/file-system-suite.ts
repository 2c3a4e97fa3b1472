/** What holds for every file system. Each implementation runs it, so that the rooms above cannot tell them apart. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { listAll } from '../../src/filestore/file-system.ts';
import type { FileSystem, ListOptions } from '../../src/filestore/file-system.ts';
import type { Bytes } from '../../src/filestore/network.ts';
import { Random } from '../simulation/random.ts';
import { Signal } from './signal.ts';

/** An empty file system, and how it is cleared away. `another` is a second client of the same one, as another process has it. */
export type SuiteSubject = {
  readonly fileSystem: FileSystem;
  readonly another: FileSystem;
  /** All of a file that `localPath` named. */
  readonly readLocal: (path: string) => Promise<Uint8Array>;
  readonly close: () => Promise<void>;
};

/** Names that some layer might take for something else; in the order in which they are listed. */
const ODD_NAMES = [
  ' ',
  ' leading and trailing ',
  '!',
  '"quoted"',
  '#fragment',
  '%',
  '%20',
  '%2F..%2F',
  '&a=b;c',
  '*',
  '+',
  '...',
  '.hidden',
  '0',
  '?query',
  '@',
  'A',
  'Z\\n',
  '[a-z]',
  'a',
  'a b',
  'a\tb\nc',
  '{brace}',
  '~',
  'é',
  '\u{65}\u{301}x'.normalize('NFD'),
  'ü\u200Bx',
  '数据',
  '\uFFFDreplaced',
  '😀',
  '😀b',
].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

const bytes = (text: string): Uint8Array => Buffer.from(text);
const refused = (name: string): object => ({ name, constructor: expect.objectContaining({ name: 'StoreError' }) });

/** Call in a `describe` that names the implementation. */
export function fileSystemSuite(open: () => Promise<SuiteSubject>): void {
  let subject: SuiteSubject;
  let fs: FileSystem;
  beforeEach(async () => {
    subject = await open();
    fs = subject.fileSystem;
  });
  afterEach(() => subject.close());

  const textOf = async (path: string, on = fs): Promise<string> => {
    const file = await on.open(path);
    try {
      return Buffer.from(await file.read(0, file.length)).toString();
    } finally {
      await file.close();
    }
  };
  const names = async (folder: string, options: ListOptions = {}): Promise<readonly string[]> => {
    const found: string[] = [];
    for await (const { path, kind } of listAll(fs, folder, options)) found.push(kind === 'folder' ? `${path}/` : path);
    return found;
  };

  test('a file is read as it was written, whole and in ranges', async () => {
    const content = new Random(1).bytes(700_000);
    await fs.create('/a/b/file', content);
    expect(await fs.stat('/a/b/file')).toMatchObject({ path: '/a/b/file', kind: 'file', length: 700_000 });
    expect(await fs.stat('/a')).toMatchObject({ path: '/a', kind: 'folder', length: 0 });
    const file = await fs.open('/a/b/file');
    expect(file.length).toBe(700_000);
    const random = new Random(2);
    for (let i = 0; i < 20; i++) {
      const offset = random.below(700_010);
      const length = random.below(300_000);
      const expected = Buffer.from(content.subarray(offset, offset + length));
      expect(expected.equals(await file.read(offset, length))).toBe(true);
      expect(expected.equals(await joined(file.stream(offset, length)))).toBe(true);
    }
    expect((await file.read(700_000, 1)).length).toBe(0);
    expect(Buffer.from(content.subarray(5)).equals(await joined(file.stream(5)))).toBe(true);
    expect(Buffer.from(content).equals(await joined(file.stream()))).toBe(true);
    await file.close();
  });

  test('a file may be empty, and be made of pieces of any size', async () => {
    await fs.create('/empty', new Uint8Array());
    expect(await fs.stat('/empty')).toMatchObject({ kind: 'file', length: 0 });
    expect(await textOf('/empty')).toBe('');
    const empty = await fs.open('/empty');
    expect(await joined(empty.stream())).toHaveLength(0);
    await empty.close();
    await fs.create('/pieces', pieces(['', 'a', '', 'bc', 'd'.repeat(100_000), '']));
    expect(await textOf('/pieces')).toBe(`abc${'d'.repeat(100_000)}`);
  });

  test('a local path, where there is one, has the bytes at their places', async () => {
    await fs.create('/f', bytes('0123456789'));
    const file = await fs.open('/f');
    const ofLocal = async (): Promise<string> => {
      const local = await file.localPath(2, 3);
      return local === undefined ? '234' : Buffer.from(await subject.readLocal(local)).toString('utf8', 2, 5);
    };
    expect(await ofLocal()).toBe('234');
    await fs.delete('/f');
    await fs.create('/f', bytes('9876543210'));
    // Whatever has its name now is another file.
    expect(await ofLocal()).toBe('234');
    await file.close();
  });

  test('of fifty who create one file, one does', async () => {
    for (const round of ['1', '2', '3', '4']) {
      const path = `/log/${round}.json`;
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          (i % 2 ? fs : subject.another)
            .createIfAbsent(path, pieces([`${i}`, ' was ', `here`]))
            .then((found) => ({ i, found })),
        ),
      );
      const winners = outcomes.filter(({ found }) => found === 'created');
      expect(winners).toHaveLength(1);
      expect(outcomes.filter(({ found }) => found === 'exists')).toHaveLength(49);
      expect(await textOf(path)).toBe(`${winners[0]!.i} was here`);
      expect(await fs.createIfAbsent(path, bytes('late'))).toBe('exists');
      expect(await textOf(path)).toBe(`${winners[0]!.i} was here`);
    }
    expect(await names('/log')).toEqual(['/log/1.json', '/log/2.json', '/log/3.json', '/log/4.json']);
  });

  test('a file is not seen before it is whole', async () => {
    const begun = new Signal();
    const gate = new Signal();
    async function* slow(): Bytes {
      yield bytes('first ');
      begun.give();
      await gate.given;
      yield bytes('second');
    }
    const creating = fs.create('/d/slow', slow());
    await begun.given;
    expect(await fs.stat('/d/slow')).toBeUndefined();
    await expect(fs.open('/d/slow')).rejects.toMatchObject(refused('FileNotFoundException'));
    expect(await names('/d')).toEqual([]);
    expect(await names('/', { recursive: true })).toEqual([]);
    gate.give();
    await creating;
    expect(await textOf('/d/slow', subject.another)).toBe('first second');
  });

  test('content that fails creates nothing, and its error is the caller’s', async () => {
    const problem = Object.assign(new Error('no such source'), { code: 'ENOENT' });
    async function* failing(): Bytes {
      yield bytes('a part');
      throw problem;
    }
    await expect(fs.create('/d/x', failing())).rejects.toBe(problem);
    await expect(fs.createIfAbsent('/d/x', failing())).rejects.toBe(problem);
    expect(await fs.stat('/d/x')).toBeUndefined();
    await fs.create('/d/old', bytes('old'));
    await expect(fs.create('/d/old', failing(), { overwrite: true })).rejects.toBe(problem);
    expect(await textOf('/d/old')).toBe('old');
    expect(await names('/d')).toEqual(['/d/old']);
    expect(await fs.delete('/d/old')).toBe(true);
    expect(await fs.delete('/d')).toBe(true);
  });

  test('a name that is taken stays, unless it is to be overwritten', async () => {
    await fs.create('/f', bytes('one'));
    await expect(fs.create('/f', bytes('two'))).rejects.toMatchObject(refused('FileAlreadyExistsException'));
    expect(await textOf('/f')).toBe('one');
    await fs.create('/f', bytes('three'), { overwrite: true });
    expect(await textOf('/f')).toBe('three');
    await fs.create('/new', bytes('new'), { overwrite: true });
    expect(await textOf('/new')).toBe('new');
    await fs.mkdirs('/folder/in');
    for (const path of ['/folder', '/folder/in', '/']) {
      for (const options of [{}, { overwrite: true }]) {
        await expect(fs.create(path, bytes('x'), options)).rejects.toMatchObject(refused('FileAlreadyExistsException'));
      }
      await expect(fs.createIfAbsent(path, bytes('x'))).rejects.toMatchObject(refused('FileAlreadyExistsException'));
    }
  });

  test('a reader reads what it opened, or an error, whatever happens to the name', async () => {
    const old = 'old '.repeat(200_000);
    await fs.create('/f', bytes(old));
    const file = await fs.open('/f');
    const stream = file.stream()[Symbol.asyncIterator]();
    const first = await stream.next();
    await fs.create('/f', bytes('new '.repeat(200_000)), { overwrite: true });
    await fs.delete('/f');
    const rest: Uint8Array[] = [first.value as Uint8Array];
    const outcome = await (async () => {
      for (let next = await stream.next(); !next.done; next = await stream.next()) rest.push(next.value);
      return Buffer.concat(rest).toString() === old ? 'old' : 'mixed';
    })().catch((problem: unknown) => (problem as Error).name);
    expect(['old', 'FileNotFoundException', 'IOException']).toContain(outcome);
    await file.close();
  });

  test('while files come and go, nobody sees a part of one', async () => {
    const sizes = [1, 100_000, 300_000];
    const stop = new AbortController();
    const seen = new Set<string>();
    const isSeenWhole = (): boolean => [...seen].some((one) => one.endsWith(' 1'));
    const readers = Array.from({ length: 4 }, async () => {
      while (!stop.signal.aborted) {
        const outcome = textOf('/shared', subject.another).then(
          (content) => `${content.length} ${new Set(content).size}`,
          (problem: Error) => problem.name,
        );
        seen.add(await outcome);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    try {
      // It stands longer each time until a reader is fast enough.
      for (let round = 0; round < 30 || !isSeenWhole(); round++) {
        await fs.create('/shared', pieces([String(round % 10).repeat(sizes[round % 3]!)]), {
          overwrite: round % 2 === 0,
        });
        if (round % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 2 + round));
        await fs.delete('/shared');
      }
    } finally {
      stop.abort();
      await Promise.all(readers);
    }
    const whole = ['1 1', '100000 1', '300000 1', 'FileNotFoundException', 'IOException'];
    expect([...seen].filter((one) => !whole.includes(one))).toEqual([]);
  });

  test('names are taken as they are', async () => {
    for (const name of ODD_NAMES) {
      await fs.create(`/odd/${name}`, bytes(name));
      await fs.create(`/${name}/${name}`, bytes(name));
    }
    expect(await names('/odd')).toEqual(ODD_NAMES.map((name) => `/odd/${name}`));
    for (const name of ODD_NAMES) {
      expect(await textOf(`/odd/${name}`)).toBe(name);
      expect(await fs.stat(`/${name}/${name}`)).toMatchObject({ path: `/${name}/${name}`, kind: 'file' });
      expect(await names(`/${name}`)).toEqual([`/${name}/${name}`]);
      await fs.rename(`/odd/${name}`, `/odd/moved`);
      expect(await textOf('/odd/moved')).toBe(name);
      expect(await fs.delete('/odd/moved')).toBe(true);
      expect(await fs.delete(`/${name}`, { recursive: true })).toBe(true);
    }
    expect(await names('/')).toEqual(['/odd/']);
    expect(await names('/odd')).toEqual([]);
  });

  test('a name has 255 bytes at most', async () => {
    for (const name of ['x'.repeat(255), 'ü'.repeat(127), '😀'.repeat(63)]) {
      await fs.create(`/${name}/${name}`, bytes(name));
      expect(await textOf(`/${name}/${name}`)).toBe(name);
    }
    for (const name of ['x'.repeat(256), 'ü'.repeat(128)]) {
      const fault = refused('PathComponentTooLongException');
      await expect(fs.create(`/${name}`, bytes('x'))).rejects.toMatchObject(fault);
      await expect(fs.createIfAbsent(`/${name}`, bytes('x'))).rejects.toMatchObject(fault);
      await expect(fs.mkdirs(`/${name}`)).rejects.toMatchObject(fault);
      await expect(fs.stat(`/${name}`)).rejects.toMatchObject(fault);
    }
  });

  test.each(['', 'a', 'a/b', '//', '/a//b', '/a/', '/.', '/a/../b', '/a/.', '/..', '/a\0b', '/\uD800'])(
    '%j is no path',
    async (path) => {
      const fault = refused('InvalidPathException');
      await expect(fs.open(path)).rejects.toMatchObject(fault);
      await expect(fs.create(path, bytes('x'))).rejects.toMatchObject(fault);
      await expect(fs.createIfAbsent(path, bytes('x'))).rejects.toMatchObject(fault);
      await expect(fs.list(path)).rejects.toMatchObject(fault);
      await expect(fs.stat(path)).rejects.toMatchObject(fault);
      await expect(fs.rename(path, '/x')).rejects.toMatchObject(fault);
      await expect(fs.rename('/x', path)).rejects.toMatchObject(fault);
      await expect(fs.delete(path)).rejects.toMatchObject(fault);
      await expect(fs.mkdirs(path)).rejects.toMatchObject(fault);
    },
  );

  test('no new name has a colon', async () => {
    const fault = refused('InvalidPathException');
    await fs.create('/f', bytes('x'));
    await expect(fs.create('/a:b', bytes('x'))).rejects.toMatchObject(fault);
    await expect(fs.createIfAbsent('/a:b/c', bytes('x'))).rejects.toMatchObject(fault);
    await expect(fs.mkdirs('/a:b')).rejects.toMatchObject(fault);
    await expect(fs.rename('/f', '/a:b')).rejects.toMatchObject(fault);
  });

  test('a folder of thousands is listed page by page', async () => {
    const paths = Array.from({ length: 1500 }, (_, i) => `/many/${String(i).padStart(5, '0')}`);
    for (let i = 0; i < paths.length; i += 50) {
      await Promise.all(paths.slice(i, i + 50).map((path) => fs.create(path, bytes(path))));
    }
    expect(await names('/many')).toEqual(paths);
    const first = await fs.list('/many');
    expect(first.entries).toHaveLength(1000);
    expect(first.next).toBe('00999');
    expect(await names('/many', { limit: 7, after: '01400' })).toEqual(paths.slice(1401));
    expect((await fs.list('/many', { after: '00007x', limit: 2 })).entries.map(({ path }) => path)).toEqual([
      '/many/00008',
      '/many/00009',
    ]);
    const last = await fs.list('/many', { after: '01498', limit: 1 });
    expect(last).toMatchObject({ entries: [{ path: '/many/01499', length: 11 }], next: undefined });
    expect(await fs.list('/many', { after: '01499' })).toEqual({ entries: [], next: undefined });
    expect(await fs.delete('/many', { recursive: true })).toBe(true);
    expect(await fs.stat('/many')).toBeUndefined();
  });

  test('what is below a folder is listed as an object store would, in any page size', async () => {
    const keys = ['a', 'a!/x', 'a-/y', 'a.b', 'a/b/c', 'a/b.c', 'a/b0', 'a0', 'b/\uFFFDz', 'b/😀/z', 'b/😀0'].map(
      (key) => (key === 'a' ? 'a+' : key),
    );
    const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    for (const key of keys) await fs.create(`/t/${key}`, bytes(key));
    await fs.mkdirs('/t/empty/folder');
    await fs.create('/t2', bytes('beside'));
    for (const limit of [1, 2, 3, 100]) {
      expect(await names('/t', { recursive: true, limit })).toEqual(sorted.map((key) => `/t/${key}`));
    }
    for (const [i, after] of sorted.entries()) {
      const expected = sorted.slice(i + 1).map((key) => `/t/${key}`);
      expect(await names('/t', { recursive: true, limit: 2, after })).toEqual(expected);
    }
    expect(await names('/t', { recursive: true, after: 'a/b/' })).toContain('/t/a/b/c');
    expect(await names('/t', { recursive: true, after: 'a/b/c/d' })).not.toContain('/t/a/b/c');
    expect(await names('/t')).toEqual(['/t/a/', '/t/a!/', '/t/a+', '/t/a-/', '/t/a.b', '/t/a0', '/t/b/', '/t/empty/']);
    expect(await names('/', { recursive: true })).toHaveLength(keys.length + 1);
  });

  test('a folder that is not there is empty; a file is no folder', async () => {
    expect(await fs.list('/nothing')).toEqual({ entries: [], next: undefined });
    expect(await fs.list('/nothing/at/all', { recursive: true })).toEqual({ entries: [], next: undefined });
    expect(await fs.list('/')).toEqual({ entries: [], next: undefined });
    await fs.create('/f', bytes('x'));
    await expect(fs.list('/f')).rejects.toMatchObject(refused('PathIsNotDirectoryException'));
    for (const path of ['/f/x', '/f/x/y']) {
      const fault = refused('ParentNotDirectoryException');
      await expect(fs.list(path)).rejects.toMatchObject(fault);
      await expect(fs.stat(path)).rejects.toMatchObject(fault);
      await expect(fs.open(path)).rejects.toMatchObject(fault);
      await expect(fs.create(path, bytes('x'))).rejects.toMatchObject(fault);
      await expect(fs.createIfAbsent(path, bytes('x'))).rejects.toMatchObject(fault);
      await expect(fs.mkdirs(path)).rejects.toMatchObject(fault);
      await expect(fs.rename('/f', path)).rejects.toMatchObject({
        name: expect.stringMatching(/^(IO|ParentNotDirectory)Exception$/),
      });
      await expect(fs.delete(path)).rejects.toMatchObject(fault);
    }
    await expect(fs.mkdirs('/f')).rejects.toMatchObject(refused('FileAlreadyExistsException'));
    expect(await textOf('/f')).toBe('x');
  });

  test('what is not there', async () => {
    expect(await fs.stat('/nothing')).toBeUndefined();
    expect(await fs.stat('/')).toMatchObject({ path: '/', kind: 'folder' });
    expect(await fs.delete('/nothing')).toBe(false);
    expect(await fs.delete('/nothing/below', { recursive: true })).toBe(false);
    await expect(fs.open('/nothing')).rejects.toMatchObject(refused('FileNotFoundException'));
    await expect(fs.rename('/nothing', '/x')).rejects.toMatchObject(refused('FileNotFoundException'));
    await fs.mkdirs('/folder');
    await expect(fs.open('/folder')).rejects.toMatchObject(refused('FileNotFoundException'));
    await expect(fs.open('/')).rejects.toMatchObject(refused('FileNotFoundException'));
  });

  test('folders', async () => {
    await fs.mkdirs('/a/b/c');
    await fs.mkdirs('/a/b/c');
    await fs.mkdirs('/');
    expect(await names('/a')).toEqual(['/a/b/']);
    expect(await names('/', { recursive: true })).toEqual([]);
    await Promise.all(Array.from({ length: 20 }, (_, i) => fs.mkdirs(`/p/q/r/${i % 3}`)));
    expect(await names('/p/q/r')).toEqual(['/p/q/r/0/', '/p/q/r/1/', '/p/q/r/2/']);
  });

  test('a folder that is not empty goes only with all that is in it', async () => {
    await fs.create('/a/b/c', bytes('x'));
    await fs.create('/a/d', bytes('y'));
    const fault = refused('PathIsNotEmptyDirectoryException');
    await expect(fs.delete('/a')).rejects.toMatchObject(fault);
    await expect(fs.delete('/a/b')).rejects.toMatchObject(fault);
    await expect(fs.delete('/')).rejects.toMatchObject(fault);
    expect(await fs.delete('/a/b', { recursive: true })).toBe(true);
    expect(await names('/', { recursive: true })).toEqual(['/a/d']);
    expect(await fs.delete('/a/d')).toBe(true);
    expect(await fs.delete('/a')).toBe(true);
    expect(await fs.delete('/a')).toBe(false);
    expect(await fs.delete('/')).toBe(false);
    expect(await fs.delete('/', { recursive: true })).toBe(false);
    await fs.create('/a/b/c', bytes('again'));
    expect(await textOf('/a/b/c')).toBe('again');
  });

  test('files are renamed, onto others only when asked', async () => {
    await fs.create('/a/f', bytes('f'));
    await fs.create('/a/g', bytes('g'));
    await fs.mkdirs('/b');
    await fs.rename('/a/f', '/b/h');
    expect(await names('/', { recursive: true })).toEqual(['/a/g', '/b/h']);
    await expect(fs.rename('/b/h', '/a/g')).rejects.toMatchObject(refused('FileAlreadyExistsException'));
    await expect(fs.rename('/b/h', '/b/h')).rejects.toMatchObject(refused('FileAlreadyExistsException'));
    expect(await textOf('/a/g')).toBe('g');
    await fs.rename('/b/h', '/a/g', { overwrite: true });
    expect(await names('/', { recursive: true })).toEqual(['/a/g']);
    expect(await textOf('/a/g')).toBe('f');
    await expect(fs.rename('/a/g', '/missing/g')).rejects.toMatchObject(refused('FileNotFoundException'));
    await expect(fs.rename('/a/g', '/b', { overwrite: true })).rejects.toMatchObject(refused('IOException'));
    await expect(fs.rename('/a/g', '/b')).rejects.toMatchObject(refused('IOException'));
    await expect(fs.rename('/a/g', '/')).rejects.toMatchObject(refused('IOException'));
    expect(await textOf('/a/g')).toBe('f');
  });

  test('folders are renamed with all that is in them', async () => {
    await fs.create('/a/b/c', bytes('c'));
    await fs.rename('/a', '/z');
    expect(await names('/', { recursive: true })).toEqual(['/z/b/c']);
    expect(await fs.stat('/a')).toBeUndefined();
    await fs.mkdirs('/y');
    await fs.create('/x/full', bytes('x'));
    await expect(fs.rename('/z', '/y')).rejects.toMatchObject(refused('FileAlreadyExistsException'));
    await expect(fs.rename('/z', '/x', { overwrite: true })).rejects.toMatchObject(refused('IOException'));
    await expect(fs.rename('/z', '/x/full', { overwrite: true })).rejects.toMatchObject(refused('IOException'));
    await expect(fs.rename('/z', '/z/b/in')).rejects.toMatchObject(refused('IOException'));
    await expect(fs.rename('/', '/r')).rejects.toMatchObject(refused('IOException'));
    await fs.rename('/z', '/y', { overwrite: true });
    expect(await names('/', { recursive: true })).toEqual(['/x/full', '/y/b/c']);
    await fs.create('/z/b/c', bytes('new'));
    expect(await textOf('/y/b/c')).toBe('c');
  });

  test('of many empty folders that are renamed to one name, one is', async () => {
    const sources = Array.from({ length: 20 }, (_, i) => `/s${i}`);
    await Promise.all(sources.map((path) => fs.mkdirs(path)));
    const outcomes = await Promise.allSettled(
      sources.map((path, i) => (i % 2 ? fs : subject.another).rename(path, '/target')),
    );
    const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(lost).toHaveLength(19);
    expect(new Set(lost.map(({ reason }) => (reason as Error).name))).toEqual(new Set(['FileAlreadyExistsException']));
    expect(await names('/')).toHaveLength(20);
  });

  test('of many who rename to one name, one does', async () => {
    const sources = Array.from({ length: 20 }, (_, i) => `/s${i}`);
    await Promise.all(sources.map((path) => fs.create(path, bytes(path))));
    const outcomes = await Promise.allSettled(
      sources.map((path, i) => (i % 2 ? fs : subject.another).rename(path, '/target')),
    );
    const won = sources.filter((_path, i) => outcomes[i]!.status === 'fulfilled');
    expect(won).toHaveLength(1);
    expect(await textOf('/target')).toBe(won[0]);
    const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(new Set(lost.map(({ reason }) => (reason as Error).name))).toEqual(new Set(['FileAlreadyExistsException']));
    expect(await names('/')).toHaveLength(20);
  });
}

async function joined(stream: Bytes): Promise<Buffer> {
  const found: Uint8Array[] = [];
  for await (const piece of stream) found.push(piece);
  return Buffer.concat(found);
}

async function* pieces(texts: readonly string[]): Bytes {
  for (const text of texts) {
    await Promise.resolve();
    yield Buffer.from(text);
  }
}
