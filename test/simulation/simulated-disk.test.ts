/** The simulated disk takes what was not synced, and nothing else. */

import { expect, test } from 'vitest';
import { Random } from './random.ts';
import { SimulatedDisk } from './simulated-disk.ts';

const SEEDS = Array.from({ length: 200 }, (_, seed) => seed);

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** The outcomes of `run` over all seeds, each once. */
async function outcomes(run: (disk: SimulatedDisk) => Promise<string>): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const seed of SEEDS) found.add(await run(new SimulatedDisk({ random: new Random(seed) })));
  return [...found].toSorted();
}

async function write(
  disk: SimulatedDisk,
  path: string,
  content: string,
  ...syncs: ('file' | 'folder')[]
): Promise<void> {
  const mounted = disk.mount();
  const file = await mounted.open(path, 'create');
  await file.write(0, Buffer.from(content));
  if (syncs.includes('file')) await file.sync();
  if (syncs.includes('folder')) await mounted.syncFolder('/');
}

test('what was synced survives every crash', async () => {
  const found = await outcomes(async (disk) => {
    await write(disk, '/a', 'kept', 'file', 'folder');
    disk.crash();
    return text(disk.bytesOf('/a'));
  });
  expect(found).toEqual(['kept']);
});

test('a file with a turned bit is not sound until the same bit is turned back', async () => {
  const disk = new SimulatedDisk({ random: new Random(1) });
  await write(disk, '/a', 'a', 'file', 'folder');
  disk.flipBit('/a', 0, 1);
  expect([text(disk.bytesOf('/a')), disk.isSound('/a')]).toEqual(['c', false]);
  disk.flipBit('/a', 0, 0);
  disk.flipBit('/a', 0, 1);
  expect([text(disk.bytesOf('/a')), disk.isSound('/a')]).toEqual(['`', false]);
  disk.flipBit('/a', 0, 0);
  expect([text(disk.bytesOf('/a')), disk.isSound('/a')]).toEqual(['a', true]);
});

test('a file whose folder was not synced may be gone', async () => {
  const found = await outcomes(async (disk) => {
    await write(disk, '/a', 'kept', 'file');
    disk.crash();
    return disk.paths().join(' ');
  });
  expect(found).toEqual(['', '/a']);
});

test('content that was not synced is lost, torn or kept', async () => {
  const found = await outcomes(async (disk) => {
    await write(disk, '/a', 'abcd', 'folder');
    disk.crash();
    return text(disk.bytesOf('/a'));
  });
  expect(found).toEqual(expect.arrayContaining(['', 'a', 'ab', 'abcd']));
});

test('a later write may survive while an earlier one is lost', async () => {
  const found = await outcomes(async (disk) => {
    const mounted = disk.mount();
    const file = await mounted.open('/a', 'create');
    await file.write(0, Buffer.alloc(1024, '-'));
    await file.sync();
    await mounted.syncFolder('/');
    await file.write(0, Buffer.alloc(512, '1'));
    await file.write(512, Buffer.alloc(512, '2'));
    disk.crash();
    const bytes = disk.bytesOf('/a');
    return text(bytes.subarray(511, 513));
  });
  expect(found).toEqual(['--', '-2', '1-', '12']);
});

test.each([
  [false, ['/new', '/old']],
  [true, ['/new']],
])('a rename is whole; its folder synced: %s', async (sync, expected) => {
  const found = await outcomes(async (disk) => {
    await write(disk, '/old', 'x', 'file', 'folder');
    const mounted = disk.mount();
    await mounted.rename('/old', '/new');
    if (sync) await mounted.syncFolder('/');
    disk.crash();
    return disk.paths().join(' ');
  });
  expect(found).toEqual(expected);
});

test('a failed sync is not made good by the next one', async () => {
  const found = await outcomes(async (disk) => {
    await write(disk, '/a', '', 'folder');
    const file = await disk.mount().open('/a', 'write');
    await file.write(0, Buffer.from('x'));
    disk.syncFailures = 1;
    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
    disk.syncFailures = 0;
    await file.sync();
    const seen = text(disk.bytesOf('/a'));
    disk.crash();
    return `${seen}, then ${text(disk.bytesOf('/a'))}`;
  });
  expect(found).toEqual(['x, then ', 'x, then x']);
});

test('a full disk takes the first part, and all again when there is space', async () => {
  const disk = new SimulatedDisk({ random: new Random(1), capacityBytes: 3 });
  const file = await disk.mount().open('/a', 'create');
  await expect(file.write(0, Buffer.from('abcd'))).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(text(disk.bytesOf('/a'))).toBe('abc');
  disk.capacityBytes = 4;
  await file.write(0, Buffer.from('abcd'));
  expect(text(disk.bytesOf('/a'))).toBe('abcd');
});

test('a process that was killed hears nothing more; its locks are free and its writes stay', async () => {
  const disk = new SimulatedDisk({ random: new Random(1) });
  const dead = disk.mount();
  expect(await dead.lock('/lock')).toBeDefined();
  const living = disk.mount();
  expect(await living.lock('/lock')).toBeUndefined();
  await write(disk, '/a', 'seen');
  disk.kill();
  const answered = await Promise.race([
    dead.list('/').then(() => true),
    new Promise((resolve) => setTimeout(resolve, 5, false)),
  ]);
  expect(answered).toBe(false);
  const next = disk.mount();
  expect(await next.lock('/lock')).toBeDefined();
  expect(text(disk.bytesOf('/a'))).toBe('seen');
});

test.each([
  ['before', ['', '/a']],
  ['after', ['/a']],
] as const)('the power can end %s any call', async (when, expected) => {
  const found = await outcomes(async (disk) => {
    const crashed = new Promise<void>((resolve) => (disk.onCrash = resolve));
    disk.crashAt = (_call, name) => (name === 'syncFolder' ? when : undefined);
    await Promise.race([crashed, write(disk, '/a', 'x', 'file', 'folder')]);
    return disk.paths().join(' ');
  });
  expect(found).toEqual(expected);
});

test('the same seed makes the same faults', async () => {
  expect(await story(7)).toBe(await story(7));
  expect(await story(7)).not.toBe(await story(8));
});

async function story(seed: number): Promise<string> {
  const disk = new SimulatedDisk({ random: new Random(seed) });
  for (let i = 0; i < 20; i++) await write(disk, `/${i}`, 'x'.repeat(i * 200), ...(i % 2 ? (['folder'] as const) : []));
  disk.crash();
  return JSON.stringify([disk.faults, disk.paths().map((path) => text(disk.bytesOf(path)))]);
}

test('what is used is what the files that are to be seen hold', async () => {
  const used: number[] = [];
  await outcomes(async (disk) => {
    await write(disk, '/a', 'abcd', 'file', 'folder');
    await write(disk, '/b', 'ef');
    const mounted = disk.mount();
    await mounted.link('/a', '/c');
    await mounted.rename('/b', '/d');
    used.push(disk.usedBytes());
    await mounted.rename('/d', '/a');
    used.push(disk.usedBytes());
    await mounted.remove('/c');
    used.push(disk.usedBytes());
    disk.crash();
    const there = new Map(disk.paths().map((path) => [text(disk.bytesOf(path)), disk.bytesOf(path).length]));
    expect(disk.usedBytes()).toBe([...there.values()].reduce((sum, bytes) => sum + bytes, 0));
    return '';
  });
  expect(new Set(used.map((bytes, i) => `${i % 3}: ${bytes}`))).toEqual(new Set(['0: 6', '1: 6', '2: 2']));
});
