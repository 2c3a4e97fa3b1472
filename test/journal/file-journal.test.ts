/** What the owner of a state may rely on, in real folders. */

import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { DiskLockError, localDisk } from '../../src/common/disk.ts';
import type { Disk } from '../../src/common/disk.ts';
import { RECORD_BYTES_MAX } from '../../src/journal/journal.ts';
import { listMachine } from './list-machine.ts';
import { diskError, diskWith, filesIn, open, read, records, temporaryFolder, write } from './support.ts';

test('records are there again, in their order, and each open raises the epoch', async () => {
  const folder = path.join(await temporaryFolder(), 'new');
  const first = await open([folder]);
  expect(await Promise.all(records(1, 3).map((record) => first.journal.append(record)))).toEqual([
    { epoch: 1, sequence: 1 },
    { epoch: 1, sequence: 2 },
    { epoch: 1, sequence: 3 },
  ]);
  await first.journal.close();
  await write([folder], records(4, 4));
  const { journal } = await open([folder]);
  expect(journal.durable).toEqual(records(1, 4));
  expect([journal.epoch, journal.sequence]).toEqual([3, 4]);
  await journal.close();
});

test('the tip has a record at once, the durable state when it is acknowledged', async () => {
  const { journal } = await open([await temporaryFolder()]);
  const appended = journal.append('a');
  expect([journal.tip, journal.durable]).toEqual([['a'], []]);
  await appended;
  expect([journal.tip, journal.durable]).toEqual([['a'], ['a']]);
  await journal.close();
});

test('waiting records share one frame, which is written in one call', async () => {
  const folder = await temporaryFolder();
  let writes = 0;
  const disk = diskWith({}, (_path, file) => ({
    write: (offset, bytes) => {
      writes += 1;
      return file.write(offset, bytes);
    },
  }));
  const { journal } = await open([folder], { disk, reserveBytes: 100_000, segmentBytes: 100_000 });
  const before = writes;
  await Promise.all(records(1, 64).map((record) => journal.append(record)));
  expect(writes - before).toBe(1);
  await journal.close();
});

test('nothing is acknowledged before its frame is durable, and no frame is written before the last one is', async () => {
  const folder = await temporaryFolder();
  const story: string[] = [];
  const openTold = async (name: string, mode: Parameters<Disk['open']>[1]): ReturnType<Disk['open']> => {
    const file = await localDisk.open(name, mode);
    const write = async (offset: number, bytes: Uint8Array): Promise<void> => {
      story.push(`write ${offset}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      await file.write(offset, bytes);
      if (mode === 'synced') story.push('durable');
    };
    return { ...file, write };
  };
  const disk = diskWith({ open: openTold });
  const { journal } = await open([folder], { disk, reserveBytes: 100_000, segmentBytes: 100_000 });
  story.length = 0;
  const first = journal.append('a').then(() => story.push('a'));
  await new Promise((resolve) => setImmediate(resolve));
  const second = journal.append('b').then(() => story.push('b'));
  await Promise.all([first, second]);
  expect(story.map((event) => event.split(' ')[0])).toEqual(['write', 'durable', 'a', 'write', 'durable', 'b']);
  await journal.close();
});

test('a record that is too large is refused, and nothing happened', async () => {
  const { journal } = await open([await temporaryFolder()]);
  const largest = 'x'.repeat(RECORD_BYTES_MAX);
  await expect(journal.append(`${largest}x`)).rejects.toMatchObject({ code: 'RECORD_TOO_LARGE' });
  expect(journal.tip).toEqual([]);
  await Promise.all(Array.from({ length: 6 }, () => journal.append(largest)));
  expect(journal.durable).toHaveLength(6);
  await journal.close();
  await expect(journal.append('a')).rejects.toMatchObject({ code: 'JOURNAL_CLOSED' });
});

test('records are replayed from any that is kept', async () => {
  const folder = await temporaryFolder();
  await write([folder], records(1, 40));
  const { journal } = await open([folder]);
  await journal.append('r41');
  expect((await filesIn(folder, 'segment')).length).toBeGreaterThan(2);
  for (const from of [1, 20, 41, 42]) {
    const found: string[] = [];
    for await (const { position, record } of journal.replay(from)) {
      expect(record).toBe(`r${position.sequence}`);
      expect(position.epoch).toBe(position.sequence === 41 ? 2 : 1);
      found.push(record);
    }
    expect(found).toEqual(records(from, 41));
  }
  await journal.close();
});

test('a checkpoint replaces the records before the one before it', async () => {
  const folder = await temporaryFolder();
  const { journal } = await open([folder]);
  const append = async (from: number, to: number): Promise<void> => {
    for (const record of records(from, to)) await journal.append(record);
  };
  await append(1, 30);
  expect(await journal.checkpoint()).toEqual({ epoch: 1, sequence: 30 });
  await append(31, 50);
  await journal.checkpoint();
  await append(51, 60);
  expect((await filesIn(folder, 'checkpoint')).map((file) => path.basename(file))).toEqual([
    '0000000000000030.checkpoint',
    '0000000000000050.checkpoint',
  ]);
  await expect(journal.replay(30)[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'POSITION_NOT_KEPT' });
  expect((await journal.replay(31)[Symbol.asyncIterator]().next()).value).toMatchObject({ record: 'r31' });
  await journal.close();
  expect(await read([folder])).toEqual(records(1, 60));
});

test('appends go on while a checkpoint is written, and it holds one moment', async () => {
  const folder = await temporaryFolder();
  let slices = 0;
  const { journal } = await open([folder], {
    pause: async () => {
      slices += 1;
      await journal.append(`during ${slices}`);
    },
  });
  for (const record of records(1, 9)) await journal.append(record);
  expect(await journal.checkpoint()).toMatchObject({ sequence: 9 });
  expect(slices).toBe(3);
  await journal.close();
  expect(await read([folder])).toEqual([...records(1, 9), 'during 1', 'during 2', 'during 3']);
});

test('enough records start a checkpoint by themselves', async () => {
  const folder = await temporaryFolder();
  const { journal } = await open([folder], { checkpointBytes: 1000 });
  for (const record of records(1, 100)) await journal.append(record);
  await journal.close();
  expect(await filesIn(folder, 'checkpoint')).toHaveLength(2);
  expect(await read([folder])).toEqual(records(1, 100));
});

test('a frame that did not become durable is fatal: no acknowledgement, no second try', async () => {
  const folder = await temporaryFolder();
  await write([folder], records(1, 3));
  let failing = false;
  let tried = 0;
  const disk = diskWith({}, (_path, file) => ({
    // As where the sync behind it fails: the system shows what was written.
    write: async (offset, bytes) => {
      await file.write(offset, bytes);
      if (failing) tried += 1;
      if (failing) throw diskError('EIO');
    },
  }));
  const { journal, failures } = await open([folder], { disk });
  failing = true;
  const unknown = await Promise.allSettled(['a', 'b'].map((record) => journal.append(record)));
  failing = false;
  expect(unknown.map((result) => result.status)).toEqual(['rejected', 'rejected']);
  expect(failures).toHaveLength(1);
  expect(failures[0]).toMatchObject({ code: 'JOURNAL_FAILED', category: 'INTERNAL_ERROR' });
  await expect(journal.append('c')).rejects.toBe(failures[0]);
  expect([journal.durable, tried]).toEqual([records(1, 3), 1]);
  await journal.close();
  // The records that nobody was told of may be there, and are here: the system still has them.
  expect(await read([folder])).toEqual([...records(1, 3), 'a', 'b']);
});

test('the next start writes what it found to a new file before it serves', async () => {
  const folder = await temporaryFolder();
  await write([folder], records(1, 3));
  const [file] = await filesIn(folder, 'segment');
  const calls: string[] = [];
  const named = (name: string, of: string): void => void calls.push(`${name} ${path.basename(of)}`);
  const spy = diskWith(
    {
      rename: async (from, to) => {
        await diskWith({}).rename(from, to);
        named('rename', to);
      },
      syncFolder: async (of) => {
        await diskWith({}).syncFolder(of);
        calls.push('syncFolder');
      },
    },
    (of, opened) => ({
      sync: async () => {
        await opened.sync();
        named('sync', of);
      },
    }),
  );
  const { journal } = await open([folder], { disk: spy });
  const name = path.basename(file!);
  // The folder's own name first.
  expect(calls).toEqual(['syncFolder', `sync ${name}.tmp`, `rename ${name}`, 'syncFolder']);
  await journal.close();
});

test.each(['first', 'second'])('a full disk refuses, loses nothing, and heals: the %s folder', async (which) => {
  const parent = await temporaryFolder();
  const folders = [path.join(parent, 'first'), path.join(parent, 'second')];
  let full = false;
  const disk = diskWith({}, (of, file) => ({
    write: async (offset, bytes) => {
      if (full && of.includes(which) && offset + bytes.length > (await file.bytes())) throw diskError('ENOSPC');
      await file.write(offset, bytes);
    },
  }));
  const { journal, failures } = await open(folders, { disk });
  const acknowledged: string[] = [];
  const append = async (record: string): Promise<void> => {
    await journal.append(record);
    acknowledged.push(record);
  };
  await append('before');
  full = true;
  const results = await Promise.allSettled(records(1, 100).map(append));
  const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  expect(refused.length).toBeGreaterThan(0);
  for (const reason of refused) {
    expect(reason).toMatchObject({ code: 'JOURNAL_FULL', category: 'INSUFFICIENT_RESOURCES' });
  }
  expect(journal.tip).toEqual(acknowledged);
  await expect(journal.checkpoint()).rejects.toMatchObject({ code: 'JOURNAL_FULL' });
  full = false;
  for (const record of records(101, 150)) await append(record);
  await journal.checkpoint();
  await append('after');
  expect([journal.durable, failures]).toEqual([acknowledged, []]);
  await journal.close();
  expect(await read(folders)).toEqual(acknowledged);
});

test('a second process is shut out, and a machine without locks refused', async () => {
  const folder = await temporaryFolder();
  const { journal } = await open([folder]);
  await expect(open([folder])).rejects.toMatchObject({
    code: 'JOURNAL_LOCKED',
    message: expect.stringMatching(/ is in use by process \d+ on \S+; stop that one, or /) as string,
  });
  await journal.close();
  const lockless = diskWith({ lock: () => Promise.reject(new DiskLockError('no locks here')) });
  await expect(open([folder], { disk: lockless })).rejects.toThrow(DiskLockError);
  await write([folder], ['a']);
});

test('what a process was told survives kill -9 at any moment', async () => {
  const folder = await temporaryFolder();
  let acknowledged = 0;
  for (const told of [1, 2, 5, 11, 23, 47]) {
    const writer = spawn(process.execPath, ['--import', 'tsx', path.join(import.meta.dirname, 'writer.ts'), folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines: string[] = [];
    // It is killed as soon as it has said enough; what it said until it was dead counts too.
    for await (const line of createInterface(writer.stdout)) {
      lines.push(line);
      if (lines.length === told) writer.kill('SIGKILL');
    }
    expect(lines.length).toBeGreaterThanOrEqual(told);
    acknowledged = Math.max(acknowledged, ...lines.map(Number));
    const found = await read([folder]);
    expect(found.length).toBeGreaterThanOrEqual(acknowledged);
    expect(found).toEqual(records(1, found.length));
  }
});

test('a failure of the state machine stays with its caller', async () => {
  const machine = {
    ...listMachine,
    apply: (state: readonly string[], record: string) => {
      if (record === 'bad') throw new Error('cannot be applied');
      return listMachine.apply(state, record);
    },
  };
  const { journal, failures } = await open([await temporaryFolder()], { machine });
  expect(() => journal.append('bad')).toThrow('cannot be applied');
  await journal.append('good');
  expect([journal.tip, failures]).toEqual([['good'], []]);
  await journal.close();
});
