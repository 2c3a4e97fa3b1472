/**
 * Makes each sync of a datanode's disk fail in turn. A block that is not synced does not count: the others in the pipeline have it, the
 * failing disk is out of service until its datanode starts again, and its blocks are copied elsewhere.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FsckReport } from '../../src/filestore/namenode/administration.ts';
import { Random } from '../simulation/random.ts';
import { differs } from './datanode-kills.ts';
import { faultAt, Machines, until } from './machines.ts';

const CALLS = ['fdatasync', 'fsync'] as const;
const FILES = 4;
const NODES = ['one', 'two', 'three'];

/** Whether everything held. */
export async function failingSyncs(): Promise<boolean> {
  let sound = true;
  for (const call of CALLS) {
    const wrong: string[] = [];
    let turn = 1;
    for (let struck = true; struck; turn++) struck = await oneCall(call, turn, wrong);
    console.log(`datanode: ${call.padEnd(9)} error=EIO      ${turn - 2} calls`);
    for (const what of wrong) console.log(`  ${what}`);
    sound &&= wrong.length === 0 && turn > 2;
  }
  return sound;
}

/** Whether there were so many calls. */
async function oneCall(call: string, turn: number, wrong: string[]): Promise<boolean> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tutti-faults-'));
  const machines = await Machines.in(folder);
  try {
    machines.coordinator();
    const [failing] = NODES.map((name, i) => machines.worker(name, i === 0 ? faultAt(call, 'error=EIO', turn) : []));
    const isStruck = (): boolean => /out of service|EIO/.test(failing!.said);
    // The failing one may not come into service at all.
    await machines.inService(NODES.length, isStruck);
    const fs = machines.client({ replication: 2, blockSize: 100_000 });
    const random = new Random(turn);
    for (let i = 0; i < FILES; i++) {
      const content = random.bytes(150_000);
      await fs.create(`/f${i}`, content);
      const problem = await differs(fs, `/f${i}`, content);
      if (problem !== undefined) wrong.push(`call ${turn}: ${problem}`);
    }
    await until('every block has its replicas', 60_000, async () => {
      const { problems } = await fs.client.read<FsckReport>('fsck', { path: '/' });
      return problems.length === 0;
    });
    return isStruck();
  } finally {
    await machines.stop();
    await rm(folder, { recursive: true });
  }
}
