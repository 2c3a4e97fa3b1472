/** What a client says of a change whose answer it did not hear. */

import { expect, test } from 'vitest';
import { NetworkError, StoreError, type StoreNetwork } from '../../src/filestore/network.ts';
import { StoreClient } from '../../src/filestore/store-client.ts';
import { SimulatedClock } from '../cluster/simulated-clock.ts';

const CALLER = { user: 'root', groups: [], superuser: true };

/** The namenode answers the n-th change so; after the last answer always so. */
type Answer = { readonly epoch: number; readonly problem?: Error };

const outcome = async (operation: string, answers: readonly Answer[]): Promise<string> =>
  (await outcomeAndCalls(operation, answers)).ended;

async function outcomeAndCalls(
  operation: string,
  answers: readonly Answer[],
): Promise<{ readonly ended: string; readonly calls: number }> {
  const clock = new SimulatedClock();
  const left = [...answers];
  let calls = 0;
  const network: StoreNetwork = {
    call: <T>(_to: string, asked: string, message: object): Promise<T> => {
      const answer = left[0]!;
      if (asked === 'hello') return Promise.resolve({ epoch: answer.epoch } as T);
      if ((message as { epoch: number }).epoch !== answer.epoch) {
        return Promise.reject(new StoreError('StaleEpochException', 'another leads'));
      }
      calls += 1;
      if (left.length > 1) left.shift();
      return answer.problem ? Promise.reject(answer.problem) : Promise.resolve({} as T);
    },
    fetch: () => Promise.reject(new NetworkError('nothing to fetch')),
  };
  const client = new StoreClient({ network, clock, namenode: 'namenode', caller: CALLER, client: 'one' });
  const state: { ended?: string } = {};
  const end = client.change(operation, {}).then(
    () => (state.ended = 'done'),
    (problem: Error) => (state.ended = problem.name),
  );
  while (state.ended === undefined) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(200);
  }
  await end;
  return { ended: state.ended, calls };
}

const unheard = new NetworkError('no answer');
const safeMode = new StoreError('SafeModeException', 'not yet');
const byHand = new StoreError('ManualSafeModeException', 'until I say so');
const diskFull = new StoreError('DiskOutOfSpaceException', 'the journal has no room');

test('a refusal that passes says that nothing happened while the same namenode leads', async () => {
  expect(await outcome('publish', [{ epoch: 1, problem: safeMode }])).toBe('SafeModeException');
  expect(
    await outcome('publish', [
      { epoch: 1, problem: unheard },
      { epoch: 1, problem: safeMode },
    ]),
  ).toBe('SafeModeException');
});

test('safe mode that an administrator has turned on is not waited for', async () => {
  const waited = await outcomeAndCalls('mkdirs', [{ epoch: 1, problem: safeMode }]);
  expect(waited.ended).toBe('SafeModeException');
  expect(waited.calls).toBeGreaterThan(100);
  expect(await outcomeAndCalls('mkdirs', [{ epoch: 1, problem: byHand }])).toEqual({
    ended: 'ManualSafeModeException',
    calls: 1,
  });
});

test('where an earlier namenode may have carried it out, the refusal of the next says nothing of that', async () => {
  for (const problem of [safeMode, byHand, diskFull]) {
    expect(
      await outcome('publish', [
        { epoch: 1, problem: unheard },
        { epoch: 2, problem },
      ]),
    ).toBe('IOException');
  }
  expect(await outcome('publish', [{ epoch: 1, problem: unheard }, { epoch: 2 }])).toBe('done');
});

test('what may not be carried out twice is not asked of the next namenode, unless the last one refused it', async () => {
  expect(await outcome('delete', [{ epoch: 1, problem: unheard }, { epoch: 2 }])).toBe('IOException');
  expect(await outcome('delete', [{ epoch: 1, problem: safeMode }, { epoch: 2 }])).toBe('done');
});
