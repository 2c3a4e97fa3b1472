/**
 * Ends a writing process at each system call of its journal in turn, makes each sync fail in turn, and ends it before and after each call
 * of the disk that its journal was given. What it was told is durable must be there afterwards. strace counts calls by thread, so all of
 * them are made in one.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { diskErrorCode, localDisk } from '../../src/common/disk.ts';
import { openFileJournal } from '../../src/journal/open-file-journal.ts';
import type { Kill } from '../journal/killing-disk.ts';
import { listMachine } from '../journal/list-machine.ts';
import { faultAt } from './machines.ts';

/** What the journal asks of the system, and how each call may end. */
const FAULTS = [
  ['pwrite64', 'signal=SIGKILL'],
  ['fdatasync', 'signal=SIGKILL'],
  ['fsync', 'signal=SIGKILL'],
  ['rename', 'signal=SIGKILL'],
  ['unlink', 'signal=SIGKILL'],
  ['fdatasync', 'error=EIO'],
  ['fsync', 'error=EIO'],
  ['pwrite64', 'error=EIO'],
] as const;

/** Enough for several segments and two checkpoints. */
const RECORDS = 80;

/** The code with which the writer ends when its journal failed. */
const FAILED = 2;

/** Whether everything held. */
export async function journalFaults(): Promise<boolean> {
  let sound = true;
  const strace = FAULTS.map(([call, fault]) => ({ call, fault, begin: atSystemCall(call, fault) }));
  const disk = (['before', 'after'] as const).map((when) => ({ call: 'disk', fault: when, begin: atDiskCall(when) }));
  for (const { call, fault, begin } of [...strace, ...disk]) {
    const { runs, harmless, wrong } = await eachCall(begin, fault.startsWith('error') ? FAILED : 'SIGKILL');
    const without = harmless > 0 ? `, ${harmless} of them without harm` : '';
    console.log(
      `journal: ${call.padEnd(9)} ${fault.padEnd(14)} ${runs} calls${without}${wrong.map((what) => `\n  ${what}`).join('')}`,
    );
    // Who holds the lock is said to people.
    sound &&= wrong.length === 0 && runs > 0 && harmless <= (call === 'pwrite64' ? 1 : 0);
  }
  return sound;
}

/** A run whose `turn`-th call ends it. */
type Begin = (folder: string, turn: number) => ChildProcess;

/** Until a run goes to its end and nothing was struck: then every call has had its turn. */
async function eachCall(
  begin: Begin,
  expected: number | string,
): Promise<{ readonly runs: number; readonly harmless: number; readonly wrong: readonly string[] }> {
  const wrong: string[] = [];
  let harmless = 0;
  for (let turn = 1; ; turn++) {
    const folder = await mkdtemp(path.join(tmpdir(), 'tutti-faults-'));
    try {
      const { ended, acknowledged } = await runWriter(begin(folder, turn));
      const found = await recordsIn(folder);
      const inOrder = found.every((record, i) => record === `r${i + 1}`);
      if (!inOrder || found.length < acknowledged) {
        wrong.push(
          `call ${turn}: ${acknowledged} acknowledged, found ${found.length}${inOrder ? '' : ', not in order'}`,
        );
      }
      if (ended === 0 && !(await isStruck(folder))) return { runs: turn - 1, harmless, wrong };
      if (ended === 0) harmless += 1;
      else if (ended !== expected) wrong.push(`call ${turn}: the process ended with ${ended}`);
    } finally {
      await rm(folder, { recursive: true });
      await rm(straceLog(folder), { force: true });
    }
  }
}

const straceLog = (folder: string): string => `${folder}.strace`;

/** A call failed as it was told to. */
async function isStruck(folder: string): Promise<boolean> {
  const log = await readFile(straceLog(folder), 'utf8').catch((problem: unknown) => {
    // The disk that a writer was given strikes by itself, and ends the writer.
    if (diskErrorCode(problem) === 'ENOENT') return '';
    throw problem;
  });
  return log.includes('(INJECTED)');
}

const writer = (folder: string): readonly string[] => [
  '--import',
  'tsx',
  path.join(import.meta.dirname, '../journal/writer.ts'),
  folder,
  String(RECORDS),
];

const atSystemCall =
  (call: string, fault: string): Begin =>
  (folder, turn) => {
    const [strace, ...inject] = faultAt(call, fault, turn, straceLog(folder));
    return spawn(strace!, [...inject, process.execPath, ...writer(folder)], {
      env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  };

const atDiskCall =
  (when: Kill['when']): Begin =>
  (folder, turn) =>
    spawn(process.execPath, [...writer(folder), when, String(turn)], { stdio: ['ignore', 'pipe', 'ignore'] });

type Ended = { readonly ended: number | string | null; readonly acknowledged: number };

async function runWriter(child: ChildProcess): Promise<Ended> {
  const closed = once(child, 'close') as Promise<[number | null, string | null]>;
  const said = await text(child.stdout!);
  const [code, signal] = await closed;
  return { ended: code ?? signal, acknowledged: Math.max(0, ...said.split('\n').slice(0, -1).map(Number)) };
}

async function recordsIn(folder: string): Promise<readonly string[]> {
  const journal = await openFileJournal({
    machine: listMachine,
    disk: localDisk,
    folders: [folder],
    random: randomBytes,
    fatal: (error) => {
      throw error;
    },
    logger: { warn: () => undefined },
  });
  await journal.close();
  return journal.durable;
}
