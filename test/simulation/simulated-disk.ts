/**
 * A disk in memory that keeps no more promises than a real one. What was written but not synced may be lost at a crash, sector by
 * sector and in any order; so may names that were created, moved or removed in a folder that was not synced. Bits flip, space ends,
 * syncs fail. Everything is drawn from the `random` that is passed in, and counted.
 *
 * A process sees the disk through `mount()`. After `crash()` or `kill()` its calls never return, as those of a dead process.
 */

import type { Disk, DiskFile, DiskLock } from '../../src/common/disk.ts';
import { applied, diskError, sectorsOf, statOf, walk } from './disk-nodes.ts';
import type { Change, FileNode, FolderNode, NameChange, Node } from './disk-nodes.ts';
import type { Random } from './random.ts';
import { UnsyncedNames } from './unsynced-names.ts';

export type DiskFaults = {
  crashes: number;
  /** Sectors that were written and are gone after a crash. */
  sectorsLost: number;
  /** Sectors of which a crash left the first part only. */
  sectorsTorn: number;
  /** Changes of a folder's names that a crash undid. */
  namesLost: number;
  /** Crashes that kept a later change and lost an earlier one. */
  reordered: number;
  bitsFlipped: number;
  refusedForSpace: number;
  syncsFailed: number;
};

export type SimulatedDiskOptions = {
  readonly random: Random;
  /** Bytes of all files together; beyond it ENOSPC. */
  readonly capacityBytes?: number;
  /** The share of syncs that end with EIO. */
  readonly syncFailures?: number;
  /** Awaited before each call takes effect: the simulated clock's delay. */
  readonly latency?: () => Promise<void> | undefined;
};

/** `isGuest`: of another process than the one whose disk it is, which outlives that one and the power; this does not fail in its calls. */
type Mount = { alive: boolean; readonly isGuest: boolean; readonly locks: Set<FileNode> };

export class SimulatedDisk {
  readonly faults: DiskFaults = {
    crashes: 0,
    sectorsLost: 0,
    sectorsTorn: 0,
    namesLost: 0,
    reordered: 0,
    bitsFlipped: 0,
    refusedForSpace: 0,
    syncsFailed: 0,
  };
  /** Calls that took effect, of all mounts. */
  calls = 0;
  capacityBytes: number;
  syncFailures: number;
  /** Asked around each call: 'before' and 'after' end the machine's power there. */
  crashAt: (call: number, name: string, path: string) => 'before' | 'after' | undefined = () => undefined;
  /** Told of a crash that `crashAt` asked for: the processes are dead then. */
  onCrash: () => void = () => undefined;

  readonly #random: Random;
  readonly #latency: () => Promise<void> | undefined;
  readonly #root: FolderNode = { kind: 'folder', inode: 1, durable: new Map(), current: new Map() };
  #mounts: Mount[] = [];
  readonly #unsynced = new UnsyncedNames();
  /** Each path that was asked for, in its parts. */
  readonly #parts = new Map<string, readonly string[]>();
  #used = 0;
  #inodes = 1;
  #changes = 0;

  constructor(options: SimulatedDiskOptions) {
    this.#random = options.random;
    this.capacityBytes = options.capacityBytes ?? Infinity;
    this.syncFailures = options.syncFailures ?? 0;
    this.#latency = options.latency ?? (() => undefined);
  }

  /** The power fails: every process dies, and what was not synced is at the disk's mercy. */
  crash(): void {
    this.kill();
    this.faults.crashes += 1;
    for (const file of this.#files()) {
      this.#settle(file);
      file.current = Buffer.from(file.durable);
    }
    this.#settleNames();
  }

  /** Every process dies; the system's cache, and with it all that was written, stays. */
  kill(): void {
    for (const mount of this.#mounts) mount.alive = false;
    this.#mounts = [];
  }

  /** Turns one bit of a file at rest. */
  flipBit(path: string, offset: number, bit: number): void {
    const file = this.#file(path);
    const mask = 1 << bit;
    file.current[offset]! ^= mask;
    if (offset < file.durable.length) file.durable[offset]! ^= mask;
    // The same bit again: it is as it was.
    if (!file.flipped.delete(offset * 8 + bit)) file.flipped.add(offset * 8 + bit);
    this.faults.bitsFlipped += 1;
  }

  /** A file is gone, as if it never was: an operator, a repair of the file system. */
  loseFile(path: string): void {
    const { folder, name } = this.#place(path);
    this.#see(folder, name, undefined);
    folder.durable.delete(name);
  }

  /** The disk breaks, and an empty one takes its place. */
  replace(): void {
    this.kill();
    this.#root.current.clear();
    this.#root.durable.clear();
    this.#unsynced.settle(() => false);
    this.#used = 0;
  }

  /** Whether a file is as it was written, and no crash can take anything of it. */
  isSound(path: string): boolean {
    const file = this.#file(path);
    const isDurable = this.#partsOf(path).reduce<Node | undefined>(
      (node, part) => (node?.kind === 'folder' ? node.durable.get(part) : undefined),
      this.#root,
    );
    return isDurable === file && file.pending.length === 0 && file.flipped.size === 0;
  }

  /** The paths of all files, sorted. */
  paths(): readonly string[] {
    return [...walk(this.#root, '')].map(([path]) => path).toSorted();
  }

  bytesOf(path: string): Buffer {
    return Buffer.from(this.#file(path).current);
  }

  usedBytesOf(path: string): number {
    return this.#file(path).current.length;
  }

  /** Of all files that have a name. */
  usedBytes(): number {
    return this.#used;
  }

  mount({ isGuest = false } = {}): Disk {
    const mount: Mount = { alive: true, isGuest, locks: new Set() };
    if (!isGuest) this.#mounts.push(mount);
    const call = <T>(name: string, path: string, effect: () => T): Promise<T> => this.#call(mount, name, path, effect);
    const sync = (name: string, path: string, effect: () => void, lose: () => void): Promise<void> =>
      call(name, path, () => {
        if (!this.#random.chance(this.syncFailures)) return effect();
        this.faults.syncsFailed += 1;
        lose();
        throw diskError('EIO', path);
      });
    const open = (path: string, file: FileNode): DiskFile => ({
      read: (offset, buffer) =>
        call('read', path, () =>
          file.current.copy(buffer, 0, offset, Math.max(offset, Math.min(file.current.length, offset + buffer.length))),
        ),
      write: (offset, bytes) => call('write', path, () => this.#write(path, file, offset, bytes)),
      sync: () =>
        sync(
          'sync',
          path,
          () => {
            file.durable = file.pending.reduce(applied, file.durable);
            file.pending.length = 0;
          },
          // As Linux does: the pages count as clean, so a read still sees them, and no later sync writes them.
          () => this.#settle(file),
        ),
      truncate: (bytes) => call('truncate', path, () => this.#change(file, { kind: 'truncate', bytes })),
      bytes: () => call('bytes', path, () => file.current.length),
      close: () => call('close', path, () => undefined),
    });
    return {
      open: (path, mode) =>
        call('open', path, () => {
          const file = open(path, mode === 'create' ? this.#createFile(path) : this.#file(path));
          if (mode !== 'synced') return file;
          // A crash may come in between: of the write any part is there then.
          return { ...file, write: (offset, bytes) => file.write(offset, bytes).then(() => file.sync()) };
        }),
      stat: (path) => call('stat', path, () => statOf(this.#node(path))),
      // There are no symbolic links.
      realPath: (path) =>
        call('realPath', path, () => {
          this.#node(path);
          return `/${this.#partsOf(path).join('/')}`;
        }),
      list: (path) =>
        call('list', path, () => [...this.#folder(path).current].map(([name, node]) => ({ name, kind: node.kind }))),
      rename: (from, to) =>
        call('rename', to, () => {
          const node = this.#node(from);
          const old = this.#find(to);
          if (old?.kind === 'folder' && node.kind === 'file') throw diskError('EISDIR', to);
          if (old?.kind === 'file' && node.kind === 'folder') throw diskError('ENOTDIR', to);
          if (old?.kind === 'folder' && old.current.size > 0) throw diskError('ENOTEMPTY', to);
          this.#rename([
            { node: undefined, ...this.#place(from) },
            { node, ...this.#place(to) },
          ]);
        }),
      link: (existing, path) =>
        call('link', path, () => {
          if (this.#find(path)) throw diskError('EEXIST', path);
          this.#rename([{ node: this.#file(existing), ...this.#place(path) }]);
        }),
      remove: (path) =>
        call('remove', path, () => {
          this.#file(path);
          this.#rename([{ node: undefined, ...this.#place(path) }]);
        }),
      removeFolder: (path) =>
        call('removeFolder', path, () => {
          if (this.#folder(path).current.size > 0) throw diskError('ENOTEMPTY', path);
          this.#rename([{ node: undefined, ...this.#place(path) }]);
        }),
      mkdir: (path) =>
        call('mkdir', path, () => {
          if (this.#find(path)) throw diskError('EEXIST', path);
          const node: FolderNode = { kind: 'folder', inode: ++this.#inodes, durable: new Map(), current: new Map() };
          this.#rename([{ node, ...this.#place(path) }]);
        }),
      syncFolder: (path) =>
        sync(
          'syncFolder',
          path,
          () => {
            this.#unsynced.sync(this.#folder(path));
          },
          () => undefined,
        ),
      freeBytes: (path) => call('freeBytes', path, () => Math.max(0, this.capacityBytes - this.usedBytes())),
      lock: (path) => call('lock', path, () => this.#lock(mount, path)),
    };
  }

  async #call<T>(mount: Mount, name: string, path: string, effect: () => T): Promise<T> {
    const latency = this.#latency();
    if (latency) await latency;
    if (mount.isGuest) return effect();
    if (!mount.alive) return never();
    this.calls += 1;
    const crash = this.crashAt(this.calls, name, path);
    if (crash === undefined) return effect();
    try {
      if (crash === 'after') effect();
    } finally {
      this.crash();
      this.onCrash();
    }
    return never();
  }

  #write(path: string, file: FileNode, offset: number, bytes: Uint8Array): void {
    const grown = Math.max(0, offset + bytes.length - file.current.length);
    const missing = this.capacityBytes === Infinity ? 0 : this.usedBytes() + grown - this.capacityBytes;
    const fits = missing <= 0 ? bytes.length : Math.max(0, bytes.length - missing);
    // The first part may be written, as on a real disk.
    if (fits > 0) this.#change(file, { kind: 'write', offset, bytes: new Uint8Array(bytes.subarray(0, fits)) });
    if (fits === bytes.length) return;
    this.faults.refusedForSpace += 1;
    throw diskError('ENOSPC', path);
  }

  #change(file: FileNode, change: Change): void {
    const before = file.current.length;
    // `durable` and `current` share nothing, so that changes can be made in place.
    file.current = applied(file.current, change);
    if (file.names > 0) this.#used += file.current.length - before;
    file.pending.push(change);
    file.modified = ++this.#changes;
  }

  /** Of each pending write any of its sectors reaches the disk; the others never will. */
  #settle(file: FileNode): void {
    const pending = file.pending.splice(0);
    if (pending.length === 0) return;
    const random = this.#random;
    // Some crashes come early, some late, some leave a patchwork.
    const kept = random.pick([0, 0.5, 0.9, 1]);
    let lostBefore = false;
    for (const change of pending) {
      if (change.kind === 'truncate') {
        if (random.chance(kept)) file.durable = applied(file.durable, change);
        continue;
      }
      for (const sector of sectorsOf(change)) {
        if (!random.chance(kept)) {
          this.faults.sectorsLost += 1;
          lostBefore = true;
          continue;
        }
        if (lostBefore) this.faults.reordered += 1;
        lostBefore = false;
        const torn = random.chance(0.1);
        if (torn) this.faults.sectorsTorn += 1;
        const bytes = torn ? sector.bytes.subarray(0, random.below(sector.bytes.length)) : sector.bytes;
        file.durable = applied(file.durable, { ...sector, bytes });
      }
    }
  }

  #settleNames(): void {
    const kept = this.#random.pick([0, 0.5, 1]);
    this.faults.namesLost += this.#unsynced.settle(() => this.#random.chance(kept));
    for (const file of this.#files()) file.names = 0;
    this.#used = 0;
    for (const folder of this.#folders()) {
      folder.current.clear();
      for (const [name, node] of folder.durable) this.#see(folder, name, node);
    }
  }

  #lock(mount: Mount, path: string): DiskLock | undefined {
    const found = this.#find(path);
    const file = found?.kind === 'file' ? found : this.#createFile(path);
    if (this.#mounts.some(({ locks }) => locks.has(file))) return undefined;
    mount.locks.add(file);
    return {
      release: () => {
        mount.locks.delete(file);
        return Promise.resolve();
      },
    };
  }

  #createFile(path: string): FileNode {
    if (this.#find(path)) throw diskError('EEXIST', path);
    const node: FileNode = {
      kind: 'file',
      inode: ++this.#inodes,
      durable: Buffer.alloc(0),
      current: Buffer.alloc(0),
      pending: [],
      modified: ++this.#changes,
      names: 0,
      flipped: new Set(),
    };
    this.#rename([{ node, ...this.#place(path) }]);
    return node;
  }

  #rename(change: NameChange): void {
    for (const { folder, name, node } of change) this.#see(folder, name, node);
    this.#unsynced.add(change);
  }

  /** From now on the name stands for the node, or for nothing. */
  #see(folder: FolderNode, name: string, node: Node | undefined): void {
    const old = folder.current.get(name);
    if (old?.kind === 'file' && --old.names === 0) this.#used -= old.current.length;
    if (node) folder.current.set(name, node);
    else folder.current.delete(name);
    if (node?.kind === 'file' && node.names++ === 0) this.#used += node.current.length;
  }

  #partsOf(path: string): readonly string[] {
    let parts = this.#parts.get(path);
    if (!parts) {
      parts = path.split('/').filter((part) => part !== '');
      this.#parts.set(path, parts);
    }
    return parts;
  }

  #find(path: string): Node | undefined {
    const parts = this.#partsOf(path);
    return this.#walked(parts, parts.length);
  }

  /** What the first `depth` names lead to. */
  #walked(parts: readonly string[], depth: number): Node | undefined {
    let node: Node | undefined = this.#root;
    for (let i = 0; i < depth; i++) node = node?.kind === 'folder' ? node.current.get(parts[i]!) : undefined;
    return node;
  }

  #node(path: string): Node {
    return this.#find(path) ?? this.#isMissing(path);
  }

  #isMissing(path: string): never {
    const parts = this.#partsOf(path);
    const isFileAbove = parts.some((_part, depth) => this.#walked(parts, depth)?.kind === 'file');
    throw diskError(isFileAbove ? 'ENOTDIR' : 'ENOENT', path);
  }

  #file(path: string): FileNode {
    const node = this.#node(path);
    if (node.kind === 'folder') throw diskError('EISDIR', path);
    return node;
  }

  #folder(path: string): FolderNode {
    const node = this.#node(path);
    if (node.kind === 'file') throw diskError('ENOTDIR', path);
    return node;
  }

  #place(path: string): { readonly folder: FolderNode; readonly name: string } {
    const parts = this.#partsOf(path);
    const folder = this.#walked(parts, parts.length - 1) ?? this.#isMissing(path);
    if (folder.kind === 'file') throw diskError('ENOTDIR', path);
    return { folder, name: parts.at(-1)! };
  }

  #folders(): readonly FolderNode[] {
    const found = new Set<FolderNode>([this.#root]);
    for (const folder of found) {
      for (const node of [...folder.current.values(), ...folder.durable.values()]) {
        if (node.kind === 'folder') found.add(node);
      }
    }
    return [...found];
  }

  /** Those that have a name, or will have one again if a change of names is lost. */
  #files(): ReadonlySet<FileNode> {
    const nodes = this.#folders().flatMap(({ current, durable }) => [...current.values(), ...durable.values()]);
    return new Set([...nodes, ...this.#unsynced.nodes()].filter((node): node is FileNode => node.kind === 'file'));
  }
}

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);
