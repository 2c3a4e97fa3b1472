/**
 * What happens to a simulated store: processes die, the network parts, disks fill, fail and lose what they hold. Three kinds of trouble
 * take their course beside each other; only what destroys replicas leaves a sound one elsewhere, as the store promises no more.
 */

import { isLeaving } from '../../src/filestore/namespace/decide-services.ts';
import { blockInUse, blockOf } from '../../src/filestore/namespace/queries.ts';
import { StoreClient } from '../../src/filestore/store-client.ts';
import type { SimulatedClock } from '../cluster/simulated-clock.ts';
import type { Random } from './random.ts';
import type { SimulatedNetwork } from './simulated-network.ts';
import { SimulatedProcess } from './simulated-process.ts';
import type { StoreClientLife } from './store-clients.ts';
import { replicaOf, soundReplicas } from './store-oracle.ts';
import { type DataNodeLife, type NameNodeLife, type ProcessLife, sleep } from './store-processes.ts';

export type TroubledWorld = {
  readonly clock: SimulatedClock;
  readonly network: SimulatedNetwork;
  readonly names: NameNodeLife;
  readonly nodes: readonly DataNodeLife[];
  readonly clients: readonly StoreClientLife[];
};

export type TroubleCounts = {
  namenodeKills: number;
  namenodeCrashes: number;
  datanodeKills: number;
  datanodeCrashes: number;
  racksDown: number;
  powerFailures: number;
  partitions: number;
  slowDisks: number;
  fullDisks: number;
  failingDisks: number;
  flips: number;
  disksLost: number;
  decommissions: number;
  maintenances: number;
};

export class Troubles {
  readonly counts: TroubleCounts = {
    namenodeKills: 0,
    namenodeCrashes: 0,
    datanodeKills: 0,
    datanodeCrashes: 0,
    racksDown: 0,
    powerFailures: 0,
    partitions: 0,
    slowDisks: 0,
    fullDisks: 0,
    failingDisks: 0,
    flips: 0,
    disksLost: 0,
    decommissions: 0,
    maintenances: 0,
  };
  readonly #world: TroubledWorld;
  readonly #random: Random;
  readonly #administrator: StoreClient;
  #isOver = false;

  constructor(world: TroubledWorld, random: Random) {
    this.#world = world;
    this.#random = random;
    const { clock, network } = new SimulatedProcess('administrator', world.clock, world.network);
    const caller = { user: 'root', groups: [], superuser: true };
    this.#administrator = new StoreClient({ network, clock, namenode: 'namenode', caller, client: 'administrator' });
  }

  /** Until `end`, and until all of it is over. */
  async run(): Promise<void> {
    const troubles = Promise.all([
      this.#again([500, 12_000], (random) => this.#strike(random)),
      this.#again([500, 12_000], (random) => this.#hinder(random)),
      this.#again([5_000, 30_000], (random) => this.#takeAway(random)),
    ]);
    let areOver = false;
    void troubles.finally(() => (areOver = true)).catch(() => undefined);
    // Whoever dies by itself is started again: the last of the troubles may wait for it.
    await this.#again(
      [1_000, 3_000],
      () => this.#restart(),
      () => areOver,
    );
    await troubles;
    for (const process of this.#processes()) {
      process.recoverDisk();
      await process.start();
    }
  }

  end(): void {
    this.#isOver = true;
  }

  async #again(
    pauseMs: readonly [number, number],
    work: (random: Random) => Promise<void>,
    isOver = (): boolean => this.#isOver,
  ): Promise<void> {
    const random = this.#random.fork();
    for (;;) {
      await this.#sleep(random.between(...pauseMs));
      if (isOver()) return;
      await work(random);
    }
  }

  // ---------------------------------------------------------------------------------------------------------- processes

  async #strike(random: Random): Promise<void> {
    const { names, nodes, clients } = this.#world;
    const kind = random.below(14);
    if (kind < 3) return this.#interrupt([names], random);
    if (kind < 7) return this.#interrupt([random.pick(nodes)], random);
    if (kind < 8) return this.#interrupt([random.pick(nodes), random.pick(nodes)], random);
    if (kind < 9) return this.#powerFailure(random);
    if (kind < 11) return this.#rackDown(random);
    random.pick(clients).kill();
  }

  /** For so long that it counts as dead, and blocks are written and copied without it. */
  async #rackDown(random: Random): Promise<void> {
    this.counts.racksDown += 1;
    const { nodes } = this.#world;
    const { rack } = random.pick(nodes);
    const there = nodes.filter((node) => node.rack === rack);
    return this.#interrupt(there, random, [15_000, 25_000]);
  }

  async #interrupt(
    processes: readonly ProcessLife[],
    random: Random,
    downMs: readonly number[] = [500, 5_000, 25_000],
  ): Promise<void> {
    for (const process of processes) process.isHeldDown = true;
    for (const process of processes) {
      const who = process === this.#world.names ? 'namenode' : 'datanode';
      if (random.chance(0.4)) {
        this.counts[`${who}Kills`] += 1;
        process.kill();
      } else {
        this.counts[`${who}Crashes`] += 1;
        await process.crashSoon(random);
      }
    }
    await this.#sleep(random.pick(downMs));
    for (const process of processes) {
      process.isHeldDown = false;
      await process.start();
    }
  }

  /** Of all machines at once: what was acknowledged stands on the disks, or nowhere. */
  async #powerFailure(random: Random): Promise<void> {
    this.counts.powerFailures += 1;
    const processes = this.#processes();
    for (const process of processes) process.isHeldDown = true;
    await Promise.race(processes.map((process) => process.crashSoon(random)));
    for (const process of processes) process.crash();
    await this.#sleep(random.between(200, 2_000));
    for (const process of processes) process.isHeldDown = false;
    await Promise.all(processes.map((process) => process.start()));
  }

  async #restart(): Promise<void> {
    for (const process of this.#processes()) if (!process.isHeldDown) await process.start();
  }

  // -------------------------------------------------------------------------------------------------- networks and disks

  async #hinder(random: Random): Promise<void> {
    const { names, nodes } = this.#world;
    const node = random.pick(nodes);
    const process: ProcessLife = random.chance(0.25) ? names : node;
    switch (random.below(6)) {
      case 0:
        return this.#part([[node.name, 'namenode']], random);
      case 1:
        return this.#part([[random.pick(nodes).name, node.name]], random);
      case 2:
        return this.#part([...nodes.map(({ name }): Link => [name, node.name]), [node.name, 'namenode']], random);
      case 3:
        this.counts.slowDisks += 1;
        process.isSlow = true;
        break;
      case 4:
        this.counts.fullDisks += 1;
        process.disk.capacityBytes = process.disk.usedBytes() + random.below(5_000);
        break;
      case 5:
        this.counts.failingDisks += 1;
        process.disk.syncFailures = 0.05;
    }
    await this.#sleep(random.between(1_000, 15_000));
    const hasFailed = process.disk.syncFailures > 0;
    process.recoverDisk();
    // A datanode takes a folder that failed out of service until somebody starts it again.
    if (hasFailed && process !== names && !process.isHeldDown) {
      process.kill();
      await process.start();
    }
  }

  async #part(links: readonly Link[], random: Random): Promise<void> {
    this.counts.partitions += 1;
    const { network } = this.#world;
    const both = random.chance(0.5);
    const parted = links.flatMap(([from, to]): readonly Link[] =>
      both
        ? [
            [from, to],
            [to, from],
          ]
        : [[from, to]],
    );
    for (const [from, to] of parted) network.part(from, to);
    await this.#sleep(random.pick([1_000, 6_000, 20_000]));
    for (const [from, to] of parted) network.join(from, to);
  }

  // ----------------------------------------------------------------------------------------------------------- replicas

  async #takeAway(random: Random): Promise<void> {
    const node = random.pick(this.#world.nodes);
    switch (random.below(6)) {
      case 0:
        return this.#loseDisk(node, random);
      case 1:
        return this.#decommission(node, random);
      case 2:
        return this.#maintain(node, random);
      default:
        return this.#flip(node, random);
    }
  }

  /** A bit of a replica, or of its checksums. */
  async #flip(node: DataNodeLife, random: Random): Promise<void> {
    const paths = node.disk.paths().filter((path) => replicaOf(path) !== undefined && node.disk.usedBytesOf(path) > 0);
    if (paths.length === 0) return;
    const path = random.pick(paths);
    if (!this.#canLose([replicaOf(path)!], node)) return;
    this.counts.flips += 1;
    node.disk.flipBit(path, random.below(node.disk.usedBytesOf(path)), random.below(8));
  }

  async #loseDisk(node: DataNodeLife, random: Random): Promise<void> {
    const replicas = node.disk.paths().flatMap((path) => replicaOf(path) ?? []);
    if (node.isHeldDown || !this.#canLose(replicas, node)) return;
    this.counts.disksLost += 1;
    node.isHeldDown = true;
    node.crash();
    node.disk.replace();
    await this.#sleep(random.pick([500, 20_000]));
    node.isHeldDown = false;
    await node.start();
  }

  /** Whether each of them stands elsewhere, on a disk that nobody harmed and that was not told to delete it. */
  #canLose(replicas: readonly string[], node: DataNodeLife): boolean {
    const { names, nodes } = this.#world;
    const { namenode } = names;
    // Nobody knows what it is about to order.
    if (!namenode) return false;
    const soundAt = soundReplicas(nodes);
    const standing = nodes.map((other) => [other, new Set(other.disk.paths().map(replicaOf))] as const);
    const areRead = [...new Set(replicas)].filter((replica) => !this.#isGivenUp(replica));
    return areRead.every((replica) => {
      const others = standing.flatMap(([other, there]) => (other !== node && there.has(replica) ? other : []));
      const staying = others.filter(({ id }) => {
        const datanode = namenode.datanodes.byId(id!);
        return datanode?.isAlive === true && !datanode.deletions.has(Number(replica.split('_')[0]));
      });
      // The namenode may take one that nobody knows to be harmed for the one to keep.
      return staying.length > 0 && others.every((other) => soundAt.get(replica)?.has(other) === true);
    });
  }

  /** While it was written, and a snapshot has its name: nobody copies it, and nobody reads it. */
  #isGivenUp(replica: string): boolean {
    const { state } = this.#world.names.namenode!;
    const block = Number(replica.split('_')[0]);
    return blockOf(state, block) !== undefined && blockInUse(state, block) === undefined;
  }

  /** Its blocks are copied elsewhere; then its disk may go. */
  async #decommission(node: DataNodeLife, random: Random): Promise<void> {
    const { id } = node;
    if (id === undefined) return;
    for (let i = 0; i < 20 && !this.#isOver; i++) {
      await this.#setService(id, 'decommissioning');
      await this.#sleep(2_000);
      if (!this.#isEmptied(node)) continue;
      this.counts.decommissions += 1;
      if (random.chance(0.5)) await this.#loseDisk(node, random);
      break;
    }
    await this.#setService(id, 'normal');
  }

  /** Whether all that its blocks want stands on others, as far as the namenode knows. */
  #isEmptied({ id }: DataNodeLife): boolean {
    const { namenode } = this.#world.names;
    const leaving = id === undefined ? undefined : namenode?.datanodes.byId(id);
    if (!namenode || !leaving || !isLeaving(leaving.service) || leaving.reportedTo < Infinity) return false;
    return [...namenode.blocks.blocksOf(leaving.number)].every((block) => {
      const holders = namenode.blocks.nodesOf(block).map((number) => namenode.datanodes.byNumber(number));
      const staying = holders.filter(
        ({ isAlive, service, deletions }) => isAlive && service === 'normal' && !deletions.has(block),
      );
      return staying.length >= (blockInUse(namenode.state, block)?.replication ?? 0);
    });
  }

  async #maintain(node: DataNodeLife, random: Random): Promise<void> {
    const { id } = node;
    if (id === undefined || node.isHeldDown) return;
    await this.#setService(id, 'maintenance');
    this.counts.maintenances += 1;
    node.isHeldDown = true;
    node.kill();
    await this.#sleep(random.between(2_000, 30_000));
    node.isHeldDown = false;
    await node.start();
    await this.#setService(id, 'normal');
  }

  /** Said again until it is heard. */
  async #setService(node: string, service: string): Promise<void> {
    for (;;) {
      try {
        await this.#administrator.change('setService', { node, service });
        return;
      } catch (problem) {
        // A namenode that has just started does not know the node yet.
        if (problem instanceof Error && problem.name === 'FileNotFoundException' && service === 'normal') return;
        await this.#sleep(1_000);
      }
    }
  }

  #processes(): readonly ProcessLife[] {
    return [this.#world.names, ...this.#world.nodes];
  }

  #sleep(ms: number): Promise<void> {
    return sleep(this.#world.clock, ms);
  }
}

type Link = readonly [from: string, to: string];
