/**
 * Which snapshots hold an inode. No file is marked when a snapshot is taken; instead ids tell time. A snapshot of a folder
 * holds what stood below the folder when it was taken, that is, what has stood in its present place since before (its id, or
 * the time of its last move, is smaller than the snapshot's id) in a folder that the snapshot holds. Of what moved, `moves`
 * remembers the snapshots that saw it elsewhere. So the answer follows from the path to the inode alone, whether snapshots
 * are nested, files move out of them, or snapshots go in any order.
 */

import { get, set } from './ordered-map.ts';
import { changed } from './state.ts';
import type { BlockId, Inode, InodeId, Namespace, Snapshot, Snapshots, Span } from './state.ts';

const NONE: Snapshots = [];

export const snapshotsOf = (state: Namespace, folder: InodeId): Snapshots => get(state.snapshots, folder) ?? NONE;

/** The snapshots that hold the last inode of a chain that begins at the live root. */
export function heldBy(state: Namespace, chain: readonly Inode[]): readonly Span[] {
  let held: readonly Span[] = [];
  if (state.lastSnapshot === 0) return held;
  for (let i = 1; i < chain.length; i++) held = heldBelow(state, chain[i - 1]!.id, held, chain[i]!.id);
  return held;
}

/** The snapshots that hold a child of a folder of which it is known which ones hold it. */
export function heldBelow(
  state: Namespace,
  folder: InodeId,
  folderHeld: readonly Span[],
  child: InodeId,
): readonly Span[] {
  if (state.lastSnapshot === 0) return [];
  const move = get(state.moves, child);
  const since = move?.since ?? child;
  const held = heldSince(state, folderHeld, since);
  const own: Span = { folder, from: since, to: state.nextId };
  if (newestIn(state, own)) held.push(own);
  for (const span of move?.held ?? []) if (newestIn(state, span)) held.push(span);
  return held;
}

/** The part of the spans from an id on, without those that hold no snapshot (any more). */
export function heldSince(state: Namespace, spans: readonly Span[], since: number): Span[] {
  const held: Span[] = [];
  for (const span of spans) {
    const part = span.from >= since ? span : { ...span, from: since };
    if (newestIn(state, part)) held.push(part);
  }
  return held;
}

/** The newest snapshot of a span. */
export function newestIn(state: Namespace, { folder, from, to }: Span): Snapshot | undefined {
  const snapshots = snapshotsOf(state, folder);
  let [low, high] = [0, snapshots.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (snapshots[middle]!.id < to) low = middle + 1;
    else high = middle;
  }
  const newest = snapshots[low - 1];
  return newest && newest.id >= from ? newest : undefined;
}

/** The state that remembers which snapshots hold an inode that is about to leave its place for another. */
export function rememberMove(state: Namespace, chain: readonly Inode[]): Namespace {
  const id = chain.at(-1)!.id;
  const since = get(state.moves, id)?.since ?? id;
  // No snapshot has been taken since it came here: none can hold it here, and its age says so.
  if (state.lastSnapshot < since) return state;
  return changed(state, { moves: set(state.moves, id, { since: state.nextId, held: heldBy(state, chain) }) });
}

/** The snapshot under which a block is kept that only the snapshots of these spans name; undefined: nobody names it. */
export function keeperOf(
  state: Namespace,
  block: BlockId,
  spans: readonly Span[],
): { readonly snapshot: Snapshot; readonly held: readonly Span[] } | undefined {
  // A block is younger than its file: snapshots taken in between have the file without the block.
  const held = heldSince(state, spans, block);
  const [first] = held;
  return first && { snapshot: newestIn(state, first)!, held };
}
