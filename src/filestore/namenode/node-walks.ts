/** What happens to a datanode happens to all its blocks, which may be millions: they are walked in turns. */

import type { Clock } from '../../common/clock.ts';
import type { BlockMap } from './block-map.ts';
import type { Datanode, Datanodes } from './datanodes.ts';
import type { Replication } from './replication.ts';
import { inTurns, type Steps } from './turns.ts';

export type NodeWalksOptions = {
  readonly clock: Clock;
  readonly blocks: BlockMap;
  readonly datanodes: Datanodes;
  readonly replication: Pick<Replication, 'look'>;
};

export class NodeWalks {
  readonly #options: NodeWalksOptions;

  constructor(options: NodeWalksOptions) {
    this.#options = options;
  }

  /** It is dead: what it had counts no more (`replicas.ts`), and is looked at, and forgotten, bit by bit. */
  lost(datanode: Datanode): void {
    void inTurns(this.#options.clock, this.#forget(datanode));
  }

  /** It goes, or stays after all: its replicas count otherwise than before. */
  lookAtAll({ number }: Datanode): void {
    void inTurns(this.#options.clock, this.#look(number));
  }

  *#forget(datanode: Datanode): Steps<void> {
    const { blocks, datanodes, replication } = this.#options;
    for (const some of blocks.slicesOf(datanode.number)) {
      // It came back, and says itself what it has; or it is expected back with it.
      if (datanodes.byNumber(datanode.number) !== datanode || datanode.service === 'maintenance') return;
      for (const block of some) {
        blocks.remove(block, datanode.number);
        replication.look(block);
      }
      yield;
    }
  }

  *#look(number: Datanode['number']): Steps<void> {
    const { blocks, replication } = this.#options;
    for (const some of blocks.slicesOf(number)) {
      for (const block of some) replication.look(block);
      yield;
    }
  }
}
