/**
 * The lives of one journal on a simulated disk: opened, written by several callers at once, checkpointed, killed, cut off from power at
 * any call of the disk, over full disks, failing syncs and damaged files. One seed is one run.
 */

import { JournalError } from '../../src/journal/errors.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { openFileJournal } from '../../src/journal/open-file-journal.ts';
import { listMachine } from '../journal/list-machine.ts';
import { Random } from './random.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import type { DiskFaults } from './simulated-disk.ts';

type ListJournal = Journal<readonly string[], string>;

export type JournalRun = DiskFaults & {
  opens: number;
  crashedOpens: number;
  acknowledged: number;
  refused: number;
  checkpoints: number;
  foldersHarmed: number;
};

/** Throws when what must hold did not. */
export async function simulateJournal(seed: number): Promise<JournalRun> {
  const life = new JournalLife(new Random(seed));
  for (let i = 0; i < LIVES; i++) await life.live();
  await life.finish();
  return { ...life.counts, ...life.disk.faults };
}

const LIVES = 4;

class JournalLife {
  readonly disk: SimulatedDisk;
  readonly counts = { opens: 0, crashedOpens: 0, acknowledged: 0, refused: 0, checkpoints: 0, foldersHarmed: 0 };
  readonly #random: Random;
  readonly #folders: readonly [string, ...string[]];
  /** Records that must be there, in their order. */
  #acknowledged: readonly string[] = [];
  /** Records that may follow them: appended, and nobody knows. */
  #inFlight: string[] = [];
  #epoch = 0;
  #records = 0;
  /** Both folders are whole: one may be harmed. */
  #whole = false;

  constructor(random: Random) {
    this.#random = random;
    const ticks = random.fork();
    this.disk = new SimulatedDisk({
      random: random.fork(),
      latency: async () => {
        for (let i = ticks.below(4); i > 0; i--) await Promise.resolve();
      },
    });
    this.#folders = random.chance(0.5) ? ['/a'] : ['/a', '/b'];
  }

  /** From a start to whatever ends the process. */
  async live(): Promise<void> {
    const random = this.#random;
    const crashed = new Promise<'crashed'>((resolve) => (this.disk.onCrash = () => resolve('crashed')));
    if (random.chance(0.7)) {
      const call = this.disk.calls + 1 + random.below(150);
      const when = random.pick(['before', 'after'] as const);
      this.disk.crashAt = (at) => (at === call ? when : undefined);
    }
    if ((await Promise.race([crashed, this.#run()])) === 'crashed') this.#whole = false;
    // What the dead process had begun to do without the disk comes to its end.
    await new Promise((resolve) => setImmediate(resolve));
    this.disk.crashAt = () => undefined;
    this.disk.syncFailures = 0;
    this.disk.capacityBytes = Infinity;
    if (random.chance(0.3)) this.disk.crash();
    else this.disk.kill();
    this.#harm();
  }

  /** A last start without faults. */
  async finish(): Promise<void> {
    const journal = await this.#open();
    check(journal !== undefined, 'a sound disk opens');
    await journal.append('last');
    await journal.close();
  }

  async #run(): Promise<void> {
    const random = this.#random;
    this.counts.crashedOpens += 1;
    const journal = await this.#open();
    this.counts.crashedOpens -= 1;
    if (!journal) return;
    if (random.chance(0.2)) this.disk.syncFailures = 0.02;
    for (let i = random.between(1, 8); i > 0; i--) {
      await this.#step(journal);
      this.#checkJournal(journal);
    }
    if (random.chance(0.5)) await journal.close().catch(mustBeJournalError);
  }

  /** Undefined when the process ended of an error that it may end of. */
  async #open(): Promise<ListJournal | undefined> {
    const random = this.#random;
    const journal = await openFileJournal({
      machine: listMachine,
      disk: this.disk.mount(),
      folders: this.#folders,
      random: (bytes) => random.bytes(bytes),
      fatal: () => undefined,
      logger: { warn: () => undefined },
      pause: () => Promise.resolve(),
      segmentBytes: 1500,
      reserveBytes: 400,
      checkpointBytes: 2500,
    });
    this.counts.opens += 1;
    check(journal.epoch > this.#epoch, `epoch ${journal.epoch} follows epoch ${this.#epoch}`);
    this.#epoch = journal.epoch;
    const possible = [...this.#acknowledged, ...this.#inFlight];
    const found = journal.durable;
    check(
      found.length >= this.#acknowledged.length,
      `${found.length} records are there, ${this.#acknowledged.length} were acknowledged`,
    );
    check(isPrefix(found, possible), 'what is there is what was appended, in its order');
    this.#acknowledged = found;
    this.#inFlight = [];
    this.#whole = true;
    return journal;
  }

  async #step(journal: ListJournal): Promise<void> {
    const random = this.#random;
    if (random.chance(0.15)) {
      const used = this.disk.usedBytes();
      this.disk.capacityBytes = used + random.below(600);
    } else {
      this.disk.capacityBytes = Infinity;
    }
    const checkpoint = random.chance(0.2) ? this.#checkpoint(journal) : undefined;
    await Promise.all(Array.from({ length: random.between(1, 6) }, () => this.#append(journal)));
    await checkpoint;
  }

  async #append(journal: ListJournal): Promise<void> {
    const random = this.#random;
    for (let i = random.between(1, 4); i > 0; i--) {
      const record = `${++this.#records} ${'x'.repeat(random.pick([0, 5, 100, 700]))}`;
      // It may be refused at once. After that it takes its place behind the others.
      this.#inFlight.push(record);
      try {
        const { sequence } = await journal.append(record);
        check(this.#inFlight[0] === record, 'records become durable in the order in which they were appended');
        this.#inFlight.shift();
        this.#acknowledged = [...this.#acknowledged, record];
        check(this.#acknowledged.length === sequence, 'the sequence counts the records');
        this.counts.acknowledged += 1;
      } catch (error) {
        mustBeJournalError(error);
        if (error.code === 'JOURNAL_FAILED') continue;
        this.#inFlight.splice(this.#inFlight.indexOf(record), 1);
        this.counts.refused += 1;
      }
    }
  }

  async #checkpoint(journal: ListJournal): Promise<void> {
    try {
      await journal.checkpoint();
      this.counts.checkpoints += 1;
    } catch (error) {
      mustBeJournalError(error);
    }
  }

  #checkJournal(journal: ListJournal): void {
    const { durable, tip } = journal;
    check(durable.length >= this.#acknowledged.length, 'what was acknowledged is in the durable state');
    check(isPrefix(durable, [...this.#acknowledged, ...this.#inFlight]), 'the durable state holds what was appended');
    check(isPrefix(durable, tip), 'the tip is the durable state and more');
  }

  /** Damages or empties one of two folders. */
  #harm(): void {
    const random = this.#random;
    if (!this.#whole || this.#folders.length < 2 || random.chance(0.5)) return;
    const folder = random.pick(this.#folders);
    const files = this.disk.paths().filter((path) => path.startsWith(`${folder}/`) && !path.endsWith('/lock'));
    this.#whole = false;
    this.counts.foldersHarmed += 1;
    if (random.chance(0.2)) {
      for (const file of files) this.disk.loseFile(file);
      return;
    }
    if (random.chance(0.2)) {
      this.disk.loseFile(random.pick(files));
      return;
    }
    for (let i = random.between(1, 3); i > 0; i--) {
      const file = random.pick(files);
      const { length } = this.disk.bytesOf(file);
      if (length > 0) this.disk.flipBit(file, random.below(length), random.below(8));
    }
  }
}

const isPrefix = (short: readonly string[], long: readonly string[]): boolean =>
  short.length <= long.length && short.every((record, i) => record === long[i]);

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`violated: ${what}`);
}

function mustBeJournalError(error: unknown): asserts error is JournalError {
  if (!(error instanceof JournalError)) throw error;
}
