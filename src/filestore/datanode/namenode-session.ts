/**
 * What a datanode and one namenode have to do with each other: registration, a heartbeat every second, reports in order. It goes on
 * whatever fails; a namenode that does not know the datanode is told everything anew.
 */

import type { Clock } from '../../common/clock.ts';
import { every } from '../../common/clock.ts';
import type { Logger } from '../../observe/logger.ts';
import { NetworkError, StoreError } from '../network.ts';
import type { Address, StoreNetwork } from '../network.ts';
import type {
  BlockReport,
  DatanodeRegistration,
  DeletionOrder,
  Heartbeat,
  HeartbeatReply,
  RegisterReply,
  Replica,
  SessionId,
} from '../protocol.ts';
import { Announcements } from './announcements.ts';
import type { ReplicaChange } from './block-store.ts';
import { ReportQueue } from './report-queue.ts';

export type SessionOptions = {
  readonly clock: Clock;
  readonly network: StoreNetwork;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly namenode: Address;
  readonly heartbeatMs: number;
  /** A namenode that is silent for so long is asked anew. */
  readonly timeoutMs: number;
  readonly registration: () => DatanodeRegistration;
  readonly heartbeat: (session: SessionId) => Promise<Heartbeat>;
  readonly replicas: () => { readonly sound: readonly Replica[]; readonly corrupt: readonly Replica[] };
  /** A replica as it would be told of. */
  readonly find: (replica: Omit<Replica, 'length'>) => ReplicaChange | undefined;
  /** The namenode knows us now. Throws when it is not the one that our blocks belong to. */
  readonly onRegistered: (reply: RegisterReply) => Promise<void>;
  readonly onReply: (reply: HeartbeatReply) => void;
  readonly signal: AbortSignal;
  readonly replicasPerReport?: number;
};

export class NamenodeSession {
  readonly #options: SessionOptions;
  readonly #queue: ReportQueue;
  readonly #announcements = new Announcements();
  #stop: () => void = () => undefined;
  /** Undefined: not registered. */
  #id: SessionId | undefined;
  /** One word at a time: a reply that comes late is a reply to nothing, so no command is obeyed that another has overtaken. */
  #talking = false;
  #reporting = false;
  #sequence = 0;
  /** The problem that was logged last of each: one that lasts is met at every heartbeat. */
  readonly #told = new Map<'talk' | 'report', string>();

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#queue = new ReportQueue(options.replicasPerReport);
  }

  start(): void {
    this.#stop = every(this.#options.clock, this.#options.heartbeatMs, () => void this.#tick());
    void this.#tick();
  }

  stop(): void {
    this.#stop();
    this.#id = undefined;
  }

  add(change: ReplicaChange): void {
    this.#queue.add(change);
    void this.#report();
  }

  /** Everything from the beginning. */
  reportAll(): void {
    this.#queue.begin(this.#options.replicas());
    void this.#report();
  }

  /** Whether the order is about the replica that is there, which the namenode is told of anew if not: it may then decide again. */
  mayDelete(order: DeletionOrder): boolean {
    if (this.#queue.has(order)) return false;
    if (this.#announcements.of(order) <= order.knownTo) return true;
    const there = this.#options.find(order);
    if (there) this.add(there);
    return false;
  }

  async #tick(): Promise<void> {
    // What could not be reported before is tried again with every heartbeat.
    void this.#report();
    if (this.#talking) return;
    this.#talking = true;
    const session = this.#id;
    let isRefused = false;
    try {
      await (session === undefined ? this.#register() : this.#beat(session));
      this.#told.delete('talk');
    } catch (error) {
      isRefused = this.#failed('talk', error, session);
    } finally {
      this.#talking = false;
    }
    // Nobody is sent here until it has registered. Not in answer to a refused report: two of one name would chase each other.
    if (isRefused) void this.#tick();
  }

  async #register(): Promise<void> {
    const reply = await this.#call<RegisterReply>('register', this.#options.registration());
    await this.#options.onRegistered(reply);
    if (this.#options.signal.aborted) return;
    this.#id = reply.session;
    this.#options.logger.info({ namenode: this.#options.namenode, epoch: reply.epoch }, 'registered');
    this.reportAll();
    this.#options.onReply(reply);
  }

  async #beat(session: SessionId): Promise<void> {
    const reply = await this.#call<HeartbeatReply>('heartbeat', await this.#options.heartbeat(session));
    if (!this.#options.signal.aborted) this.#options.onReply(reply);
  }

  async #report(): Promise<void> {
    if (this.#reporting) return;
    this.#reporting = true;
    let session: SessionId | undefined;
    try {
      while ((session = this.#id) !== undefined) {
        const report = this.#queue.next();
        if (!report) return;
        const { node } = this.#options.registration();
        // Also one that is sent again has a number of its own: the first may still arrive, and must not be the last word.
        this.#sequence += 1;
        const message: BlockReport = { node, session, sequence: this.#sequence, change: report.change };
        this.#announcements.announce(message);
        await this.#call('blockReport', message);
        report.heard();
        this.#told.delete('report');
      }
    } catch (error) {
      this.#failed('report', error, session);
    } finally {
      this.#reporting = false;
    }
  }

  /** Whether the namenode has refused the session, and there is no other yet. */
  #failed(what: 'talk' | 'report', error: unknown, session: SessionId | undefined): boolean {
    if (error instanceof StoreError && error.name === 'UnregisteredNodeException') {
      const isPresent = session !== undefined && this.#id === session;
      if (isPresent) this.#id = undefined;
      return isPresent;
    }
    if (!this.#options.signal.aborted && this.#told.get(what) !== String(error)) {
      this.#told.set(what, String(error));
      // Where it was noticed says nothing about a namenode that is away or refuses.
      const isTheirs = error instanceof NetworkError || error instanceof StoreError;
      const told = isTheirs ? { problem: error.message } : { error };
      this.#options.logger.warn({ ...told, namenode: this.#options.namenode }, 'the namenode did not answer');
    }
    return false;
  }

  #call<Answer>(operation: string, message: object): Promise<Answer> {
    const { network, namenode, timeoutMs, signal } = this.#options;
    return network.call<Answer>(namenode, operation, message, { timeoutMs, signal });
  }
}
