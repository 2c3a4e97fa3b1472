/** A large file into the store and out of it, against `cp` and `sync` on the same disk in the same run. */

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { hostId } from '../src/cluster/host-id.ts';
import { systemClock } from '../src/common/clock.ts';
import { crc32c } from '../src/common/crc32c.ts';
import { localDisk } from '../src/common/disk.ts';
import { HttpNetwork } from '../src/filestore/http-network.ts';
import { filePieces } from '../src/filestore/lent-buffers.ts';
import type { Bytes } from '../src/filestore/network.ts';
import { saveFile } from '../src/filestore/save-file.ts';
import { StoreFileSystem } from '../src/filestore/store-file-system.ts';
import { startServer } from '../test/support/server.ts';
import { median, provenance } from './support.ts';

const RUNS = 3;
const PIECE_BYTES = 1024 * 1024;
const GB = 1e9;

export async function benchFilestore(gigabytes: number): Promise<void> {
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
    disk: localDisk,
    attributes: { replication: 1 },
  });
  try {
    const [source, copy, back] = ['source', 'copy', 'back'].map((name) => path.join(folder, name)) as [
      string,
      string,
      string,
    ];
    const bytes = await writeRandom(source, gigabytes * GB);
    const seconds: Record<string, number[]> = { 'cp and sync': [], put: [], get: [], crc32c: [] };
    const measure = async (what: string, work: () => unknown): Promise<void> => {
      await warmMemory(source, path.join(folder, 'warm'));
      seconds[what]!.push(await timed(work));
    };
    for (let run = 0; run < RUNS; run++) {
      await measure('cp and sync', () => copyAndSync(source, copy));
      await rm(copy);
      await measure('put', () => put(fs, source, '/f'));
      await measure('get', () => get(fs, '/f', back));
      await rm(back);
      await measure('crc32c', () => checksum(bytes));
      await fs.delete('/f');
    }
    const base = median(seconds['cp and sync']!);
    for (const [what, all] of Object.entries(seconds)) {
      const middle = median(all);
      const speed = `${(bytes / middle / 1e6).toFixed(0)} MB/s`;
      console.log(
        `${what.padEnd(12)} ${middle.toFixed(2).padStart(6)} s  ${speed.padStart(10)}  ${(base / middle).toFixed(2)} x cp`,
      );
    }
  } finally {
    network.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/**
 * Memory that a virtual machine has given back to its host costs more at its first touch than the copying: every measurement finds as
 * much of it in use a moment ago, which nobody has now.
 */
async function warmMemory(source: string, scratch: string): Promise<void> {
  copyAndSync(source, scratch);
  await rm(scratch);
}

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
  await saveFile(localDisk, to, file.stream(0, file.length, { lent: true }));
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
