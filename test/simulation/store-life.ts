/**
 * The life of a whole file store: a namenode over its journal, datanodes over their disks, clients, a clock, a network and disks that all
 * do what real ones do on bad days. One seed is one run of a thousand operations.
 *
 * What must hold: what a client was told is so, and stays so while one disk with a sound replica is left; a read yields the right bytes
 * or an error; no part of a file is seen; what a snapshot holds stays so for as long as it is there; what the namenode's journal
 * acknowledged is in it after every start; when the troubles end, every block has its replicas again, on several racks where there are
 * some, and nothing else stands on the disks.
 */

import type { FileNode } from '../../src/filestore/namespace/state.ts';
import { SimulatedClock } from '../cluster/simulated-clock.ts';
import { passTime } from './pass-time.ts';
import { Random } from './random.ts';
import { SimulatedNetwork } from './simulated-network.ts';
import { StoreClientLife } from './store-clients.ts';
import { Contents } from './store-model.ts';
import { namedFiles, replicaBytes, replicaProblems } from './store-oracle.ts';
import { DataNodeLife, NameNodeLife, sleep } from './store-processes.ts';
import { Races } from './store-races.ts';
import { Troubles } from './store-troubles.ts';

const OPERATIONS = 1002;
const CLIENTS = 6;
const DATANODES = 5;
/** After the last trouble, until every block must have its replicas: two passes of a scrubber, and what is found in the last moment. */
const REST_MS = 450_000;
const REST_STEP_MS = 10_000;
/** A life takes a tenth of this: what goes on for longer waits for what never comes. */
const LIFE_MS = 3 * 3600 * 1000;

export type Counts = Readonly<Record<string, number>>;

export async function simulateStore(seed: number): Promise<Counts> {
  return new StoreLife(new Random(seed)).run();
}

class StoreLife {
  readonly #clock = new SimulatedClock();
  readonly #endMs = this.#clock.elapsedMs() + LIFE_MS;
  readonly #contents = new Contents();
  readonly #network: SimulatedNetwork;
  readonly #names: NameNodeLife;
  readonly #nodes: readonly DataNodeLife[];
  readonly #clients: readonly StoreClientLife[];
  readonly #troubles: Troubles;
  /** At the end: that no file has any more. */
  #snapshotBlocks = 0;

  constructor(random: Random) {
    const [clock, contents] = [this.#clock, this.#contents];
    const network = new SimulatedNetwork(random.fork(), clock);
    this.#network = network;
    this.#names = new NameNodeLife(random.fork(), clock, network);
    const racks = random.between(1, 3);
    this.#nodes = Array.from(
      { length: DATANODES },
      (_, i) => new DataNodeLife(`dn${i}`, `/rack${i % racks}`, random.fork(), clock, network),
    );
    const world = { clock, network, contents, races: new Races() };
    this.#clients = Array.from(
      { length: CLIENTS },
      (_, i) => new StoreClientLife(i, world, random.fork(), this.#nodes[i % DATANODES]!),
    );
    const troubled = { clock, network, names: this.#names, nodes: this.#nodes, clients: this.#clients };
    this.#troubles = new Troubles(troubled, random.fork());
  }

  async run(): Promise<Counts> {
    await this.#pass(Promise.all([this.#names, ...this.#nodes].map((process) => process.start())));
    this.#network.troubles = { lose: 0.01, loseAnswer: 0.01, repeat: 0.02, cut: 0.01, delayMs: 40, delayLong: 0.005 };
    const troubles = this.#troubles.run();
    await this.#pass(Promise.all(this.#clients.map((client) => client.live(OPERATIONS / CLIENTS))));
    this.#troubles.end();
    await this.#pass(troubles);
    this.#network.troubles = {};
    await this.#pass(this.#rest());
    await this.#pass(Promise.all(this.#clients.map((client) => client.checkAll())));
    this.#checkReplicas();
    return this.#counts();
  }

  /** Until all is well. */
  async #rest(): Promise<void> {
    const end = this.#clock.elapsedMs() + REST_MS;
    for (;;) {
      await sleep(this.#clock, REST_STEP_MS);
      const { namenode } = this.#names;
      const problems = namenode ? replicaProblems(namenode, this.#nodes) : ['the namenode is down'];
      if (problems.length === 0) return;
      if (this.#clock.elapsedMs() < end) continue;
      const nodes = namenode?.datanodes.all().map((one) => {
        const { node, isAlive, service, reportedTo } = one;
        return `${node} ${isAlive ? 'lives' : 'is dead'}, ${service}, reported to ${reportedTo}`;
      });
      const what = [...problems.slice(0, 5), ...(nodes ?? []), `${namenode?.replication.pending} blocks wait`].join(
        '\n',
      );
      throw new Error(`after ${REST_MS} ms of rest: ${problems.length} problems:\n${what}`);
    }
  }

  /** Every replica on every disk has the bytes of its file, also those that no client has read. */
  #checkReplicas(): void {
    const replicas = replicaBytes(this.#nodes);
    const live = new Set<number>();
    const held = new Set<number>();
    for (const [path, file, from] of namedFiles(this.#names.namenode!.state)) {
      // As a snapshot saw it while it was written.
      if (file.client !== undefined) continue;
      const client = this.#clients.find(({ folder }) => path.startsWith(`${folder}/`));
      if (!client) continue;
      for (const { id } of file.blocks) (from === 'live' ? live : held).add(id);
      // Of some snapshots it is not known which of two they are.
      const wrong = [...client.contentAt(path)].map((content) =>
        content === undefined ? 'nobody wrote it' : whatDiffers(file, this.#contents.bytesOf(content), replicas),
      );
      if (!wrong.includes(undefined)) throw new Error(`${path}: ${wrong.join('; ')}`);
    }
    this.#snapshotBlocks = [...held].filter((id) => !live.has(id)).length;
  }

  #pass<T>(work: Promise<T>): Promise<T> {
    const processes = [this.#names, ...this.#nodes];
    return passTime(this.#clock, work, () => {
      if (this.#clock.elapsedMs() > this.#endMs) throw new Error(`it goes on after ${LIFE_MS} ms`);
      if (this.#network.bug) throw this.#network.bug;
      for (const { failure } of processes) if (failure) throw failure;
    });
  }

  #counts(): Counts {
    const disks = [this.#names.disk, ...this.#nodes.map(({ disk }) => disk)];
    const parts: readonly (readonly [string, Counts])[] = [
      ...this.#clients.map(({ counts }) => ['', counts] as const),
      ['', this.#troubles.counts],
      ['', { recoveriesCompared: this.#names.recoveriesCompared, snapshotBlocks: this.#snapshotBlocks }],
      ['messages ', this.#network.faults],
      ...disks.map(({ faults }) => ['disk ', faults] as const),
    ];
    const sums: Record<string, number> = {};
    for (const [prefix, counts] of parts) {
      for (const [what, count] of Object.entries(counts)) sums[prefix + what] = (sums[prefix + what] ?? 0) + count;
    }
    return sums;
  }
}

function whatDiffers(
  file: FileNode,
  bytes: Buffer,
  replicas: ReadonlyMap<string, readonly Buffer[]>,
): string | undefined {
  let offset = 0;
  for (const { id, generation, length } of file.blocks) {
    const wanted = bytes.subarray(offset, (offset += length!));
    for (const replica of replicas.get(`${id}_${generation}`) ?? []) {
      if (!replica.equals(wanted)) return `a replica of block ${id} has other bytes`;
    }
  }
  return offset === bytes.length ? undefined : `blocks of ${offset} bytes, not ${bytes.length}`;
}
