/** Sparse copies: the bytes that were asked for and no others, shared, bounded, and never a part for the whole. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Range } from '../../src/common/ranges.ts';
import type { OpenFile, StreamOptions } from '../../src/filestore/file-system.ts';
import { StoreError } from '../../src/filestore/network.ts';
import { RangeCache } from '../../src/filestore/range-cache.ts';
import { Random } from '../simulation/random.ts';

const MB = 1024 * 1024;
const never = new AbortController().signal;

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'tutti-cache-'));
});

afterEach(() => rm(directory, { recursive: true }));

type Fake = OpenFile & { readonly reads: Range[] };

/** A file of a store. `failing`: reads that reach that byte fail. `isLocal`: which of the pieces come without a network, by where they begin. */
function fileOf(
  content: Uint8Array,
  failing: { at?: number } = {},
  isLocal: (at: number) => boolean = () => false,
): Fake {
  const reads: Range[] = [];
  async function* stream(
    offset = 0,
    length = content.length - offset,
    { onLocal }: StreamOptions = {},
  ): AsyncGenerator<Uint8Array> {
    reads.push([offset, offset + length]);
    for (let at = offset; at < offset + length; at += 1000) {
      await new Promise((resolve) => void setImmediate(resolve));
      if (failing.at !== undefined && failing.at < at + 1000)
        throw new StoreError('IOException', 'every replica failed');
      const until = Math.min(offset + length, at + 1000);
      if (isLocal(at)) onLocal?.([at, until]);
      yield content.subarray(at, until);
    }
  }
  return {
    id: '1',
    length: content.length,
    reads,
    stream,
    read: () => Promise.reject(new Error('not asked for')),
    localPath: () => Promise.resolve(undefined),
    close: () => Promise.resolve(),
  };
}

test('what was asked for is there, and nothing else', async () => {
  const content = new Random(1).bytes(300_000);
  const cache = await RangeCache.open({ directory, bytesMax: 10 * MB });
  const wanted: readonly Range[] = [
    [0, 10],
    [500, 20_000],
    [20_001, 20_002],
    [290_000, 300_000],
  ];
  const file = fileOf(content);
  const held = await cache.hold('a', '.parquet', file, wanted, never);
  const copy = readFileSync(held.path);
  expect(path.extname(held.path)).toBe('.parquet');
  expect(copy.length).toBe(content.length);
  const right = Buffer.alloc(content.length);
  for (const [start, end] of wanted) right.set(content.subarray(start, end), start);
  expect(Buffer.compare(copy, right)).toBe(0);
  // Near ones in one read, what lies between them dropped.
  expect(file.reads).toEqual([
    [0, 20_002],
    [290_000, 300_000],
  ]);
  await held.release();
  expect(existsSync(held.path)).toBe(false);
});

test('a file is read once for all who hold it, also at the same time', async () => {
  const content = new Random(2).bytes(200_000);
  const cache = await RangeCache.open({ directory, bytesMax: 10 * MB });
  const file = fileOf(content);
  const held = await Promise.all(
    [
      [0, 100_000],
      [50_000, 150_000],
      [0, 150_000],
    ].map(([start, end]) => cache.hold('a', '', file, [[start!, end!]], never)),
  );
  expect(held.map(({ bytesFetched }) => bytesFetched)).toEqual([100_000, 50_000, 0]);
  expect(new Set(held.map((each) => each.path)).size).toBe(3);
  expect(new Set(held.map((each) => statSync(each.path).ino)).size).toBe(1);
  for (const each of held) {
    expect(Buffer.compare(readFileSync(each.path).subarray(0, 150_000), content.subarray(0, 150_000))).toBe(0);
    await each.release();
  }
  // Later too, as long as there is room.
  expect((await cache.hold('a', '', file, [[0, 150_000]], never)).bytesFetched).toBe(0);
});

test('what came without a network is told apart, also later', async () => {
  const content = new Random(6).bytes(300_000);
  const cache = await RangeCache.open({ directory, bytesMax: 10 * MB });
  const file = fileOf(content, {}, (at) => at < 150_000);
  const figures = async (...wanted: readonly Range[]): Promise<readonly number[]> => {
    const { localBytes, bytesFetched, release } = await cache.hold('a', '', file, wanted, never);
    await release();
    return [localBytes, bytesFetched];
  };
  expect(await figures([0, 1000], [50_000, 51_000])).toEqual([2000, 0]);
  // Dropped bytes between two ranges are nobody's.
  expect(await figures([149_000, 150_000], [160_000, 161_000])).toEqual([1000, 1000]);
  expect(await figures([0, 300_000])).toEqual([150_000, 149_000]);
  expect(await figures([0, 100], [290_000, 300_000])).toEqual([100, 0]);
});

test('what several reads at once bring without a network is counted whole', async () => {
  const content = new Random(7).bytes(20 * MB);
  const cache = await RangeCache.open({ directory, bytesMax: 100 * MB });
  const held = await cache.hold(
    'a',
    '',
    fileOf(content, {}, () => true),
    [[0, 20 * MB]],
    never,
  );
  expect([held.localBytes, held.bytesFetched]).toEqual([20 * MB, 0]);
  await held.release();
});

test('a read that fails leaves no part for the whole, and is tried anew by the next', async () => {
  const content = new Random(3).bytes(20 * MB);
  const failing: { at?: number } = { at: 18 * MB };
  const cache = await RangeCache.open({ directory, bytesMax: 100 * MB });
  const file = fileOf(content, failing);
  const first = cache.hold('a', '', file, [[0, 20 * MB]], never);
  const second = cache.hold('a', '', file, [[0, 1 * MB]], never);
  await expect(first).rejects.toThrow('every replica failed');
  const held = await second;
  expect(Buffer.compare(readFileSync(held.path).subarray(0, MB), content.subarray(0, MB))).toBe(0);
  delete failing.at;
  const whole = await cache.hold('a', '', file, [[0, 20 * MB]], never);
  expect(Buffer.compare(readFileSync(whole.path), content)).toBe(0);
  expect(whole.bytesFetched).toBeLessThan(20 * MB);
});

test('who is called off does not wait for the rest', async () => {
  const content = new Random(4).bytes(40 * MB);
  const cache = await RangeCache.open({ directory, bytesMax: 100 * MB });
  const abort = new AbortController();
  const file = fileOf(content);
  const holding = cache.hold('a', '', file, [[0, 40 * MB]], abort.signal);
  abort.abort(new Error('called off'));
  await expect(holding).rejects.toThrow('called off');
  expect(file.reads).toEqual([]);
  expect(readdirSync(directory).filter((name) => !name.endsWith('.part'))).toEqual([]);
});

test('what nobody holds goes when there is too much, the longest unused first', async () => {
  const cache = await RangeCache.open({ directory, bytesMax: 2.5 * MB });
  const file = fileOf(new Random(5).bytes(MB));
  const hold = (key: string): ReturnType<RangeCache['hold']> => cache.hold(key, '', file, [[0, MB]], never);
  const [a, b, c, d] = [await hold('a'), await hold('b'), await hold('c'), await hold('d')];
  // Who runs has what it needs.
  expect(cache.bytes).toBe(4 * MB);
  await b.release();
  expect(cache.bytes).toBe(3 * MB);
  await c.release();
  expect(cache.bytes).toBe(2 * MB);
  await a.release();
  await d.release();
  expect(cache.bytes).toBe(2 * MB);
  expect((await hold('a')).bytesFetched).toBe(0);
  expect((await hold('d')).bytesFetched).toBe(0);
  expect((await hold('b')).bytesFetched).toBe(MB);
  expect(readdirSync(directory).filter((name) => name.endsWith('.part'))).toHaveLength(3);
});

test('what an earlier process left is removed', async () => {
  await writeFile(path.join(directory, '1.part'), 'old');
  await RangeCache.open({ directory, bytesMax: MB });
  expect(readdirSync(directory)).toEqual([]);
});

test('a full disk takes what is needed, once what nobody holds has gone', async () => {
  const content = new Random(7).bytes(2 * MB);
  const cache = await RangeCache.open({ directory, bytesMax: 100 * MB });
  await (await cache.hold('old', '', fileOf(content), [[0, MB]], never)).release();
  const kept = await cache.hold('kept', '', fileOf(content), [[0, MB]], never);
  const isFull = (): boolean => readdirSync(directory).filter((name) => name.endsWith('.part')).length > 2;
  const file = fileOf(content);
  const full: OpenFile = {
    ...file,
    async *stream(offset, length) {
      if (isFull()) throw Object.assign(new Error('ENOSPC: simulated'), { code: 'ENOSPC' });
      yield* file.stream(offset, length);
    },
  };
  const held = await cache.hold('new', '', full, [[0, 2 * MB]], never);
  expect(Buffer.compare(readFileSync(held.path), content)).toBe(0);
  expect(held.bytesFetched).toBe(2 * MB);
  expect(Buffer.compare(readFileSync(kept.path).subarray(0, MB), content.subarray(0, MB))).toBe(0);
  // Nothing more can go.
  await expect(cache.hold('newer', '', full, [[0, 1]], never)).rejects.toMatchObject({ code: 'ENOSPC' });
});
