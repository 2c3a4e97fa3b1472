/**
 * Notices when a datanode that is to go may go, since others have enough replicas of all it has; of one that goes for good that is put on
 * record. The walk stops at the first block that is short of them, and goes on from there; only one from end to end finds that there is
 * none, and only when nothing on its way gave reason to doubt what it had passed (`Datanode.doubts`).
 */

import type { Clock } from '../../common/clock.ts';
import { decideDeparture } from '../namespace/decide-services.ts';
import { blockInUse } from '../namespace/queries.ts';
import type { BlockId } from '../namespace/state.ts';
import type { BlockMap } from './block-map.ts';
import { type Datanode, type Datanodes, isHeld, knownService } from './datanodes.ts';
import type { Ledger } from './ledger.ts';
import { holdersOf, isNeeded } from './replicas.ts';
import { eachSlice, inTurns, type Steps } from './turns.ts';

export type DeparturesOptions = {
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly blocks: BlockMap;
  readonly datanodes: Datanodes;
};

/** One that may go is looked at again so often, as long as it stays, also when nobody has a doubt. */
const LOOK_AGAIN_MS = 60_000;

export class Departures {
  readonly #options: DeparturesOptions;
  /** The block at which the last walk ended. A datanode that registers anew is another object. */
  readonly #shortAt = new WeakMap<Datanode, BlockId>();
  readonly #foundMs = new WeakMap<Datanode, number>();

  constructor(options: DeparturesOptions) {
    this.#options = options;
  }

  async turn(): Promise<void> {
    for (const datanode of this.#options.datanodes.alive()) if (this.#isDue(datanode)) await this.#check(datanode);
  }

  #isDue(datanode: Datanode): boolean {
    // What it has is not all known before.
    if (datanode.service === 'normal' || datanode.reportedTo < Infinity) return false;
    const foundMs = this.#foundMs.get(datanode) ?? -Infinity;
    return isHeld(knownService(datanode)) || this.#options.clock.elapsedMs() - foundMs >= LOOK_AGAIN_MS;
  }

  async #check(datanode: Datanode): Promise<void> {
    const { clock, ledger, datanodes } = this.#options;
    const { doubts } = datanode;
    const found = await inTurns(clock, this.#walk(datanode));
    // A walk takes a while: it may be dead since, or have come back with what nobody knows yet.
    if (found === 'unknown' || !datanode.isAlive || datanodes.byId(datanode.node) !== datanode) return;
    if (found === 'done') {
      if (datanode.doubts !== doubts) return;
      datanode.mayGoAt = doubts;
    }
    this.#foundMs.set(datanode, clock.elapsedMs());
    await ledger.decided((tip) => decideDeparture(tip, datanode.node, found === 'done'));
  }

  *#walk(datanode: Datanode): Steps<'done' | 'short' | 'unknown'> {
    const { ledger, blocks } = this.#options;
    const from = this.#shortAt.get(datanode) ?? 0;
    let short: BlockId | undefined;
    yield* eachSlice(blocks.slicesOf(datanode.number, from), (some) => {
      short = some.find((id) => {
        const block = blockInUse(ledger.state, id);
        return block && isNeeded(datanode, block, this.#reportedHolders(id));
      });
      return short === undefined;
    });
    if (short === undefined) this.#shortAt.delete(datanode);
    else this.#shortAt.set(datanode, short);
    if (short !== undefined) return 'short';
    return from === 0 ? 'done' : 'unknown';
  }

  /** Of a datanode that has registered anew only what it has reported since: its disks may be others. */
  #reportedHolders(id: BlockId): readonly Datanode[] {
    return holdersOf(this.#options, id).filter(({ reportedTo }) => id < reportedTo);
  }
}
