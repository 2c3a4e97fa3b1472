/** The datanodes that the namenode knows, dead ones included: who they are, what they last said, what they are still to do. */

import { assert } from '../../common/assert.ts';
import type { Clock } from '../../common/clock.ts';
import { isLeaving } from '../namespace/decide-services.ts';
import type { BlockId, Service } from '../namespace/state.ts';
import { StoreError } from '../network.ts';
import type { DatanodeId, DatanodeRegistration, DeletionOrder, Heartbeat, SessionId } from '../protocol.ts';
import type { NodeNumber } from './block-map.ts';
import type { Candidate } from './placement.ts';

export type Datanode = Candidate & {
  readonly number: NodeNumber;
  readonly session: SessionId;
  registration: DatanodeRegistration;
  heartbeat: Heartbeat | undefined;
  freeBytes: number;
  transfers: number;
  /** On the namenode's clock. */
  heardMs: number;
  isAlive: boolean;
  /** As the journal has it. */
  service: Service;
  /** Its blocks below that id are known since it registered. Until all are, nothing is deleted on account of it. */
  reportedTo: number;
  /** When it last had reason to report all it has, or went on with that. */
  reportingMs: number;
  /** Of the last report that was taken. */
  sequence: number;
  /** Replicas that a writer says it has, until it says so itself or denies it; since when. */
  readonly claimed: Map<BlockId, number>;
  /** Replicas that it is to delete, until it says that they are gone, or names them anew. */
  readonly deletions: Map<BlockId, DeletionOrder>;
  /** Goes up when others may no longer have enough replicas of what it has. */
  doubts: number;
  /** Others had, with so many doubts. */
  mayGoAt: number | undefined;
};

/** What is on record, and of one that goes for a while whether it may by now: that is on no record. */
export type KnownService = Service | 'entering_maintenance';

/** What is known of it now, which may be less than what is on record. Of one that is gone only the record is known. */
export function knownService({ service, isAlive, mayGoAt, doubts }: Datanode): KnownService {
  if (!isAlive || mayGoAt === doubts) return service;
  if (service === 'maintenance') return 'entering_maintenance';
  return service === 'decommissioned' ? 'decommissioning' : service;
}

/** It is to go, and has to stay until others have enough of what it has. */
export const isHeld = (service: KnownService): boolean =>
  service === 'decommissioning' || service === 'entering_maintenance';

/** From what is known of the datanode now. */
export function orderDeletion({ deletions, sequence }: Datanode, block: BlockId, generation: number): void {
  if (!deletions.has(block)) deletions.set(block, { block, generation, knownTo: sequence });
}

/** One that is not heard of for so long is dead: its blocks are copied. HDFS waits ten minutes, for disks a hundred times as full. */
export const DEAD_AFTER_MS = 10_000;

/** Between two slices of a report. */
const REPORT_PATIENCE_MS = 10_000;

export class Datanodes {
  readonly #clock: Clock;
  readonly #epoch: number;
  readonly #deadAfterMs: number;
  #sessions = 0;
  readonly #byId = new Map<DatanodeId, Datanode>();
  readonly #byNumber: Datanode[] = [];
  readonly #foreign = new Map<DatanodeId, DatanodeRegistration>();
  readonly #startedMs: number;
  /** Those that took blocks at the last call of `takeNewRacks`. */
  #racks: ReadonlySet<string> | undefined;

  /** `epoch`: of the namenode, so that no two begin sessions of one name. */
  constructor(clock: Clock, epoch: number, deadAfterMs = DEAD_AFTER_MS) {
    this.#clock = clock;
    this.#startedMs = clock.elapsedMs();
    this.#epoch = epoch;
    this.#deadAfterMs = deadAfterMs;
  }

  /**
   * A datanode's first word since it started, since it was dead, or since this namenode started. What it has is unknown until it reports.
   * What comes again changes nothing.
   */
  register(registration: DatanodeRegistration, service: Service): Datanode {
    const { node, rack, host, incarnation } = registration;
    this.#foreign.delete(node);
    const known = this.#byId.get(node);
    if (known?.isAlive && known.registration.incarnation === incarnation) return known;
    this.#sessions += 1;
    const datanode: Datanode = {
      node,
      rack,
      host,
      number: known?.number ?? this.#byNumber.length + 1,
      session: `${this.#epoch}-${this.#sessions}`,
      registration,
      heartbeat: undefined,
      // It takes no blocks before its first heartbeat tells what room there is.
      freeBytes: 0,
      transfers: 0,
      heardMs: this.#clock.elapsedMs(),
      isAlive: true,
      service,
      reportedTo: 0,
      reportingMs: this.#clock.elapsedMs(),
      sequence: -1,
      claimed: new Map(),
      deletions: new Map(),
      doubts: 0,
      mayGoAt: undefined,
    };
    this.#byId.set(node, datanode);
    this.#byNumber[datanode.number - 1] = datanode;
    // What it had before counts for nobody's departure until it is reported.
    this.#doubtAll();
    return datanode;
  }

  /** It holds blocks of another store. False when that is known. */
  refuse(registration: DatanodeRegistration): boolean {
    const known = this.#foreign.get(registration.node);
    this.#foreign.set(registration.node, registration);
    return known?.store !== registration.store;
  }

  /** Those that were refused, and have not come with blocks of this store since. */
  foreign(): readonly DatanodeRegistration[] {
    return [...this.#foreign.values()];
  }

  /** The sender of a message, heard of now. Throws UnregisteredNodeException for one that has to register first. */
  heard({ node, session }: { readonly node: DatanodeId; readonly session: SessionId }): Datanode {
    const datanode = this.#byId.get(node);
    if (!datanode?.isAlive || datanode.session !== session) {
      throw new StoreError('UnregisteredNodeException', `Datanode ${node} is not registered`);
    }
    datanode.heardMs = this.#clock.elapsedMs();
    return datanode;
  }

  /**
   * It has reason to report all it has, and does not; or it says nothing of what a writer says it has: perhaps it had lost that, and said so,
   * before the writer spoke.
   */
  owesReport(datanode: Datanode): boolean {
    const nowMs = this.#clock.elapsedMs();
    const [claimedMs = nowMs] = datanode.claimed.values();
    const isDue = datanode.reportedTo < Infinity || nowMs - claimedMs >= REPORT_PATIENCE_MS;
    if (!isDue || nowMs - datanode.reportingMs < REPORT_PATIENCE_MS) return false;
    datanode.reportingMs = nowMs;
    return true;
  }

  /** Those that fell silent since the last call; they are dead now. */
  takeSilent(): readonly Datanode[] {
    const before = this.#clock.elapsedMs() - this.#deadAfterMs;
    const silent = this.alive().filter((datanode) => datanode.heardMs < before);
    for (const datanode of silent) datanode.isAlive = false;
    if (silent.length > 0) this.#doubtAll();
    return silent;
  }

  /** Whether a rack takes blocks that took none at the last call. At the first one there is nothing that a block could have missed. */
  takeNewRacks(): boolean {
    const before = this.#racks;
    this.#racks = new Set(this.writable().map(({ rack }) => rack));
    return before !== undefined && [...this.#racks].some((rack) => !before.has(rack));
  }

  /** Its replicas count otherwise than before, unless it was leaving and still is: whether it is, is answered. */
  setService(datanode: Datanode, service: Service): boolean {
    const countsAsBefore = isLeaving(service) && isLeaving(datanode.service);
    datanode.service = service;
    if (!countsAsBefore) this.#doubtAll();
    return countsAsBefore;
  }

  /**
   * Somebody may have the block who has not said yet: a datanode that has just come, or, just after the start, one that has not come yet.
   * A namenode that hears nobody may be the one that is cut off.
   */
  mayStillReport(block: BlockId): boolean {
    const alive = this.alive();
    const isStarting = this.#clock.elapsedMs() - this.#startedMs < this.#deadAfterMs;
    return isStarting || alive.length === 0 || alive.some(({ reportedTo }) => reportedTo <= block);
  }

  /** It was taken for dead a moment ago: one that is started again, or was cut off, is back within seconds. */
  mayComeBack({ isAlive, heardMs }: Datanode): boolean {
    return !isAlive && this.#clock.elapsedMs() - heardMs < 2 * this.#deadAfterMs;
  }

  #doubtAll(): void {
    for (const datanode of this.#byNumber) datanode.doubts += 1;
  }

  byId(node: DatanodeId): Datanode | undefined {
    return this.#byId.get(node);
  }

  byNumber(number: NodeNumber): Datanode {
    const datanode = this.#byNumber[number - 1];
    assert(datanode, `datanode ${number} is known`);
    return datanode;
  }

  all(): readonly Datanode[] {
    return this.#byNumber;
  }

  alive(): readonly Datanode[] {
    return this.#byNumber.filter(({ isAlive }) => isAlive);
  }

  /** Those that new replicas may go to. */
  writable(): readonly Datanode[] {
    return this.alive().filter(({ service, heartbeat }) => service === 'normal' && heartbeat !== undefined);
  }
}
