/**
 * What has changed in a folder between two of its snapshots, or one and now. The trees are values that share what is equal: that is passed
 * by identity. A file or folder is told by its id, so what has been renamed or moved is the same one elsewhere.
 */

import { differences } from './map-differences.ts';
import { entries, get } from './ordered-map.ts';
import { type Caller, checkBelow, checkTraverse, EXECUTE, passBelow, READ } from './permissions.ts';
import { type Refusal, refuse } from './refusal.ts';
import { resolve, targetOf } from './resolve.ts';
import type { Attributes, FileNode, FolderNode, Inode, InodeId, Namespace, Snapshot } from './state.ts';

/** Paths are below the folder, '' the folder itself: where it stood in the older of the two; of what was renamed, in `from` and in `to`. */
export type Difference =
  | { readonly kind: 'modified' | 'created' | 'deleted'; readonly path: string }
  | { readonly kind: 'renamed'; readonly path: string; readonly target: string };

export type SnapshotDiffRequest = {
  readonly path: string;
  readonly caller: Caller;
  /** Names of snapshots; undefined: as it is now. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
};

/** Files and folders that are looked at in one go. */
const LOOKS_PER_STEP = 1_000;

/** They are kept while their pages are asked for. */
const DIFFERENCES_MAX = 1_000_000;

type Steps<Result> = Generator<void, Result, void>;

/** The snapshots are those of the folder, or of the nearest one above that has some. */
export function* snapshotDiff(
  state: Namespace,
  { path, caller, from, to }: SnapshotDiffRequest,
): Steps<readonly Difference[] | Refusal> {
  const [before, after] = [versionOf(state, path, caller, from), versionOf(state, path, caller, to)];
  if ('kind' in before) return before;
  if ('kind' in after) return after;
  if (before.id === after.id) return [];
  for (const { folder } of caller.superuser ? [] : [before, after]) {
    const passed = yield* passBelow(folder, caller, READ | EXECUTE);
    const denied = checkBelow(folder, path, caller, READ | EXECUTE, passed);
    if (denied) return denied;
  }
  const isForward = before.id < after.id;
  const [older, newer] = isForward ? [before, after] : [after, before];
  const diff = new TreeDiff(older.id);
  yield* diff.walk(older.folder, newer.folder);
  if (diff.isTooLong) {
    const most = DIFFERENCES_MAX.toLocaleString('en-US');
    return refuse('SnapshotException', `${path}: more than ${most} differences; ask for folders below it`);
  }
  return yield* diff.found(isForward);
}

/** `id`: of the snapshot, which tells its time; Infinity: now. */
type Version = { readonly id: number; readonly folder: FolderNode };

function versionOf(state: Namespace, path: string, caller: Caller, name: string | undefined): Version | Refusal {
  const at = resolve(state, path);
  if (at.kind === 'refused') return at;
  const denied = checkTraverse(at, caller);
  if (denied) return denied;
  const live = targetOf(at);
  if (!live) return refuse('FileNotFoundException', `File does not exist: ${at.path}`);
  const above = at.view === 'live' ? at.chain.findLastIndex(({ id }) => get(state.snapshots, id) !== undefined) : -1;
  if (live.kind === 'file' || above < 0) {
    return refuse('SnapshotException', `Directory is not a snapshottable directory: ${path}`);
  }
  if (name === undefined) return { id: Infinity, folder: live };
  const snapshot = get(state.snapshots, at.chain[above]!.id)!.find((one) => one.name === name);
  if (!snapshot) return refuse('SnapshotException', `Cannot find the snapshot ${name} of ${path}`);
  const folder = below(snapshot, at.names.slice(above));
  if (folder) return { id: snapshot.id, folder };
  return refuse('SnapshotException', `${path} is no directory in the snapshot ${name}`);
}

function below({ root }: Snapshot, names: readonly string[]): FolderNode | undefined {
  let folder = root;
  for (const name of names) {
    const child = get(folder.children, name);
    if (child?.kind !== 'folder') return undefined;
    folder = child;
  }
  return folder;
}

function reversed(difference: Difference): Difference {
  switch (difference.kind) {
    case 'modified':
      return difference;
    case 'created':
      return { kind: 'deleted', path: difference.path };
    case 'deleted':
      return { kind: 'created', path: difference.path };
    case 'renamed':
      return { kind: 'renamed', path: difference.target, target: difference.path };
  }
}

type Standing = { readonly node: Inode; readonly path: string };

type Created = { readonly id: InodeId; readonly difference: Difference };

/** Something that does not stand any more where it stood; `place` of its difference, until it is known whether it stands elsewhere. */
type Gone = Standing & { readonly place: number };

class TreeDiff {
  readonly #olderId: number;
  /** In the order of the walk: each folder before what is in it. */
  readonly #found: (Difference | Created)[] = [];
  /** What stands where it did not stand before, and all below it that was somewhere before. By id. */
  readonly #arrived = new Map<InodeId, Standing>();
  readonly #created: Standing[] = [];
  readonly #gone: Gone[] = [];
  readonly #renamed = new Set<InodeId>();
  #looks = 0;
  isTooLong = false;

  constructor(olderId: number) {
    this.#olderId = olderId;
  }

  *walk(older: FolderNode, newer: FolderNode): Steps<void> {
    yield* this.#compare(older, newer, '', '');
    // What is compared after this stands in these trees: all that has arrived anywhere is known then.
    for (const { node, path } of this.isTooLong ? [] : this.#created) yield* this.#arrive(node, path);
    for (let i = 0; i < this.#gone.length; i++) yield* this.#depart(this.#gone[i]!);
  }

  *found(isForward: boolean): Steps<readonly Difference[]> {
    const found: Difference[] = [];
    for (const one of this.#found) {
      if (this.#isTime()) yield;
      if ('id' in one && this.#renamed.has(one.id)) continue;
      const difference = 'id' in one ? one.difference : one;
      found.push(isForward ? difference : reversed(difference));
    }
    return found;
  }

  /** One folder at two times; `at`, `to`: where it stood, and stands. */
  *#compare(before: FolderNode, after: FolderNode, at: string, to: string): Steps<void> {
    const [gone, created]: [Standing[], Standing[]] = [[], []];
    const both: { readonly name: string; readonly old: Inode; readonly now: Inode }[] = [];
    for (const difference of differences(before.children, after.children)) {
      if (this.#isTime() || !difference) yield;
      if (!difference) continue;
      const { key: name } = difference;
      const [old, now] = [seen(difference.before), seen(difference.after)];
      if (old && now && old.id === now.id) both.push({ name, old, now });
      else {
        if (old) gone.push({ node: old, path: pathIn(at, name) });
        if (now) created.push({ node: now, path: pathIn(to, name) });
      }
      this.isTooLong ||= this.#found.length + gone.length + created.length > DIFFERENCES_MAX;
      if (this.isTooLong) return;
    }
    if (gone.length + created.length > 0 || !isSameFolder(before, after))
      this.#found.push({ kind: 'modified', path: at });
    for (const { node, path } of created) {
      if (this.#isTime()) yield;
      const name = path.slice(path.lastIndexOf('/') + 1);
      this.#found.push({ id: node.id, difference: { kind: 'created', path: pathIn(at, name) } });
      this.#created.push({ node, path });
    }
    for (const one of gone) {
      if (this.#isTime()) yield;
      this.#gone.push({ ...one, place: this.#found.length });
      this.#found.push({ kind: 'deleted', path: one.path });
    }
    for (const { name, old, now } of both) yield* this.#compareInodes(old, now, pathIn(at, name), pathIn(to, name));
  }

  *#compareInodes(old: Inode, now: Inode, at: string, to: string): Steps<void> {
    if (old === now || this.isTooLong) return;
    if (old.kind === 'folder' && now.kind === 'folder') yield* this.#compare(old, now, at, to);
    else if (old.kind === 'file' && now.kind === 'file' && !isSameFile(old, now)) {
      this.#found.push({ kind: 'modified', path: at });
    }
  }

  *#arrive(node: Inode, path: string): Steps<void> {
    if (this.#isTime()) yield;
    // What is younger than the older tree was nowhere in it.
    if (node.id < this.#olderId && seen(node)) this.#arrived.set(node.id, { node, path });
    if (node.kind === 'folder')
      for (const [name, child] of entries(node.children)) yield* this.#arrive(child, pathIn(path, name));
  }

  /** Without a place: in a folder that is gone, with which it goes, unless it stands elsewhere. */
  *#depart({ node, path, place }: Standing & { readonly place?: number }): Steps<void> {
    if (this.#arrived.size === 0 || this.isTooLong) return;
    if (this.#isTime()) yield;
    const arrival = seen(node) && this.#arrived.get(node.id);
    if (arrival) {
      this.#renamed.add(node.id);
      this.#found[place ?? this.#found.length] = { kind: 'renamed', path, target: arrival.path };
      yield* this.#compareInodes(node, arrival.node, path, arrival.path);
    } else if (node.kind === 'folder') {
      for (const [name, child] of entries(node.children))
        yield* this.#depart({ node: child, path: pathIn(path, name) });
    }
  }

  #isTime(): boolean {
    this.#looks += 1;
    return this.#looks % LOOKS_PER_STEP === 0;
  }
}

/** A file is seen when it is whole. */
const seen = (node: Inode | undefined): Inode | undefined =>
  node?.kind === 'file' && node.client !== undefined ? undefined : node;

const pathIn = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);

const isSameFolder = (a: FolderNode, b: FolderNode): boolean =>
  a.mtime === b.mtime &&
  isSame(a.attributes, b.attributes) &&
  a.quota.names === b.quota.names &&
  a.quota.space === b.quota.space;

const isSameFile = (a: FileNode, b: FileNode): boolean =>
  a.mtime === b.mtime &&
  a.atime === b.atime &&
  isSame(a.attributes, b.attributes) &&
  a.blocks.length === b.blocks.length &&
  a.blocks.every(({ id, length }, i) => id === b.blocks[i]!.id && length === b.blocks[i]!.length);

const isSame = (a: Attributes, b: Attributes): boolean =>
  a === b ||
  (a.owner === b.owner &&
    a.group === b.group &&
    a.mode === b.mode &&
    a.replication === b.replication &&
    a.blockSize === b.blockSize);
