/**
 * Kills datanodes with SIGKILL, one after the other, while four clients write, read and delete. What was acknowledged is there
 * throughout, since one of its two replicas always lives, and never differs by a byte.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FsckReport } from '../../src/filestore/namenode/administration.ts';
import { StoreError } from '../../src/filestore/network.ts';
import type { StoreFileSystem } from '../../src/filestore/store-file-system.ts';
import { Random } from '../simulation/random.ts';
import { later, Machines, type Running, until } from './machines.ts';

const NODES = ['one', 'two', 'three'];
const CLIENTS = 4;
const KILLS = Number(process.env['KILLS'] ?? 15);
const SEED = Number(process.env['SEED'] ?? 1);
const ATTRIBUTES = { replication: 2, blockSize: 1024 * 1024 };
const RESTORED_WITHIN_MS = 60_000;

type Counts = Record<'written' | 'refused' | 'read' | 'deleted', number>;

/** Whether everything held. */
export async function datanodeKills(): Promise<boolean> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tutti-faults-'));
  const machines = await Machines.in(folder);
  const random = new Random(SEED);
  machines.coordinator();
  const workers = new Map(NODES.map((name) => [name, machines.worker(name)]));
  const state = { isOver: false, wrong: [] as string[] };
  const counts: Counts = { written: 0, refused: 0, read: 0, deleted: 0 };
  try {
    await machines.inService(NODES.length);
    const clients = Array.from({ length: CLIENTS }, (_, i) =>
      work(machines, `/client-${i}`, random.fork(), state, counts),
    );
    for (let kill = 0; kill < KILLS; kill++) {
      await later(random.between(0, 2000));
      const name = random.pick(NODES);
      await (workers.get(name) as Running).stop('SIGKILL');
      await later(random.between(0, 1500));
      workers.set(name, machines.worker(name));
      await machines.inService(NODES.length);
      // What was copied to it meanwhile, and what it alone had of two, is known again.
      await restored(machines);
    }
    state.isOver = true;
    await Promise.all(clients);
    const all = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
    console.log(`datanodes: ${KILLS} kills (seed ${SEED}), files: ${all.join(', ')}`);
    for (const what of state.wrong) console.log(`  ${what}`);
    return state.wrong.length === 0;
  } finally {
    state.isOver = true;
    await machines.stop();
    await rm(folder, { recursive: true });
  }
}

const restored = (machines: Machines): Promise<number> => {
  const fs = machines.client();
  return until('every block has its replicas', RESTORED_WITHIN_MS, async () => {
    const { healthy } = await fs.client.read<FsckReport>('fsck', { path: '/' });
    return healthy;
  });
};

async function work(
  machines: Machines,
  folder: string,
  random: Random,
  state: { readonly isOver: boolean; readonly wrong: string[] },
  counts: Counts,
): Promise<void> {
  // As a client on the same machine has it, and as one elsewhere.
  const reader = machines.client(ATTRIBUTES, { isLocal: random.chance(0.5) });
  const files = new Map<string, Uint8Array>();
  for (let number = 0; !state.isOver; number++) {
    const file = `${folder}/${number}`;
    const content = random.bytes(random.between(0, 3 * ATTRIBUTES.blockSize));
    if (await written(reader, file, content)) {
      files.set(file, content);
      counts.written += 1;
    } else {
      counts.refused += 1;
    }
    const old = random.pick([...files.keys(), file]);
    const expected = files.get(old);
    if (!expected) continue;
    const problem = await differs(reader, old, expected);
    if (problem === undefined) counts.read += 1;
    else state.wrong.push(problem);
    if (files.size > 20) {
      await reader.delete(old);
      files.delete(old);
      counts.deleted += 1;
    }
  }
  for (const [file, content] of files) {
    const problem = await differs(reader, file, content);
    if (problem === undefined) counts.read += 1;
    else state.wrong.push(`at the end ${problem}`);
  }
}

async function written(fs: StoreFileSystem, file: string, content: Uint8Array): Promise<boolean> {
  try {
    await fs.create(file, content);
    return true;
  } catch (problem) {
    if (!(problem instanceof StoreError)) throw problem;
    return false;
  }
}

/** What is wrong with a file, if anything. */
export async function differs(fs: StoreFileSystem, file: string, expected: Uint8Array): Promise<string | undefined> {
  try {
    const open = await fs.open(file);
    const found = await open.read(0, open.length);
    await open.close();
    return Buffer.compare(found, expected) === 0 ? undefined : `${file} has other bytes`;
  } catch (problem) {
    if (!(problem instanceof StoreError)) throw problem;
    return `${file} cannot be read: ${problem.message}`;
  }
}
