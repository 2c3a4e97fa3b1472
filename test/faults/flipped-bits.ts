/**
 * Flips a bit in one of the two replicas of each file, as a disk does that decays: without a new time of the file. Before the datanode
 * has verified it since its start, and after. Whoever reads gets the right bytes; the damaged replica is found and replaced.
 */

import { mkdtemp, open, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FsckReport } from '../../src/filestore/namenode/administration.ts';
import type { StoreFileSystem } from '../../src/filestore/store-file-system.ts';
import { Random } from '../simulation/random.ts';
import { differs } from './datanode-kills.ts';
import { Machines, until } from './machines.ts';

const FILES = 20;
const SEED = Number(process.env['SEED'] ?? 1);
const NODES = ['one', 'two', 'three'];
/** More than one chunk of a checksum. */
const BYTES = 1_500_000;

/** Whether everything held. */
export async function flippedBits(): Promise<boolean> {
  const kinds = [
    { when: 'before', isLocal: true },
    { when: 'before', isLocal: false },
    { when: 'after', isLocal: true },
    { when: 'after', isLocal: false },
  ] as const;
  let sound = true;
  for (const kind of kinds) {
    const folder = await mkdtemp(path.join(tmpdir(), 'tutti-faults-'));
    const machines = await Machines.in(folder);
    try {
      const { wrong, found, flipped } = await flips(machines, kind.when, kind.isLocal);
      const by = kind.isLocal ? 'on this machine' : 'over the network';
      console.log(
        `bits: ${flipped} flipped ${kind.when.padEnd(6)} the first verification, read ${by}: ${found} damaged replicas found and replaced, ${wrong.length} wrong reads`,
      );
      for (const what of wrong) console.log(`  ${what}`);
      // Each replica is read eight times or so: hardly any damage is never met.
      sound &&= wrong.length === 0 && flipped === FILES && found >= FILES / 2;
    } finally {
      await machines.stop();
      await rm(folder, { recursive: true });
    }
  }
  return sound;
}

type Flips = { readonly wrong: readonly string[]; readonly found: number; readonly flipped: number };

async function flips(machines: Machines, when: 'before' | 'after', isLocal: boolean): Promise<Flips> {
  const random = new Random(SEED);
  machines.coordinator();
  const workers = NODES.map((name) => machines.worker(name));
  await machines.inService(NODES.length);
  const fs = machines.client({ replication: 2 }, { isLocal });
  const files = new Map<string, Uint8Array>();
  for (let i = 0; i < FILES; i++) files.set(`/f${i}`, random.bytes(BYTES));
  for (const [file, content] of files) await fs.create(file, content);
  const wrong: string[] = [];
  const readAll = async (): Promise<void> => {
    // Several times, so that each replica is likely to be chosen.
    for (let round = 0; round < 8; round++) {
      for (const [file, content] of files) {
        const problem = await differs(fs, file, content);
        if (problem !== undefined) wrong.push(problem);
      }
    }
  };
  if (when === 'before') {
    await Promise.all(workers.map((worker) => worker.stop('SIGTERM')));
    // Else their old addresses may be taken for theirs.
    await machines.inService(0);
  } else await readAll();
  const flipped = await flipOneEach(machines, [...files.values()], random);
  if (when === 'before') {
    for (const name of NODES) machines.worker(name);
    await machines.inService(NODES.length);
  }
  await readAll();
  const found = await replaced(fs, machines, [...files.values()], flipped);
  await readAll();
  return { wrong, found, flipped: flipped.length };
}

/** In each file's first replica that is found. The paths. */
async function flipOneEach(machines: Machines, contents: readonly Uint8Array[], random: Random): Promise<string[]> {
  const done = new Set<number>();
  const flipped: string[] = [];
  for (const file of await blockFiles(machines)) {
    const bytes = await readFile(file);
    const which = contents.findIndex((content) => Buffer.compare(content, bytes) === 0);
    if (which < 0 || done.has(which)) continue;
    done.add(which);
    const [at, bit] = [random.below(bytes.length), 1 << random.below(8)];
    const { atime, mtime } = await stat(file);
    const handle = await open(file, 'r+');
    await handle.write(Buffer.of(bytes[at]! ^ bit), 0, 1, at);
    await handle.close();
    await utimes(file, atime, mtime);
    flipped.push(file);
  }
  return flipped;
}

async function blockFiles(machines: Machines): Promise<readonly string[]> {
  const all: string[] = [];
  for (const name of NODES) {
    const folder = path.join(machines.dataOf(name), 'blocks');
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const file = path.join(entry.parentPath, entry.name);
      if (entry.isFile() && (await stat(file)).size === BYTES) all.push(file);
    }
  }
  return all;
}

/** How many of the damaged files are no longer there as they were; waits until every file has two good replicas again. */
async function replaced(
  fs: StoreFileSystem,
  machines: Machines,
  contents: readonly Uint8Array[],
  flipped: readonly string[],
): Promise<number> {
  await until('every block has its replicas', 60_000, async () => {
    const { problems } = await fs.client.read<FsckReport>('fsck', { path: '/' });
    return problems.length === 0;
  });
  let damaged = 0;
  for (const file of await blockFiles(machines)) {
    const bytes = await readFile(file);
    if (!contents.some((content) => Buffer.compare(content, bytes) === 0)) damaged += 1;
  }
  return flipped.length - damaged;
}
