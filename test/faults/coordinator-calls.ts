/**
 * Ends a whole coordinator at each system call that its journal makes while four clients work, and makes each of them fail in turn.
 * Datanodes live on. After each end the next coordinator finds what was acknowledged, and of what was not all or nothing.
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { listAll } from '../../src/filestore/file-system.ts';
import { StoreError } from '../../src/filestore/network.ts';
import type { StoreFileSystem } from '../../src/filestore/store-file-system.ts';
import { ClientOver, faultAt, later, Machines, type Running } from './machines.ts';

const FAULTS = [
  ['pwrite64', 'signal=SIGKILL'],
  ['fdatasync', 'signal=SIGKILL'],
  ['fsync', 'signal=SIGKILL'],
  ['rename', 'signal=SIGKILL'],
  ['unlink', 'signal=SIGKILL'],
  ['pwrite64', 'error=EIO'],
  ['pwrite64', 'error=ENOSPC'],
  ['fdatasync', 'error=EIO'],
  ['fsync', 'error=EIO'],
] as const;

const CLIENTS = 4;
/** The step after all others. */
const DONE = 'done';

/** What stands in a client's folder: names, and what the files hold. */
type Folder = ReadonlyMap<string, string>;

type Step = { readonly name: string; readonly run: (fs: StoreFileSystem) => Promise<unknown>; readonly after: Folder };

/** Some of everything that the journal has records of; each step says what is there once it is acknowledged. */
function stepsOf(folder: string): readonly Step[] {
  const content = (name: string): string => `${folder} ${name} `.repeat(20);
  const bytes = (name: string): Uint8Array => Buffer.from(content(name));
  const [a, b, c] = ['a', 'b', 'c'].map((name) => `${folder}/${name}`) as [string, string, string];
  const has = (...files: readonly (readonly [string, string])[]): Folder =>
    new Map(files.map(([file, name]) => [file, content(name)]));
  return [
    { name: 'create', run: (fs) => fs.create(a, bytes('a')), after: has([a, 'a']) },
    { name: 'rename', run: (fs) => fs.rename(a, b), after: has([b, 'a']) },
    { name: 'create if absent', run: (fs) => fs.createIfAbsent(c, bytes('c')), after: has([b, 'a'], [c, 'c']) },
    { name: 'overwrite', run: (fs) => fs.create(b, bytes('n'), { overwrite: true }), after: has([b, 'n'], [c, 'c']) },
    { name: 'delete', run: (fs) => fs.delete(c), after: has([b, 'n']) },
    { name: 'delete all', run: (fs) => fs.delete(folder, { recursive: true }), after: has() },
  ];
}

/** Whether everything held. */
export async function coordinatorFaults(): Promise<boolean> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tutti-faults-'));
  const machines = await Machines.in(folder);
  machines.worker('one');
  try {
    let sound = true;
    for (const [call, fault] of FAULTS) {
      const { runs, wrong } = await eachCall(machines, call, fault);
      console.log(`coordinator: ${call.padEnd(9)} ${fault.padEnd(14)} ${runs} calls`);
      for (const what of wrong) console.log(`  ${what}`);
      // No file of the journal is removed in so few calls.
      sound &&= wrong.length === 0 && (runs > 0 || call === 'unlink');
    }
    return sound;
  } finally {
    await machines.stop();
    await rm(folder, { recursive: true });
  }
}

/**
 * Until nothing was struck and all went to its end: then every call has had its turn. A call that may fail without harm, as the one that says
 * who holds a lock, is struck as well. The journal is the same one throughout.
 */
async function eachCall(
  machines: Machines,
  call: string,
  fault: string,
): Promise<{ readonly runs: number; readonly wrong: readonly string[] }> {
  const wrong: string[] = [];
  const log = path.join(machines.folder, 'strace.log');
  for (let turn = 1; ; turn++) {
    const coordinator = machines.coordinator(faultAt(call, fault, turn, log));
    const clients = Array.from({ length: CLIENTS }, (_, i) =>
      workOn(machines, `/${call}-${fault.replace('=', '-')}-${turn}-${i}`, coordinator),
    );
    const states = await Promise.all(clients);
    if (!coordinator.isOver) await coordinator.stop('SIGKILL');
    const isClean = states.every(({ step }) => step === DONE) && !(await readFile(log, 'utf8')).includes('(INJECTED)');
    const plain = machines.coordinator();
    for (const state of states) {
      const problem = await held(machines, state);
      if (problem !== undefined) wrong.push(`call ${turn}: ${problem}`);
    }
    await plain.stop('SIGTERM');
    if (isClean) return { runs: turn - 1, wrong };
  }
}

type State = { readonly folder: string; readonly acknowledged: Folder; readonly asked: Folder; readonly step: string };

/** Works until all is done or the coordinator is gone. */
async function workOn(machines: Machines, folder: string, coordinator: Running): Promise<State> {
  const fs = machines.client({ replication: 1 }, { isOver: () => coordinator.isOver });
  let acknowledged: Folder = new Map();
  for (const { name, run, after } of stepsOf(folder)) {
    try {
      await Promise.race([run(fs), over(coordinator)]);
    } catch (problem) {
      if (problem instanceof ClientOver) return { folder, acknowledged, asked: after, step: name };
      // The store did not start, or its disk was full: the coordinator lives on.
      if (!(problem instanceof StoreError)) throw problem;
      return { folder, acknowledged, asked: after, step: `${name} (${problem.name})` };
    }
    acknowledged = after;
  }
  return { folder, acknowledged, asked: acknowledged, step: DONE };
}

async function over(coordinator: Running): Promise<never> {
  await coordinator.ended;
  // What was answered at the last moment is on its way.
  await later(20);
  throw new ClientOver('the coordinator has ended');
}

/** What is wrong with what a folder holds, if anything. */
async function held(machines: Machines, { folder, acknowledged, asked, step }: State): Promise<string | undefined> {
  const fs = machines.client();
  const found = new Map<string, string>();
  for await (const { path: file } of listAll(fs, folder)) {
    const open = await fs.open(file);
    found.set(file, Buffer.from(await open.read(0, open.length)).toString());
    await open.close();
  }
  if (same(found, acknowledged) || same(found, asked)) return undefined;
  return `${folder}, during ${step}: found ${names(found)}, acknowledged ${names(acknowledged)}, asked ${names(asked)}`;
}

const names = (files: Folder): string => [...files.keys()].join(', ') || 'nothing';

const same = (a: Folder, b: Folder): boolean =>
  a.size === b.size && [...a].every(([name, text]) => b.get(name) === text);
