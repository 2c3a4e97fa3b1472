/** The namenode and the datanodes of a simulated store, as processes that die and start again. */

import { isDeepStrictEqual } from 'node:util';
import { DataNode } from '../../src/filestore/datanode/datanode.ts';
import { NameNode } from '../../src/filestore/namenode/namenode.ts';
import { namespaceMachine } from '../../src/filestore/namespace/namespace.ts';
import type { NamespaceRecord } from '../../src/filestore/namespace/records.ts';
import type { Namespace } from '../../src/filestore/namespace/state.ts';
import type { DatanodeId } from '../../src/filestore/protocol.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { openFileJournal } from '../../src/journal/open-file-journal.ts';
import type { SimulatedClock } from '../cluster/simulated-clock.ts';
import { dump } from '../filestore/namespace-dump.ts';
import type { Random } from './random.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import type { SimulatedNetwork } from './simulated-network.ts';
import { SimulatedProcess } from './simulated-process.ts';

const CHUNK_BYTES = 600;
const CAPACITY_BYTES = 100_000_000;
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Of a disk that has a bad time: the share of its calls that wait, and for how long at most. */
const SLOW_CALLS = 0.2;
const SLOW_MS = 300;

/** A process that dies and starts again, with the disk that outlives it. */
export abstract class ProcessLife {
  readonly name: string;
  readonly disk: SimulatedDisk;
  /** Somebody keeps it down, and starts it again later. */
  isHeldDown = false;
  isSlow = false;
  /** What must never happen. */
  failure: Error | undefined;
  protected readonly random: Random;
  protected readonly clock: SimulatedClock;
  protected readonly world: SimulatedNetwork;
  /** The one that runs now. */
  protected process: SimulatedProcess | undefined;

  constructor(name: string, random: Random, clock: SimulatedClock, network: SimulatedNetwork) {
    this.name = name;
    this.random = random;
    this.clock = clock;
    this.world = network;
    const delays = random.fork();
    this.disk = new SimulatedDisk({
      random: random.fork(),
      capacityBytes: CAPACITY_BYTES,
      latency: () => (this.isSlow && delays.chance(SLOW_CALLS) ? sleep(clock, delays.below(SLOW_MS)) : undefined),
    });
  }

  get isUp(): boolean {
    return this.process !== undefined;
  }

  /** Until it serves, or is dead again. */
  async start(): Promise<void> {
    if (this.process) return;
    const process = new SimulatedProcess(this.name, this.clock, this.world);
    this.process = process;
    const troubles = this.#diskTroubles();
    const opened = this.open(process).catch((problem: unknown) => {
      if (this.process !== process) return;
      this.kill();
      // A disk that fails or is full is a reason not to start, and there is no other.
      if (this.#diskTroubles() === troubles)
        this.failure ??= new Error(`${this.name} does not start`, { cause: problem });
    });
    await Promise.race([opened, process.death]);
  }

  protected abstract open(process: SimulatedProcess): Promise<void>;

  #diskTroubles(): number {
    return this.disk.faults.refusedForSpace + this.disk.faults.syncsFailed;
  }

  /** The system, and with it what was written, goes on. */
  kill(): void {
    this.end();
    this.disk.kill();
  }

  /** The power fails. */
  crash(): void {
    this.end();
    this.disk.crash();
  }

  /** The power fails in the middle of something: before or after one of the disk's next calls, if there are any. */
  async crashSoon(random: Random): Promise<void> {
    const { process, disk } = this;
    if (!process) return;
    const call = disk.calls + 1 + random.below(40);
    const when = random.pick(['before', 'after'] as const);
    disk.crashAt = (at) => (at === call ? when : undefined);
    disk.onCrash = () => this.end();
    await Promise.race([process.death, sleep(this.clock, 3_000)]);
    disk.crashAt = () => undefined;
    if (this.process === process) this.crash();
  }

  recoverDisk(): void {
    this.isSlow = false;
    this.disk.capacityBytes = CAPACITY_BYTES;
    this.disk.syncFailures = 0;
  }

  protected end(): void {
    this.process?.kill();
    this.process = undefined;
    this.world.serve(this.name, undefined);
  }
}

/** The namenode and its journal. */
export class NameNodeLife extends ProcessLife {
  namenode: NameNode | undefined;
  recoveriesCompared = 0;
  /** Of the last record that anybody was told of. */
  #acknowledged = 0;
  #epoch = 0;
  /** Of the namenode that runs, or ran last. */
  #journal: Journal<Namespace, NamespaceRecord> | undefined;

  constructor(random: Random, clock: SimulatedClock, network: SimulatedNetwork) {
    super('namenode', random, clock, network);
  }

  protected async open(process: SimulatedProcess): Promise<void> {
    const journal = await this.#openJournal(process);
    if (this.process !== process) return;
    this.#checkRecovery(journal);
    this.namenode = new NameNode({
      store: 'store',
      journal: this.#watched(journal),
      clock: process.clock,
      random: () => this.random.next(),
      logger: SILENT,
    });
    this.world.serve(this.name, this.namenode.operations());
  }

  #openJournal(process: SimulatedProcess): Promise<Journal<Namespace, NamespaceRecord>> {
    return openFileJournal({
      machine: namespaceMachine({ owner: 'root', group: 'root' }),
      disk: this.disk.mount(),
      folders: ['/journal'],
      random: (bytes) => this.random.bytes(bytes),
      fatal: () => {
        if (this.process === process) this.kill();
      },
      logger: SILENT,
      pause: () => sleep(process.clock, 0),
      segmentBytes: 30_000,
      reserveBytes: 4_000,
      checkpointBytes: 60_000,
    });
  }

  #checkRecovery(journal: Journal<Namespace, NamespaceRecord>): void {
    const { sequence, epoch, durable } = journal;
    // The one before it may have died between writing a record and hearing so.
    if (sequence === this.#journal?.sequence) {
      this.recoveriesCompared += 1;
      if (!isDeepStrictEqual(plain(durable), plain(this.#journal.durable))) {
        this.failure ??= new Error(`after ${sequence} records another namespace is recovered than there was`);
      }
    }
    this.#journal = journal;
    if (sequence < this.#acknowledged) {
      this.failure ??= new Error(`${this.#acknowledged} records were acknowledged, ${sequence} are recovered`);
    }
    if (epoch <= this.#epoch) this.failure ??= new Error(`epoch ${epoch} follows epoch ${this.#epoch}`);
    this.#epoch = epoch;
  }

  #watched(journal: Journal<Namespace, NamespaceRecord>): Journal<Namespace, NamespaceRecord> {
    const append: typeof journal.append = async (record) => {
      const position = await journal.append(record);
      this.#acknowledged = Math.max(this.#acknowledged, position.sequence);
      return position;
    };
    return new Proxy(journal, {
      get: (target, key) => (key === 'append' ? append : (Reflect.get(target, key, target) as unknown)),
    });
  }

  protected override end(): void {
    super.end();
    this.namenode?.stop();
    this.namenode = undefined;
  }
}

const plain = (state: Namespace): unknown => JSON.parse(JSON.stringify(dump(state)));

/** Its chunks, intervals and limits are small, so that a short life meets all of them. */
export class DataNodeLife extends ProcessLife {
  /** Under which the namenode knows it; another one after its disk was replaced. */
  id: DatanodeId | undefined;
  readonly rack: string;
  readonly #folders: readonly string[];
  #ids = 0;

  constructor(name: string, rack: string, random: Random, clock: SimulatedClock, network: SimulatedNetwork) {
    super(name, random, clock, network);
    this.rack = rack;
    this.#folders = random.chance(0.5) ? ['/data'] : ['/data', '/more'];
  }

  protected async open(process: SimulatedProcess): Promise<void> {
    const node = await DataNode.open({
      disk: this.disk.mount(),
      clock: process.clock,
      network: process.network,
      logger: SILENT,
      folders: this.#folders,
      address: this.name,
      rack: this.rack,
      host: this.name,
      namenodes: ['namenode'],
      newId: () => `${this.name}-${(this.#ids += 1)}`,
      random: () => this.random.next(),
      fatal: (problem) => (this.failure ??= problem),
      chunkBytes: CHUNK_BYTES,
      scrubIntervalMs: 200_000,
      scrubBytesPerSecond: 1_000_000,
      verifyIntervalMs: 20_000,
    });
    if (this.process !== process) return;
    this.id = node.id;
    node.start();
    this.world.serve(this.name, node.operations);
  }
}

export const sleep = (clock: Pick<SimulatedClock, 'after'>, ms: number): Promise<void> =>
  new Promise((resolve) => void clock.after(ms, resolve));
