/** The namenode and the datanodes of a simulated store, as processes that die and start again. */

import { DataNode } from '../../src/filestore/datanode/datanode.ts';
import { NameNode } from '../../src/filestore/namenode/namenode.ts';
import { namespaceMachine } from '../../src/filestore/namespace/namespace.ts';
import type { NamespaceRecord } from '../../src/filestore/namespace/records.ts';
import type { Namespace } from '../../src/filestore/namespace/state.ts';
import { JournalError } from '../../src/journal/errors.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { openFileJournal } from '../../src/journal/open-file-journal.ts';
import type { SimulatedClock } from '../cluster/simulated-clock.ts';
import type { Random } from './random.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import type { SimulatedNetwork } from './simulated-network.ts';
import { SimulatedProcess } from './simulated-process.ts';

const CHUNK_BYTES = 1_000;
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A process that dies and starts again, with the disk that outlives it. */
abstract class ProcessLife {
  readonly name: string;
  readonly disk: SimulatedDisk;
  protected readonly random: Random;
  readonly #clock: SimulatedClock;
  protected readonly world: SimulatedNetwork;
  /** The one that runs now. */
  protected process: SimulatedProcess | undefined;

  constructor(name: string, random: Random, clock: SimulatedClock, network: SimulatedNetwork, capacityBytes?: number) {
    this.name = name;
    this.random = random;
    this.#clock = clock;
    this.world = network;
    this.disk = new SimulatedDisk({ random: random.fork(), ...(capacityBytes !== undefined && { capacityBytes }) });
  }

  abstract start(): Promise<void>;

  get isUp(): boolean {
    return this.process !== undefined;
  }

  protected begin(): SimulatedProcess {
    this.process = new SimulatedProcess(this.name, this.#clock, this.world);
    return this.process;
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

  protected end(): void {
    this.process?.kill();
    this.process = undefined;
    this.world.serve(this.name, undefined);
  }
}

/** The namenode and its journal. */
export class NameNodeLife extends ProcessLife {
  namenode: NameNode | undefined;
  /** What must never happen. */
  failure: Error | undefined;

  constructor(random: Random, clock: SimulatedClock, network: SimulatedNetwork) {
    super('namenode', random, clock, network);
  }

  async start(): Promise<void> {
    const process = this.begin();
    const journal = await this.#openJournal(process);
    if (this.process !== process) return;
    this.namenode = new NameNode({
      store: 'store',
      journal,
      clock: process.clock,
      random: () => this.random.next(),
      logger: SILENT,
    });
    this.world.serve(this.name, this.namenode.operations());
  }

  async #openJournal(process: SimulatedProcess): Promise<Journal<Namespace, NamespaceRecord>> {
    try {
      return await openFileJournal({
        machine: namespaceMachine({ owner: 'root', group: 'root' }),
        disk: this.disk.mount(),
        folders: ['/journal'],
        random: (bytes) => this.random.bytes(bytes),
        fatal: () => {
          if (this.process === process) this.kill();
        },
        logger: SILENT,
        segmentBytes: 100_000,
        checkpointBytes: 200_000,
      });
    } catch (problem) {
      if (problem instanceof JournalError) this.failure = new Error('the journal does not open', { cause: problem });
      throw problem;
    }
  }

  protected override end(): void {
    super.end();
    this.namenode?.stop();
  }
}

/** Its chunks, intervals and limits are small, so that a short life meets all of them. */
export class DataNodeLife extends ProcessLife {
  /** Names of files of which bits were flipped here. */
  readonly harmed = new Set<string>();
  readonly #rack: string;
  #ids = 0;

  constructor(name: string, rack: string, random: Random, clock: SimulatedClock, network: SimulatedNetwork) {
    super(name, random, clock, network, 100_000_000);
    this.#rack = rack;
  }

  async start(): Promise<void> {
    const process = this.begin();
    const node = await DataNode.open({
      disk: this.disk.mount(),
      clock: process.clock,
      network: process.network,
      logger: SILENT,
      folders: ['/data'],
      address: this.name,
      rack: this.#rack,
      host: this.name,
      namenodes: ['namenode'],
      newId: () => `${this.name}-${(this.#ids += 1)}`,
      random: () => this.random.next(),
      fatal: (problem) => {
        throw problem;
      },
      chunkBytes: CHUNK_BYTES,
      scrubIntervalMs: 100_000,
      scrubBytesPerSecond: 1_000_000,
      verifyIntervalMs: 20_000,
    });
    if (this.process !== process) return;
    node.start();
    this.world.serve(this.name, node.operations);
  }
}
