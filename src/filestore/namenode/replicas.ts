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
  const atWork = staying.some(({ service, isAlive }) => service === 'normal' && isAlive);
  return atWork ? staying : staying.filter(({ service }) => service === 'normal');
}

/** What leaves for good has to stay for its sake. */
export const isShort = (replicas: Replicas, { id, replication }: Block): boolean =>
  countedHolders(holdersOf(replicas, id), id).length < replication;
