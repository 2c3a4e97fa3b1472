/** A namespace read from its slices. Where inodes and blocks are found by their ids is worked out at the end. */

import { assert, unreachable } from '../../common/assert.ts';
import { CHECKPOINT_VERSION, spanOf } from './checkpoint-format.ts';
import type { BesideItem, BlockText, FileText, FolderText, InodeText, Item, KeptText } from './checkpoint-format.ts';
import { branchOf, emptyMap, fromSorted, get, leafOf, set, visit } from './ordered-map.ts';
import type { OrderedMap } from './ordered-map.ts';
import { changed, newNamespace, NO_QUOTA } from './state.ts';
import type {
  Attributes,
  Block,
  BlockId,
  FileNode,
  FolderNode,
  Inode,
  InodeId,
  Namespace,
  Place,
  Span,
} from './state.ts';
import { shared } from './tree.ts';

export class CheckpointReader {
  #state: Namespace = newNamespace({ owner: '', group: '' });
  #rooted = false;
  readonly #attributes: Attributes[] = [];
  readonly #nodes: OrderedMap<string, Inode>[] = [];
  readonly #lists: BlockText[][] = [];
  #snapshottable: InodeId = 0;
  /** Blocks that are in no live file and in no retired one. */
  readonly #kept: Block[] = [];

  /** Copies what it keeps of the bytes. */
  add(slice: Uint8Array): void {
    const text = Buffer.from(slice.buffer, slice.byteOffset, slice.byteLength).toString();
    for (const item of JSON.parse(text) as readonly Item[]) this.#add(item);
  }

  finish(): Namespace {
    assert(this.#rooted, 'the slices of a checkpoint are all there');
    const index = new Index();
    index.addFolder(this.#state.root, undefined);
    visit(this.#state.retired, undefined, (_, retired) => {
      if (retired.kind === 'tree') index.addTree(retired.inode, retired.after);
      return true;
    });
    for (const block of this.#kept) index.addBlock(block);
    return { ...this.#state, places: index.places(), blocks: index.blocks() };
  }

  #add(item: Item): void {
    switch (item[0]) {
      case 'version':
        assert(item[1] >= 1 && item[1] <= CHECKPOINT_VERSION, `version ${item[1]} of a checkpoint can be read`);
        return;
      case 'attributes': {
        const [, owner, group, mode, replication, blockSize] = item;
        const [state, attributes] = shared(this.#state, { owner, group, mode, replication, blockSize });
        this.#state = state;
        this.#attributes.push(attributes);
        return;
      }
      case 'blocks':
        (this.#lists[item[1]] ??= []).push(...item[2]);
        return;
      case 'leaf':
        this.#nodes.push(
          leafOf(
            item[1],
            item[2].map((text) => this.#inode(text)),
          ),
        );
        return;
      case 'branch':
        this.#nodes.push(
          branchOf(
            item[1],
            item[2].map((number) => this.#nodes[number]!),
          ),
        );
        return;
      case 'root':
        this.#rooted = true;
        this.#state = { ...this.#state, root: this.#folder(item[1]), nextId: item[2], lastSnapshot: item[3] };
        return;
      case 'snapshottable':
        this.#snapshottable = item[1];
        this.#state = { ...this.#state, snapshots: set(this.#state.snapshots, item[1], []) };
        return;
      case 'snapshot': {
        const [, id, name, time, root] = item;
        const snapshots = get(this.#state.snapshots, this.#snapshottable)!;
        const next = [...snapshots, { id, name, time, root: this.#folder(root) }];
        this.#state = { ...this.#state, snapshots: set(this.#state.snapshots, this.#snapshottable, next) };
        return;
      }
      case 'move':
      case 'retained':
      case 'retiredTree':
      case 'retiredBlock':
      case 'retiredSnapshot':
      case 'lease':
      case 'service':
        return this.#addBeside(item);
      default:
        unreachable(item);
    }
  }

  /** What stands beside the trees. */
  #addBeside(item: BesideItem): void {
    const state = this.#state;
    switch (item[0]) {
      case 'move': {
        const [, inode, since, held] = item;
        this.#state = changed(state, { moves: set(state.moves, inode, { since, held: held.map(spanOf) }) });
        return;
      }
      case 'retained': {
        const [id, held] = this.#keep(item[2]);
        const blocks = get(state.retained, item[1]) ?? emptyMap();
        this.#state = changed(state, { retained: set(state.retained, item[1], set(blocks, id, held)) });
        return;
      }
      case 'retiredTree': {
        const [, key, inode, held, after] = item;
        const retired = {
          kind: 'tree',
          inode: this.#inode(inode),
          held: held.map(spanOf),
          after: after ?? undefined,
        } as const;
        this.#state = changed(state, { retired: set(state.retired, key, retired) });
        return;
      }
      case 'retiredBlock': {
        const [block, held] = this.#keep(item[2]);
        this.#state = changed(state, { retired: set(state.retired, item[1], { kind: 'block', block, held }) });
        return;
      }
      case 'retiredSnapshot': {
        const [block, held] = this.#keep(item[2]);
        const before = get(state.retired, item[1]);
        const blocks = before?.kind === 'snapshot' ? before.blocks : emptyMap<BlockId, readonly Span[]>();
        const retired = { kind: 'snapshot', blocks: set(blocks, block, held), after: undefined } as const;
        this.#state = changed(state, { retired: set(state.retired, item[1], retired) });
        return;
      }
      case 'lease': {
        const [, client, renewedAt, ids] = item;
        let files = get(state.leases, client)?.files ?? emptyMap<InodeId, true>();
        for (const id of ids) files = set(files, id, true);
        this.#state = changed(state, { leases: set(state.leases, client, { renewedAt, files }) });
        return;
      }
      case 'service': {
        const [, node, service, address] = item;
        this.#state = changed(state, { services: set(state.services, node, { service, address }) });
        return;
      }
      default:
        unreachable(item);
    }
  }

  #inode(text: InodeText): Inode {
    return text[0] === 0 ? this.#file(text) : this.#folder(text);
  }

  #folder([, id, attributes, mtime, children, files, folders, length, space, names, bytes]: FolderText): FolderNode {
    return {
      kind: 'folder',
      id,
      attributes: this.#attributes[attributes]!,
      mtime,
      quota: names === null && bytes === null ? NO_QUOTA : { names: names ?? undefined, space: bytes ?? undefined },
      children: this.#nodes[children]!,
      files,
      folders,
      length,
      space,
    };
  }

  #file([, file, number, mtime, atime, client, texts]: FileText): FileNode {
    const attributes = this.#attributes[number]!;
    const { replication } = attributes;
    const list = typeof texts === 'number' ? this.#lists[texts]! : texts;
    const blocks = list.map(([id, length, generation]): Block => ({
      id,
      file,
      length: length ?? undefined,
      generation,
      replication,
    }));
    return { kind: 'file', id: file, attributes, mtime, atime, blocks, client: client ?? undefined };
  }

  #keep([id, file, length, generation, replication, held]: KeptText): readonly [BlockId, readonly Span[]] {
    this.#kept.push({ id, file, length: length ?? undefined, generation, replication });
    return [id, held.map(spanOf)];
  }
}

/** Inodes and blocks by id, gathered in the order of the tree. */
class Index {
  readonly #inodes: InodeId[] = [];
  readonly #places: Place[] = [];
  readonly #blockIds: BlockId[] = [];
  readonly #blocks: Block[] = [];

  /** A tree that was cut off: its root is forgotten, and so are the children that were reaped. */
  addTree(inode: Inode, after: string | undefined): void {
    if (inode.kind === 'folder') this.addFolder(inode, after);
    else for (const block of inode.blocks) this.addBlock(block);
  }

  addFolder(folder: FolderNode, after: string | undefined): void {
    visit(folder.children, after, (name, child) => {
      this.#inodes.push(child.id);
      this.#places.push({ parent: folder.id, name });
      this.addTree(child, undefined);
      return true;
    });
  }

  addBlock(block: Block): void {
    this.#blockIds.push(block.id);
    this.#blocks.push(block);
  }

  places(): OrderedMap<InodeId, Place> {
    return sorted(this.#inodes, this.#places);
  }

  blocks(): OrderedMap<BlockId, Block> {
    return sorted(this.#blockIds, this.#blocks);
  }
}

function sorted<V>(ids: readonly number[], values: readonly V[]): OrderedMap<number, V> {
  const order = Float64Array.from(ids.keys()).sort((a, b) => ids[a]! - ids[b]!);
  const keys: number[] = [];
  const items: V[] = [];
  for (const at of order) {
    assert(keys.length === 0 || keys.at(-1)! < ids[at]!, 'an id is given once');
    keys.push(ids[at]!);
    items.push(values[at]!);
  }
  return fromSorted(keys, items);
}
