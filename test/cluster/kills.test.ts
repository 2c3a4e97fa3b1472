/**
 * Kills of workers and kernels at every stage of shuffling queries on a real cluster: right rows, or REMOTE_TASK_ERROR once
 * part of a large result was delivered, and nothing left behind. Each run waits until its stage runs, and a while that the
 * seed gives, and strikes the worker of one of the stage's running tasks, or its kernel. A run that came too late is made
 * again. RUNS and SEED repeat more of it, or a failing one.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../coordinator/random.ts';
import { CAN_SEE_PROCESSES, childrenOf, isAlive } from './process-tree.ts';
import { eventually, startWatchedServer, type WatchedServer } from './watched-server.ts';

const SEED = Number(process.env['SEED'] ?? 20_261_121);
/** Of each kind; without it as many as each kind needs to say something. */
const RUNS = process.env['RUNS'] === undefined ? undefined : Number(process.env['RUNS']);
const HEADERS = {
  'x-trino-user': 'test',
  'x-trino-session': 'distribution=FORCED, join_distribution_type=PARTITIONED',
};

/** Large enough that each stage takes some tens of milliseconds. */
const TPCH = 'tpch."sf0.1"';

/** Two shuffles, an aggregation in two steps, an ordered end. */
const SHUFFLING = `
  SELECT o.custkey, count(*), sum(l.quantity), count(DISTINCT l.partkey)
  FROM ${TPCH}.lineitem l JOIN ${TPCH}.orders o ON l.orderkey = o.orderkey
  GROUP BY 1 ORDER BY 1`;

/** Which rows the LIMIT takes is open; that each of them is joined once is not. */
const LIMITED = `
  SELECT count(*), count(DISTINCT l.orderkey * 10 + l.linenumber)
  FROM (SELECT orderkey, linenumber FROM ${TPCH}.lineitem LIMIT 200000) l
  JOIN ${TPCH}.orders o ON l.orderkey = o.orderkey`;

/** About 23 MB, made by three tasks: more than what is copied before the first page. */
const LARGE = `
  SELECT l.orderkey, l.linenumber, o.totalprice, rpad(l.comment, 360, '.')
  FROM ${TPCH}.lineitem l JOIN ${TPCH}.orders o ON l.orderkey = o.orderkey
  WHERE l.linenumber = 3 AND o.custkey % 7 < 5`;

/** What a client may be told that has had a part of the rows. */
const CUT_OFF = /^REMOTE_TASK_ERROR: .*Part of the result was delivered/;

/** Share of its usual time for which a stage may run before it is struck: after a try that came too late, less. */
const PATIENCE = [0.8, 0.4, 0.2, 0.1];

type Victim = 'worker' | 'kernel';
/** A stage while it runs, or the time after the first page. */
type Target = number | 'delivery';

type Page = {
  readonly id: string;
  readonly nextUri?: string;
  readonly data?: readonly unknown[];
  readonly error?: { readonly errorName: string; readonly message: string };
};
type Task = { readonly taskId: string; readonly attempt: number; readonly state: string; readonly nodeId: string };
type Info = {
  readonly state: string;
  readonly stages: readonly { readonly stageId: number; readonly state: string; readonly tasks: readonly Task[] }[];
};

let server: WatchedServer;

async function ask<T>(url: string, body?: string): Promise<T> {
  const response = await fetch(url, { headers: HEADERS, ...(body !== undefined && { method: 'POST', body }) });
  return (await response.json()) as T;
}

const begin = (sql: string): Promise<Page> => ask(`${server.url}/v1/statement`, sql);
const infoOf = (id: string): Promise<Info> => ask(`${server.url}/v1/query/${id}`);

/** Reads to the end: a digest of the rows, in any order, or the error's name. `onRows` delays the page after the first rows. */
async function ending(first: Page, onRows?: () => Promise<void>): Promise<string> {
  const rows: string[] = [];
  for (let page = first; ; page = await ask<Page>(page.nextUri)) {
    if (rows.length === 0 && page.data && page.nextUri !== undefined) await onRows?.();
    rows.push(...(page.data ?? []).map((row) => JSON.stringify(row)));
    if (page.error) return `${page.error.errorName}: ${page.error.message}`;
    if (page.nextUri === undefined) break;
  }
  return `${rows.length} rows ${createHash('sha256').update(rows.sort().join('\n')).digest('hex')}`;
}

/** An undisturbed run: its rows, and how long each stage was seen running, in milliseconds. */
async function undisturbed(sql: string): Promise<{ right: string; stages: ReadonlyMap<number, number> }> {
  const page = await begin(sql);
  const read = ending(page);
  const stages = new Map<number, number>();
  for (let before = performance.now(); ;) {
    const { state, stages: now } = await infoOf(page.id);
    const passed = performance.now() - before;
    before += passed;
    for (const { stageId, tasks } of now) {
      const runs = tasks.some((task) => task.state === 'RUNNING');
      stages.set(stageId, (stages.get(stageId) ?? 0) + (runs ? passed : 0));
    }
    if (state === 'FINISHED' || state === 'FAILED') break;
  }
  return { right: await read, stages };
}

const isOver = ({ state }: Info): boolean => state === 'FINISHED' || state === 'FAILED';

const tasksOf = (info: Info, stage: Target): readonly Task[] =>
  info.stages.find(({ stageId }) => stageId === stage)?.tasks ?? [];

/** A task of the stage once it runs; undefined when the query ended first. */
async function runningTask(id: string, stage: number, random: Random): Promise<Task | undefined> {
  for (;;) {
    const info = await infoOf(id);
    const running = tasksOf(info, stage).filter((task) => task.state === 'RUNNING');
    if (running.length > 0) return random.pick(running);
    if (isOver(info)) return undefined;
    await sleep(1);
  }
}

/** The attempt has not ended when this is asked, and whether it ever ends well. */
async function wasCutShort(id: string, { taskId, attempt }: Task, stage: number): Promise<boolean> {
  for (;;) {
    const info = await infoOf(id);
    const now = tasksOf(info, stage).find((task) => task.taskId === taskId);
    if (now?.attempt !== attempt) return now !== undefined;
    if (now.state === 'FINISHED' || isOver(info)) return false;
    await sleep(1);
  }
}

function kill(victim: Victim, nodeId: string): boolean {
  const worker = server.processOf(nodeId);
  const [kernel] = worker === undefined ? [] : childrenOf(worker);
  const process_ = victim === 'worker' ? worker : kernel;
  if (process_ === undefined) return false;
  process.kill(process_, 'SIGKILL');
  return true;
}

/** Strikes a running task of the stage after `delayMs`; false when it was too late for that. */
async function strikeStage(
  victim: Victim,
  id: string,
  stage: number,
  delayMs: number,
  random: Random,
): Promise<boolean> {
  const task = await runningTask(id, stage, random);
  if (!task) return false;
  await sleep(delayMs);
  const now = tasksOf(await infoOf(id), stage).find(({ taskId }) => taskId === task.taskId);
  if (now?.state !== 'RUNNING' || now.attempt !== task.attempt) return false;
  return kill(victim, now.nodeId) && wasCutShort(id, now, stage);
}

/** Strikes where files of the result are, after the first page. */
async function strikeDelivery(victim: Victim, id: string, random: Random): Promise<boolean> {
  const holders = tasksOf(await infoOf(id), 0).filter((task) => task.state === 'FINISHED');
  return holders.length > 0 && kill(victim, random.pick(holders).nodeId);
}

describe.runIf(CAN_SEE_PROCESSES)('under fire', () => {
  beforeAll(async () => {
    server = await startWatchedServer(3);
  });
  afterAll(() => server.stop());

  test.each([
    ['worker', 'a shuffling query', SHUFFLING, 5],
    ['kernel', 'a shuffling query', SHUFFLING, 5],
    ['worker', 'a LIMIT that feeds a join', LIMITED, 2],
    ['kernel', 'a LIMIT that feeds a join', LIMITED, 2],
    ['worker', 'a large result', LARGE, 2],
    ['kernel', 'a large result', LARGE, 1],
  ] as const)(
    'a %s is killed at every stage of %s',
    { timeout: 300_000 + (RUNS ?? 0) * 30_000 },
    async (victim, what, sql, fewest) => {
      const runs = RUNS ?? fewest;
      const random = new Random(SEED);
      await undisturbed(sql);
      const { right, stages } = await undisturbed(sql);
      // Leaves first.
      const targets: readonly Target[] = [
        ...(sql === LARGE ? ['delivery' as const] : []),
        ...[...stages.keys()].sort((a, b) => b - a),
      ];
      expect(targets.length).toBeGreaterThanOrEqual(3);
      const struck = new Map<Target, number>(targets.map((target) => [target, 0]));
      const seen = new Set<number>();
      let [late, failures] = [0, 0];
      for (let run = 0, tries = 0; run < runs; tries++) {
        const target = targets[run % targets.length]!;
        const where = `seed ${SEED}, run ${run}, ${victim} at ${target === 'delivery' ? target : `stage ${target}`}, try ${tries}`;
        expect(tries, `${where}: always too late`).toBeLessThan(200);
        await server.whole();
        [...server.workers(), ...server.kernels()].forEach((process_) => seen.add(process_));
        const page = await begin(sql);
        let hit = false;
        let end: string;
        if (target === 'delivery') {
          end = await ending(page, async () => {
            hit = await strikeDelivery(victim, page.id, random);
          });
        } else {
          const read = ending(page);
          hit = await strikeStage(
            victim,
            page.id,
            target,
            random.next() * stages.get(target)! * PATIENCE[tries % PATIENCE.length]!,
            random,
          );
          end = await read;
        }
        const failed = hit && target === 'delivery' && victim === 'worker' && CUT_OFF.test(end);
        expect(failed ? right : end, `the answer of ${where}`).toBe(right);
        failures += failed ? 1 : 0;
        if (!hit) {
          late += 1;
          continue;
        }
        struck.set(target, struck.get(target)! + 1);
        run += 1;
        tries = -1;
      }
      console.log(
        `${victim}, ${what}: ${runs} runs, struck at ${JSON.stringify([...struck])}, ${late} came too late` +
          (sql === LARGE ? `, ${failures} ended in REMOTE_TASK_ERROR` : ''),
      );
      const missed = targets.filter((target) => struck.get(target) === 0);
      expect(runs < targets.length ? [] : missed, 'stages that were never struck').toEqual([]);
      await eventually('no files are left', () => server.queryFiles().length === 0);
      await server.whole();
      const now = new Set([...server.workers(), ...server.kernels()]);
      await eventually(
        'no process is left',
        () => ![...seen].some((process_) => !now.has(process_) && isAlive(process_)),
      );
    },
  );
});
