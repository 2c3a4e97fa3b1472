/** A namespace as slices, made one at a time while others go on changing later states: this one does not change. */

import { assert } from '../../common/assert.ts';
import { blockText, CHECKPOINT_VERSION, folderText, spanText } from './checkpoint-format.ts';
import type { BlockText, InodeText, Item, KeptText } from './checkpoint-format.ts';
import { entries, get } from './ordered-map.ts';
import type { OrderedMap } from './ordered-map.ts';
import type { Attributes, BlockId, FileNode, FolderNode, Inode, Namespace, Retired, Span } from './state.ts';

/**
 * Characters: half a millisecond of work, and five to ten while V8 marks a large heap, since it does so in proportion to what is
 * allocated. An item adds at most a few hundred thousand bytes to it.
 */
const SLICE_CHARACTERS = 32 * 1024;

/** Blocks that stand with their file; longer lists are written in parts. */
const BLOCKS_INLINE = 100;

/** Files of a lease in one item. */
const LEASE_FILES = 1_000;

export function* writeCheckpoint(state: Namespace): Generator<Uint8Array, void, undefined> {
  const writer = new Writer(state);
  yield* writer.all();
}

class Writer {
  readonly #state: Namespace;
  readonly #items: string[] = [];
  #characters = 0;
  readonly #attributes = new Map<Attributes, number>();
  /** Nodes that were written, for trees that share them. */
  readonly #nodes = new Map<OrderedMap<string, Inode>, number>();
  #lists = 0;

  constructor(state: Namespace) {
    this.#state = state;
  }

  *all(): Generator<Uint8Array, void, undefined> {
    const state = this.#state;
    this.#add(['version', CHECKPOINT_VERSION]);
    yield* this.#tree(state.root.children);
    this.#add(['root', this.#folder(state.root), state.nextId, state.lastSnapshot]);
    for (const [folder, snapshots] of entries(state.snapshots)) {
      this.#add(['snapshottable', folder]);
      yield* this.#full();
      for (const { id, name, time, root } of snapshots) {
        yield* this.#tree(root.children);
        this.#add(['snapshot', id, name, time, this.#folder(root)]);
        yield* this.#full();
      }
    }
    for (const [inode, { since, held }] of entries(state.moves)) {
      this.#add(['move', inode, since, held.map(spanText)]);
      yield* this.#full();
    }
    for (const [snapshot, blocks] of entries(state.retained)) {
      for (const [block, held] of entries(blocks)) {
        this.#add(['retained', snapshot, this.#kept(block, held)]);
        yield* this.#full();
      }
    }
    for (const [key, retired] of entries(state.retired)) yield* this.#retired(key, retired);
    for (const [client, { renewedAt, files }] of entries(state.leases)) {
      const ids = [...entries(files)].map(([id]) => id);
      for (let i = 0; i < ids.length; i += LEASE_FILES) {
        this.#add(['lease', client, renewedAt, ids.slice(i, i + LEASE_FILES)]);
        yield* this.#full();
      }
    }
    for (const [node, { service, address }] of entries(state.services)) {
      this.#add(['service', node, service, address]);
      yield* this.#full();
    }
    yield this.#slice();
  }

  *#retired(key: number, retired: Retired): Generator<Uint8Array, void, undefined> {
    if (retired.kind === 'tree') {
      const { inode } = retired;
      if (inode.kind === 'folder') yield* this.#tree(inode.children);
      const text = inode.kind === 'folder' ? this.#folder(inode) : yield* this.#file(inode);
      this.#add(['retiredTree', key, text, retired.held.map(spanText), retired.after ?? null]);
    } else if (retired.kind === 'block') {
      this.#add(['retiredBlock', key, this.#kept(retired.block, retired.held)]);
    } else {
      for (const [block, held] of entries(retired.blocks, retired.after)) {
        this.#add(['retiredSnapshot', key, this.#kept(block, held)]);
        yield* this.#full();
      }
    }
    yield* this.#full();
  }

  /** Writes what is not written yet of a folder's children, the folders below first. */
  *#tree(tree: OrderedMap<string, Inode>): Generator<Uint8Array, void, undefined> {
    if (this.#nodes.has(tree)) return;
    if (tree.height > 0) {
      const children = tree.items as readonly OrderedMap<string, Inode>[];
      for (const child of children) yield* this.#tree(child);
      this.#add(['branch', tree.keys, children.map((child) => this.#nodeNumber(child))]);
    } else {
      const inodes = tree.items as readonly Inode[];
      for (const inode of inodes) if (inode.kind === 'folder') yield* this.#tree(inode.children);
      const texts: InodeText[] = [];
      for (const inode of inodes) {
        texts.push(inode.kind === 'folder' ? this.#folder(inode) : yield* this.#file(inode));
      }
      this.#add(['leaf', tree.keys, texts]);
    }
    this.#nodes.set(tree, this.#nodes.size);
    yield* this.#full();
  }

  #nodeNumber(tree: OrderedMap<string, Inode>): number {
    const number = this.#nodes.get(tree);
    assert(number !== undefined, 'a node is written before it is meant');
    return number;
  }

  #folder(folder: FolderNode): ReturnType<typeof folderText> {
    return folderText(folder, this.#attributesNumber(folder.attributes), this.#nodeNumber(folder.children));
  }

  *#file(file: FileNode): Generator<Uint8Array, InodeText, undefined> {
    const { id, attributes, mtime, atime, client, blocks } = file;
    return [
      0,
      id,
      this.#attributesNumber(attributes),
      mtime,
      atime,
      client ?? null,
      yield* this.#blocks(blocks.map(blockText)),
    ];
  }

  *#blocks(blocks: readonly BlockText[]): Generator<Uint8Array, readonly BlockText[] | number, undefined> {
    if (blocks.length <= BLOCKS_INLINE) return blocks;
    const list = this.#lists++;
    for (let i = 0; i < blocks.length; i += BLOCKS_INLINE) {
      this.#add(['blocks', list, blocks.slice(i, i + BLOCKS_INLINE)]);
      yield* this.#full();
    }
    return list;
  }

  #kept(id: BlockId, held: readonly Span[]): KeptText {
    const block = get(this.#state.blocks, id);
    assert(block, 'what is kept of a block is known');
    return [id, block.file, block.length ?? null, block.generation, block.replication, held.map(spanText)];
  }

  #attributesNumber(attributes: Attributes): number {
    const known = this.#attributes.get(attributes);
    if (known !== undefined) return known;
    const { owner, group, mode, replication, blockSize } = attributes;
    this.#add(['attributes', owner, group, mode, replication, blockSize]);
    this.#attributes.set(attributes, this.#attributes.size);
    return this.#attributes.size - 1;
  }

  #add(item: Item): void {
    const text = JSON.stringify(item);
    this.#items.push(text);
    this.#characters += text.length + 1;
  }

  *#full(): Generator<Uint8Array, void, undefined> {
    if (this.#characters >= SLICE_CHARACTERS) yield this.#slice();
  }

  #slice(): Uint8Array {
    const bytes = Buffer.from(`[${this.#items.join(',')}]`);
    this.#items.length = 0;
    this.#characters = 0;
    return bytes;
  }
}
