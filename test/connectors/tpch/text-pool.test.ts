import { expect, test, vi } from 'vitest';
import { QueryError } from '../../../src/common/errors.ts';
import { SharedTextPool } from '../../../src/connectors/tpch/text-pool.ts';

test('users at the same time share one pool, which goes some time after the last', async () => {
  const shared = new SharedTextPool();
  const [first, second] = await Promise.all([shared.acquire(), shared.acquire()]);
  expect(second === first).toBe(true);
  vi.useFakeTimers();
  try {
    shared.release();
    vi.advanceTimersByTime(60_000);
    expect((await shared.acquire()) === first).toBe(true);
    shared.release();
    shared.release();
    vi.advanceTimersByTime(60_000);
  } finally {
    vi.useRealTimers();
  }
  expect((await shared.acquire()) === first).toBe(false);
});

test('without memory for it the error says so, and the next try starts anew', async () => {
  const shared = new SharedTextPool();
  const allocate = vi.spyOn(Buffer, 'allocUnsafeSlow').mockImplementationOnce(() => {
    throw new RangeError('Array buffer allocation failed');
  });
  await expect(shared.acquire()).rejects.toThrow(QueryError);
  shared.release();
  allocate.mockRestore();
  expect((await shared.acquire()).subarray(0, 16).toString()).toBe('furiously specia');
});
