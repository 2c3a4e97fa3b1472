/**
 * Ends a writing process at each system call of its journal in turn, and makes each sync fail in turn. What it was told is durable must be
 * there afterwards. strace counts calls by thread, so all of them are made in one.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { localDisk } from '../../src/common/disk.ts';
import { openFileJournal } from '../../src/journal/open-file-journal.ts';
import { listMachine } from '../journal/list-machine.ts';

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
  for (const [call, fault] of FAULTS) {
    const outcome = await eachCall(call, fault);
    console.log(
      `journal: ${call.padEnd(9)} ${fault.padEnd(14)} ${outcome.runs} calls${outcome.wrong.map((what) => `\n  ${what}`).join('')}`,
    );
    sound &&= outcome.wrong.length === 0 && outcome.runs > 0;
  }
  return sound;
}

/** Until a run goes to its end: then every call has had its turn. */
async function eachCall(
  call: string,
  fault: string,
): Promise<{ readonly runs: number; readonly wrong: readonly string[] }> {
  const wrong: string[] = [];
  for (let turn = 1; ; turn++) {
    const folder = await mkdtemp(path.join(tmpdir(), 'tutti-faults-'));
    try {
      const { code, signal, acknowledged } = await runWriter(folder, `${call}:${fault}:when=${turn}`);
      const found = await recordsIn(folder);
      const inOrder = found.every((record, i) => record === `r${i + 1}`);
      if (!inOrder || found.length < acknowledged) {
        wrong.push(
          `call ${turn}: ${acknowledged} acknowledged, found ${found.length}${inOrder ? '' : ', not in order'}`,
        );
      }
      if (code === 0) return { runs: turn - 1, wrong };
      const expected = fault.startsWith('signal') ? signal === 'SIGKILL' : code === FAILED;
      if (!expected) wrong.push(`call ${turn}: the process ended with ${code ?? signal}`);
    } finally {
      await rm(folder, { recursive: true });
    }
  }
}

type Ended = { readonly code: number | null; readonly signal: string | null; readonly acknowledged: number };

async function runWriter(folder: string, inject: string): Promise<Ended> {
  const [call] = inject.split(':');
  const writer = path.join(import.meta.dirname, '../journal/writer.ts');
  const traced = [process.execPath, '--import', 'tsx', writer, folder, String(RECORDS)];
  const child = spawn(
    'strace',
    ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${inject}`, ...traced],
    {
      env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const closed = once(child, 'close') as Promise<[number | null, string | null]>;
  const said = await text(child.stdout);
  const [code, signal] = await closed;
  return { code, signal, acknowledged: Math.max(0, ...said.split('\n').slice(0, -1).map(Number)) };
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
