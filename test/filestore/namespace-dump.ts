/** All that a namespace holds, as plain values that can be compared, whatever way it came to be. */

import { entries } from '../../src/filestore/namespace/ordered-map.ts';
import type { Key, OrderedMap } from '../../src/filestore/namespace/ordered-map.ts';
import type { Inode, Namespace, Retired } from '../../src/filestore/namespace/state.ts';

export function dump(state: Namespace): unknown {
  const { nextId, root, places, blocks, leases, snapshots, lastSnapshot, moves, retained, retired, services } = state;
  return {
    nextId,
    lastSnapshot,
    root: inode(root),
    places: plain(places),
    blocks: plain(blocks),
    leases: plain(leases, ({ renewedAt, files }) => ({ renewedAt, files: plain(files) })),
    snapshots: plain(snapshots, (list) => list.map((one) => ({ ...one, root: inode(one.root) }))),
    moves: plain(moves),
    services: plain(services),
    retained: plain(retained, (kept) => plain(kept)),
    retired: plain(retired, retiredValue),
  };
}

const plain = <V>(map: OrderedMap<Key, V>, value: (item: V) => unknown = (item) => item): readonly unknown[] =>
  [...entries(map)].map(([key, item]) => [key, value(item)]);

const inode = (one: Inode): unknown => (one.kind === 'file' ? one : { ...one, children: plain(one.children, inode) });

/** What was reaped of a deleted snapshot is not compared: nobody looks at it any more. */
const retiredValue = (retired: Retired): unknown =>
  retired.kind === 'tree'
    ? { ...retired, inode: inode(retired.inode) }
    : retired.kind === 'block'
      ? retired
      : [...entries(retired.blocks, retired.after)];
