/**
 * The lives of one journal on a simulated disk: opened, written by several callers at once, checkpointed, killed, cut off from power at
 * any call of the disk, over full disks, failing syncs and damaged files. One seed is one run.
 */

import { JournalDamagedError, JournalError } from '../../src/journal/errors.ts';
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
  /** Starts that refused a damaged journal. */
  halted: number;
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
  readonly counts = {
    opens: 0,
    crashedOpens: 0,
    acknowledged: 0,
    refused: 0,
    checkpoints: 0,
    foldersHarmed: 0,
    halted: 0,
  };
  readonly #random: Random;
  readonly #folders: readonly [string, ...string[]];
  /** Records that must be there, in their order. */
  #acknowledged: readonly string[] = [];
  /** Records that may follow them: appended, and nobody knows. */
  #inFlight: string[] = [];
  #epoch = 0;
  #records = 0;
  /** The last start came to its end, so that either folder holds all that was acknowledged: one may be harmed. */
  #whole = false;
  #failed = false;
  /** The last process ended in order: even the last record is known to have been durable. */
  #closed = false;
  /** Turned back when the start halts at it, as an operator does with a copy. */
  #flipped: readonly [path: string, offset: number, bit: number] | undefined;

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
    const crashed = new Promise<void>((resolve) => (this.disk.onCrash = resolve));
    if (random.chance(0.7)) {
      const call = this.disk.calls + 1 + random.below(150);
      const when = random.pick(['before', 'after'] as const);
      this.disk.crashAt = (at) => (at === call ? when : undefined);
    }
    await Promise.race([crashed, this.#run()]);
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
    await journal.append('last');
    await journal.close();
  }

  async #run(): Promise<void> {
    const random = this.#random;
    this.counts.crashedOpens += 1;
    const journal = await this.#open();
    this.counts.crashedOpens -= 1;
    if (random.chance(0.2)) this.disk.syncFailures = 0.02;
    for (let i = random.between(1, 8); i > 0; i--) {
      await this.#step(journal);
      this.#checkJournal(journal);
    }
    if (random.chance(0.5)) return;
    this.disk.capacityBytes = Infinity;
    await journal.close().then(() => (this.#closed = !this.#failed), mustBeJournalError);
  }

  async #open(): Promise<ListJournal> {
    this.#whole = false;
    this.#closed = false;
    this.#failed = false;
    const journal = await this.#openFiles().catch((error: unknown) => {
      if (!(error instanceof JournalDamagedError) || !this.#flipped) throw error;
      this.counts.halted += 1;
      this.disk.flipBit(...this.#flipped);
      return this.#openFiles();
    });
    this.#flipped = undefined;
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

  #openFiles(): Promise<ListJournal> {
    return openFileJournal({
      machine: listMachine,
      disk: this.disk.mount(),
      folders: this.#folders,
      random: (bytes) => this.#random.bytes(bytes),
      fatal: () => (this.#failed = true),
      logger: { warn: () => undefined },
      pause: () => Promise.resolve(),
      segmentBytes: 1500,
      reserveBytes: 400,
      checkpointBytes: 2500,
    });
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

  #harm(): void {
    if (this.#random.chance(0.5)) return;
    if (this.#folders.length > 1 && this.#whole) this.#harmFolder(this.#random.pick(this.#folders));
    else if (this.#folders.length === 1 && this.#closed) this.#flipped = this.#flip('/a');
  }

  /** Damages or empties one of two folders. */
  #harmFolder(folder: string): void {
    const random = this.#random;
    this.#whole = false;
    this.counts.foldersHarmed += 1;
    const files = this.#filesIn(folder);
    const harm = random.pick(['empty', 'lose', 'flip', 'flip', 'flip'] as const);
    if (harm === 'empty') for (const file of files) this.disk.loseFile(file);
    else if (harm === 'lose') this.disk.loseFile(random.pick(files));
    else for (let i = random.between(1, 3); i > 0; i--) this.#flip(folder);
  }

  #flip(folder: string): readonly [path: string, offset: number, bit: number] {
    const random = this.#random;
    const file = random.pick(this.#filesIn(folder).filter((path) => this.disk.bytesOf(path).length > 0));
    const place = [file, random.below(this.disk.bytesOf(file).length), random.below(8)] as const;
    this.disk.flipBit(...place);
    return place;
  }

  #filesIn(folder: string): readonly string[] {
    return this.disk.paths().filter((path) => path.startsWith(`${folder}/`) && !path.endsWith('/lock'));
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
