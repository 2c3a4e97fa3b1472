/**
 * A real cluster whose workers and kernels are killed or stopped in the middle of queries: right rows, or a typed error,
 * and nothing left behind. RUNS and SEED repeat more of it, or a failing one.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../coordinator/random.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { runStatement } from '../support/trino.ts';
import { CAN_SEE_PROCESSES, childrenOf, descendantsOf, isAlive } from './process-tree.ts';

const SEED = Number(process.env['SEED'] ?? 20_261_121);
const RUNS = Number(process.env['RUNS'] ?? 6);
const FORCED = { 'x-trino-session': 'distribution=FORCED' };

/** Two shuffles, an aggregation in two steps, an ordered end. */
const SHUFFLING = `
  SELECT o.orderpriority, count(*), sum(l.quantity), count(DISTINCT l.partkey)
  FROM tpch.tiny.lineitem l JOIN tpch.tiny.orders o ON l.orderkey = o.orderkey
  GROUP BY 1 ORDER BY 1`;

/** Which rows the LIMIT takes is open; that each of them is joined once is not. */
const LIMITED = `
  SELECT count(*), count(DISTINCT l.orderkey * 10 + l.linenumber)
  FROM (SELECT orderkey, linenumber FROM tpch.tiny.lineitem LIMIT 20000) l
  JOIN tpch.tiny.orders o ON l.orderkey = o.orderkey`;

let server: TestServer;
let serverPid: number;

const answer = async (sql: string): Promise<string> =>
  JSON.stringify((await runStatement(server.url, sql, FORCED)).rows);

/** Files of tasks under a folder that others write and remove meanwhile. */
function filesUnder(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const full = path.join(folder, entry.name);
      return entry.isDirectory() ? filesUnder(full) : [full];
    });
  } catch (problem) {
    if (problem instanceof Error && 'code' in problem && problem.code === 'ENOENT') return [];
    throw problem;
  }
}

const exchangeFiles = (): readonly string[] => filesUnder(path.join(server.dataDirectory, 'exchange'));

/** Waits for what should soon be so. */
async function eventually(what: string, isSo: () => boolean): Promise<void> {
  for (let waited = 0; !isSo(); waited += 50) {
    if (waited > 15_000) throw new Error(`still not so: ${what}`);
    await sleep(50);
  }
}

const workers = (): readonly number[] => childrenOf(serverPid);
const kernels = (): readonly number[] => workers().flatMap(childrenOf);

describe.runIf(CAN_SEE_PROCESSES)('under fire', () => {
  beforeAll(async () => {
    server = await startServer({ workers: 3, arguments: ['--threads', '1'] });
    serverPid = server.process.pid!;
    await eventually('three workers joined', () => kernels().length === 3);
  });
  afterAll(() => server.stop());

  test.each([
    ['a worker', 'a shuffling query', SHUFFLING],
    ['a kernel', 'a shuffling query', SHUFFLING],
    ['a worker', 'a LIMIT that feeds a join', LIMITED],
    ['a kernel', 'a LIMIT that feeds a join', LIMITED],
  ])('%s is killed during %s', { timeout: 60_000 + RUNS * 20_000 }, async (victim, _query, sql) => {
    const random = new Random(SEED);
    const right = await answer(sql);
    const begun = performance.now();
    await answer(sql);
    const duration = performance.now() - begun;
    for (let run = 0; run < RUNS; run++) {
      await eventually('three kernels are there', () => kernels().length === 3);
      const running = answer(sql);
      const [delay, chosen] = [random.next() * duration, random.next()];
      await sleep(delay);
      const candidates = victim === 'a worker' ? workers() : kernels();
      process.kill(candidates[Math.floor(chosen * candidates.length)]!, 'SIGKILL');
      expect(await running, `seed ${SEED}, run ${run}, after ${delay.toFixed(0)} ms`).toBe(right);
    }
    await eventually('no exchange files are left', () => exchangeFiles().length === 0);
  });

  test('a worker that hangs is missed, its work done elsewhere; awake again it is one of the cluster', async () => {
    const right = await answer(SHUFFLING);
    await eventually('three kernels are there', () => kernels().length === 3);
    const victim = workers()[1]!;
    process.kill(victim, 'SIGSTOP');
    const begun = performance.now();
    try {
      expect(await answer(SHUFFLING)).toBe(right);
      expect(performance.now() - begun).toBeLessThan(15_000);
    } finally {
      process.kill(victim, 'SIGCONT');
    }
    const active = (): Promise<string> => answer('SELECT count(*) FROM system.runtime.nodes WHERE NOT coordinator');
    for (let tries = 0; (await active()) !== '[[3]]'; tries++) {
      expect(tries, 'it comes back').toBeLessThan(100);
      await sleep(50);
    }
    expect(await answer(SHUFFLING)).toBe(right);
    await eventually('no exchange files are left', () => exchangeFiles().length === 0);
  });

  test('a server that is told to end takes everything with it', async () => {
    const own = await startServer({ workers: 2 });
    const tree = descendantsOf(own.process.pid!);
    expect(tree.length).toBeGreaterThanOrEqual(2);
    await own.stop();
    await eventually('all processes ended', () => !tree.some(isAlive));
  });

  test('a server that is killed takes everything with it', async () => {
    const own = await startServer({ workers: 2 });
    const tree = descendantsOf(own.process.pid!);
    expect(tree.length).toBeGreaterThanOrEqual(2);
    own.process.kill('SIGKILL');
    await eventually('all processes ended', () => !tree.some(isAlive));
    await own.stop();
  });
});
