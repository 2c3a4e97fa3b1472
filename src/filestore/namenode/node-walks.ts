/** What happens to a datanode happens to all its blocks, which may be millions: they are walked in turns. */

import type { Clock } from '../../common/clock.ts';
import type { BlockId } from '../namespace/state.ts';
import type { BlockMap } from './block-map.ts';
import type { Datanode, Datanodes } from './datanodes.ts';
import { countedHolders, holdersOf } from './replicas.ts';
import type { Replication } from './replication.ts';
import { eachSlice, inTurns, type Steps } from './turns.ts';

export type NodeWalksOptions = {
  readonly clock: Clock;
  readonly blocks: BlockMap;
  readonly datanodes: Datanodes;
  readonly replication: Pick<Replication, 'look'>;
};

export class NodeWalks {
  readonly #options: NodeWalksOptions;
  /** Of `rackCame`: one at a time, lest a rack that comes and goes has many at work; what came meanwhile gets one more. */
  #spreading: 'no' | 'yes' | 'again' = 'no';

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

  /** A rack takes blocks that took none before: those that stand on one rack only have a place to spread to. */
  rackCame(): void {
    if (this.#spreading === 'no') void this.#spread();
    else this.#spreading = 'again';
  }

  #forget(datanode: Datanode): Steps<boolean> {
    const { blocks, datanodes, replication } = this.#options;
    return eachSlice(blocks.slicesOf(datanode.number), (some) => {
      // It came back, and says itself what it has; or it is expected back with it.
      if (datanodes.byNumber(datanode.number) !== datanode || datanode.service === 'maintenance') return false;
      for (const block of some) {
        blocks.remove(block, datanode.number);
        replication.look(block);
      }
      return true;
    });
  }

  #look(number: Datanode['number']): Steps<boolean> {
    const { blocks, replication } = this.#options;
    return eachSlice(blocks.slicesOf(number), (some) => {
      for (const block of some) replication.look(block);
      return true;
    });
  }

  async #spread(): Promise<void> {
    for (this.#spreading = 'again'; this.#spreading === 'again';) {
      this.#spreading = 'yes';
      await inTurns(this.#options.clock, this.#lookAtCrowded());
    }
    this.#spreading = 'no';
  }

  *#lookAtCrowded(): Steps<void> {
    const { blocks, datanodes, replication } = this.#options;
    for (const { number } of datanodes.alive()) {
      yield* eachSlice(blocks.slicesOf(number), (some) => {
        for (const block of some) if (this.#isCrowded(block)) replication.look(block);
        return true;
      });
      yield;
    }
  }

  #isCrowded(block: BlockId): boolean {
    const counted = countedHolders(holdersOf(this.#options, block), block);
    return counted.length > 1 && counted.every(({ rack }) => rack === counted[0]!.rack);
  }
}
