/** How long the smallest things take: `SELECT 1` through a worker, the start of a server, an idle coordinator's memory. */

import { startServer } from '../test/support/server.ts';
import { runStatement } from '../test/support/trino.ts';
import { memoryOf, percentile, provenance } from './support.ts';

const STATEMENTS = 1_000;
const STARTS = 5;

export async function benchLatency(): Promise<void> {
  console.log(provenance());
  const starts: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const before = performance.now();
    const server = await startServer({ workers: 1 });
    await runStatement(server.url, 'SELECT 1');
    starts.push(performance.now() - before);
    await server.stop();
  }
  console.log(
    `from start to the first answer   p50 ${percentile(starts, 0.5).toFixed(0)} ms, worst ${Math.max(...starts).toFixed(0)} ms`,
  );

  const server = await startServer({ workers: 1 });
  try {
    // An idle coordinator: nothing was asked of it yet, and its start has settled.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    console.log(`coordinator's memory when idle   ${(memoryOf(server.process.pid!, 'VmRSS') / 1024).toFixed(0)} MiB`);
    for (let i = 0; i < 50; i++) await runStatement(server.url, 'SELECT 1');
    const times: number[] = [];
    for (let i = 0; i < STATEMENTS; i++) {
      const before = performance.now();
      await runStatement(server.url, 'SELECT 1');
      times.push(performance.now() - before);
    }
    const at = (p: number): string => `${percentile(times, p).toFixed(2)} ms`;
    console.log(`SELECT 1 over HTTP               p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}`);
  } finally {
    await server.stop();
  }
}
