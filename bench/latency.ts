/** How long the smallest things take: `SELECT 1` through a worker, the start of a server, an idle coordinator's memory. */

import { Bench } from 'tinybench';
import { startServer } from '../test/support/server.ts';
import { runStatement } from '../test/support/trino.ts';
import { benchClient, memoryOf, percentile, provenance, readAll } from './support.ts';

const STATEMENTS = 1_000;
/** Rounds of as many: the runtime compiles what runs often, so the first thousand take longer than the next. */
const ROUNDS = 3;
const WARM_UP = 50;
/** Pauses after which memory is read. */
const IDLE_SECONDS = [5, 25];
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
    // Nothing was asked of it. Its planner has warmed up first, and then the runtime has given back what that took.
    for (const seconds of IDLE_SECONDS) {
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      const megabytes = (memoryOf(server.process.pid!, 'VmRSS') * 1024) / 1e6;
      console.log(`coordinator's memory, ${String(seconds).padStart(2)} s later   ${megabytes.toFixed(0)} MB`);
    }
    const client = benchClient(server.url);
    for (let round = 1; round <= ROUNDS; round++) {
      const bench = new Bench({ iterations: STATEMENTS, time: 0, warmupIterations: WARM_UP, warmupTime: 0 });
      bench.add('SELECT 1', () => readAll(client, 'SELECT 1'));
      const [task] = await bench.run();
      const result = task?.result;
      if (result?.state !== 'completed') throw new Error('SELECT 1 failed while it was measured');
      const { p50, p75, p99 } = result.latency;
      console.log(
        `SELECT 1 over HTTP, thousand ${round}   p50 ${p50.toFixed(2)} ms, p75 ${p75.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`,
      );
    }
  } finally {
    await server.stop();
  }
}
