/** Who has a block, and who had it when they were last heard of: what who cannot read it wants to know. */

import type { Clock } from '../../common/clock.ts';
import type { BlockId } from '../namespace/state.ts';
import type { BlockHolder, HoldersReply } from '../protocol.ts';
import type { NodeNumber } from './block-map.ts';
import type { Replicas } from './replicas.ts';
import type { Replication } from './replication.ts';

export type BlockHoldersOptions = Replicas & {
  readonly clock: Clock;
  readonly replication: Pick<Replication, 'corrupt'>;
};

export function blockHolders(options: BlockHoldersOptions, block: BlockId): HoldersReply {
  const { clock, datanodes, blocks, replication } = options;
  const told = (number: NodeNumber, isDamaged: boolean): BlockHolder => {
    const { node, registration, isAlive, heardMs } = datanodes.byNumber(number);
    const silentMs = Math.round(clock.elapsedMs() - heardMs);
    return { node, address: registration.address, isAlive, isDamaged, silentMs };
  };
  // One of them that is back says itself what it still has.
  const lost = blocks.lostBy(block).filter((number) => !datanodes.byNumber(number).isAlive);
  const mayComeBack = lost.some((number) => datanodes.mayComeBack(datanodes.byNumber(number)));
  const good = [...blocks.nodesOf(block), ...lost].map((number) => told(number, false));
  const damaged = [...(replication.corrupt.get(block) ?? [])].map((number) => told(number, true));
  return { holders: [...good, ...damaged], isAwaited: mayComeBack || datanodes.mayStillReport(block) };
}
