/** Files and folders of the simulated disk: what they hold, and what of it a crash cannot take. */

import type { DiskStat } from '../../src/common/disk.ts';

/** What a disk writes wholly or not at all, unless it is torn. */
const SECTOR_BYTES = 512;

export type Change =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly bytes: number };

export type FileNode = {
  readonly kind: 'file';
  readonly inode: number;
  /** What a crash cannot take. */
  durable: Buffer;
  /** What a read sees: `durable`, then `pending` in order. */
  current: Buffer;
  readonly pending: Change[];
  modified: number;
  /** Under how many names it is to be seen. */
  names: number;
  /** Bits that stand the wrong way round, by their numbers in the file. */
  readonly flipped: Set<number>;
};

export type FolderNode = {
  readonly kind: 'folder';
  readonly inode: number;
  readonly durable: Map<string, Node>;
  readonly current: Map<string, Node>;
};

export type Node = FileNode | FolderNode;

/** Names that changed together: both or neither survive. `node` undefined: the name went. */
export type NameChange = readonly {
  readonly folder: FolderNode;
  readonly name: string;
  readonly node: Node | undefined;
}[];

export function diskError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: simulated, ${path}`), { code });
}

export function* walk(folder: FolderNode, path: string): Generator<readonly [string, FileNode]> {
  for (const [name, node] of folder.current) {
    if (node.kind === 'file') yield [`${path}/${name}`, node];
    else yield* walk(node, `${path}/${name}`);
  }
}

export function statOf(node: Node): DiskStat {
  if (node.kind === 'folder') return { kind: 'folder', bytes: 0, modifiedMs: 0, inode: node.inode };
  return { kind: 'file', bytes: node.current.length, modifiedMs: node.modified, inode: node.inode };
}

/** In place where the content is long enough; bytes between its end and a later write are zero. */
export function applied(content: Buffer, change: Change): Buffer {
  if (change.kind === 'truncate') {
    const cut = Buffer.alloc(change.bytes);
    content.copy(cut);
    return cut;
  }
  const end = change.offset + change.bytes.length;
  const target = end <= content.length ? content : grown(content, end);
  target.set(change.bytes, change.offset);
  return target;
}

function grown(content: Buffer, bytes: number): Buffer {
  const target = Buffer.alloc(bytes);
  target.set(content);
  return target;
}

export function* sectorsOf(change: Change & { kind: 'write' }): Generator<Change & { kind: 'write' }> {
  const end = change.offset + change.bytes.length;
  for (let at = change.offset; at < end;) {
    const next = Math.min(end, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES);
    yield { kind: 'write', offset: at, bytes: change.bytes.subarray(at - change.offset, next - change.offset) };
    at = next;
  }
}
