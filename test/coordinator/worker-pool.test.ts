/** How long statements wait for a cluster that has nobody to run them, and what clients see meanwhile. */
import { expect, test } from 'vitest';
import { Membership } from '../../src/cluster/membership.ts';
import { shownState } from '../../src/coordinator/query-statistics.ts';
import { QueryManager } from '../../src/coordinator/query-manager.ts';
import { WorkerPool } from '../../src/coordinator/worker-pool.ts';
import type { Announcement } from '../../src/exchange/task-protocol.ts';
import { SimulatedClock } from '../cluster/simulated-clock.ts';
import { announcementOf, submissionOf } from './fakes.ts';

test('a cluster that starts is waited for, one that has been empty for long is not', () => {
  const clock = new SimulatedClock();
  const membership = new Membership<Announcement>(clock, { onJoined: () => undefined, onLost: () => undefined });
  const pool = new WorkerPool(membership);
  expect(pool.patienceMs()).toBe(8000);
  clock.advance(3000);
  expect(pool.patienceMs()).toBe(5000);
  clock.advance(60_000);
  expect(pool.patienceMs()).toBe(1000);
  // A worker that was there a moment ago is being started again.
  membership.announce(announcementOf('a'));
  expect(pool.patienceMs()).toBe(8000);
  clock.advance(1000);
  membership.gone(membership.members()[0]!.key, 'it said goodbye');
  clock.advance(500);
  expect(pool.patienceMs()).toBe(7500);
  membership.close();
});

test('a query without workers waits for resources', async () => {
  const clock = new SimulatedClock();
  let workers = 0;
  const runStatement = (query: { hasWorkers: () => boolean }): Promise<never> => {
    query.hasWorkers = () => workers > 0;
    return new Promise(() => undefined);
  };
  const queries = new QueryManager({ clock, runStatement, onEnd: () => undefined });
  const query = queries.submit(submissionOf());
  expect(shownState(query)).toBe('QUEUED');
  await new Promise((resolve) => void setTimeout(resolve, 5));
  expect(shownState(query)).toBe('WAITING_FOR_RESOURCES');
  workers = 1;
  expect(shownState(query)).toBe('PLANNING');
  workers = 0;
  query.cancel();
  expect(shownState(query)).toBe('FAILED');
});
