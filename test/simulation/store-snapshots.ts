/**
 * Snapshots that a client of a simulated store takes of folders of its own, one within the other. Each holds what stood below its folder
 * when it was taken, whatever becomes of that. What may stand under a snapshot's name is known as of files: its number, or nothing.
 */

import { StoreError } from '../../src/filestore/network.ts';
import type { StoreFileSystem } from '../../src/filestore/store-file-system.ts';
import type { SimulatedClock } from '../cluster/simulated-clock.ts';
import type { Random } from './random.ts';
import { DOUBT_MS, isKnown, NOTHING, type Outcome, type Possible, StoreModel } from './store-model.ts';
import type { StoreView } from './store-view.ts';

const FOLDERS = ['', '/a'];
const NAMES = ['s0', 's1'];
const MARK = '/.snapshot/';

export type SnapshotCounts = {
  snapshots: number;
  snapshotsRenamed: number;
  snapshotsDeleted: number;
  snapshotReads: number;
};

/** The client whose snapshots they are. */
export type SnapshotOwner = {
  readonly folder: string;
  readonly files: StoreModel;
  readonly clock: SimulatedClock;
  readonly random: Random;
  readonly counts: SnapshotCounts;
  readonly fs: () => StoreFileSystem;
  readonly change: (model: StoreModel, perhaps: Outcome, work: () => Promise<Outcome>) => Promise<void>;
  readonly view: StoreView;
  readonly untilDead: (work: Promise<void>) => Promise<unknown>;
};

/** What a snapshot holds, by the path below its folder. */
type Held = {
  readonly folder: string;
  readonly files: Map<string, Possible>;
  /** It is taken at any time until then: what stands there until then, it may hold. */
  openUntilMs: number;
};

export class ClientSnapshots {
  readonly #owner: SnapshotOwner;
  readonly #folders: readonly string[];
  /** The numbers that may stand at each `<folder>/.snapshot/<name>`. */
  readonly #names = new StoreModel();
  readonly #held = new Map<number, Held>();
  readonly #open = new Set<Held>();
  #last = 0;

  constructor(owner: SnapshotOwner) {
    this.#owner = owner;
    this.#folders = FOLDERS.map((folder) => owner.folder + folder);
    owner.files.onChange = (path, possible) => {
      for (const { folder, files } of this.#open) {
        if (!path.startsWith(`${folder}/`)) continue;
        const file = path.slice(folder.length);
        files.set(file, new Set([...(files.get(file) ?? NOTHING), ...possible]));
      }
    };
  }

  /** Between two operations of the client: what may have been taken in the earlier one and was not heard of is taken by now, or never. */
  settle(): void {
    const now = this.#owner.clock.elapsedMs();
    for (const held of this.#open) if (held.openUntilMs < now) this.#open.delete(held);
  }

  async operate(): Promise<void> {
    const { random, untilDead } = this.#owner;
    const folder = random.pick(this.#folders);
    const [path, other] = [random.pick(NAMES), random.pick(NAMES)].map((name) => `${folder}${MARK}${name}`);
    if (this.#isDoubtful(path!) || this.#isDoubtful(other!)) return;
    const isMissing = isKnown(this.#names.at(path!), undefined);
    switch (isMissing && random.chance(0.8) ? 'take' : random.pick(OPERATIONS)) {
      case 'take':
        return this.#take(folder, path!);
      case 'rename':
        return path === other ? undefined : this.#rename(folder, path!, other!);
      case 'delete':
        return this.#delete(folder, path!);
      case 'disallow':
        return this.#disallow(folder);
      case 'read':
        await untilDead(this.#read(path!, this.#pickFile(folder)));
        return;
      case 'list':
        await untilDead(this.#list(path!));
    }
  }

  /** After the last trouble: each snapshot that was acknowledged is there with all it holds, and no other one. */
  async checkAll(): Promise<void> {
    this.settle();
    for (const folder of this.#folders) {
      await this.#listNames(folder);
      for (const path of pathsIn(folder)) {
        await this.#list(path);
        for (const file of this.#filesOf(path)) await this.#read(path, file);
      }
    }
  }

  /** Whether the folder or one below it has snapshots, and so stays where it is. */
  pinned(folder: string): 'yes' | 'no' | 'perhaps' {
    const paths = this.#folders.filter((one) => `${one}/`.startsWith(`${folder}/`)).flatMap(pathsIn);
    if (paths.some((path) => this.#isDoubtful(path))) return 'perhaps';
    const possible = paths.map((path) => this.#names.at(path));
    if (possible.some((one) => !one.has(undefined))) return 'yes';
    return possible.every((one) => isKnown(one, undefined)) ? 'no' : 'perhaps';
  }

  /** What a snapshot may hold at a path; undefined: the path is in none. */
  contentAt(path: string): Possible | undefined {
    const parts = /^(.*\/\.snapshot\/[^/]+)(\/.*)$/.exec(path);
    return parts ? this.#heldAt(parts[1]!, parts[2]!) : undefined;
  }

  // ------------------------------------------------------------------------------------------------------------ changes

  async #take(folder: string, path: string): Promise<void> {
    const { fs, files, change, counts, clock } = this.#owner;
    const before = this.#names.at(path);
    const number = (this.#last += 1);
    const below = files.paths().filter((file) => file.startsWith(`${folder}/`));
    const held: Held = {
      folder,
      files: new Map(below.map((file) => [file.slice(folder.length), files.at(file)])),
      openUntilMs: Infinity,
    };
    this.#held.set(number, held);
    this.#open.add(held);
    const after: Outcome = new Map([[path, new Set([number])]]);
    await change(this.#names, after, async () => {
      await fs().mkdirs(folder);
      await fs().client.change('allowSnapshot', { path: folder });
      const { result } = await fs().client.change<{ result: string }>('createSnapshot', {
        path: folder,
        name: nameOf(path),
      });
      if (result !== path) throw new Error(`${path} is called ${result}`);
      if (!before.has(undefined)) throw new Error(`${path} was there, and was taken again`);
      counts.snapshots += 1;
      // From here on nothing else gets into it.
      this.#open.delete(held);
      return after;
    });
    held.openUntilMs = clock.elapsedMs() + DOUBT_MS;
  }

  async #rename(folder: string, from: string, to: string): Promise<void> {
    const { fs, change, counts } = this.#owner;
    const [before, replaced] = [this.#names.at(from), this.#names.at(to)];
    const moved = new Set([...before].filter((one) => one !== undefined));
    const after: Outcome = new Map([
      [from, NOTHING],
      [to, moved],
    ]);
    await change(this.#names, after, async () => {
      const message = { path: folder, name: nameOf(from), newName: nameOf(to) };
      const isPossible = isKnown(replaced, undefined) && !before.has(undefined);
      await this.#carriedOut(() => fs().client.change('renameSnapshot', message), isPossible, from);
      if (moved.size === 0) throw new Error(`${from} was not there, and was renamed`);
      if (!replaced.has(undefined)) throw new Error(`${to} was there, and was replaced`);
      counts.snapshotsRenamed += 1;
      return after;
    });
  }

  async #delete(folder: string, path: string): Promise<void> {
    const { fs, change, counts } = this.#owner;
    const before = this.#names.at(path);
    const after: Outcome = new Map([[path, NOTHING]]);
    await change(this.#names, after, async () => {
      const message = { path: folder, name: nameOf(path) };
      await this.#carriedOut(() => fs().client.change('deleteSnapshot', message), !before.has(undefined), path);
      if (isKnown(before, undefined)) throw new Error(`${path} was not there, and was deleted`);
      counts.snapshotsDeleted += 1;
      return after;
    });
  }

  /** Throws when what is possible is refused. */
  async #carriedOut(work: () => Promise<unknown>, isPossible: boolean, path: string): Promise<void> {
    try {
      await work();
    } catch (problem) {
      const isRefused =
        problem instanceof StoreError &&
        (problem.name === 'SnapshotException' || problem.name === 'FileNotFoundException');
      if (isRefused && isPossible) throw new Error(`${path} is lost`, { cause: problem });
      throw problem;
    }
  }

  /** The folder is to have no snapshots: it must not have any. */
  async #disallow(folder: string): Promise<void> {
    const { fs, change } = this.#owner;
    const paths = pathsIn(folder);
    if (paths.some((path) => this.#isDoubtful(path))) return;
    await change(this.#names, new Map(), async () => {
      await fs().client.change('disallowSnapshot', { path: folder });
      const lost = paths.find((path) => !this.#names.at(path).has(undefined));
      if (lost !== undefined) throw new Error(`${lost} is there, and its folder is said to have no snapshots`);
      return new Map(paths.map((path) => [path, NOTHING]));
    });
  }

  // -------------------------------------------------------------------------------------------------------------- reads

  async #read(path: string, file: string): Promise<void> {
    const possible = this.#heldAt(path, file);
    const found = await this.#owner.view.contentsAt(path + file, possible);
    if (!found) return;
    if (!found.has(undefined)) this.#owner.counts.snapshotReads += 1;
    // It holds that for ever.
    const held = this.#known(path);
    if (held && !this.#open.has(held)) held.files.set(file, found);
  }

  async #list(path: string): Promise<void> {
    const held = this.#known(path);
    if (!held || this.#open.has(held)) return;
    await this.#owner.view.isListed(path, new Map([...held.files].map(([file, possible]) => [path + file, possible])));
  }

  async #listNames(folder: string): Promise<void> {
    const listed = new Set<string>();
    for await (const { path } of this.#owner.fs().walk(`${folder}/.snapshot`)) listed.add(path);
    for (const path of new Set([...listed, ...pathsIn(folder)])) {
      const possible = this.#names.at(path);
      const found = [...possible].filter((one) => (one !== undefined) === listed.has(path));
      if (found.length === 0) throw new Error(`${path} is ${listed.has(path) ? 'there' : 'lost'}`);
      this.#names.set(path, new Set(found));
    }
  }

  // -------------------------------------------------------------------------------------------------------------- model

  #heldAt(path: string, file: string): Possible {
    const held = [...this.#names.at(path)].map((number) =>
      number === undefined ? NOTHING : (this.#held.get(number)!.files.get(file) ?? NOTHING),
    );
    return new Set(held.flatMap((possible) => [...possible]));
  }

  /** That stands there, and no other. */
  #known(path: string): Held | undefined {
    const [number, ...others] = this.#names.at(path);
    return number === undefined || others.length > 0 ? undefined : this.#held.get(number);
  }

  /** Below the snapshot. */
  #filesOf(path: string): readonly string[] {
    const numbers = [...this.#names.at(path)].filter((number) => number !== undefined);
    return [...new Set(numbers.flatMap((number) => [...this.#held.get(number)!.files.keys()]))];
  }

  #pickFile(folder: string): string {
    const { files, random } = this.#owner;
    const below = files.paths().filter((path) => path.startsWith(`${folder}/`));
    return below.length === 0 ? '/none' : random.pick(below).slice(folder.length);
  }

  #isDoubtful(path: string): boolean {
    return this.#names.isDoubtful(path, this.#owner.clock.elapsedMs());
  }
}

const pathsIn = (folder: string): readonly string[] => NAMES.map((name) => `${folder}${MARK}${name}`);

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** As often as it stands here. */
const OPERATIONS = [
  'take',
  'rename',
  'rename',
  'delete',
  'delete',
  'read',
  'read',
  'read',
  'list',
  'disallow',
] as const;
