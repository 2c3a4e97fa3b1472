/** After every crash the journal holds a prefix of what was appended, and in it everything that was acknowledged. */

import { expect, test } from 'vitest';
import { simulateJournal } from './journal-life.ts';
import type { JournalRun } from './journal-life.ts';

const SEEDS = 1_000;

// Some ten seconds on an idle machine.
test('no run loses what was acknowledged', { timeout: 180_000 }, async () => {
  const sums: Record<string, number> = {};
  for (let seed = 1; seed <= SEEDS; seed++) {
    for (const [fault, count] of Object.entries(await runOf(seed))) sums[fault] = (sums[fault] ?? 0) + count;
  }
  console.log(`${SEEDS} seeds:`, sums);
  expect(
    Object.entries(sums).filter(([, count]) => count === 0),
    'faults that no seed made',
  ).toEqual([]);
});

async function runOf(seed: number): Promise<JournalRun> {
  try {
    return await simulateJournal(seed);
  } catch (error) {
    throw new Error(`seed ${seed}`, { cause: error });
  }
}
