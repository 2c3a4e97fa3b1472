/**
 * Finds out, a bounded piece at a time, which blocks nobody names any more. Deleting a tree only cuts it off; here its files are
 * visited, their blocks are freed or handed to a snapshot that holds them, and their ids are forgotten.
 */

import { assert, unreachable } from '../../common/assert.ts';
import { emptyMap, entries, get, remove, set, visit } from './ordered-map.ts';
import { heldBelow, heldBy, keeperOf } from './retention.ts';
import { changed } from './state.ts';
import type { BlockId, FileNode, FolderNode, Inode, InodeId, Namespace, Retired, Span } from './state.ts';
import { chainTo } from './tree.ts';

type Reaped = { readonly state: Namespace; readonly freed: readonly BlockId[] };

/** Cuts the tree below an inode off the live one, whose folders the caller changes. */
export function retireTree(state: Namespace, chain: readonly Inode[]): Namespace {
  const inode = chain.at(-1)!;
  const held = heldBy(state, chain);
  let next = retire(state, { kind: 'tree', inode, held, after: undefined });
  next = forget(next, inode.id);
  return changed(next, { snapshots: withoutLost(next) });
}

export function retireBlock(state: Namespace, file: InodeId, block: BlockId): Namespace {
  const chain = chainTo(state, file);
  assert(chain, 'a block is abandoned of a file in the live tree');
  return retire(state, { kind: 'block', block, held: heldBy(state, chain) });
}

export const retire = (state: Namespace, retired: Retired): Namespace =>
  changed(state, {
    nextId: state.nextId + 1,
    retired: set(state.retired, state.nextId, retired),
  });

/** Takes up to `steps` inodes and blocks off what is retired (a file is never left half done). */
export function reap(before: Namespace, steps: number): Reaped {
  let state = before;
  const freed: BlockId[] = [];
  for (let left = steps; left > 0;) {
    const first = entries(state.retired).next();
    if (first.done) break;
    const [key, retired] = first.value;
    const walk = new Walk(state, freed, left);
    const rest = walk.take(retired);
    state = changed(walk.state, {
      retired: rest ? set(walk.state.retired, key, rest) : remove(walk.state.retired, key),
    });
    left = walk.left - 1;
  }
  return { state, freed };
}

/** One entry's share of the work: the state as it comes along. */
class Walk {
  state: Namespace;
  left: number;
  private readonly freed: BlockId[];

  constructor(state: Namespace, freed: BlockId[], left: number) {
    this.state = state;
    this.freed = freed;
    this.left = left;
  }

  /** What is left of it, if anything. */
  take(retired: Retired): Retired | undefined {
    switch (retired.kind) {
      case 'tree':
        if (retired.inode.kind === 'folder') return this.takeFolder(retired.inode, retired);
        this.takeFile(retired.inode, retired.held);
        return undefined;
      case 'block':
        this.keepOrFree(retired.block, retired.held);
        return undefined;
      case 'snapshot': {
        let after = retired.after;
        const whole = visit(retired.blocks, after, (block, held) => {
          if (this.left <= 0) return false;
          this.keepOrFree(block, held);
          after = block;
          return true;
        });
        return whole ? undefined : { ...retired, after };
      }
      default:
        return unreachable(retired);
    }
  }

  private takeFolder(folder: FolderNode, retired: Extract<Retired, { kind: 'tree' }>): Retired | undefined {
    let { after } = retired;
    const whole = visit(folder.children, after, (name, child) => {
      if (this.left <= 0) return false;
      const held = heldBelow(this.state, folder.id, retired.held, child.id);
      if (child.kind === 'file') this.takeFile(child, held);
      // Folders wait for their own turn, so that a deep tree needs no deep recursion.
      else this.state = retire(this.state, { kind: 'tree', inode: child, held, after: undefined });
      this.state = forget(this.state, child.id);
      this.left--;
      after = name;
      return true;
    });
    return whole ? undefined : { ...retired, after };
  }

  private takeFile(file: FileNode, held: readonly Span[]): void {
    for (const block of file.blocks) this.keepOrFree(block.id, held);
    if (file.client !== undefined) this.state = withoutLease(this.state, file.client, file.id);
  }

  private keepOrFree(block: BlockId, spans: readonly Span[]): void {
    this.left--;
    const { state } = this;
    const keeper = keeperOf(state, block, spans);
    if (keeper) {
      const kept = get(state.retained, keeper.snapshot.id) ?? emptyMap();
      this.state = changed(state, {
        retained: set(state.retained, keeper.snapshot.id, set(kept, block, keeper.held)),
      });
    } else {
      this.state = changed(state, { blocks: remove(state.blocks, block) });
      this.freed.push(block);
    }
  }
}

/** The lease without the file; a lease of no files is gone. */
export function withoutLease(state: Namespace, client: string, file: InodeId): Namespace {
  const lease = get(state.leases, client);
  if (!lease || !get(lease.files, file)) return state;
  const files = remove(lease.files, file);
  return changed(state, {
    leases: files.size === 0 ? remove(state.leases, client) : set(state.leases, client, { ...lease, files }),
  });
}

/** Forgets where an inode stood: its id finds nothing any more. */
function forget(state: Namespace, id: InodeId): Namespace {
  const places = remove(state.places, id);
  const moves = get(state.moves, id) ? remove(state.moves, id) : state.moves;
  return changed(state, { places, moves });
}

/** Folders that might have had snapshots go with the tree; none of them has one. */
function withoutLost(state: Namespace): Namespace['snapshots'] {
  let { snapshots } = state;
  for (const [folder, list] of entries(state.snapshots)) {
    if (!chainExists(state, folder)) {
      assert(list.length === 0, 'a folder with snapshots is not deleted');
      snapshots = remove(snapshots, folder);
    }
  }
  return snapshots;
}

function chainExists(state: Namespace, id: InodeId): boolean {
  for (let at = id; at !== state.root.id;) {
    const place = get(state.places, at);
    if (!place) return false;
    at = place.parent;
  }
  return true;
}
