/**
 * The namenode: who asks gets decisions on the newest state, and answers that are durable. The namespace is the journal's; where the
 * replicas are is heard from datanodes.
 */

import { type Clock, every } from '../../common/clock.ts';
import type { Journal } from '../../journal/journal.ts';
import type { Logger } from '../../observe/logger.ts';
import { decideSetService, serviceOf } from '../namespace/decide-services.ts';
import { entries, get } from '../namespace/ordered-map.ts';
import type { NamespaceRecord } from '../namespace/records.ts';
import type { Block, BlockId, Namespace, Service } from '../namespace/state.ts';
import { fileOf } from '../namespace/tree.ts';
import type { Operations } from '../network.ts';
import type { BalanceRequest, ClientMessage } from '../protocol.ts';
import { type AdministrationRequest, datanodeNamed, fsck, requireSuperuser, storeReport } from './administration.ts';
import { answer } from './answer.ts';
import { Balancer } from './balancer.ts';
import { BlockMap } from './block-map.ts';
import { ClientCalls } from './client-calls.ts';
import { DatanodeCalls } from './datanode-calls.ts';
import { Datanodes } from './datanodes.ts';
import { Departures } from './departures.ts';
import { Leases } from './leases.ts';
import { Ledger } from './ledger.ts';
import { LongAnswers } from './long-answers.ts';
import { NodeWalks } from './node-walks.ts';
import type { Random } from './placement.ts';
import { Replication } from './replication.ts';
import { SafeMode } from './safe-mode.ts';
import { type SnapshotDiffPageRequest, SnapshotDiffs } from './snapshot-diffs.ts';
import { inTurns, type Steps } from './turns.ts';
import { Upkeep } from './upkeep.ts';

export type NameNodeOptions = {
  /** Of the store: the journal's, since blocks that another journal's records name are nobody's here. */
  readonly store: string;
  readonly journal: Journal<Namespace, NamespaceRecord>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly deadAfterMs?: number;
};

/** Silent datanodes, copies and expired leases are looked for so often. */
const TURN_MS = 250;

export class NameNode {
  readonly #options: NameNodeOptions;
  readonly blocks = new BlockMap();
  readonly datanodes: Datanodes;
  readonly replication: Replication;
  readonly walks: NodeWalks;
  readonly safeMode = new SafeMode();
  readonly #ledger: Ledger;
  readonly startedMs: number;
  readonly #longAnswers: LongAnswers;
  readonly #snapshotDiffs: SnapshotDiffs;
  readonly #clients: ClientCalls;
  readonly #datanodeCalls: DatanodeCalls;
  readonly #balancer: Balancer;
  /** At the start. */
  readonly #complete: number;
  readonly #open: readonly BlockId[];
  readonly #stopTurns: () => void;

  constructor(options: NameNodeOptions) {
    const { store, clock, random, journal, logger } = options;
    this.#options = options;
    this.startedMs = clock.elapsedMs();
    this.datanodes = new Datanodes(clock, options.journal.epoch, options.deadAfterMs);
    const { blocks, datanodes, safeMode } = this;
    this.replication = new Replication({
      clock,
      random,
      blocks,
      datanodes,
      completeBlock: (id) => complete(get(journal.durable.blocks, id)),
    });
    const { replication } = this;
    this.#longAnswers = new LongAnswers(clock);
    this.#snapshotDiffs = new SnapshotDiffs(clock, () => journal.durable);
    this.walks = new NodeWalks({ clock, blocks, datanodes, replication });
    const { walks } = this;
    this.#ledger = new Ledger({
      journal,
      clock,
      refuseChanges: () => safeMode.refuseChanges(this.#complete, () => this.#found()),
      onDurable: (record) => this.#applied(record),
    });
    const leases = new Leases(clock);
    const ledger = this.#ledger;
    this.#clients = new ClientCalls({ clock, ledger, leases, blocks, datanodes, replication, safeMode, random });
    const state = (): Namespace => journal.durable;
    const onReport = (): void => this.#hearBlocks();
    const { epoch } = journal;
    this.#datanodeCalls = new DatanodeCalls({
      store,
      epoch,
      state,
      blocks,
      datanodes,
      replication,
      safeMode,
      logger,
      onReport,
    });
    const open: BlockId[] = [];
    for (const [id, { length }] of entries(journal.durable.blocks)) if (length === undefined) open.push(id);
    this.#open = open;
    this.#complete = journal.durable.blocks.size - open.length;
    this.#hearBlocks();
    const lengthOf = (id: BlockId): number | undefined => get(journal.durable.blocks, id)?.length;
    this.#balancer = new Balancer({ clock, blocks, datanodes, replication, lengthOf });
    const balancer = this.#balancer;
    const departures = new Departures({ clock, ledger, blocks, datanodes });
    const upkeep = new Upkeep({
      ledger,
      leases,
      datanodes,
      replication,
      walks,
      balancer,
      departures,
      safeMode,
      logger,
    });
    this.#stopTurns = every(clock, TURN_MS, () => upkeep.turn());
  }

  /** What is durable. */
  get state(): Namespace {
    return this.#options.journal.durable;
  }

  stop(): void {
    this.#stopTurns();
  }

  operations(): Operations {
    const { store, journal, clock } = this.#options;
    return {
      ...this.#clients.operations(),
      ...this.#datanodeCalls.operations(),
      hello: answer(() => ({ store, epoch: journal.epoch })),
      report: answer((message: LongRequest) => this.#long(message, () => storeReport(this, clock.elapsedMs()))),
      fsck: answer((message: Fsck) => this.#long(message, () => fsck(this, message.path))),
      safeMode: answer((message: SafeModeRequest) => this.#safeMode(message)),
      balance: answer((message: BalanceRequest) => this.#balancer.ask(message)),
      snapshotDiff: answer((message: SnapshotDiffPageRequest) => this.#snapshotDiffs.page(message)),
      setService: answer((message: SetService) => this.#clients.once(message, () => this.#setService(message))),
    };
  }

  #long({ request }: LongRequest, steps: () => Steps<object>): Promise<object> {
    const walk = (): Promise<object> => inTurns(this.#options.clock, steps());
    return request === undefined ? walk() : this.#longAnswers.answer(request, walk);
  }

  #safeMode({ action, ...message }: SafeModeRequest): object {
    if (action !== 'get') requireSuperuser(message);
    if (action === 'enter') this.safeMode.enter();
    if (action === 'leave') this.safeMode.leave();
    return { isOn: this.safeMode.isOn };
  }

  async #setService({ node: name, service, caller }: SetService): Promise<object> {
    requireSuperuser({ caller });
    const { node, address } = datanodeNamed(this, name);
    const decision = decideSetService(this.#ledger.tip, { caller, node, address, service });
    return { result: await this.#ledger.settled(this.#ledger.append(decision, { inSafeMode: true })) };
  }

  #hearBlocks(): void {
    if (this.safeMode.isOn) this.safeMode.heard(this.#complete, this.#found());
  }

  /** Complete blocks that somebody has, while nothing is changed yet: of those that were being written, replicas say nothing. */
  #found(): number {
    return this.blocks.size - this.#open.filter((id) => this.blocks.nodesOf(id).length > 0).length;
  }

  #serviceChanged(node: string): void {
    const datanode = this.datanodes.byId(node);
    if (!datanode) return;
    const service = serviceOf(this.state, node);
    const countsAsBefore = this.datanodes.setService(datanode, service);
    // While it was in maintenance nothing of a dead one was forgotten.
    if (!datanode.isAlive && service !== 'maintenance') this.walks.lost(datanode);
    else if (!countsAsBefore) this.walks.lookAtAll(datanode);
  }

  /** What a durable record means for the replicas. */
  #applied(record: NamespaceRecord): void {
    if (record.kind === 'setService') this.#serviceChanged(record.node);
    if (record.kind !== 'setAttributes' || record.replication === undefined) return;
    for (const { id } of fileOf(this.state, record.inode)?.blocks ?? []) this.replication.look(id);
  }
}

export type SafeModeRequest = AdministrationRequest & { readonly action: 'get' | 'enter' | 'leave' };
/** `request`: a name of its own, of one who asks again when the answer says `stillAtWork`. */
type LongRequest = { readonly request?: string };
export type Fsck = LongRequest & { readonly path: string };
export type SetService = ClientMessage & { readonly node: string; readonly service: Service };

function complete(block: Block | undefined): (Block & { readonly length: number }) | undefined {
  return block?.length === undefined ? undefined : { ...block, length: block.length };
}
