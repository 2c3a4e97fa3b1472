/**
 * `npm run simulate -- [--seeds 1000] [--from 1] [--jobs 2] [--only store]`: ends with the first seed that violates what must hold.
 * Prints how many faults of each kind the seeds met.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { parseArgs } from 'node:util';
import { simulateJournal } from './journal-life.ts';
import { type Counts, simulateStore } from './store-life.ts';

/** Each throws when something did not hold, and counts the faults that its run met. */
const SIMULATIONS: Readonly<Record<string, (seed: number) => Promise<Counts>>> = {
  journal: simulateJournal,
  store: simulateStore,
};
/** Short-lived objects die young, and what was compiled stays so. */
const FOR_LONG_RUNS = ['--max-semi-space-size=64', '--no-flush-bytecode'];
const STACK_FRAMES = 30;
/** So many meet every kind of fault. */
const SEEDS_WITH_ALL = 20;

type Told = { readonly counts?: Counts; readonly violation?: string };

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
});
const [from, seeds, jobs] = [Number(values.from), Number(values.seeds), Number(values.jobs)];

// What `simulateAll` forks speaks to it.
await (process.send ? simulateSeeds() : simulateAll());

async function simulateAll(): Promise<void> {
  for (const name of Object.keys(SIMULATIONS).filter((one) => values.only === undefined || one === values.only)) {
    const sums: Record<string, number> = {};
    const children = Array.from({ length: Math.min(jobs, seeds) }, (_, job) => child(name, job));
    try {
      await Promise.all(children.map((each) => listen(each, sums)));
    } catch (error) {
      for (const each of children) each.kill();
      console.log(`${name}: ${(error as Error).message}`);
      process.exit(1);
    }
    console.log(`${name}: ${seeds} seeds hold`, sums);
    const missing = Object.keys(sums).filter((what) => sums[what] === 0);
    if (seeds >= SEEDS_WITH_ALL && missing.length > 0) {
      console.log(`${name}: no seed met: ${missing.join(', ')}`);
      process.exit(1);
    }
  }
}

function child(name: string, job: number): ChildProcess {
  const part = { only: name, from: from + job, seeds: seeds - job, jobs };
  return fork(
    import.meta.filename,
    Object.entries(part).flatMap(([option, value]) => [`--${option}`, String(value)]),
    { execArgv: [...process.execArgv, ...FOR_LONG_RUNS] },
  );
}

function listen(each: ChildProcess, sums: Record<string, number>): Promise<void> {
  return new Promise((resolve, reject) => {
    each.on('message', ({ counts = {}, violation }: Told) => {
      if (violation !== undefined) reject(new Error(violation));
      for (const [what, count] of Object.entries(counts)) sums[what] = (sums[what] ?? 0) + count;
    });
    each.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a process ended with ${code}`))));
  });
}

/** In a process of its own: one of `jobs` seeds, beginning with `from`. */
async function simulateSeeds(): Promise<void> {
  const simulate = SIMULATIONS[values.only!]!;
  // Thousands of refusals in each seed, and nobody looks where they come from.
  Error.stackTraceLimit = 0;
  for (let seed = from; seed < from + seeds; seed += jobs) {
    try {
      await say({ counts: await simulate(seed) });
    } catch (error) {
      await say({ violation: `seed ${seed}: ${withCauses(error)}\n${await again(simulate, seed)}` });
      break;
    }
  }
  // Processes that the simulation let die have calls that never return.
  process.exit(0);
}

/** The same life once more, to see where it came to its end. */
async function again(simulate: (seed: number) => Promise<Counts>, seed: number): Promise<string> {
  Error.stackTraceLimit = STACK_FRAMES;
  try {
    await simulate(seed);
    return 'It held when it ran again: a seed is not one life.';
  } catch (error) {
    return `It ran again:\n${withCauses(error)}`;
  }
}

function say(told: Told): Promise<void> {
  return new Promise((resolve) => process.send!(told, () => resolve()));
}

function withCauses(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stack = error.stack ?? String(error);
  return error.cause === undefined ? stack : `${stack}\ncaused by ${withCauses(error.cause)}`;
}
