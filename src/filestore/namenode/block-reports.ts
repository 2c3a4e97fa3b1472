/** What datanodes say they have, taken into the block map; what they should not have is ordered to be deleted. */

import { get } from '../namespace/ordered-map.ts';
import type { BlockId, Namespace } from '../namespace/state.ts';
import { StoreError } from '../network.ts';
import type { BlockReport, Replica } from '../protocol.ts';
import type { BlockMap } from './block-map.ts';
import { type Datanode, orderDeletion } from './datanodes.ts';
import type { Replication } from './replication.ts';

export type ReportOptions = {
  readonly blocks: BlockMap;
  readonly replication: Replication;
  /** The durable state: no datanode has heard of what is not. */
  readonly state: () => Namespace;
};

/** False: it is older than what is known already. */
export function takeReport(report: BlockReport, datanode: Datanode, options: ReportOptions): boolean {
  if (report.sequence <= datanode.sequence) return false;
  datanode.sequence = report.sequence;
  const { change } = report;
  if (change.kind === 'full') {
    takeSlice(change, datanode, options);
  } else {
    for (const replica of change.received) received(replica, datanode, options);
    for (const replica of change.corrupt) damaged(replica, datanode, options);
    for (const { block, generation } of change.deleted) {
      const named = get(options.state().blocks, block);
      // A replica of an older generation may stand beside the one that counts.
      if (named && named.generation !== generation) options.replication.look(block);
      else gone(block, datanode, options);
    }
  }
  return true;
}

type Slice = Extract<BlockReport['change'], { readonly kind: 'full' }>;

function takeSlice({ from, to, replicas, corrupt }: Slice, datanode: Datanode, options: ReportOptions): void {
  const { nextId } = options.state();
  const unheardOf = [...replicas, ...corrupt].find(({ block }) => block >= nextId);
  if (unheardOf) {
    const why = `block ${unheardOf.block} is newer than this namenode's journal, which has lost records or is another one's`;
    throw new StoreError('IOException', `Datanode ${datanode.node} is refused: ${why}`);
  }
  const reported = new Set([...replicas, ...corrupt].map(({ block }) => block));
  const end = to ?? Infinity;
  const { blocks, replication } = options;
  const { number, claimed, deletions } = datanode;
  const known = [
    ...blocks.blocksOf(number, from, end),
    ...blocks.lossesOf(number, from, end),
    ...between(claimed, from, end),
    ...between(deletions, from, end),
    // One that it was to delete, and deleted, before it registered anew: nobody heard of that.
    ...between(replication.corrupt, from, end).filter((block) => replication.corrupt.get(block)!.has(number)),
  ];
  for (const block of known) if (!reported.has(block)) gone(block, datanode, options);
  for (const replica of replicas) received(replica, datanode, options);
  for (const replica of corrupt) damaged(replica, datanode, options);
  if (from === 0) datanode.reportedTo = 0;
  // A slice that is missing before this one is still to come, or the report begins anew.
  if (datanode.reportedTo === from) datanode.reportedTo = to ?? Infinity;
  datanode.reportingMs = datanode.heardMs;
}

/** Looked up by id, where ids are fewer: after a large folder went, each slice would walk a million orders to delete. */
function between(blocks: ReadonlyMap<BlockId, unknown>, from: BlockId, end: BlockId): readonly BlockId[] {
  if (end - from > blocks.size) return [...blocks.keys()].filter((block) => block >= from && block < end);
  return Array.from({ length: end - from }, (_, i) => from + i).filter((block) => blocks.has(block));
}

/** Its own word takes the place of what a writer said of it, and of an order to delete: what is to become of the replica is decided anew. */
function supersede({ claimed, deletions }: Datanode, block: BlockId): void {
  claimed.delete(block);
  deletions.delete(block);
}

function received(replica: Replica, datanode: Datanode, { blocks, replication, state }: ReportOptions): void {
  const { block: id, generation, length } = replica;
  supersede(datanode, id);
  const block = get(state().blocks, id);
  if (!block) {
    // Its file was deleted while the datanode was away.
    orderDeletion(datanode, id, generation);
    return;
  }
  if (block.generation !== generation || (block.length !== undefined && block.length !== length)) {
    replication.foundCorrupt(id, datanode.number);
    return;
  }
  blocks.add(id, datanode.number);
  replication.arrived(id, datanode.number);
}

function gone(id: BlockId, datanode: Datanode, { blocks, replication }: ReportOptions): void {
  supersede(datanode, id);
  blocks.deny(id, datanode.number);
  replication.gone(id, datanode.number);
}

/** It keeps what it has until it is told to delete it: perhaps nobody has anything better. */
function damaged({ block: id, generation }: Replica, datanode: Datanode, { replication, state }: ReportOptions): void {
  supersede(datanode, id);
  if (get(state().blocks, id)) replication.foundCorrupt(id, datanode.number);
  else orderDeletion(datanode, id, generation);
}
