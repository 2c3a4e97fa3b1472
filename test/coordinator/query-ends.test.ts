/** Queries end when their clients have gone, when their time is up, when the server ends; ended ones are forgotten in time. */
import { expect, test } from 'vitest';
import type { Outcome, Query, Submission } from '../../src/coordinator/query.ts';
import { QueryManager } from '../../src/coordinator/query-manager.ts';
import { SimulatedClock } from '../cluster/simulated-clock.ts';

const SUBMISSION: Submission = {
  text: 'SELECT 1',
  user: 'test',
  timeZone: 'UTC',
  properties: {},
  prepared: new Map(),
  format: 'json-lines',
  millisecondsOnly: false,
};

type Runner = (query: Query) => Promise<Outcome>;
const never: Runner = () => new Promise(() => {});
const empty: Runner = async () => ({ columns: [], pages: [].values() });

function manager(run: Runner = never): { clock: SimulatedClock; queries: QueryManager; ended: string[] } {
  const clock = new SimulatedClock();
  const ended: string[] = [];
  const onEnd = (query: Query): void => void ended.push(query.id);
  return { clock, ended, queries: new QueryManager({ clock, runStatement: run, onEnd }) };
}

const settled = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 5));

test('a client that asks for nothing for five minutes has gone', async () => {
  const { clock, queries, ended } = manager();
  const [silent, asking] = [queries.submit(SUBMISSION), queries.submit(SUBMISSION)];
  for (let minute = 0; minute < 6; minute++) {
    asking.touch();
    clock.advance(60_000);
  }
  expect([silent.state, silent.error?.code]).toEqual(['FAILED', 'ABANDONED_QUERY']);
  expect(asking.isDone).toBe(false);
  expect(ended).toEqual([silent.id]);
  expect(queries.live()).toEqual([asking]);
});

test('a query is over when its last page was read', async () => {
  const { queries } = manager(empty);
  const query = queries.submit(SUBMISSION);
  await settled();
  expect(query.state).toBe('FINISHING');
  expect(await query.nextPage()).toBeUndefined();
  expect(query.state).toBe('FINISHED');
  query.cancel();
  expect(query.state).toBe('FINISHED');
});

test('the time limit counts from the start', async () => {
  const { clock, queries } = manager();
  const query = queries.submit({ ...SUBMISSION, properties: { query_max_run_time_s: '10' } });
  await settled();
  clock.advance(9900);
  expect(query.isDone).toBe(false);
  clock.advance(200);
  expect(query.error?.code).toBe('EXCEEDED_TIME_LIMIT');
});

test('properties that do not exist are refused before anything runs', async () => {
  const { queries } = manager(() => Promise.reject(new Error('must not run')));
  const query = queries.submit({ ...SUBMISSION, properties: { distributon: 'NONE' } });
  await settled();
  expect(query.error).toMatchObject({
    code: 'INVALID_SESSION_PROPERTY',
    message: expect.stringContaining('distribution'),
  });
});

test('what is thrown that is no error of a query is ours, with its stack', async () => {
  const { queries } = manager(() => Promise.reject(new TypeError('x is undefined')));
  const query = queries.submit(SUBMISSION);
  await settled();
  expect(query.error).toMatchObject({ code: 'GENERIC_INTERNAL_ERROR', stack: expect.stringContaining('TypeError') });
});

test('a server that ends fails its queries and takes no more', () => {
  const { queries } = manager();
  const query = queries.submit(SUBMISSION);
  queries.close();
  expect(query.error?.code).toBe('SERVER_SHUTTING_DOWN');
  expect(queries.submit(SUBMISSION).error?.code).toBe('SERVER_SHUTTING_DOWN');
});

test('ended queries are shown for a while, the oldest forgotten first', () => {
  const { queries } = manager();
  const all = Array.from({ length: 300 }, () => queries.submit(SUBMISSION));
  all.forEach((query) => query.cancel());
  expect(queries.get(all[0]!.id)).toBeUndefined();
  expect(queries.get(all.at(-1)!.id)).toBe(all.at(-1));
  expect(queries.all()).toHaveLength(200);
  expect(queries.ended.get('user_error')).toBe(300);
});

test('more queries than can be kept are refused', () => {
  const { queries } = manager();
  const all = Array.from({ length: 1001 }, () => queries.submit(SUBMISSION));
  expect(all.filter((query) => query.error).map((query) => query.error?.code)).toEqual(['QUERY_QUEUE_FULL']);
});
