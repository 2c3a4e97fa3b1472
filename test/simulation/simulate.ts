/** `npm run simulate -- [--seeds 1000] [--from 1]`: ends with the first seed that violates what must hold. */

import { parseArgs } from 'node:util';
import { simulateJournal } from './journal-life.ts';
import { simulateStore } from './store-life.ts';

/** Each throws when something did not hold, and counts the faults that its run met. */
const SIMULATIONS: Readonly<Record<string, (seed: number) => Promise<Readonly<Record<string, number>>>>> = {
  journal: simulateJournal,
  store: simulateStore,
};

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '1000' }, from: { type: 'string', default: '1' } },
});
const from = Number(values.from);

for (const [name, simulate] of Object.entries(SIMULATIONS)) {
  const sums: Record<string, number> = {};
  for (let seed = from; seed < from + Number(values.seeds); seed++) {
    try {
      for (const [what, count] of Object.entries(await simulate(seed))) sums[what] = (sums[what] ?? 0) + count;
    } catch (error) {
      console.log(`${name}: seed ${seed}:`, error);
      // Processes that the simulation let die have calls that never return.
      process.exit(1);
    }
  }
  console.log(`${name}: ${values.seeds} seeds hold`, sums);
}
