/** The local disk does what the interface says, with a real folder and real locks. */

import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { blockingDisk, localDisk } from '../../src/common/disk.ts';

let folder = '';
const at = (name: string): string => path.join(folder, name);

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tutti-disk-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('files are written and read at offsets', async () => {
  const file = await localDisk.open(at('a'), 'create');
  await file.write(0, Buffer.from('hello world'));
  await file.write(6, Buffer.from('W'));
  await file.sync();
  await file.truncate(9);
  expect(await file.bytes()).toBe(9);
  const buffer = Buffer.alloc(20);
  expect(buffer.toString('utf8', 0, await file.read(4, buffer))).toBe('o Wor');
  await file.close();
  expect(await localDisk.stat(at('a'))).toMatchObject({ kind: 'file', bytes: 9 });
});

describe.each(Object.entries({ localDisk, blockingDisk }))('%s', (_name, disk) => {
  // A call, a row of calls that wait together, several rows; and what is left over.
  test.each([0, 1, 32_768, 32_769, 1024 * 1024, 2 * 1024 * 1024 + 300_001])(
    'writes all of %i bytes',
    async (length) => {
      const bytes = Buffer.alloc(length);
      for (let i = 0; i + 4 <= length; i += 4) bytes.writeUInt32LE(i * 7, i);
      const file = await disk.open(at('a'), 'create');
      await file.write(3, bytes);
      await file.close();
      expect((await readFile(at('a'))).subarray(3).equals(bytes)).toBe(true);
    },
  );

  test('says so when there is no room', async () => {
    const file = await disk.open('/dev/full', 'write');
    await expect(file.write(0, Buffer.alloc(300_000))).rejects.toMatchObject({ code: 'ENOSPC' });
    await file.close();
  });
});

test('a blocking disk gives others their turn', async () => {
  const file = await blockingDisk.open(at('a'), 'create');
  let turns = 0;
  let others: NodeJS.Immediate;
  const turn = (): void => {
    turns += 1;
    others = setImmediate(turn);
  };
  turn();
  await file.write(0, Buffer.alloc(8 * 1024 * 1024));
  clearImmediate(others!);
  await file.close();
  expect(turns).toBeGreaterThanOrEqual(8);
});

test('what is written to a file opened for it needs no sync', async () => {
  await (await localDisk.open(at('a'), 'create')).close();
  const file = await localDisk.open(at('a'), 'synced');
  await file.write(0, Buffer.from('hello'));
  const flags = await openedAs(at('a'));
  // As the system knows it: O_DSYNC.
  expect(flags & constants.O_DSYNC).toBe(constants.O_DSYNC);
  await file.close();
  await expect(localDisk.open(at('b'), 'synced')).rejects.toMatchObject({ code: 'ENOENT' });
});

/** The flags of this process's descriptor of a file. */
async function openedAs(file: string): Promise<number> {
  for (const fd of await readdir('/proc/self/fd')) {
    const target = await readlink(`/proc/self/fd/${fd}`).catch(() => '');
    if (target !== file) continue;
    const info = await readFile(`/proc/self/fdinfo/${fd}`, 'utf8');
    return Number.parseInt(/flags:\s*(\d+)/.exec(info)![1]!, 8);
  }
  throw new Error(`${file} is not open`);
}

test('names are created once, linked, moved, listed and removed', async () => {
  await localDisk.mkdir(at('f'));
  await (await localDisk.open(at('f/a'), 'create')).close();
  await expect(localDisk.open(at('f/a'), 'create')).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(localDisk.open(at('f/b'), 'write')).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(localDisk.mkdir(at('f'))).rejects.toMatchObject({ code: 'EEXIST' });
  await localDisk.link(at('f/a'), at('f/b'));
  await expect(localDisk.link(at('f/a'), at('f/b'))).rejects.toMatchObject({ code: 'EEXIST' });
  await localDisk.rename(at('f/a'), at('f/c'));
  await localDisk.syncFolder(at('f'));
  const names = (await localDisk.list(folder)).concat(await localDisk.list(at('f')));
  expect(names.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual([
    { name: 'b', kind: 'file' },
    { name: 'c', kind: 'file' },
    { name: 'f', kind: 'folder' },
  ]);
  await expect(localDisk.removeFolder(at('f'))).rejects.toMatchObject({ code: 'ENOTEMPTY' });
  await localDisk.remove(at('f/b'));
  await localDisk.remove(at('f/c'));
  await localDisk.removeFolder(at('f'));
  await expect(localDisk.stat(at('f'))).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await localDisk.freeBytes(folder)).toBeGreaterThan(0);
});

test('a lock shuts others out until it is released', async () => {
  const lock = await localDisk.lock(at('lock'));
  expect(lock).toBeDefined();
  expect(await localDisk.lock(at('lock'))).toBeUndefined();
  await lock!.release();
  const again = await localDisk.lock(at('lock'));
  expect(again).toBeDefined();
  await again!.release();
});

/** Of another process, which keeps running `after` it has said that it holds the lock. */
async function heldByAnother(after: string): Promise<ChildProcessWithoutNullStreams> {
  const module = path.resolve(import.meta.dirname, '../../src/common/disk.ts');
  const script = `
    const { localDisk } = await import(${JSON.stringify(module)});
    const isHeld = (await localDisk.lock(${JSON.stringify(at('lock'))})) !== undefined;
    ${after};
    console.log(isHeld);
    setInterval(() => undefined, 1000);`;
  const options = ['--import', 'tsx', '--expose-gc', '--input-type=module', '--eval', script];
  const holder = spawn(process.execPath, options);
  const [said] = (await once(holder.stdout, 'data')) as [Buffer];
  expect(said.toString().trim()).toBe('true');
  return holder;
}

async function end(holder: ChildProcessWithoutNullStreams): Promise<void> {
  holder.kill('SIGKILL');
  await once(holder, 'exit');
}

test('the lock of a process that was killed is free', async () => {
  const holder = await heldByAnother('');
  expect(await localDisk.lock(at('lock'))).toBeUndefined();
  await end(holder);
  const lock = await localDisk.lock(at('lock'));
  expect(lock).toBeDefined();
  await lock!.release();
});

test('a lock that nobody refers to any more is held all the same', async () => {
  // Node closes a file that was collected; it does so after a turn.
  const holder = await heldByAnother('gc(); await new Promise((resolve) => setTimeout(resolve, 100)); gc()');
  const said: Buffer[] = [];
  holder.stderr.on('data', (bytes: Buffer) => said.push(bytes));
  try {
    expect(await localDisk.lock(at('lock'))).toBeUndefined();
    expect(Buffer.concat(said).toString()).toBe('');
  } finally {
    await end(holder);
  }
});

test('a machine without the command says so', async () => {
  const before = process.env['PATH'];
  process.env['PATH'] = folder;
  try {
    await expect(localDisk.lock(at('lock'))).rejects.toThrow(/this machine has no command flock/);
  } finally {
    process.env['PATH'] = before;
  }
});
