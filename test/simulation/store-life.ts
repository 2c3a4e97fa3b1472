/**
 * The life of a whole file store: a namenode over its journal, datanodes over their disks, clients, a clock, a network and disks that all
 * do what real ones do on bad days. One seed is one run of a thousand operations.
 *
 * What must hold: what a client was told is so, and stays so; a read yields the right bytes or an error; no part of a file is seen; when
 * the troubles end, every block has its replicas again.
 */

import { fsck } from '../../src/filestore/namenode/administration.ts';
import { StoreError } from '../../src/filestore/network.ts';
import { StoreFileSystem } from '../../src/filestore/store-file-system.ts';
import { SimulatedClock } from '../cluster/simulated-clock.ts';
import { passTime } from './pass-time.ts';
import { Random } from './random.ts';
import { SimulatedNetwork } from './simulated-network.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { DataNodeLife, NameNodeLife } from './store-processes.ts';

const OPERATIONS = 1000;
const DATANODES = 4;
const CLIENTS = 3;
const BLOCK_BYTES = 4_000;
/** After the last trouble, until every block must have its replicas. */
const REST_MS = 400_000;

export async function simulateStore(seed: number): Promise<Readonly<Record<string, number>>> {
  const life = new StoreLife(new Random(seed));
  return life.run();
}

/** A path, and what may stand there: contents by number, `undefined` for nothing. One entry = it is known. */
type Possible = Set<number | undefined>;

class StoreLife {
  readonly #random: Random;
  readonly #clock = new SimulatedClock();
  readonly #network: SimulatedNetwork;
  readonly #names: NameNodeLife;
  readonly #nodes: readonly DataNodeLife[];
  readonly #counts = { operations: 0, refused: 0, reads: 0, kills: 0, crashes: 0, partitions: 0, flips: 0 };
  #contents = 0;
  #isCalm = false;

  constructor(random: Random) {
    this.#random = random;
    this.#network = new SimulatedNetwork(random.fork(), this.#clock);
    this.#names = new NameNodeLife(random.fork(), this.#clock, this.#network);
    this.#nodes = Array.from(
      { length: DATANODES },
      (_, i) => new DataNodeLife(`dn${i}`, `/rack${i % 2}`, random.fork(), this.#clock, this.#network),
    );
  }

  async run(): Promise<Readonly<Record<string, number>>> {
    await this.#drive(Promise.all([this.#names.start(), ...this.#nodes.map((node) => node.start())]));
    this.#network.troubles = { lose: 0.01, loseAnswer: 0.01, repeat: 0.02, cut: 0.01, delayMs: 40 };
    const models = Array.from({ length: CLIENTS }, () => new Map<string, Possible>());
    const troubles = this.#troubles();
    await this.#drive(Promise.all(models.map((model, i) => this.#client(i, model))));
    this.#isCalm = true;
    this.#network.troubles = {};
    this.#network.heal();
    await this.#drive(troubles);
    await this.#drive(this.#heal());
    await this.#drive(this.#sleep(REST_MS));
    await this.#drive(this.#checkAll(models));
    const { problems } = fsck(this.#names.namenode!, '/');
    if (problems.length > 0) throw new Error(`after ${REST_MS} ms of rest: ${JSON.stringify(problems.slice(0, 3))}`);
    const disks = [this.#names.disk, ...this.#nodes.map(({ disk }) => disk)];
    const faults: Record<string, number> = { ...this.#counts, ...this.#network.faults };
    for (const disk of disks) {
      for (const [what, count] of Object.entries(disk.faults))
        faults[`disk ${what}`] = (faults[`disk ${what}`] ?? 0) + count;
    }
    return faults;
  }

  #drive<T>(work: Promise<T>): Promise<T> {
    return passTime(this.#clock, work, () => {
      if (this.#names.failure) throw this.#names.failure;
    });
  }

  // ------------------------------------------------------------------------------------------------------------ clients

  async #client(number: number, model: Map<string, Possible>): Promise<void> {
    const random = this.#random.fork();
    const fs = this.#fileSystem(`client${number}`, random.pick(this.#nodes).name);
    for (let i = 0; i < OPERATIONS / CLIENTS; i++) {
      this.#counts.operations += 1;
      const path = `/c${number}/${random.pick(['', 'a/', 'b/'])}f${random.below(12)}`;
      const isCertain = await this.#operate(random, fs, model, path);
      // What was asked may still be on its way.
      if (!isCertain) await this.#sleep(20_000);
      await this.#sleep(random.below(300));
    }
  }

  /** False: nobody knows what became of it. */
  async #operate(random: Random, fs: StoreFileSystem, model: Map<string, Possible>, path: string): Promise<boolean> {
    const before = model.get(path) ?? new Set([undefined]);
    switch (random.below(7)) {
      case 0:
      case 1: {
        const content = this.#newContent(random);
        return this.#attempt(model, path, new Set([content]), async () => {
          await fs.create(path, bytesOf(content), { overwrite: true });
          return new Set([content]);
        });
      }
      case 2: {
        const content = this.#newContent(random);
        return this.#attempt(model, path, new Set([content]), async () => {
          const made = await fs.createIfAbsent(path, bytesOf(content));
          if (made === 'created') {
            if (!before.has(undefined)) throw new Error(`${path} was there, and was created`);
            return new Set([content]);
          }
          const rest = new Set([...before].filter((one) => one !== undefined));
          if (rest.size === 0) throw new Error(`${path} is said to exist`);
          return rest;
        });
      }
      case 3:
        return this.#attempt(model, path, new Set([undefined]), async () => {
          const removed = await fs.delete(path);
          if (removed && before.size === 1 && before.has(undefined)) throw new Error(`${path} was not there`);
          return new Set([undefined]);
        });
      case 4: {
        const target = `${path}-moved`;
        const there = model.get(target) ?? new Set([undefined]);
        const both = new Set([...before, ...there]);
        const moved = await this.#attempt(model, target, both, async () => {
          await fs.rename(path, target, { overwrite: true });
          return new Set([...before].filter((one) => one !== undefined));
        });
        const after = model.get(target)!;
        // Known to have moved, or not, or neither.
        if (!moved) model.set(path, new Set([...before, undefined]));
        else if (after !== there && this.#wasDone) model.set(path, new Set([undefined]));
        return moved;
      }
      default:
        await this.#check(fs, model, path);
        return true;
    }
  }

  #wasDone = false;

  /** Runs a change. `perhaps`: what may stand there too when it fails. */
  async #attempt(
    model: Map<string, Possible>,
    path: string,
    perhaps: Possible,
    work: () => Promise<Possible>,
  ): Promise<boolean> {
    const before = model.get(path) ?? new Set([undefined]);
    this.#wasDone = false;
    try {
      const after = await work();
      this.#wasDone = true;
      model.set(path, after);
      return true;
    } catch (problem) {
      if (!(problem instanceof StoreError)) throw problem;
      this.#counts.refused += 1;
      const isRefused = problem.name !== 'IOException';
      model.set(path, isRefused ? before : new Set([...before, ...perhaps]));
      return isRefused;
    }
  }

  async #check(fs: StoreFileSystem, model: Map<string, Possible>, path: string): Promise<void> {
    const possible = model.get(path) ?? new Set([undefined]);
    let found: number | undefined;
    try {
      const file = await fs.open(path);
      const bytes = Buffer.from(await file.read(0, file.length));
      found = [...possible].find((one) => one !== undefined && Buffer.compare(bytes, bytesOf(one)) === 0);
      if (found === undefined) throw new Error(`${path} has ${bytes.length} bytes that nobody wrote there`);
      this.#counts.reads += 1;
    } catch (problem) {
      if (!(problem instanceof StoreError)) throw problem;
      if (problem.name !== 'FileNotFoundException' && problem.name !== 'ParentNotDirectoryException') {
        if (this.#isCalm) throw new Error(`${path} cannot be read when all is well`, { cause: problem });
        return;
      }
      if (!possible.has(undefined)) throw new Error(`${path} is lost`, { cause: problem });
    }
    model.set(path, new Set([found]));
  }

  async #checkAll(models: readonly Map<string, Possible>[]): Promise<void> {
    const fs = this.#fileSystem('checker', 'nowhere');
    for (const model of models) for (const path of model.keys()) await this.#check(fs, model, path);
  }

  #fileSystem(client: string, host: string): StoreFileSystem {
    const process = new SimulatedProcess(client, this.#clock, this.#network);
    return new StoreFileSystem({
      network: process.network,
      clock: process.clock,
      namenode: 'namenode',
      caller: { user: 'root', groups: [], superuser: true },
      client,
      host,
      attributes: { replication: 3, blockSize: BLOCK_BYTES },
    });
  }

  #newContent(random: Random): number {
    this.#contents += 1;
    return this.#contents * 16 + random.below(16);
  }

  // ----------------------------------------------------------------------------------------------------------- troubles

  /** One at a time, each healed before the next: three replicas are to withstand that. */
  async #troubles(): Promise<void> {
    const random = this.#random.fork();
    for (;;) {
      await this.#sleep(random.between(2_000, 40_000));
      if (this.#isCalm) return;
      const node = random.pick(this.#nodes);
      switch (random.below(6)) {
        case 0:
          await this.#interrupt(this.#names, random);
          break;
        case 1:
        case 2:
          await this.#interrupt(node, random);
          break;
        case 3:
          this.#counts.partitions += 1;
          this.#network.part(node.name, 'namenode');
          if (random.chance(0.5)) this.#network.part('namenode', node.name);
          await this.#sleep(random.between(1_000, 20_000));
          this.#network.heal();
          break;
        case 4:
          this.#counts.partitions += 1;
          this.#network.part(random.pick(this.#nodes).name, node.name);
          await this.#sleep(random.between(1_000, 20_000));
          this.#network.heal();
          break;
        case 5:
          this.#flip(random, node);
      }
    }
  }

  async #interrupt(process: NameNodeLife | DataNodeLife, random: Random): Promise<void> {
    const isCrash = random.chance(0.5);
    this.#counts[isCrash ? 'crashes' : 'kills'] += 1;
    if (isCrash) process.crash();
    else process.kill();
    await this.#sleep(random.between(200, 15_000));
    await process.start();
  }

  /** A bit of a block of which another datanode has a replica that nobody harmed. */
  #flip(random: Random, node: DataNodeLife): void {
    const paths = node.disk.paths().filter((path) => isBlockFile(path));
    if (paths.length === 0) return;
    const path = random.pick(paths);
    const name = path.slice(path.lastIndexOf('/') + 1);
    const isSafe = this.#nodes.some(
      (other) =>
        other !== node && !other.harmed.has(name) && other.disk.paths().some((one) => one.endsWith(`/${name}`)),
    );
    const { length } = node.disk.bytesOf(path);
    if (!isSafe || length === 0) return;
    this.#counts.flips += 1;
    node.harmed.add(name);
    node.disk.flipBit(path, random.below(length), random.below(8));
  }

  async #heal(): Promise<void> {
    for (const process of [this.#names, ...this.#nodes]) if (!process.isUp) await process.start();
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(ms, resolve));
  }
}

/** Of a replica's bytes, or of their checksums. */
const isBlockFile = (path: string): boolean => /\d+_\d+/.test(path.slice(path.lastIndexOf('/') + 1));

/** A content is a function of its number. */
function bytesOf(content: number): Buffer {
  const random = new Random(content);
  return Buffer.from(random.bytes(random.pick([0, 1, 500, BLOCK_BYTES, BLOCK_BYTES + 1, 2 * BLOCK_BYTES + 700])));
}
