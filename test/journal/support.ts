/** Journals in real folders. */

import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { localDisk } from '../../src/common/disk.ts';
import type { Disk } from '../../src/common/disk.ts';
import type { JournalError } from '../../src/journal/errors.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { openFileJournal } from '../../src/journal/open-file-journal.ts';
import type { FileJournalOptions } from '../../src/journal/open-file-journal.ts';
import { listMachine } from './list-machine.ts';

export type ListJournal = Journal<readonly string[], string>;
export type ListOptions = FileJournalOptions<readonly string[], string>;

/** A folder that goes with the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tutti-journal-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

export type Opened = {
  readonly journal: ListJournal;
  readonly warnings: string[];
  readonly failures: JournalError[];
};

/** With small pieces, so that a few records show what many would. */
export async function open(folders: readonly string[], options: Partial<ListOptions> = {}): Promise<Opened> {
  const warnings: string[] = [];
  const failures: JournalError[] = [];
  const journal = await openFileJournal({
    machine: listMachine,
    disk: localDisk,
    folders: folders as [string, ...string[]],
    random: randomBytes,
    fatal: (error) => failures.push(error),
    logger: { warn: (...said: unknown[]) => warnings.push(JSON.stringify(said)) } as ListOptions['logger'],
    segmentBytes: 600,
    reserveBytes: 200,
    checkpointBytes: Infinity,
    ...options,
  });
  return { journal, warnings, failures };
}

/** Opens, appends one after the other, and closes. */
export async function write(folders: readonly string[], records: readonly string[]): Promise<void> {
  const { journal } = await open(folders);
  for (const record of records) await journal.append(record);
  await journal.close();
}

/** What a journal holds. */
export async function read(folders: readonly string[]): Promise<readonly string[]> {
  const { journal } = await open(folders);
  const { durable } = journal;
  await journal.close();
  return durable;
}

export async function filesIn(folder: string, kind: 'segment' | 'checkpoint'): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(`.${kind}`)).toSorted();
  return names.map((name) => path.join(folder, name));
}

/** The local disk with some of its calls replaced. `file` may replace those of a file that was opened. */
export function diskWith(changes: Partial<Disk>, file: FileChanges = () => ({})): Disk {
  const disk = { ...localDisk, ...changes };
  return {
    ...disk,
    open: async (name, mode) => {
      const opened = await disk.open(name, mode);
      return { ...opened, ...file(name, opened) };
    },
  };
}

type OpenedFile = Awaited<ReturnType<Disk['open']>>;
type FileChanges = (path: string, file: OpenedFile) => Partial<OpenedFile>;

/** `r1`, `r2` … */
export const records = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `r${from + i}`);

/** Fails with `code` every call that is made while `failing` says so. */
export const diskError = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code });
