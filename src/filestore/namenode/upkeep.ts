/** What the namenode does by itself, in short turns: lost datanodes, copies and trims, files of writers that are gone, blocks of nobody. */

import type { Logger } from '../../observe/logger.ts';
import { unchanged } from '../namespace/decision.ts';
import { decideReap } from '../namespace/decide-reap.ts';
import { decideAbandonFile } from '../namespace/decide-writes.ts';
import { entries, get } from '../namespace/ordered-map.ts';
import { fileOf } from '../namespace/tree.ts';
import type { Balancer } from './balancer.ts';
import type { Datanode, Datanodes } from './datanodes.ts';
import type { Departures } from './departures.ts';
import type { Leases } from './leases.ts';
import type { Ledger } from './ledger.ts';
import type { NodeWalks } from './node-walks.ts';
import type { Replication } from './replication.ts';
import type { SafeMode } from './safe-mode.ts';

export type UpkeepOptions = {
  readonly ledger: Ledger;
  readonly leases: Leases;
  readonly datanodes: Datanodes;
  readonly replication: Replication;
  readonly walks: NodeWalks;
  readonly balancer: Balancer;
  readonly departures: Departures;
  readonly safeMode: SafeMode;
  readonly logger: Pick<Logger, 'warn'>;
};

export class Upkeep {
  readonly #options: UpkeepOptions;
  /** What a turn began and has not ended. */
  readonly #atWork = new Set<string>();
  /** Why what is put off, as it was told: once, not in every turn. */
  readonly #putOff = new Map<string, string>();

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  turn(): void {
    const { datanodes, safeMode, replication, balancer, departures, walks } = this.#options;
    for (const datanode of datanodes.takeSilent()) this.#lost(datanode);
    if (safeMode.isOn) return;
    // All that is decided below is decided on the racks that are seen here.
    if (datanodes.takeNewRacks() || replication.takeCrowded()) walks.rackCame();
    replication.turn();
    balancer.turn();
    this.#inBackground('remove abandoned files', () => this.#removeAbandoned());
    this.#inBackground('reap', () => this.#reap());
    this.#inBackground('look at datanodes that are to go', () => departures.turn());
  }

  #lost(datanode: Datanode): void {
    const { walks, replication, logger } = this.#options;
    logger.warn({ datanode: datanode.node }, 'datanode lost');
    replication.nodeLost(datanode.number);
    // It is expected back with what it has.
    if (datanode.service !== 'maintenance') walks.lost(datanode);
  }

  /** Files whose writers are gone: nobody has seen them. */
  async #removeAbandoned(): Promise<void> {
    const { ledger, leases, logger } = this.#options;
    // Of the newest state: a writer whose first file is not durable yet has spoken already.
    leases.keepOnly((client) => get(ledger.tip.leases, client) !== undefined);
    for (const [client, { files }] of entries(ledger.state.leases)) {
      if (!leases.isExpired(client)) continue;
      for (const [file] of entries(files)) {
        if (!fileOf(ledger.state, file)) continue;
        const isRemoved = await ledger.decided((tip) =>
          // Completed meanwhile, or taken over.
          fileOf(tip, file)?.client === client
            ? decideAbandonFile(tip, { file, client, now: ledger.wallMs() })
            : unchanged(false),
        );
        if (isRemoved) logger.warn({ client, file }, 'a file whose writer is gone was removed');
      }
    }
  }

  /** Frees the blocks that nobody names any more, piece by piece. */
  async #reap(): Promise<void> {
    const { ledger, replication } = this.#options;
    while (ledger.tip.retired.size > 0) {
      const before = ledger.tip;
      const freed = await ledger.decided((tip) => decideReap(tip));
      for (const id of freed) replication.release(id, get(before.blocks, id)?.generation ?? 0);
    }
  }

  /** Once at a time: a turn may come before what an earlier one began is durable. */
  #inBackground(what: string, work: () => Promise<void>): void {
    if (this.#atWork.has(what)) return;
    this.#atWork.add(what);
    work()
      .then(
        () => this.#putOff.delete(what),
        (problem: unknown) => {
          // Refused now, done in a later turn: the disk is full, or somebody was faster.
          const why = String(problem);
          if (this.#putOff.get(what) !== why)
            this.#options.logger.warn({ what, problem: why }, 'background work is put off');
          this.#putOff.set(what, why);
        },
      )
      .finally(() => this.#atWork.delete(what));
  }
}
