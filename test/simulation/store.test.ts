/** Whole lives of the file store; `npm run simulate` runs as many as one likes. */
import { expect, test } from 'vitest';
import { simulateStore } from './store-life.ts';

const SEEDS = Array.from({ length: 12 }, (_, i) => i + 1);

// Some fifteen seconds on an idle machine.
test('what the store has acknowledged is so, whatever happens to its processes, disks and network', async () => {
  const sums: Record<string, number> = {};
  for (const seed of SEEDS) {
    const faults = await simulateStore(seed).catch((problem: unknown) => {
      throw new Error(`seed ${seed}`, { cause: problem });
    });
    for (const [what, count] of Object.entries(faults)) sums[what] = (sums[what] ?? 0) + count;
  }
  console.log(`${SEEDS.length} seeds:`, sums);
  // A simulation without them shows nothing.
  expect(
    Object.keys(sums).filter((what) => sums[what] === 0),
    'faults that no seed made',
  ).toEqual([]);
}, 240_000);
