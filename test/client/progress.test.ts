/** The line that lives on the terminal while a query runs. */
import { expect, test } from 'vitest';
import { progressText } from '../../src/client/progress.ts';

test('a query says what it is at', () => {
  expect(progressText(undefined, 1234)).toBe('sending · 1.2 s');
  expect(progressText({ state: 'PLANNING' }, 1000)).toBe('planning · 1.0 s');
  expect(progressText({ state: 'WAITING_FOR_RESOURCES' }, 2000)).toBe('waiting for workers · 2.0 s');
  const running = {
    state: 'RUNNING' as const,
    totalSplits: 4,
    completedSplits: 1,
    runningSplits: 2,
    processedRows: 1500,
  };
  expect(progressText({ ...running, progressPercentage: 25 }, 3000)).toBe(
    'running · splits 1/4 (2 running) · 1,500 rows · 3.0 s · 25 %',
  );
});
