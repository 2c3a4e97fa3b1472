/**
 * The namespace as a child would build it: mutable folders of maps, sums counted anew each time, snapshots as whole copies. It
 * takes only the superuser's requests, and says what they must lead to.
 */

import type { RefusalName } from '../../src/filestore/namespace/refusal.ts';

export type Outcome = 'changed' | 'unchanged' | RefusalName;

export type ModelBlock = { id: number; length: number | undefined; generation: number };

export type ModelFile = {
  kind: 'file';
  replication: number;
  mtime: number;
  atime: number;
  client: string | undefined;
  blocks: ModelBlock[];
};

export type ModelFolder = {
  kind: 'folder';
  mtime: number;
  children: Map<string, ModelInode>;
  names: number | undefined;
  space: number | undefined;
  /** Undefined: not snapshottable. */
  snapshots: Map<string, ModelFolder> | undefined;
};

export type ModelInode = ModelFile | ModelFolder;

export const BLOCK_BYTES = 10;

const newFolder = (mtime: number): ModelFolder => ({
  kind: 'folder',
  mtime,
  children: new Map(),
  names: undefined,
  space: undefined,
  snapshots: undefined,
});

export const split = (path: string): readonly string[] => path.split('/').filter((name) => name !== '');

export class NamespaceModel {
  readonly root = newFolder(0);

  find(path: string): ModelInode | undefined {
    let inode: ModelInode | undefined = this.root;
    for (const name of split(path)) inode = inode?.kind === 'folder' ? inode.children.get(name) : undefined;
    return inode;
  }

  mkdirs(path: string, now: number): Outcome {
    const way = this.#way(path);
    if (way.file) return way.missing.length === 0 ? 'FileAlreadyExistsException' : 'ParentNotDirectoryException';
    if (way.missing.length === 0) return 'unchanged';
    const over = this.#over(way.folders, way.missing.length, 0);
    if (over) return over;
    this.#make(way.folders.at(-1)!, way.missing, now);
    return 'changed';
  }

  create(path: string, file: ModelFile, ifExists: 'refuse' | 'overwrite' | 'keep', now: number): Outcome {
    const way = this.#way(path);
    if (way.file && way.missing.length > 0) return 'ParentNotDirectoryException';
    if (way.missing.length === 0) {
      if (!way.file) return 'FileAlreadyExistsException';
      if (ifExists === 'keep') return 'unchanged';
      if (ifExists === 'refuse') {
        return way.file.client === undefined ? 'FileAlreadyExistsException' : 'AlreadyBeingCreatedException';
      }
    }
    const over = this.#over(way.folders, way.missing.length, 0);
    if (over) return over;
    const parent = this.#make(way.folders.at(-1)!, way.missing.slice(0, -1), now);
    parent.children.set(split(path).at(-1)!, file);
    parent.mtime = now;
    return 'changed';
  }

  /** Of an open file whose last block, if open, is now known to have `previous` bytes. */
  addBlock(path: string, previous: number, id: number): Outcome {
    const file = this.find(path) as ModelFile;
    const last = file.blocks.at(-1);
    const released = last && last.length === undefined ? BLOCK_BYTES - previous : 0;
    const over = this.#over(this.#way(path).folders, 0, (BLOCK_BYTES - released) * file.replication);
    if (over) return over;
    if (last && last.length === undefined) last.length = previous;
    file.blocks.push({ id, length: undefined, generation: 1 });
    return 'changed';
  }

  delete(path: string, recursive: boolean, now: number): Outcome {
    const way = this.#way(path);
    if (way.file && way.missing.length > 0) return 'ParentNotDirectoryException';
    if (way.missing.length > 0) return 'unchanged';
    const inode = this.find(path)!;
    if (inode.kind === 'folder' && inode.children.size > 0 && !recursive) return 'PathIsNotEmptyDirectoryException';
    if (inode === this.root) return 'unchanged';
    if (hasSnapshots(inode)) return 'SnapshotException';
    const parent = this.parentOf(path);
    parent.children.delete(split(path).at(-1)!);
    parent.mtime = now;
    return 'changed';
  }

  rename(source: string, wanted: string, how: 'move' | 'exact' | 'overwrite', now: number): Outcome {
    const from = this.#way(source);
    if (from.file && from.missing.length > 0) return 'ParentNotDirectoryException';
    if (this.#fileOnTheWay(wanted)) return 'ParentNotDirectoryException';
    const inside = how === 'move' && source !== '/' && this.find(wanted)?.kind === 'folder';
    const target = inside ? `${wanted === '/' ? '' : wanted}/${split(source).at(-1)!}` : wanted;
    if (from.missing.length > 0) return 'FileNotFoundException';
    if (source === '/') return 'IOException';
    const inode = this.find(source)!;
    if (hasSnapshots(inode)) return 'SnapshotException';
    if (target === source) return how === 'move' ? 'unchanged' : 'FileAlreadyExistsException';
    if (target.startsWith(`${source}/`) || target === '/') return 'IOException';
    const old = this.find(target);
    if (old) {
      if (old.kind !== inode.kind) return 'IOException';
      if (how !== 'overwrite') return 'FileAlreadyExistsException';
      if (old.kind === 'folder' && old.children.size > 0) return 'IOException';
      if (hasSnapshots(old)) return 'SnapshotException';
    }
    const parent = this.find(target.slice(0, target.lastIndexOf('/')));
    if (parent?.kind !== 'folder') return 'FileNotFoundException';
    const shared = new Set(this.#above(source));
    const below = this.#above(target).filter((folder) => !shared.has(folder));
    const gone = old ? usage(old) : { names: 0, space: 0 };
    const over = this.#over(below, usage(inode).names - gone.names, usage(inode).space - gone.space);
    if (over) return over;
    const before = this.parentOf(source);
    before.children.delete(split(source).at(-1)!);
    parent.children.set(split(target).at(-1)!, inode);
    before.mtime = now;
    parent.mtime = now;
    return 'changed';
  }

  setReplication(path: string, replication: number): Outcome {
    if (this.#fileOnTheWay(path)) return 'ParentNotDirectoryException';
    const file = this.find(path);
    if (file?.kind !== 'file' || file.replication === replication) return 'unchanged';
    const { space } = usage(file);
    const over = this.#over(this.#above(path), 0, (space / file.replication) * (replication - file.replication));
    if (over) return over;
    file.replication = replication;
    return 'changed';
  }

  createSnapshot(folder: ModelFolder, name: string): Outcome {
    if (!folder.snapshots) return 'SnapshotException';
    if (folder.snapshots.has(name)) return 'SnapshotException';
    folder.snapshots.set(name, copyOf(folder) as ModelFolder);
    return 'changed';
  }

  /** Every block that the live tree or a snapshot names. */
  named(): ReadonlySet<number> {
    const blocks = new Set<number>();
    const take = (inode: ModelInode): void => {
      if (inode.kind === 'file') for (const { id } of inode.blocks) blocks.add(id);
      else {
        inode.children.forEach(take);
        inode.snapshots?.forEach(take);
      }
    };
    take(this.root);
    return blocks;
  }

  parentOf(path: string): ModelFolder {
    return this.find(path.slice(0, path.lastIndexOf('/'))) as ModelFolder;
  }

  /** The folders that exist above a path, from the root. */
  #above(path: string): readonly ModelFolder[] {
    return this.#way(path.slice(0, path.lastIndexOf('/'))).folders;
  }

  /** The folders on a path that exist, the file it meets, and the names that are left. */
  #way(path: string): { folders: ModelFolder[]; file: ModelFile | undefined; missing: readonly string[] } {
    const names = split(path);
    const folders = [this.root];
    for (const [i, name] of names.entries()) {
      const inode = folders.at(-1)!.children.get(name);
      if (!inode) return { folders, file: undefined, missing: names.slice(i) };
      if (inode.kind === 'file') return { folders, file: inode, missing: names.slice(i + 1) };
      folders.push(inode);
    }
    return { folders, file: undefined, missing: [] };
  }

  #fileOnTheWay(path: string): boolean {
    const { file, missing } = this.#way(path);
    return file !== undefined && missing.length > 0;
  }

  #make(above: ModelFolder, names: readonly string[], now: number): ModelFolder {
    let folder = above;
    for (const name of names) {
      const next = newFolder(now);
      folder.children.set(name, next);
      folder.mtime = now;
      folder = next;
    }
    return folder;
  }

  #over(folders: readonly ModelFolder[], names: number, space: number): Outcome | undefined {
    for (const folder of folders) {
      const now = usage(folder);
      if (folder.names !== undefined && names > 0 && now.names + names > folder.names)
        return 'NSQuotaExceededException';
      if (folder.space !== undefined && space > 0 && now.space + space > folder.space)
        return 'DSQuotaExceededException';
    }
    return undefined;
  }
}

/** Names (the inode itself counts) and bytes with replication, counted one by one. */
export function usage(inode: ModelInode): { names: number; space: number } {
  if (inode.kind === 'file') {
    const bytes = inode.blocks.reduce((sum, { length }) => sum + (length ?? BLOCK_BYTES), 0);
    return { names: 1, space: bytes * inode.replication };
  }
  const below = [...inode.children.values()].map(usage);
  return {
    names: below.reduce((sum, { names }) => sum + names, 1),
    space: below.reduce((sum, { space }) => sum + space, 0),
  };
}

export const bytesOf = (file: ModelFile): number => file.blocks.reduce((sum, { length }) => sum + (length ?? 0), 0);

const hasSnapshots = (inode: ModelInode): boolean =>
  inode.kind === 'folder' &&
  ((inode.snapshots !== undefined && inode.snapshots.size > 0) || [...inode.children.values()].some(hasSnapshots));

/** Without the snapshots of folders below: a snapshot shows none. */
function copyOf(inode: ModelInode): ModelInode {
  if (inode.kind === 'file') return { ...inode, blocks: inode.blocks.map((block) => ({ ...block })) };
  const children = new Map([...inode.children].map(([name, child]) => [name, copyOf(child)]));
  return { ...inode, children, snapshots: undefined };
}
