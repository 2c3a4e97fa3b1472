/** Ends a datanode for good, its folder with it, and takes the time until every block has its replicas again. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FsckReport } from '../../src/filestore/namenode/administration.ts';
import { Random } from '../simulation/random.ts';
import { Machines, until } from './machines.ts';

const GIGABYTES = Number(process.env['GIGABYTES'] ?? 1);
const BLOCK_BYTES = 16 * 1024 * 1024;
/** Of blocks that the lost one held. */
const RESTORED_WITHIN_MS = 60_000;
const NODES = ['one', 'two', 'three'];

/** Whether it is done within the minute. */
export async function lostDatanode(): Promise<boolean> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tutti-faults-'));
  const machines = await Machines.in(folder);
  try {
    machines.coordinator();
    const workers = NODES.map((name) => machines.worker(name));
    await machines.inService(NODES.length);
    // On all three at first, so that the lost one held so many bytes.
    const fs = machines.client({ replication: NODES.length, blockSize: BLOCK_BYTES });
    const piece = new Random(1).bytes(BLOCK_BYTES);
    const files = Math.ceil((GIGABYTES * 1e9) / BLOCK_BYTES);
    for (let i = 0; i < files; i++) await fs.create(`/f${i}`, piece);
    machines.worker('four');
    await machines.inService(NODES.length + 1);
    await workers[0]!.stop('SIGKILL');
    await rm(machines.dataOf(NODES[0]!), { recursive: true });
    const start = Date.now();
    await until('the loss is noticed', RESTORED_WITHIN_MS, async () => (await problemsOf(machines)) > 0);
    const noticedMs = Date.now() - start;
    await until(
      'every block has its replicas',
      10 * RESTORED_WITHIN_MS,
      async () => (await problemsOf(machines)) === 0,
    );
    const tookMs = Date.now() - start;
    console.log(
      `a datanode with ${GIGABYTES} GB lost: noticed after ${seconds(noticedMs)} s, all replicas back after ${seconds(tookMs)} s (goal 60)`,
    );
    return tookMs <= RESTORED_WITHIN_MS;
  } finally {
    await machines.stop();
    await rm(folder, { recursive: true });
  }
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1);

async function problemsOf(machines: Machines): Promise<number> {
  const { problems } = await machines.client().client.read<FsckReport>('fsck', { path: '/' });
  return problems.length;
}
