/**
 * Disks of 8 MB that fill up: of a datanode, and under the journal. What is asked then is refused with an error that says so, what was
 * stored is read on, and once there is room again it is written on, without a restart.
 */

import { mkdir, mkdtemp, readlink, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { StoreError } from '../../src/filestore/network.ts';
import { childrenOf } from '../cluster/process-tree.ts';
import { Random } from '../simulation/random.ts';
import { differs } from './datanode-kills.ts';
import { later, Machines, type Running } from './machines.ts';

const MB = 1024 * 1024;

/** Whether everything held. */
export async function fullDisks(): Promise<boolean> {
  const datanode = await onSmallDisk('one/blocks', fullDatanode);
  const journal = await onSmallDisk('coordinator/store', fullJournal);
  return datanode && journal;
}

type Wrapper = readonly string[];

async function onSmallDisk(
  below: string,
  scenario: (machines: Machines, onDisk: Wrapper, disk: string) => Promise<readonly string[]>,
): Promise<boolean> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tutti-faults-'));
  const disk = path.join(folder, below);
  const machines = await Machines.in(folder);
  try {
    await mkdir(disk, { recursive: true });
    // Mounted for this process and its children alone, which needs no rights on the machine.
    const mount = `mount -t tmpfs -o size=8m tmpfs '${disk}' && exec "$@"`;
    const wrong = await scenario(
      machines,
      ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', mount, 'sh'],
      disk,
    );
    for (const what of wrong) console.log(`  ${what}`);
    return wrong.length === 0;
  } finally {
    await machines.stop();
    await rm(folder, { recursive: true });
  }
}

async function fullDatanode(machines: Machines, onDisk: Wrapper): Promise<readonly string[]> {
  machines.coordinator();
  machines.worker('one', onDisk);
  await machines.inService(1);
  const wrong: string[] = [];
  const fs = machines.client({ replication: 1, blockSize: MB });
  const random = new Random(1);
  const files = new Map<string, Uint8Array>();
  const fill = async (): Promise<string> => {
    for (let i = 0; i < 100; i++) {
      const content = random.bytes(MB);
      const refused = await refusalOf(() => fs.create(`/f${i}`, content, { overwrite: true }));
      if (refused !== undefined) return refused;
      files.set(`/f${i}`, content);
    }
    return 'nothing';
  };
  const first = await fill();
  const stored = files.size;
  if (!/No datanode has room|no room|space/i.test(first))
    wrong.push(`the datanode was full, and this was said: ${first}`);
  for (const [file, content] of files) {
    const problem = await differs(fs, file, content);
    if (problem !== undefined) wrong.push(problem);
  }
  for (const file of files.keys()) await fs.delete(file);
  files.clear();
  // Room comes back once the datanode has heard that its blocks are nobody's any more.
  await later(5000);
  const second = await fill();
  if (files.size < stored) wrong.push(`${files.size} files fit after all ${stored} were deleted: ${second}`);
  console.log(`full disk of a datanode: ${stored} files of 1 MB fit on 8 MB, then: ${first}`);
  return wrong;
}

async function fullJournal(machines: Machines, onDisk: Wrapper, disk: string): Promise<readonly string[]> {
  const coordinator = machines.coordinator(onDisk);
  await coordinator.says(/ready at/);
  const wrong: string[] = [];
  const fs = machines.client();
  await fs.mkdirs('/before');
  const filler = path.join(await insideOf(coordinator), disk, 'filler');
  const { bavail, bsize } = await statfs(path.dirname(filler));
  await writeFile(filler, Buffer.alloc(bavail * bsize));
  let made = 0;
  let refused: string | undefined;
  for (; made < 200_000 && refused === undefined; made++) refused = await refusalOf(() => fs.mkdirs(`/folder-${made}`));
  if (!/space|full/i.test(refused ?? '')) wrong.push(`the journal's disk was full, and this was said: ${refused}`);
  if ((await fs.stat('/before')) === undefined) wrong.push('what was there before is not read');
  if (coordinator.isOver) wrong.push(`the coordinator ended: ${coordinator.said}`);
  await rm(filler);
  const after = await refusalOf(() => fs.mkdirs('/after'));
  if (after !== undefined) wrong.push(`there is room again, and this is said: ${after}`);
  console.log(`full disk under the journal: ${made - 1} more changes fit, then: ${refused}`);
  return wrong;
}

/** The file tree as a process in a namespace of its own sees it. */
async function insideOf({ process: { pid } }: Running): Promise<string> {
  const own = await readlink('/proc/self/ns/mnt');
  for (const candidate of [pid!, ...childrenOf(pid!)]) {
    if ((await readlink(`/proc/${candidate}/ns/mnt`)) !== own) return `/proc/${candidate}/root`;
  }
  throw new Error('the coordinator has no file tree of its own');
}

async function refusalOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (problem) {
    if (problem instanceof StoreError) return `${problem.name}: ${problem.message}`;
    throw problem;
  }
}
