/** From the text of a path to the inodes on it, in the live tree or, through `.snapshot/NAME`, in a snapshot. */

import { get } from './ordered-map.ts';
import { refuse } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import type { FolderNode, Inode, InodeId, Namespace, Snapshot } from './state.ts';
import { namesTo } from './tree.ts';

/** The name under which a folder shows its snapshots; nothing else can be called so. */
export const SNAPSHOT_FOLDER = '.snapshot';

/** As HDFS has it: 255 bytes a name, 8,000 characters and 1,000 folders a path. */
const NAME_BYTES_MAX = 255;
const PATH_CHARACTERS_MAX = 8_000;
export const DEPTH_MAX = 1_000;

export type Resolved = {
  readonly kind: 'resolved';
  readonly path: string;
  readonly names: readonly string[];
  /** The inodes that exist, from the root: one more than names when all do. `.snapshot` stands as the folder it is asked of. */
  readonly chain: readonly Inode[];
  /** Where the path ends. In `snapshots` it ends with `.snapshot` itself. */
  readonly view: 'live' | 'snapshots' | 'snapshot';
};

/**
 * The names of an absolute path, each a text of its own. Only what HDFS calls a valid name, so that a store can be copied to HDFS and
 * back.
 */
export function parsePath(path: string): readonly string[] | Refusal {
  const invalid = (why: string): Refusal => refuse('InvalidPathException', `Invalid path name: ${path} (${why})`);
  if (!path.startsWith('/')) return invalid('it is not absolute');
  if (path.length > PATH_CHARACTERS_MAX) return invalid(`it is longer than ${PATH_CHARACTERS_MAX} characters`);
  if (path === '/') return [];
  const names = path.slice(1, path.endsWith('/') ? -1 : undefined).split('/');
  if (names.length > DEPTH_MAX) return invalid(`it is deeper than ${DEPTH_MAX} folders`);
  for (const name of names) {
    const fault = nameFault(name);
    if (fault)
      return fault.tooLong ? refuse('PathComponentTooLongException', `${name}: ${fault.text}`) : invalid(fault.text);
  }
  return names.map(own);
}

/** The engine copies shorter pieces of a text; longer ones point into the whole. */
const PIECE_CHARACTERS = 13;

/**
 * A text of its own: a piece cut out of a path keeps the whole path in memory for as long as it lives, and is compared five times as
 * slowly.
 */
export const own = (text: string): string => (text.length < PIECE_CHARACTERS ? text : Buffer.from(text).toString());

/** What is wrong with a name, if anything. */
export function nameFault(name: string): { readonly text: string; readonly tooLong?: boolean } | undefined {
  if (name === '') return { text: 'a name is empty' };
  if (name === '.' || name === '..') return { text: `${name} is no name` };
  if (name.includes(':') || name.includes('/') || name.includes('\0')) {
    return { text: 'names hold no colon, slash or NUL' };
  }
  // A lone surrogate has no bytes in UTF-8.
  if (!name.isWellFormed()) return { text: 'a name is no Unicode text' };
  if (name.length * 3 > NAME_BYTES_MAX && Buffer.byteLength(name) > NAME_BYTES_MAX) {
    return { text: `a name is longer than ${NAME_BYTES_MAX} bytes`, tooLong: true };
  }
  return undefined;
}

export function resolve(state: Namespace, path: string): Resolved | Refusal {
  const names = parsePath(path);
  if (!Array.isArray(names)) return names as Refusal;
  return walk(state, names as readonly string[]);
}

/** Where an inode stands in the live tree. */
export function resolveInode(state: Namespace, id: InodeId): Resolved | undefined {
  const names = namesTo(state, id);
  return names && (walk(state, names) as Resolved);
}

function walk(state: Namespace, names: readonly string[]): Resolved | Refusal {
  const chain: Inode[] = [state.root];
  let folder: FolderNode = state.root;
  let view: Resolved['view'] = 'live';
  let snapshots: readonly Snapshot[] = [];
  for (const [i, name] of names.entries()) {
    let inode: Inode | undefined;
    if (view === 'live' && name === SNAPSHOT_FOLDER) {
      const found = get(state.snapshots, folder.id);
      view = 'snapshots';
      if (!found) break;
      snapshots = found;
      inode = folder;
    } else if (view === 'snapshots') {
      view = 'snapshot';
      inode = snapshots.find((snapshot) => snapshot.name === name)?.root;
    } else {
      inode = get(folder.children, name);
    }
    if (!inode) break;
    chain.push(inode);
    if (inode.kind === 'folder') folder = inode;
    else if (i < names.length - 1) {
      const file = pathOf(names.slice(0, i + 1));
      return refuse('ParentNotDirectoryException', `${file} (is not a directory)`);
    }
  }
  return { kind: 'resolved', path: pathOf(names), names, chain, view };
}

export const pathOf = (names: readonly string[]): string => `/${names.join('/')}`;

/** What the path names, if it exists. */
export const targetOf = ({ chain, names }: Resolved): Inode | undefined => chain[names.length];

/** The last folder on the path that exists, the target not counted. */
export const ancestorOf = ({ chain, names }: Resolved): FolderNode =>
  chain[Math.min(chain.length, names.length) - 1] as FolderNode;

/** As `resolve`, for a change: snapshots cannot be changed. */
export function resolveLive(state: Namespace, path: string): Resolved | Refusal {
  const at = resolve(state, path);
  if (at.kind === 'refused' || at.view === 'live') return at;
  return refuse('SnapshotAccessControlException', 'Modification on a read-only snapshot is disallowed');
}
