/**
 * A real cluster whose workers hang, whose memory ends, whose clients leave, whose processes are ended: right rows, or a typed
 * error, and nothing left behind. For kills in the middle of queries see kills.test.ts.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer } from '../support/server.ts';
import { runStatement } from '../support/trino.ts';
import { CAN_SEE_PROCESSES, descendantsOf, isAlive } from './process-tree.ts';
import { eventually, startWatchedServer, type WatchedServer } from './watched-server.ts';

const FORCED = { 'x-trino-session': 'distribution=FORCED' };

/** Two shuffles, an aggregation in two steps, an ordered end. */
const SHUFFLING = `
  SELECT o.orderpriority, count(*), sum(l.quantity), count(DISTINCT l.partkey)
  FROM tpch.tiny.lineitem l JOIN tpch.tiny.orders o ON l.orderkey = o.orderkey
  GROUP BY 1 ORDER BY 1`;

let server: WatchedServer;

const answer = async (sql: string): Promise<string> =>
  JSON.stringify((await runStatement(server.url, sql, FORCED)).rows);

const CLI = path.resolve(import.meta.dirname, '../../dist/cli.js');
const VISITORS = "SELECT count(*) FROM system.runtime.nodes WHERE node_id = 'visitor'";

const USER = { 'x-trino-user': 'test' };
type Page = {
  readonly id: string;
  readonly nextUri?: string;
  readonly data?: unknown;
  readonly error?: { readonly errorName: string };
};

async function send(method: string, url: string, body?: string): Promise<Page> {
  const response = await fetch(url, { method, headers: USER, ...(body !== undefined && { body }) });
  return (await response.json()) as Page;
}

/** The first pages of a statement. */
async function begin(sql: string, pages: number): Promise<Page> {
  let page = await send('POST', `${server.url}/v1/statement`, sql);
  for (let read = 0; read < pages;) {
    page = await send('GET', page.nextUri!);
    if (page.data) read += 1;
    expect(page.error).toBeUndefined();
  }
  return page;
}

describe.runIf(CAN_SEE_PROCESSES)('under fire', () => {
  beforeAll(async () => {
    server = await startWatchedServer(3);
  });
  afterAll(() => server.stop());

  test('a worker that hangs is missed, its work done elsewhere; awake again it is one of the cluster', async () => {
    const right = await answer(SHUFFLING);
    await server.whole();
    const victim = server.workers()[1]!;
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
    await eventually('no files are left', () => server.queryFiles().length === 0);
  });

  /** About 100 MB of rows: far more than what is copied before the first page. */
  const LARGE = `SELECT m * 10000 + n, 'a text that makes this row a little longer than it need be'
    FROM UNNEST(sequence(1, 120)) a(m) CROSS JOIN UNNEST(sequence(1, 10000)) b(n)`;

  test('a large result whose rows are lost after its delivery began fails, and is not begun again', async () => {
    await server.whole();
    let page = await begin(LARGE, 2);
    for (const worker of server.workers()) process.kill(worker, 'SIGKILL');
    while (page.nextUri !== undefined) page = await send('GET', page.nextUri);
    expect(page.error).toMatchObject({ errorName: 'REMOTE_TASK_ERROR' });
    await server.whole();
    await eventually('no files are left', () => server.queryFiles().length === 0);
  });

  test('what a worker left that is killed for good is removed, and nothing of the living', async () => {
    const arguments_ = ['worker', '--coordinator', server.url, '--data', server.dataDirectory, '--node-id', 'visitor'];
    const visitor = spawn(process.execPath, [CLI, ...arguments_, '--threads', '1'], { stdio: 'ignore' });
    const ended = new Promise((resolve) => visitor.once('exit', resolve));
    const page = await begin(LARGE, 1);
    const folders = (): readonly string[] => readdirSync(path.join(server.dataDirectory, 'exchange')).sort();
    await eventually('the visitor has its folder', () => folders().includes('visitor'));
    mkdirSync(path.join(server.dataDirectory, 'exchange', 'visitor', 'query'));
    // Known to the coordinator, so that it can be missed.
    for (let tries = 0; (await answer(VISITORS)) !== '[[1]]'; tries++) {
      expect(tries, 'it joins').toBeLessThan(100);
      await sleep(50);
    }
    // Those of the questions about the visitor go a moment after their answers.
    const files = (): readonly string[] => server.queryFiles().filter((file) => file.includes(page.id));
    const before = files();
    expect(before.length).toBeGreaterThan(0);
    visitor.kill('SIGKILL');
    await ended;
    await eventually('its folder is removed', () => !folders().some((name) => /visitor|abandoned/.test(name)));
    expect(folders()).toEqual(['worker-1', 'worker-2', 'worker-3']);
    expect(files()).toEqual(before);
    await fetch(page.nextUri!, { method: 'DELETE', headers: USER });
  });

  test('a large result that its client cancels is removed', async () => {
    const page = await begin(LARGE, 1);
    expect(server.queryFiles().length).toBeGreaterThan(0);
    await fetch(page.nextUri!, { method: 'DELETE', headers: USER });
    const begun = performance.now();
    await eventually('no files are left', () => server.queryFiles().length === 0);
    expect(performance.now() - begun).toBeLessThan(2000);
  });

  test('a query that runs too long ends, and what ran of it', async () => {
    const long =
      'SELECT count(*) FROM tpch.tiny.lineitem a CROSS JOIN tpch.tiny.lineitem b WHERE a.comment < b.comment';
    const limited = { ...USER, 'x-trino-session': 'query_max_run_time_s=1' };
    await expect(runStatement(server.url, long, limited)).rejects.toMatchObject({ code: 'EXCEEDED_TIME_LIMIT' });
    const running = 'SELECT count(*) FROM system.runtime.nodes WHERE running_tasks > 0';
    for (let tries = 0; (await answer(running)) !== '[[0]]'; tries++) {
      // This very query may be seen running on a worker that announced itself in time.
      expect(tries, 'nothing runs any more').toBeLessThan(20);
      await sleep(300);
    }
  });

  test('a query that needs more memory than there is fails alone', async () => {
    const small = await startServer({ workers: 1, arguments: ['--threads', '1', '--memory', '400MB'] });
    try {
      const bomb = `SELECT max(cardinality(x)) FROM (
        SELECT array_agg(CAST(m AS varchar) || 'some text' || CAST(n AS varchar)) x
        FROM UNNEST(sequence(1, 3000)) a(m) CROSS JOIN UNNEST(sequence(1, 10000)) b(n))`;
      const failed = runStatement(small.url, bomb);
      const others = Promise.all(Array.from({ length: 5 }, () => runStatement(small.url, 'SELECT 1')));
      await expect(failed).rejects.toMatchObject({ code: 'EXCEEDED_LOCAL_MEMORY_LIMIT' });
      expect((await others).map(({ rows }) => rows)).toEqual(Array.from({ length: 5 }, () => [[1]]));
      expect((await runStatement(small.url, 'SELECT 2')).rows).toEqual([[2]]);
    } finally {
      await small.stop();
    }
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
