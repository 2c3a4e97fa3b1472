/** What is thrown away, as the server empties it: put by, kept for its time, and gone. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/common/clock.ts';
import { NamenodeCalls } from '../../src/filestore/namenode/namenode-calls.ts';
import { emptyTrash } from '../../src/filestore/namenode/trash-emptier.ts';
import type { Status } from '../../src/filestore/namespace/queries.ts';
import { JournalError } from '../../src/journal/errors.ts';
import { startNamenode } from '../../src/server/namenode-service.ts';
import type { NamenodeService } from '../../src/server/namenode-service.ts';
import { startServer } from '../support/server.ts';

const HOUR = 3_600_000;
const fatal = (problem: Error): void => expect.unreachable(problem.message);
const ANN = { user: 'ann', groups: [], superuser: true };
const logger = pino({ level: 'silent' });

let dataDirectory: string;
let service: NamenodeService;
let namenode: NamenodeCalls;

beforeEach(async () => {
  dataDirectory = await mkdtemp(path.join(tmpdir(), 'tutti-trash-'));
  service = await startNamenode({ dataDirectory, clock: systemClock, logger, trashMs: 0, fatal });
  namenode = new NamenodeCalls(() => Promise.resolve(service.operations), 'test');
});
afterEach(async () => {
  await service.close();
  await rm(dataDirectory, { recursive: true });
});

async function namesIn(folder: string): Promise<readonly string[]> {
  const { entries } = await namenode.read<{ readonly entries: readonly Status[] }>('list', ANN, {
    path: folder,
    limit: 100,
  });
  return entries.map(({ name }) => name);
}

/** An emptier whose clock stands until it is set. */
function emptier(trashMs: number, startMs: number): { readonly at: (wallMs: number) => Promise<void> } {
  let now = startMs;
  let turn: (() => void) | undefined;
  const clock = {
    wallMs: () => now,
    elapsedMs: () => now,
    after: (_ms: number, work: () => void) => {
      turn = work;
      return () => undefined;
    },
  };
  emptyTrash({ namenode, state: () => service.namenode.state, clock, trashMs, logger });
  return {
    at: async (wallMs) => {
      now = wallMs;
      turn?.();
      // A turn ends in the journal.
      await new Promise((later) => setTimeout(later, 100));
    },
  };
}

test('it is put by every hour under the time, and goes when its time is over', async () => {
  const start = Date.UTC(2026, 0, 31, 10, 30);
  const { at } = emptier(24 * HOUR, start);
  await namenode.change('mkdirs', ANN, { path: '/user/ann/.Trash/Current/a', mode: 0o700 });
  await namenode.change('mkdirs', ANN, { path: '/user/bob/.Trash/Current/b', mode: 0o700 });
  await namenode.change('mkdirs', ANN, { path: '/user/bob/kept', mode: 0o700 });
  await at(start + 20 * 60_000);
  expect(await namesIn('/user/ann/.Trash')).toEqual(['Current']);
  await at(start + 31 * 60_000);
  expect(await namesIn('/user/ann/.Trash')).toEqual(['260131110100']);
  expect(await namesIn('/user/bob/.Trash/260131110100')).toEqual(['b']);
  await at(start + 23 * HOUR);
  expect(await namesIn('/user/ann/.Trash')).toEqual(['260131110100']);
  await at(start + 25 * HOUR);
  expect(await namesIn('/user/ann/.Trash')).toEqual([]);
  expect(await namesIn('/user/bob')).toEqual(['.Trash', 'kept']);
});

test('what cannot go keeps nothing else from going', async () => {
  const start = Date.UTC(2026, 0, 31, 10, 30);
  const { at } = emptier(24 * HOUR, start);
  const pinned = '/user/ann/.Trash/260101000000';
  for (const path of [`${pinned}/a`, '/user/bob/.Trash/260101000000/b', '/user/cid/.Trash/Current/c']) {
    await namenode.change('mkdirs', ANN, { path, mode: 0o700 });
  }
  // A folder with snapshots stays.
  await namenode.change('allowSnapshot', ANN, { path: pinned });
  await namenode.change('createSnapshot', ANN, { path: pinned, name: 's' });
  await at(start + 31 * 60_000);
  expect(await namesIn('/user/ann/.Trash')).toEqual(['260101000000']);
  expect(await namesIn('/user/bob/.Trash')).toEqual([]);
  expect(await namesIn('/user/cid/.Trash')).toEqual(['260131110100']);
});

test('safe mode puts it off', async () => {
  const start = Date.UTC(2026, 0, 31, 10, 30);
  const { at } = emptier(24 * HOUR, start);
  await namenode.change('mkdirs', ANN, { path: '/user/ann/.Trash/260101000000/a', mode: 0o700 });
  service.namenode.safeMode.enter();
  await at(start + 1000);
  expect(await namesIn('/user/ann/.Trash')).toEqual(['260101000000']);
  service.namenode.safeMode.leave();
  await at(start + 2000);
  expect(await namesIn('/user/ann/.Trash')).toEqual([]);
  await namenode.change('mkdirs', ANN, { path: '/user/ann/.Trash/Current/b', mode: 0o700 });
  service.namenode.safeMode.enter();
  await at(start + 31 * 60_000);
  expect(await namesIn('/user/ann/.Trash')).toEqual(['Current']);
  service.namenode.safeMode.leave();
  // Not an hour later.
  await at(start + 32 * 60_000);
  expect(await namesIn('/user/ann/.Trash')).toEqual(['260131110200']);
});

test('without trash nothing is touched', async () => {
  await namenode.change('mkdirs', ANN, { path: '/user/ann/.Trash/260101000000/a', mode: 0o700 });
  await emptier(0, Date.UTC(2027, 0)).at(Date.UTC(2028, 0));
  expect(await namesIn('/user/ann/.Trash')).toEqual(['260101000000']);
});

test('a server empties it by itself, and says what is wrong with --trash', async () => {
  const server = await startServer({ workers: 1, arguments: ['--webhdfs', '--trash', '2s'] });
  try {
    const url = (at: string, op: string): string => `${server.url}/webhdfs/v1${at}?user.name=tutti&op=${op}`;
    const names = async (): Promise<string> => (await fetch(url('/user/ann/.Trash', 'LISTSTATUS'))).text();
    while (!(await fetch(url('/user/ann/.Trash/Current/x', 'MKDIRS'), { method: 'PUT' })).ok)
      await new Promise((later) => setTimeout(later, 100));
    while (!/"pathSuffix":"\d{12}"/.test(await names())) await new Promise((later) => setTimeout(later, 100));
    while ((await names()).includes('pathSuffix')) await new Promise((later) => setTimeout(later, 100));
    expect((await fetch(url('/user/ann', 'GETFILESTATUS'))).status).toBe(200);
  } finally {
    await server.stop();
  }
  await expect(startServer({ workers: 1, arguments: ['--trash', '1y'] })).rejects.toThrow(
    '--trash takes a time such as',
  );
});

test('the journal may close under an emptier at work', async () => {
  await namenode.change('mkdirs', ANN, { path: '/user/ann/.Trash/260101000000/a', mode: 0o700 });
  let fail: ((problem: Error) => void) | undefined;
  let turn: (() => void) | undefined;
  const after = (_ms: number, work: () => void): (() => void) => {
    turn = work;
    return () => undefined;
  };
  const change = (): Promise<never> => new Promise((_resolve, reject) => void (fail = reject));
  const slow = { change } as unknown as NamenodeCalls;
  const unheard: unknown[] = [];
  const hear = (problem: unknown): void => void unheard.push(problem);
  process.on('unhandledRejection', hear);
  const stop = emptyTrash({
    namenode: slow,
    state: () => service.namenode.state,
    clock: { ...systemClock, after },
    trashMs: HOUR,
    logger,
  });
  turn!();
  stop();
  fail!(new JournalError('JOURNAL_CLOSED', 'the journal is closed'));
  await new Promise((later) => setTimeout(later, 10));
  process.off('unhandledRejection', hear);
  expect(unheard).toEqual([]);
});
