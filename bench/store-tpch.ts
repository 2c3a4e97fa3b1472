/**
 * TPC-H's 22 queries over the same Parquet files in a local folder and in the cluster's own file store, in turn, on one server in one
 * run. All blocks have a replica on the machine: what is measured is what it costs to find and open them. Derived from TPC-H; no TPC
 * result.
 */

import { randomUUID } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { hostId } from '../src/cluster/host-id.ts';
import { systemClock } from '../src/common/clock.ts';
import { HttpNetwork } from '../src/filestore/http-network.ts';
import { StoreFileSystem } from '../src/filestore/store-file-system.ts';
import { exportTpch } from '../src/server/tpch-command.ts';
import { startServer } from '../test/support/server.ts';
import type { TestServer } from '../test/support/server.ts';
import { benchClient, geometricMean, median, provenance, readAll } from './support.ts';

export type StoreTpchOptions = {
  readonly scale: string;
  readonly runs: number;
  /** Kept between runs: generated rows, and the exported files. */
  readonly data: string;
  readonly only?: string;
};

const MEMORY_BYTES = 4 * 2 ** 30;
const PLACES = ['file', 'tutti'] as const;
const queryFolder = path.resolve(import.meta.dirname, '../test/tpch/queries');

export async function benchStoreTpch({ scale, runs, data, only }: StoreTpchOptions): Promise<void> {
  const files = path.join(data, `tpch-${scale}`);
  if (!existsSync(files)) await exportTo(files, data, scale);
  const folder = await mkdtemp(path.join(tmpdir(), 'tutti-bench-store-'));
  const catalogs = path.join(folder, 'catalog');
  await mkdir(catalogs);
  for (const [name, root] of [
    ['file', files],
    ['tutti', 'tutti:///tpch'],
  ] as const) {
    const catalog = { connector: 'files', roots: [root], schemas: { tpch: { folder: root } } };
    await writeFile(path.join(catalogs, `${name}.json`), JSON.stringify(catalog));
  }
  const server = await startServer({
    workers: 1,
    dataDirectory: path.join(folder, 'data'),
    arguments: ['--threads', '2', '--memory', '4GB', '--catalogs', catalogs],
  });
  try {
    await copy(files, server);
    await compare(server, runs, scale, only);
  } finally {
    await server.stop();
    await rm(folder, { recursive: true });
  }
}

/** Under its name when it is whole. */
async function exportTo(files: string, data: string, scale: string): Promise<void> {
  const temporary = `${files}.new`;
  await rm(temporary, { recursive: true, force: true });
  await exportTpch({
    scaleFactor: Number(scale),
    directory: temporary,
    dataDirectory: data,
    threads: availableParallelism(),
    memoryBytes: MEMORY_BYTES,
    onFile: () => undefined,
  });
  await rename(temporary, files);
}

/** Each file as one block, as its path below the folder. */
async function copy(files: string, server: TestServer): Promise<void> {
  const network = new HttpNetwork(readFileSync(path.join(server.dataDirectory, 'secret'), 'utf8').trim(), systemClock);
  const fs = new StoreFileSystem({
    network,
    clock: systemClock,
    namenode: server.url,
    caller: { user: 'bench', groups: [], superuser: true },
    client: `bench-${randomUUID()}`,
    host: hostId(),
    attributes: { replication: 1, blockSize: 2 ** 30 },
  });
  for (const name of readdirSync(files, { recursive: true, encoding: 'utf8' })) {
    if (name.endsWith('.parquet')) await fs.create(`/tpch/${name}`, createReadStream(path.join(files, name)));
  }
  network.close();
}

async function compare(server: TestServer, runs: number, scale: string, only: string | undefined): Promise<void> {
  const names = readdirSync(queryFolder).filter(
    (name) => name.endsWith('.sql') && (!only || only.split(',').includes(name.slice(0, 3))),
  );
  const clients = PLACES.map((catalog) =>
    benchClient(server.url, { catalog, schema: 'tpch', properties: new Map<string, string>() }),
  );
  console.log(`TPC-H's queries at scale ${scale}: median of ${runs} runs in ms`);
  console.log(provenance());
  console.log(`\n${'query'.padEnd(8)}${[...PLACES, 'ratio'].map((title) => title.padStart(10)).join('')}`);
  const medians: number[][] = [];
  for (const name of names.toSorted()) {
    const sql = readFileSync(path.join(queryFolder, name), 'utf8').replace(/;\s*$/, '');
    const walls: number[][] = PLACES.map(() => []);
    for (let run = 0; run <= runs; run++) {
      // Neither always after the other.
      for (const place of run % 2 === 0 ? [0, 1] : [1, 0]) {
        const before = performance.now();
        await readAll(clients[place]!, sql);
        if (run > 0) walls[place]!.push(performance.now() - before);
      }
    }
    const [file, tutti] = walls.map(median) as [number, number];
    medians.push([file, tutti]);
    console.log(
      `${name.slice(0, 3).padEnd(8)}${[file.toFixed(1), tutti.toFixed(1), (tutti / file).toFixed(3)].map((text) => text.padStart(10)).join('')}`,
    );
  }
  const sum = (place: number): number => medians.reduce((total, each) => total + each[place]!, 0);
  const ratio = geometricMean(medians.map(([file, tutti]) => tutti! / file!));
  console.log(`\nall      ${sum(0).toFixed(0)} and ${sum(1).toFixed(0)} ms: ${(sum(1) / sum(0)).toFixed(3)} ×`);
  console.log(`geomean  ${ratio.toFixed(3)} × (goal: at most 1.05)`);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  const remote = /tutti_scanned_bytes_total\{from="remote"\} (\d+)/.exec(metrics)?.[1] ?? 'unknown';
  console.log(`bytes that were not read in place: ${remote}`);
}
