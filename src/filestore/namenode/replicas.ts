/** Who has a block, and which of its replicas count. */

import { isLeaving } from '../namespace/decide-services.ts';
import type { Block, BlockId } from '../namespace/state.ts';
import type { BlockMap } from './block-map.ts';
import type { Datanode, Datanodes } from './datanodes.ts';

export type Replicas = { readonly blocks: BlockMap; readonly datanodes: Datanodes };

/**
 * Those in maintenance that are expected back, and those that are to delete it, among them. Other dead ones are not, though the block map
 * forgets what they had only bit by bit.
 */
export const holdersOf = ({ blocks, datanodes }: Replicas, id: BlockId): readonly Datanode[] =>
  blocks
    .nodesOf(id)
    .map((number) => datanodes.byNumber(number))
    .filter(({ isAlive, service }) => isAlive || service === 'maintenance');

/** Those that can be read, and stay. */
export const liveHoldersOf = (replicas: Replicas, id: BlockId): readonly Datanode[] =>
  holdersOf(replicas, id).filter(({ isAlive, deletions }) => isAlive && !deletions.has(id));

/** Those that make up the number that is wanted. One that leaves for good counts no more, one in maintenance while another is at work. */
export function countedHolders(holders: readonly Datanode[], id: BlockId): readonly Datanode[] {
  const staying = holders.filter(({ service, deletions }) => !isLeaving(service) && !deletions.has(id));
  return staying.some(isAtWork) ? staying : staying.filter(({ service }) => service === 'normal');
}

export const isAtWork = ({ service, isAlive }: Datanode): boolean => service === 'normal' && isAlive;

/**
 * Of `holders`, one that is to go has to stay for the block's sake: until others have as many replicas as are wanted, or, when it goes for a
 * while, until one of them is at work, as HDFS has it (`dfs.namenode.maintenance.replication.min`).
 */
export function isNeeded({ service }: Datanode, { id, replication }: Block, holders: readonly Datanode[]): boolean {
  const counted = countedHolders(holders, id);
  return service === 'maintenance' ? !counted.some(isAtWork) : counted.length < replication;
}
