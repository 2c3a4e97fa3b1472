/** Small calls from another process: files created and completed, every step durable, and what else is asked of a namenode. */

import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { systemClock } from '../src/common/clock.ts';
import { HttpNetwork } from '../src/filestore/http-network.ts';
import { StoreClient } from '../src/filestore/store-client.ts';
import { startServer } from '../test/support/server.ts';
import { syncTimes } from './journal.ts';
import { percentile } from './support.ts';

const CLIENTS = 64;
const PAIRS = 50_000;
/** So that what runs often is compiled. */
const WARM_UP = 10_000;

export async function benchCreates(): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tutti-bench-'));
  const server = await startServer({ workers: 1, dataDirectory: path.join(folder, 'data') });
  const network = new HttpNetwork(readFileSync(path.join(folder, 'data', 'secret'), 'utf8').trim(), systemClock);
  const clients = Array.from(
    { length: CLIENTS },
    (_, i) =>
      new StoreClient({
        network,
        clock: systemClock,
        namenode: server.url,
        caller: { user: 'bench', groups: [], superuser: true },
        client: `bench-${i}`,
      }),
  );
  console.log(`${CLIENTS} clients in one process, the server with its namenode in another:`);
  try {
    await clients[0]!.change('mkdirs', { path: '/bench', mode: 0o755 });
    const sync = path.join(folder, 'page');
    await measure(clients, WARM_UP, createPair);
    console.log(`  fdatasync of a page              ${await syncTimes(sync)}`);
    console.log(`  created and completed            ${await measure(clients, PAIRS, createPair)} (goal 10,000)`);
    console.log(`  fdatasync of a page              ${await syncTimes(sync)}`);
    console.log(`  stat                             ${await measure(clients, PAIRS, stat)}`);
  } finally {
    network.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** As a file without bytes is written: under a hidden name, which it gives up for its own when it is complete. */
async function createPair(client: StoreClient): Promise<void> {
  const name = client.unique();
  const create = { path: `/bench/.tutti-${name}`, mode: 0o644, replication: 3, blockSize: 128 * 2 ** 20 };
  const { result } = await client.change<{ result: { file: number } }>('create', create);
  const publish = { file: result.file, path: `/bench/${name}`, overwrite: false };
  const { published } = await client.change<{ published: boolean }>('publish', publish);
  if (!published) throw new Error(`${name} was not published`);
}

const stat = (client: StoreClient): Promise<object> => client.read('stat', { path: '/bench' });

/** Each client asks for the next when it has its answer. */
async function measure(
  clients: readonly StoreClient[],
  count: number,
  work: (client: StoreClient) => Promise<unknown>,
): Promise<string> {
  const times: number[] = [];
  let left = count;
  const run = async (client: StoreClient): Promise<void> => {
    while (left-- > 0) {
      const start = performance.now();
      await work(client);
      times.push(performance.now() - start);
    }
  };
  const start = performance.now();
  await Promise.all(clients.map(run));
  const perSecond = Math.round((count / (performance.now() - start)) * 1000).toLocaleString('en');
  return `${perSecond}/s, each p50 ${percentile(times, 0.5).toFixed(2)} ms, p99 ${percentile(times, 0.99).toFixed(2)} ms`;
}
