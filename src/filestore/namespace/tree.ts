/** The live tree: changing it copies the folders on the way to the root and keeps their sums right. */

import { assert } from '../../common/assert.ts';
import { get, remove, set } from './ordered-map.ts';
import { changed, ROOT_ID } from './state.ts';
import type { Attributes, Block, FileNode, FolderNode, Inode, InodeId, Namespace, Place } from './state.ts';

/** What an inode adds to the sums of the folder it stands in. */
export type Usage = {
  readonly files: number;
  readonly folders: number;
  readonly length: number;
  readonly space: number;
};

const NOTHING: Usage = { files: 0, folders: 0, length: 0, space: 0 };

/** `from`: of a file without its first blocks. */
export function usageOf(inode: Inode, from = 0): Usage {
  if (inode.kind === 'folder') {
    const { files, folders, length, space } = inode;
    return { files, folders: folders + 1, length, space };
  }
  return { files: 1, folders: 0, length: lengthOf(inode, from), space: spaceOf(inode, from) };
}

export function lengthOf({ blocks }: FileNode, from = 0): number {
  let length = 0;
  for (let i = from; i < blocks.length; i++) length += blocks[i]!.length ?? 0;
  return length;
}

/** As HDFS counts: until its length is known, a block may become as long as a block may be. */
export function spaceOf({ attributes, blocks }: FileNode, from = 0): number {
  const { replication, blockSize } = attributes;
  let bytes = 0;
  for (let i = from; i < blocks.length; i++) bytes += blocks[i]!.length ?? blockSize;
  return bytes * replication;
}

/** Blocks that add the same to the sums before and after: a file of ten thousand gets its last without a look at the others. */
function blocksKept(before: Inode | undefined, next: Inode | undefined): number {
  if (before?.kind !== 'file' || next?.kind !== 'file' || before.attributes !== next.attributes) return 0;
  let kept = 0;
  while (kept < before.blocks.length && before.blocks[kept] === next.blocks[kept]) kept++;
  return kept;
}

/** Names that an inode counts against quotas on names. */
export const namesOf = ({ files, folders }: Usage): number => files + folders;

/** The folder with `name` bound to `next`, or unbound, where `before` stood, or nothing; the sums follow. */
export function withChild(
  folder: FolderNode,
  name: string,
  before: Inode | undefined,
  next: Inode | undefined,
): FolderNode {
  assert(before ?? next, `${name} is there before or after`);
  const kept = blocksKept(before, next);
  const children = next ? set(folder.children, name, next) : remove(folder.children, name);
  const added = Number(next !== undefined) - Number(before !== undefined);
  assert(children.size === folder.children.size + added, `${name} stood where it was said to, and nothing where not`);
  const [out, into] = [before ? usageOf(before, kept) : NOTHING, next ? usageOf(next, kept) : NOTHING];
  return {
    kind: 'folder',
    id: folder.id,
    attributes: folder.attributes,
    mtime: folder.mtime,
    quota: folder.quota,
    children,
    files: folder.files - out.files + into.files,
    folders: folder.folders - out.folders + into.folders,
    length: folder.length - out.length + into.length,
    space: folder.space - out.space + into.space,
  };
}

/** Names from the root to the inode, or undefined when it is not in the live tree. */
export function namesTo({ places }: Namespace, id: InodeId): readonly string[] | undefined {
  const names: string[] = [];
  for (let at = id; at !== ROOT_ID;) {
    const place = get(places, at);
    if (!place) return undefined;
    names.push(place.name);
    at = place.parent;
  }
  return names.toReversed();
}

/** The inodes from the root to the one with this id, or undefined when it is not in the live tree. */
export function chainTo(state: Namespace, id: InodeId): readonly Inode[] | undefined {
  const names = namesTo(state, id);
  if (!names) return undefined;
  const chain: Inode[] = [state.root];
  let folder = state.root;
  for (const name of names) {
    const inode = get(folder.children, name);
    assert(inode, `${name} stands where its place says`);
    chain.push(inode);
    if (inode.kind === 'folder') folder = inode;
  }
  return chain;
}

export const inodeOf = (state: Namespace, id: InodeId): Inode | undefined => chainTo(state, id)?.at(-1);

/** The file with this id, when it is in the live tree. */
export function fileOf(state: Namespace, id: InodeId): FileNode | undefined {
  const inode = inodeOf(state, id);
  return inode?.kind === 'file' ? inode : undefined;
}

/** The state with one live inode changed; its id and sort stay. */
export function edit(state: Namespace, id: InodeId, change: (inode: Inode) => Inode): Namespace {
  const names = namesTo(state, id);
  assert(names, `inode ${id} is in the live tree`);
  return changed(state, { root: editBelow(state.root, names, 0, change) as FolderNode });
}

function editBelow(inode: Inode, names: readonly string[], depth: number, change: (inode: Inode) => Inode): Inode {
  const name = names[depth];
  if (name === undefined) return change(inode);
  assert(inode.kind === 'folder', `${name} stands in a folder`);
  const child = get(inode.children, name);
  assert(child, `${name} stands where its place says`);
  return withChild(inode, name, child, editBelow(child, names, depth + 1, change));
}

export function editFolder(state: Namespace, id: InodeId, change: (folder: FolderNode) => FolderNode): Namespace {
  return edit(state, id, (inode) => {
    assert(inode.kind === 'folder', `inode ${id} is a folder`);
    return change(inode);
  });
}

/** The state with these blocks of one file in the file and in the table of blocks. */
export function editBlocks(
  state: Namespace,
  file: FileNode,
  blocks: readonly Block[],
  change: Partial<FileNode>,
): Namespace {
  return edit(withBlocks(state, file.blocks, blocks), file.id, () => ({ ...file, ...change, blocks }));
}

/** The table of blocks with these of a file that had `before`. */
export function withBlocks(state: Namespace, before: readonly Block[], blocks: readonly Block[]): Namespace {
  let table = state.blocks;
  // A file of ten thousand blocks gets its last: those that it had stand in the table already, and are not looked up.
  for (let i = 0; i < blocks.length; i++) {
    const block = blocks[i]!;
    if (block !== before[i]) table = set(table, block.id, block);
  }
  return table === state.blocks ? state : changed(state, { blocks: table });
}

/** Files an inode under its parent: the place is where it is found by its id. */
export const withPlace = (state: Namespace, id: InodeId, place: Place): Namespace =>
  changed(state, {
    places: set(state.places, id, place),
  });

/** Equal attributes as one object. */
export function shared(state: Namespace, wanted: Attributes): readonly [Namespace, Attributes] {
  const { owner, group, mode, replication, blockSize } = wanted;
  const key = `${mode} ${replication} ${blockSize} ${owner}\n${group}`;
  const known = get(state.attributes, key);
  if (known) return [state, known];
  const attributes: Attributes = { owner, group, mode, replication, blockSize };
  return [changed(state, { attributes: set(state.attributes, key, attributes) }), attributes];
}
