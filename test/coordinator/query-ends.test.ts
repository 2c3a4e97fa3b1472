/** How queries end: read, refused, or failed by an error of ours. */
import { expect, test } from 'vitest';
import type { Outcome, Query } from '../../src/coordinator/query.ts';
import { QueryManager } from '../../src/coordinator/query-manager.ts';
import { SimulatedClock } from '../cluster/simulated-clock.ts';
import { submissionOf } from './fakes.ts';

type Runner = (query: Query) => Promise<Outcome>;
const empty: Runner = async () => ({ columns: [], pages: [].values() });

const manager = (run: Runner): QueryManager =>
  new QueryManager({ clock: new SimulatedClock(), runStatement: run, onEnd: () => undefined });

const settled = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 5));

test('a query is over when its last page was read', async () => {
  const queries = manager(empty);
  const query = queries.submit(submissionOf());
  await settled();
  expect(query.state).toBe('FINISHING');
  expect(await query.nextPage()).toBeUndefined();
  expect(query.state).toBe('FINISHED');
  query.cancel();
  expect(query.state).toBe('FINISHED');
});

test('properties that do not exist are refused before anything runs', async () => {
  const queries = manager(() => Promise.reject(new Error('must not run')));
  const query = queries.submit(submissionOf({ properties: { distributon: 'NONE' } }));
  await settled();
  expect(query.error).toMatchObject({
    code: 'INVALID_SESSION_PROPERTY',
    message: expect.stringContaining('distribution'),
  });
});

test('what is thrown that is no error of a query is ours, with its stack', async () => {
  const queries = manager(() => Promise.reject(new TypeError('x is undefined')));
  const query = queries.submit(submissionOf());
  await settled();
  expect(query.error).toMatchObject({ code: 'GENERIC_INTERNAL_ERROR', stack: expect.stringContaining('TypeError') });
});
