/** Queries over time: those whose clients went away, those that take too long, those that ended. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, expect, test } from 'vitest';
import { type Outcome, type Query } from '../../src/coordinator/query.ts';
import { QueryManager } from '../../src/coordinator/query-manager.ts';
import { SimulatedClock } from '../cluster/simulated-clock.ts';
import { submissionOf } from './fakes.ts';

const MINUTE = 60_000;

let clock: SimulatedClock;
let ended: Query[];
let outcome: () => Promise<Outcome>;
let queries: QueryManager;

beforeEach(() => {
  clock = new SimulatedClock();
  ended = [];
  outcome = () => new Promise(() => undefined);
  queries = new QueryManager({ clock, runStatement: () => outcome(), onEnd: (query) => ended.push(query) });
});

async function submit(properties: Record<string, string> = {}): Promise<Query> {
  const query = queries.submit(submissionOf({ properties }));
  await nextTurn();
  await nextTurn();
  return query;
}

test('a query whose client asks for nothing is abandoned', async () => {
  const query = await submit();
  clock.advance(5 * MINUTE);
  expect(query.state).toBe('PLANNING');
  clock.advance(1001);
  expect([query.state, query.error?.code, ended]).toEqual(['FAILED', 'ABANDONED_QUERY', [query]]);
  expect(query.abort.signal.aborted).toBe(true);
  expect([...queries.ended]).toEqual([['user_error', 1]]);
});

test('so is one whose result is not read to its end', async () => {
  const page = { rows: 1, body: Buffer.from('[1]') };
  outcome = () => Promise.resolve({ columns: [], pages: [page, page].values() });
  const query = await submit();
  expect(query.state).toBe('FINISHING');
  query.touch();
  query.takePage((await query.nextPage())!);
  clock.advance(4 * MINUTE);
  query.touch();
  clock.advance(4 * MINUTE);
  expect(query.state).toBe('FINISHING');
  clock.advance(2 * MINUTE);
  expect([query.error?.code, query.resultRows]).toEqual(['ABANDONED_QUERY', 1]);
  // Its rows are let go.
  expect(query.outcome?.pages.next()).toEqual({ done: true, value: undefined });
});

test('a client that asks now and then keeps its query', async () => {
  const query = await submit();
  for (let minute = 0; minute < 60; minute++) {
    clock.advance(MINUTE);
    query.touch();
  }
  expect(query.isDone).toBe(false);
});

test('a query is not given more time than its session allows', async () => {
  const query = await submit({ query_max_run_time_s: '30' });
  clock.advance(29_999);
  expect(query.isDone).toBe(false);
  clock.advance(1);
  expect(query.error?.code).toBe('EXCEEDED_TIME_LIMIT');
});

test('ended queries are remembered, the last 200 of them', async () => {
  outcome = () => Promise.reject(new Error('a bug'));
  const first = await submit();
  const others: Query[] = [];
  for (let i = 0; i < 200; i++) others.push(await submit());
  expect(queries.get(first.id)).toBeUndefined();
  expect(queries.all()).toEqual(others);
  expect(new Set(others.map(({ id }) => id)).size).toBe(200);
});

test('beyond a thousand live queries more are refused; at the end all are', async () => {
  const live = Array.from({ length: 1000 }, () => queries.submit(submissionOf()));
  expect(queries.submit(submissionOf()).error?.code).toBe('QUERY_QUEUE_FULL');
  expect(queries.live()).toEqual(live);
  queries.close();
  expect(queries.live()).toEqual([]);
  expect(new Set(live.map(({ error }) => error?.code))).toEqual(new Set(['SERVER_SHUTTING_DOWN']));
  expect(queries.submit(submissionOf()).error?.code).toBe('SERVER_SHUTTING_DOWN');
});

test('a failure is told at once to who waits, and the first reason stays', async () => {
  const query = await submit();
  const told = query.news(10_000);
  query.cancel();
  await told;
  query.fail(new Error('later'));
  expect(query.error?.code).toBe('USER_CANCELED');
  expect(ended).toEqual([query]);
});
