/**
 * A large file into the store and out of it, against `cp` and `sync` on the same disk in the same run. Each finds the same: memory that is in
 * the guest (`held-memory.ts`), the source in the system's cache, nothing left to write.
 */

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { hostId } from '../src/cluster/host-id.ts';
import { systemClock } from '../src/common/clock.ts';
import { crc32c } from '../src/common/crc32c.ts';
import { blockingDisk, localDisk } from '../src/common/disk.ts';
import { HttpNetwork } from '../src/filestore/http-network.ts';
import { filePieces } from '../src/filestore/lent-buffers.ts';
import type { Bytes } from '../src/filestore/network.ts';
import { saveFile } from '../src/filestore/save-file.ts';
import { StoreFileSystem } from '../src/filestore/store-file-system.ts';
import { startServer } from '../test/support/server.ts';
import { holdMemory } from './held-memory.ts';
import type { HeldMemory } from './held-memory.ts';
import { median, provenance, systemSecondsOf } from './support.ts';

/** The first one, in which code is compiled and files are new, does not count. */
const ROUNDS = 5;
const PIECE_BYTES = 1024 * 1024;
const GB = 1e9;
/** What is held at least beside the bytes of a copy: not all of it comes in pieces that fit. */
const HELD_SPARE_BYTES = 2 * GB;

export type FilestoreBench = {
  readonly gigabytes: number;
  /** Memory as the system happens to have it, instead of some that is in the guest for certain. */
  readonly asFound: boolean;
};

type Sample = { readonly seconds: number; readonly systemSeconds: number };
type Contestant = {
  readonly name: string;
  readonly run: () => unknown;
  /** What it made is gone, before the next one begins. */
  readonly undo: () => unknown;
};

export async function benchFilestore({ gigabytes, asFound }: FilestoreBench): Promise<void> {
  console.log(provenance());
  const folder = await mkdtemp(path.join(tmpdir(), 'tutti-bench-'));
  const server = await startServer({ workers: 1, dataDirectory: path.join(folder, 'data') });
  const network = new HttpNetwork(readFileSync(path.join(folder, 'data', 'secret'), 'utf8').trim(), systemClock);
  const fs = new StoreFileSystem({
    network,
    clock: systemClock,
    namenode: server.url,
    caller: { user: 'bench', groups: [], superuser: true },
    client: 'bench',
    host: hostId(),
    disk: blockingDisk,
    attributes: { replication: 1 },
  });
  let held: HeldMemory | undefined;
  try {
    const [source, copy, back] = ['source', 'copy', 'back'].map((name) => path.join(folder, name)) as [
      string,
      string,
      string,
    ];
    const bytes = await writeRandom(source, gigabytes * GB);
    await put(fs, source, '/stored');
    const stored = await blocksUnder(folder);
    if (!asFound) held = holdMemory(bytes + HELD_SPARE_BYTES);
    console.log(
      `${gigabytes} GB, memory ${held ? `held for the benchmark (${(held.bytes / GB).toFixed(1)} GB)` : 'as found'}`,
    );
    const contestants: readonly Contestant[] = [
      { name: 'cp and sync', run: () => copyAndSync(source, copy), undo: () => rm(copy) },
      {
        name: 'put',
        run: () => put(fs, source, '/put'),
        undo: async () => {
          await fs.delete('/put');
          while ((await blocksUnder(folder)) > stored) await sleep(100);
        },
      },
      { name: 'get', run: () => get(fs, '/stored', back), undo: () => rm(back) },
      { name: 'crc32c', run: () => checksum(bytes), undo: () => undefined },
    ];
    report(bytes, contestants, await roundsOf(contestants));
  } finally {
    held?.letGo();
    network.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Forwards and backwards in turns: nobody always comes behind the same one. */
async function roundsOf(contestants: readonly Contestant[]): Promise<readonly ReadonlyMap<string, Sample>[]> {
  const rounds: Map<string, Sample>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const samples = new Map<string, Sample>();
    for (const { name, run, undo } of round % 2 === 0 ? contestants : contestants.toReversed()) {
      const [system, start] = [systemSecondsOf(process.pid), performance.now()];
      await run();
      const seconds = (performance.now() - start) / 1000;
      samples.set(name, { seconds, systemSeconds: systemSecondsOf(process.pid) - system });
      await undo();
      execFileSync('sync');
    }
    if (round > 0) rounds.push(samples);
  }
  return rounds;
}

/** Against the first one of each round; the machine's speed changes between rounds. */
function report(
  bytes: number,
  contestants: readonly Contestant[],
  rounds: readonly ReadonlyMap<string, Sample>[],
): void {
  const base = contestants[0]!.name;
  for (const { name } of contestants) {
    const samples = rounds.map((round) => round.get(name)!);
    const ratios = rounds.map((round) => round.get(base)!.seconds / round.get(name)!.seconds);
    const seconds = median(samples.map((sample) => sample.seconds));
    const system = median(samples.map((sample) => sample.systemSeconds));
    const speed = `${(bytes / seconds / 1e6).toFixed(0)} MB/s`;
    const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
    console.log(
      `${name.padEnd(12)} ${seconds.toFixed(2).padStart(6)} s  ${speed.padStart(10)}  system ${system.toFixed(2)} s  ${median(ratios).toFixed(2)} x cp (${range})`,
    );
  }
}

/** Files of blocks that datanodes have in their folders: those of a deleted file go a moment later. */
async function blocksUnder(folder: string): Promise<number> {
  const names = await readdir(path.join(folder, 'data'), { recursive: true });
  return names.filter((name) => /blocks\/.*\/\d+_\d+$/.test(name)).length;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

function copyAndSync(from: string, to: string): void {
  execFileSync('cp', [from, to]);
  execFileSync('sync', [to]);
}

/** As `tutti fs -put` reads it. */
async function put(fs: StoreFileSystem, from: string, to: string): Promise<void> {
  const file = await localDisk.open(from, 'read');
  await fs.create(to, filePieces(file));
  await file.close();
}

/** Out of the store into a file that is as durable as the copy. */
async function get(fs: StoreFileSystem, from: string, to: string): Promise<void> {
  const file = await fs.open(from);
  await saveFile(blockingDisk, to, file.stream(0, file.length, { lent: true }));
  await file.close();
}

async function write(to: string, bytes: Bytes): Promise<number> {
  const file = await open(to, 'w');
  let written = 0;
  for await (const piece of bytes) {
    await file.write(piece);
    written += piece.length;
  }
  await file.datasync();
  await file.close();
  return written;
}

/** What no disk and no file system makes smaller. */
function writeRandom(to: string, bytes: number): Promise<number> {
  const piece = randomBytes(64 * PIECE_BYTES);
  return write(
    to,
    (async function* () {
      for (let left = bytes; left > 0; left -= piece.length) {
        piece.writeDoubleLE(left, 0);
        yield piece.subarray(0, left);
      }
    })(),
  );
}

/** The same bytes through the checksum alone. */
function checksum(bytes: number): number {
  const piece = randomBytes(PIECE_BYTES);
  let sum = 0;
  for (let left = bytes; left > 0; left -= piece.length) sum ^= crc32c(piece);
  return sum;
}
