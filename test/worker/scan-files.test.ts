/** Files of scans within the kernel's reach: replicas in place, copies otherwise, and an error rather than another file. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localDisk } from '../../src/common/disk.ts';
import type { ScanFile } from '../../src/connectors/connector.ts';
import type { FileSystem, OpenFile } from '../../src/filestore/file-system.ts';
import { FileSystems } from '../../src/filestore/file-systems.ts';
import { LocalFileSystem } from '../../src/filestore/local-file-system.ts';
import { RangeCache } from '../../src/filestore/range-cache.ts';
import { systemClock } from '../../src/common/clock.ts';
import { LocalLinks } from '../../src/worker/local-links.ts';
import { inWhole, ScanFiles, type WantedFile } from '../../src/worker/scan-files.ts';
import { SimulatedClock } from '../cluster/simulated-clock.ts';

const never = new AbortController().signal;

let folder: string;
let clock: SimulatedClock;
/** Stands in for the store: a folder. */
let store: FileSystem;
/** Whether the store has replicas here. */
let isHere: boolean;
/** Of what is read of its files: bytes below that come without a network. */
let localTo: number;
let opened: number;
let asked: number;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tutti-scans-'));
  await mkdir(path.join(folder, 'store'));
  clock = new SimulatedClock();
  [isHere, localTo, opened, asked] = [true, 0, 0, 0];
  const local = new LocalFileSystem({ disk: localDisk, root: path.join(folder, 'store'), clock: systemClock });
  store = Object.assign(Object.create(local) as FileSystem, {
    open: async (name: string) => {
      opened += 1;
      const file = await local.open(name);
      const localPath = (): Promise<string | undefined> => {
        asked += 1;
        return isHere ? file.localPath() : Promise.resolve(undefined);
      };
      const stream: OpenFile['stream'] = (offset = 0, length = file.length - offset, options = {}) => {
        const until = Math.min(localTo, offset + length);
        if (offset < until) options.onLocal?.([offset, until]);
        return file.stream(offset, length);
      };
      return { ...file, stream, localPath };
    },
    stat: (name: string) => local.stat(name),
  });
});

afterEach(() => rm(folder, { recursive: true }));

async function scanFiles(
  bytesOf?: (part: string) => Promise<readonly (readonly [number, number])[]>,
): Promise<ScanFiles> {
  return new ScanFiles({
    fileSystems: new FileSystems(systemClock, store),
    cache: await RangeCache.open({ directory: path.join(folder, 'ranges'), bytesMax: 1_000_000 }),
    links: new LocalLinks([path.join(folder, 'links')]),
    providers: { files: { scanSql: () => '', ...(bytesOf && { bytesOf }) } },
    clock,
  });
}

async function stored(name: string, part?: string): Promise<WantedFile> {
  const status = (await store.stat(`/${name}`))!;
  const file: ScanFile = {
    location: `tutti:///${name}`,
    id: status.id,
    bytes: status.length,
    modifiedMs: status.modifiedMs,
    ...(part !== undefined && { part }),
  };
  return { connector: 'files', file };
}

const write = (name: string, text: string): Promise<void> => writeFile(path.join(folder, 'store', name), text);

test('a replica on this machine is linked, under a name that ends as the file does, and stays what it was', async () => {
  await write('a.csv.gz', 'first');
  const files = await scanFiles();
  const wanted = await stored('a.csv.gz');
  const [one, two] = [await files.open([wanted], never), await files.open([wanted], never)];
  const at = one.paths.get('tutti:///a.csv.gz')!;
  expect(at).toMatch(/\/links\/[\da-f]{32}\.csv\.gz$/);
  expect(two.paths.get('tutti:///a.csv.gz')).toBe(at);
  expect(one.localShare('tutti:///a.csv.gz')).toBe(1);
  expect(one.told(`cannot read ${at}: damaged`)).toBe('cannot read tutti:///a.csv.gz: damaged');
  await write('b', 'second');
  await rename(path.join(folder, 'store/b'), path.join(folder, 'store/a.csv.gz'));
  expect(readFileSync(at, 'utf8')).toBe('first');
  await one.release();
  expect(existsSync(at)).toBe(true);
  await two.release();
  expect(existsSync(at)).toBe(false);
});

test('without a replica here, what is needed is copied', async () => {
  await write('a.parquet', '0123456789');
  isHere = false;
  const files = await scanFiles(() => Promise.resolve([[2, 4]]));
  const wanted = [await stored('a.parquet', 'a part')];
  const held = await files.open(wanted, never);
  const at = held.paths.get('tutti:///a.parquet')!;
  expect(readFileSync(at, 'utf8')).toBe('\0\u000023\0\0\0\0\0\0');
  expect(held.localShare('tutti:///a.parquet')).toBe(0);
  expect([held.bytesFetched, held.hasHoles]).toEqual([2, true]);
  await held.release();
  const whole = await files.open(inWhole(wanted), never);
  expect(readFileSync(whole.paths.get('tutti:///a.parquet')!, 'utf8')).toBe('0123456789');
  expect([whole.bytesFetched, whole.hasHoles]).toEqual([8, false]);
  await whole.release();
});

test('of a copy the share is told that came without a network, of what was asked for, also when that is nothing', async () => {
  await write('a.parquet', '0123456789');
  [isHere, localTo] = [false, 4];
  const parts: Readonly<Record<string, readonly (readonly [number, number])[]>> = { some: [[1, 9]], none: [] };
  const files = await scanFiles((part) => Promise.resolve(parts[part]!));
  for (const [part, share, bytesFetched] of [
    ['some', 3 / 8, 5],
    ['none', 1, 0],
  ] as const) {
    const held = await files.open([await stored('a.parquet', part)], never);
    expect([part, held.localShare('tutti:///a.parquet'), held.bytesFetched]).toEqual([part, share, bytesFetched]);
    await held.release();
  }
});

test('two scans of one file get all that both need', async () => {
  await write('a.parquet', '0123456789');
  isHere = false;
  let calls = 0;
  const files = await scanFiles(() => Promise.resolve([calls++ === 0 ? [0, 2] : [7, 9]] as const));
  const wanted = await stored('a.parquet', 'a part');
  const held = await files.open([wanted, wanted], never);
  expect(readFileSync(held.paths.get('tutti:///a.parquet')!, 'utf8')).toBe('01\0\0\0\0\x0078\0');
  await held.release();
});

test('a file that was replaced or removed since the query was planned is an error', async () => {
  await write('a.csv', 'first');
  await write('b.csv', 'other');
  const files = await scanFiles();
  const [a, b] = [await stored('a.csv'), await stored('b.csv')];
  await write('new', 'FIRST');
  await rename(path.join(folder, 'store/new'), path.join(folder, 'store/a.csv'));
  await expect(files.open([b, a], never)).rejects.toMatchObject({ code: 'FILE_CHANGED' });
  // What was held for it is let go.
  expect(readdirSync(path.join(folder, 'links'))).toEqual([]);
  await rm(path.join(folder, 'store/a.csv'));
  await expect(files.open([a], never)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  const fresh = await files.open([b], never);
  await fresh.release();
});

test('an open file spares questions, and its replica is asked for again after a while', async () => {
  await write('a.csv', 'first');
  const files = await scanFiles();
  const wanted = await stored('a.csv');
  for (let i = 0; i < 5; i++) await (await files.open([wanted], never)).release();
  expect([opened, asked]).toEqual([1, 1]);
  clock.advance(11_000);
  // Its only replica here is gone meanwhile.
  isHere = false;
  const held = await files.open([wanted], never);
  expect([opened, asked, held.localShare('tutti:///a.csv')]).toEqual([1, 2, 0]);
  await held.release();
});

test('a replica that cannot be linked is copied', async () => {
  await write('a.csv', 'first');
  const files = await scanFiles();
  const wanted = await stored('a.csv');
  await (await files.open([wanted], never)).release();
  await rm(path.join(folder, 'store/a.csv'));
  const held = await files.open([wanted], never);
  expect(readFileSync(held.paths.get('tutti:///a.csv')!, 'utf8')).toBe('first');
  expect(held.localShare('tutti:///a.csv')).toBe(0);
  // It was asked for once more: another one might have been here.
  expect(asked).toBe(2);
  await held.release();
});

test('a local file is read in place, and is the same before and after', async () => {
  const at = path.join(folder, 'a.csv');
  await writeFile(at, 'first');
  const { size, mtimeMs } = statSync(at);
  const files = await scanFiles();
  const wanted = (file: Partial<ScanFile>): WantedFile[] => [
    { connector: 'files', file: { location: at, bytes: size, modifiedMs: mtimeMs, ...file } },
  ];
  const held = await files.open(wanted({}), never);
  expect(held.paths.size).toBe(0);
  held.check();
  await utimes(at, new Date(), new Date(mtimeMs + 5000));
  expect(() => held.check()).toThrow(/was changed, replaced or removed while the query ran/);
  await expect(files.open(wanted({}), never)).rejects.toMatchObject({ code: 'FILE_CHANGED' });
  await expect(files.open(wanted({ bytes: 6 }), never)).rejects.toMatchObject({ code: 'FILE_CHANGED' });
  // Where machines have copies of their own, their times are their own.
  const { modifiedMs: _, ...shared } = wanted({})[0]!.file;
  (await files.open([{ connector: 'files', file: shared }], never)).check();
  await rm(at);
  await expect(files.open([{ connector: 'files', file: shared }], never)).rejects.toMatchObject({
    code: 'FILE_CHANGED',
  });
});
