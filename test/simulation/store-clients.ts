/**
 * Clients of a simulated store: each changes a folder of its own, so that it knows what must stand there, and all try to be first at
 * names of a common one. They die in the middle of what they do, and others take their places.
 */

import type { Disk } from '../../src/common/disk.ts';
import { StoreError } from '../../src/filestore/network.ts';
import { StoreFileSystem } from '../../src/filestore/store-file-system.ts';
import type { SimulatedClock } from '../cluster/simulated-clock.ts';
import type { Random } from './random.ts';
import type { SimulatedDisk } from './simulated-disk.ts';
import type { SimulatedNetwork } from './simulated-network.ts';
import { SimulatedProcess } from './simulated-process.ts';
import {
  BLOCK_BYTES,
  type Contents,
  DOUBT_MS,
  isKnown,
  NOTHING,
  type Outcome,
  type Possible,
  StoreModel,
} from './store-model.ts';
import { sleep } from './store-processes.ts';
import type { Races } from './store-races.ts';
import { ClientSnapshots } from './store-snapshots.ts';
import { StoreView } from './store-view.ts';

const FOLDERS = ['', 'a/', 'b/'];
const FILES = 4;
const RACES = 16;
const DEAD = Symbol('the client is dead');

export type StoreWorld = {
  readonly clock: SimulatedClock;
  readonly network: SimulatedNetwork;
  readonly contents: Contents;
  readonly races: Races;
};

/** The machine of a client. */
export type StoreHost = { readonly name: string; readonly disk: SimulatedDisk };

export class StoreClientLife {
  readonly counts = {
    operations: 0,
    refused: 0,
    doubtful: 0,
    reads: 0,
    lists: 0,
    racesWon: 0,
    clientsKilled: 0,
    /** Of blocks, in the files of a datanode on the client's machine. */
    localReads: 0,
    localWrites: 0,
    snapshots: 0,
    snapshotsRenamed: 0,
    snapshotsDeleted: 0,
    /** Of files in them. */
    snapshotReads: 0,
    /** That could not be deleted for the sake of a snapshot. */
    foldersPinned: 0,
    foldersRenamed: 0,
  };
  readonly folder: string;
  readonly #number: number;
  readonly #world: StoreWorld;
  readonly #random: Random;
  readonly #host: StoreHost;
  readonly #model = new StoreModel();
  readonly #view: StoreView;
  readonly #snapshots: ClientSnapshots;
  #process!: SimulatedProcess;
  #fs!: StoreFileSystem;
  #lives = 0;
  /** Blocks of its host it reads and writes in their own files. */
  readonly #opensFiles: boolean;

  constructor(number: number, world: StoreWorld, random: Random, host: StoreHost) {
    this.folder = `/c${number}`;
    this.#number = number;
    this.#world = world;
    this.#random = random;
    this.#host = host;
    this.#opensFiles = random.chance(0.5);
    this.#view = new StoreView(() => this.#fs, world.contents);
    this.#snapshots = new ClientSnapshots({
      folder: this.folder,
      files: this.#model,
      clock: world.clock,
      random: random.fork(),
      counts: this.counts,
      fs: () => this.#fs,
      change: (model, perhaps, work) => this.#change(perhaps, work, model),
      view: this.#view,
      untilDead: (work) => this.#untilDead(work),
    });
    this.#begin();
  }

  #begin(): void {
    this.#lives += 1;
    const client = `client${this.#number}-${this.#lives}`;
    const { clock, network } = this.#world;
    this.#process = new SimulatedProcess(client, clock, network);
    this.#fs = new StoreFileSystem({
      network: this.#process.network,
      clock: this.#process.clock,
      namenode: 'namenode',
      caller: { user: 'root', groups: [], superuser: true },
      client,
      host: this.#host.name,
      attributes: { replication: 3, blockSize: BLOCK_BYTES },
      stagedBytesMin: 1,
      ...(this.#opensFiles && { disk: this.#countedDisk() }),
    });
  }

  #countedDisk(): Disk {
    const disk = this.#host.disk.mount({ isGuest: true });
    const open: Disk['open'] = (path, mode) => {
      this.counts[mode === 'read' ? 'localReads' : 'localWrites'] += 1;
      return disk.open(path, mode);
    };
    return { ...disk, open };
  }

  /** Nobody tells it; a new one comes in its place. */
  kill(): void {
    this.counts.clientsKilled += 1;
    this.#process.kill();
  }

  async live(operations: number): Promise<void> {
    const { clock } = this.#world;
    for (let i = 0; i < operations; i++) {
      this.counts.operations += 1;
      await this.#operate();
      await sleep(clock, this.#random.below(100));
      if (!this.#process.isAlive) {
        await sleep(clock, this.#random.below(2_000));
        this.#begin();
      }
    }
  }

  /** After the last trouble: everything that was acknowledged is there, and nothing else. */
  async checkAll(): Promise<void> {
    this.#view.isCalm = true;
    if (!this.#process.isAlive) this.#begin();
    for (const path of this.#model.paths()) await this.#read(path);
    for (let i = 0; i < RACES; i++) await this.#readRace(`/race/${i}`);
    await this.#list();
    await this.#snapshots.checkAll();
  }

  /** What may stand at a path, or in a snapshot. */
  contentAt(path: string): Possible {
    return this.#snapshots.contentAt(path) ?? this.#model.at(path);
  }

  async #operate(): Promise<void> {
    const random = this.#random;
    this.#snapshots.settle();
    const path = this.#pickPath();
    switch (random.pick(OPERATIONS)) {
      case 'create':
        return this.#create(path);
      case 'createIfAbsent':
        return this.#createIfAbsent(path);
      case 'delete':
        return this.#delete(path);
      case 'rename':
        return this.#rename(path, this.#pickPath());
      case 'read':
        await this.#untilDead(this.#read(path));
        return;
      case 'list':
        await this.#untilDead(this.#list());
        return;
      case 'race':
        return this.#race(`/race/${random.below(RACES)}`);
      case 'setReplication':
        return this.#change(new Map(), async () => {
          await this.#fs.client.change('setReplication', { path, replication: random.between(2, 4) });
          return new Map();
        });
      case 'deleteFolder':
        return this.#deleteFolder(`${this.folder}/${random.pick(['a', 'b'])}`);
      case 'renameFolder': {
        const [from, to] = random.chance(0.5) ? ['a', 'b'] : ['b', 'a'];
        return this.#renameFolder(`${this.folder}/${from}`, `${this.folder}/${to}`);
      }
      case 'snapshots':
        return this.#snapshots.operate();
    }
  }

  /** One of which it is known what may stand there. */
  #pickPath(): string {
    const random = this.#random;
    for (;;) {
      const path = `${this.folder}/${random.pick(FOLDERS)}f${random.below(FILES)}`;
      if (!this.#isDoubtful(path)) return path;
    }
  }

  #isDoubtful(path: string): boolean {
    return this.#model.isDoubtful(path, this.#world.clock.elapsedMs());
  }

  async #untilDead<T>(work: Promise<T>): Promise<T | typeof DEAD> {
    return Promise.race([work, this.#process.death.then((): typeof DEAD => DEAD)]);
  }

  /** `perhaps`: what may stand there too when nobody knows what became of it. */
  async #change(perhaps: Outcome, work: () => Promise<Outcome>, model = this.#model): Promise<void> {
    try {
      const outcome = await this.#untilDead(work());
      if (outcome === DEAD) return this.#doubt(perhaps, model);
      for (const [path, possible] of outcome) model.set(path, possible);
    } catch (problem) {
      if (!(problem instanceof StoreError)) throw problem;
      this.counts.refused += 1;
      if (problem.name === 'IOException') this.#doubt(perhaps, model);
    }
  }

  #doubt(perhaps: Outcome, model: StoreModel): void {
    this.counts.doubtful += 1;
    const until = this.#world.clock.elapsedMs() + DOUBT_MS;
    for (const [path, possible] of perhaps) model.doubt(path, possible, until);
  }

  #create(path: string): Promise<void> {
    const content = this.#world.contents.next();
    const after: Outcome = new Map([[path, new Set([content])]]);
    return this.#change(after, async () => {
      await this.#fs.create(path, this.#world.contents.bytesOf(content), { overwrite: true });
      return after;
    });
  }

  #createIfAbsent(path: string): Promise<void> {
    const before = this.#model.at(path);
    const content = this.#world.contents.next();
    const after: Outcome = new Map([[path, new Set([content])]]);
    return this.#change(after, async () => {
      const made = await this.#fs.createIfAbsent(path, this.#world.contents.bytesOf(content));
      if (made === 'created') {
        if (!before.has(undefined)) throw new Error(`${path} was there, and was created`);
        return after;
      }
      const rest = new Set([...before].filter((one) => one !== undefined));
      if (rest.size === 0) throw new Error(`${path} is said to exist`);
      return new Map([[path, rest]]);
    });
  }

  #delete(path: string): Promise<void> {
    const before = this.#model.at(path);
    const after: Outcome = new Map([[path, NOTHING]]);
    return this.#change(after, async () => {
      const removed = await this.#fs.delete(path);
      if (removed && isKnown(before, undefined)) throw new Error(`${path} was not there, and was deleted`);
      if (!removed && !before.has(undefined)) throw new Error(`${path} was there, and is said not to have been`);
      return after;
    });
  }

  async #rename(from: string, to: string): Promise<void> {
    if (from === to) return;
    const before = this.#model.at(from);
    const moved = new Set([...before].filter((one) => one !== undefined));
    const after: Outcome = new Map([
      [from, NOTHING],
      [to, moved],
    ]);
    await this.#change(after, async () => {
      await this.#fs.mkdirs(to.slice(0, to.lastIndexOf('/')));
      try {
        await this.#fs.rename(from, to, { overwrite: true });
      } catch (problem) {
        const isMissing = problem instanceof StoreError && problem.name === 'FileNotFoundException';
        if (isMissing && !before.has(undefined)) throw new Error(`${from} is lost`, { cause: problem });
        throw problem;
      }
      if (moved.size === 0) throw new Error(`${from} was not there, and was moved`);
      return after;
    });
  }

  async #deleteFolder(folder: string): Promise<void> {
    const paths = this.#below(folder);
    const pinned = this.#snapshots.pinned(folder);
    if (pinned === 'perhaps' || paths.some((path) => this.#isDoubtful(path))) return;
    const after: Outcome = new Map(paths.map((path) => [path, NOTHING]));
    await this.#change(after, async () => {
      try {
        await this.#fs.delete(folder, { recursive: true });
      } catch (problem) {
        const isPinned = problem instanceof StoreError && problem.name === 'SnapshotException';
        if (isPinned && pinned === 'no') throw new Error(`${folder} has no snapshots`, { cause: problem });
        if (isPinned) this.counts.foldersPinned += 1;
        throw problem;
      }
      if (pinned === 'yes') throw new Error(`${folder} has a snapshot, and was deleted`);
      return after;
    });
  }

  /** An empty folder gives way to it. */
  async #renameFolder(from: string, to: string): Promise<void> {
    const [leaving, replaced] = [from, to].map((folder) => this.#below(folder));
    const pinned = [from, to].map((folder) => this.#snapshots.pinned(folder));
    if (pinned.includes('perhaps') || [...leaving!, ...replaced!].some((path) => this.#isDoubtful(path))) return;
    const after: Outcome = new Map([
      ...[...leaving!, ...replaced!].map((path) => [path, NOTHING] as const),
      ...leaving!.map((path) => [to + path.slice(from.length), this.#model.at(path)] as const),
    ]);
    await this.#change(after, async () => {
      await this.#fs.rename(from, to, { overwrite: true });
      if (pinned.includes('yes')) throw new Error(`${from} or ${to} has a snapshot, and one became the other`);
      const lost = replaced!.find((path) => !this.#model.at(path).has(undefined));
      if (lost !== undefined) throw new Error(`${lost} is lost: ${from} took the place of its folder`);
      this.counts.foldersRenamed += 1;
      return after;
    });
  }

  #below(folder: string): readonly string[] {
    return this.#model.paths().filter((path) => path.startsWith(`${folder}/`));
  }

  async #read(path: string): Promise<void> {
    const found = await this.#view.contentsAt(path, this.#model.at(path));
    if (!found) return;
    if (!found.has(undefined)) this.counts.reads += 1;
    this.#model.set(path, found);
  }

  async #list(): Promise<void> {
    const wanted = this.#model.paths().map((path) => [path, this.#model.at(path)] as const);
    if (await this.#view.isListed(this.folder, new Map(wanted), (path) => this.#isDoubtful(path)))
      this.counts.lists += 1;
  }

  /** One of all clients makes it. */
  async #race(path: string): Promise<void> {
    const { races, contents } = this.#world;
    const content = contents.next();
    races.attempted(path, content);
    await this.#change(new Map(), async () => {
      const made = await this.#fs.createIfAbsent(path, contents.bytesOf(content));
      if (made === 'created') {
        this.counts.racesWon += 1;
        races.won(path, content);
      }
      return new Map();
    });
    await this.#untilDead(this.#readRace(path));
  }

  async #readRace(path: string): Promise<void> {
    const { races, contents } = this.#world;
    const before = races.winner(path);
    try {
      const file = await this.#fs.open(path);
      const [found, ...others] = contents.alike(races.possible(path), Buffer.from(await file.read(0, file.length)));
      if (found === undefined) throw new Error(`${path} is not what its winner wrote`);
      if (others.length === 0) races.won(path, found);
    } catch (problem) {
      if (this.#view.isMissing(problem, path) && before !== undefined)
        throw new Error(`${path} is lost`, { cause: problem });
    }
  }
}

/** What clients do, as often as it stands here. */
const OPERATIONS = [
  ...(['create', 'create', 'create', 'create', 'createIfAbsent', 'createIfAbsent', 'delete', 'delete'] as const),
  ...(['rename', 'rename', 'read', 'read', 'read', 'read', 'read', 'race', 'race', 'list', 'setReplication'] as const),
  ...([
    'create',
    'createIfAbsent',
    'read',
    'rename',
    'delete',
    'setReplication',
    'race',
    'deleteFolder',
    'renameFolder',
  ] as const),
  ...(['snapshots', 'snapshots', 'snapshots', 'snapshots', 'snapshots', 'snapshots'] as const),
] as const;
