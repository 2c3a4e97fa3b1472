/**
 * The namenode: who asks gets decisions on the newest state, and answers that are durable. The namespace is the journal's; where the
 * replicas are is heard from datanodes.
 */

import { assert } from '../../common/assert.ts';
import { type Clock, every } from '../../common/clock.ts';
import type { Journal } from '../../journal/journal.ts';
import type { Logger } from '../../observe/logger.ts';
import { decideReap } from '../namespace/decide-reap.ts';
import { decideAbandonFile, decideAddBlock, decideComplete } from '../namespace/decide-writes.ts';
import { decideRename } from '../namespace/decide-tree.ts';
import { change, type Decision, unchanged } from '../namespace/decision.ts';
import { entries, get } from '../namespace/ordered-map.ts';
import { locateBlocks, pathOfInode } from '../namespace/queries.ts';
import type { NamespaceRecord } from '../namespace/records.ts';
import type { Refusal } from '../namespace/refusal.ts';
import type { Block, Namespace } from '../namespace/state.ts';
import { fileOf } from '../namespace/tree.ts';
import { type Operations, StoreError } from '../network.ts';
import type {
  AddBlock,
  BlockLocation,
  BlockReport,
  BlockToWrite,
  DatanodeCommand,
  ClientMessage,
  DatanodeRegistration,
  Heartbeat,
  HeartbeatReply,
  Publish,
  PublishReply,
  RegisterReply,
  StoredBlock,
} from '../protocol.ts';
import { type AdministrationRequest, fsck, requireSuperuser, setService, storeReport } from './administration.ts';
import { BlockMap } from './block-map.ts';
import { takeReport } from './block-reports.ts';
import { type Datanode, Datanodes, type Service } from './datanodes.ts';
import { Leases } from './leases.ts';
import { type Change, CHANGES, READS } from './operations.ts';
import { nearestFirst, placeReplicas, type Random } from './placement.ts';
import { Replication } from './replication.ts';
import { RetryCache } from './retry-cache.ts';
import { SafeMode } from './safe-mode.ts';

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
  readonly #journal: Journal<Namespace, NamespaceRecord>;
  readonly blocks = new BlockMap();
  readonly datanodes: Datanodes;
  readonly replication: Replication;
  readonly safeMode = new SafeMode();
  readonly #leases: Leases;
  readonly #calls = new RetryCache();
  /** Settles when the newest record, and with it all before, is durable. */
  #newest: Promise<unknown> = Promise.resolve();
  #isReaping = false;
  #blocksAtStart = 0;
  #stopTurns: () => void;

  constructor(options: NameNodeOptions) {
    const { clock, random, journal } = options;
    this.#options = options;
    this.#journal = journal;
    this.datanodes = new Datanodes(clock, options.deadAfterMs);
    this.#leases = new Leases(clock);
    this.replication = new Replication({
      clock,
      random,
      blocks: this.blocks,
      datanodes: this.datanodes,
      completeBlock: (id) => complete(get(journal.durable.blocks, id)),
    });
    for (const [, { length }] of entries(journal.durable.blocks)) if (length !== undefined) this.#blocksAtStart += 1;
    this.#hearBlocks();
    this.#stopTurns = every(clock, TURN_MS, () => this.#turn());
  }

  /** What is durable. */
  get state(): Namespace {
    return this.#journal.durable;
  }

  stop(): void {
    this.#stopTurns();
  }

  operations(): Operations {
    const changes = Object.entries(CHANGES).map(([name, decide]) => [
      name,
      answer((message: ClientMessage) => this.#change(decide as Change, message)),
    ]);
    const reads = Object.entries(READS).map(([name, read]) => [
      name,
      answer((message: object) => orThrow(read(this.state, message as never))),
    ]);
    return {
      ...Object.fromEntries([...changes, ...reads]),
      hello: answer(() => ({ store: this.#options.store, epoch: this.#journal.epoch })),
      locate: answer((message: Locate) => this.#locate(message)),
      report: answer(() => storeReport(this, this.#options.clock.elapsedMs())),
      fsck: answer(({ path }: { path: string }) => fsck(this, path)),
      safeMode: answer((message: SafeModeRequest) => this.#safeMode(message)),
      setService: answer((message: SetService) => this.#setService(message)),
      renewLease: answer(({ client }: ClientMessage) => this.#renew(client)),
      addBlock: answer((message: ClientMessage & AddBlock) => this.#once(message, () => this.#addBlock(message))),
      publish: answer((message: ClientMessage & Publish) => this.#once(message, () => this.#publish(message))),
      register: answer((registration: DatanodeRegistration) => this.#register(registration)),
      heartbeat: answer((heartbeat: Heartbeat) => this.#heartbeat(heartbeat)),
      blockReport: answer((report: BlockReport) => this.#report(report)),
    };
  }

  // ------------------------------------------------------------------------------------------------------------ clients

  #once(message: ClientMessage, carryOut: () => Promise<object>): Promise<object> {
    const { client, number, epoch } = message;
    if (epoch !== this.#journal.epoch) {
      throw new StoreError('StaleEpochException', `The namenode leads in epoch ${this.#journal.epoch}, not ${epoch}`);
    }
    return this.#calls.once(client, number, carryOut);
  }

  #change(decide: Change, message: ClientMessage): Promise<object> {
    return this.#once(message, async () => {
      this.#leases.renew(message.client);
      return { result: await this.#decided((tip) => decide(tip, this.#now(message) as never)) };
    });
  }

  async #addBlock(message: ClientMessage & AddBlock): Promise<BlockToWrite> {
    const { client, bytes, host, excluded, previous } = message;
    this.#leases.renew(client);
    this.#takeStored(previous);
    const block = await this.#decided((tip) =>
      decideAddBlock(tip, { file: message.file, client, previous, now: this.#wallMs() }),
    );
    if (previous) this.replication.look(previous.id);
    const request = {
      count: block.replication,
      bytes,
      existing: [],
      excluded: new Set(excluded),
      ...(host !== undefined && { writer: host }),
    };
    const targets = placeReplicas(this.datanodes.writable(), request, this.#options.random);
    if (targets.length === 0) {
      const known = `${this.datanodes.writable().length} of ${this.datanodes.all().length} datanodes take blocks`;
      throw new StoreError('NotEnoughReplicasException', `No datanode has room for ${bytes} bytes: ${known}`);
    }
    return {
      block: block.id,
      generation: block.generation,
      targets: targets.map(({ node, registration }) => ({ node, address: registration.address })),
    };
  }

  /** The records follow each other with nothing in between, and stand in one frame of the journal: together or not at all. */
  async #publish(message: ClientMessage & Publish): Promise<PublishReply> {
    const { client, caller, file, last, path, overwrite } = message;
    this.#leases.renew(client);
    const now = this.#wallMs();
    const source = pathOfInode(this.#journal.tip, file);
    // Of one that has its name already the datanodes tell by themselves.
    if (source !== path) this.#takeStored(last);
    const { blocks } = this.#append((tip) => decideComplete(tip, { file, client, last, now })).result;
    const refusal = this.#append((tip): Decision<Refusal | undefined> => {
      // It has the name already: this is asked again, of another namenode than the first time.
      if (source === path) return unchanged(undefined);
      const how = overwrite ? 'overwrite' : 'exact';
      const renamed = decideRename(tip, { source: source!, target: path, caller, how, now });
      if (renamed.kind === 'refused') return change({ kind: 'delete', inode: file, time: now }, renamed);
      return renamed.kind === 'change' ? change(renamed.record, undefined) : unchanged(undefined);
    }).result;
    await this.#newest;
    const published = refusal?.name !== 'FileAlreadyExistsException';
    if (refusal && published) throw new StoreError(refusal.name, refusal.message);
    for (const { id } of blocks) this.replication.look(id);
    return { published };
  }

  /** The writer knows who stored the block before they have reported it. Nobody did: then it is not written. */
  #takeStored(block: StoredBlock | undefined): void {
    if (!block) return;
    for (const node of block.stored) {
      const datanode = this.datanodes.byId(node);
      if (datanode?.isAlive) this.blocks.add(block.id, datanode.number);
    }
    if (block.length > 0 && this.blocks.nodesOf(block.id).length === 0) {
      throw new StoreError('NotEnoughReplicasException', `Block ${block.id} has no replica on a datanode that lives`);
    }
  }

  #renew(client: string): object {
    this.#leases.renew(client);
    return {};
  }

  #locate({ path, caller, start, end, host, rack }: Locate): object {
    const range = { ...(start !== undefined && { start }), ...(end !== undefined && { end }) };
    const { file, length, blocks } = orThrow(locateBlocks(this.state, path, caller, range));
    if (file.client !== undefined) throw new StoreError('FileNotFoundException', `${path} is still being written`);
    const reader = { ...(host !== undefined && { host }), ...(rack !== undefined && { rack }) };
    const located = blocks.map(({ offset, block }): BlockLocation => {
      const holders = this.blocks.nodesOf(block.id).map((node) => this.datanodes.byNumber(node));
      const replicas = nearestFirst(
        holders.filter(({ isAlive }) => isAlive),
        reader,
        this.#options.random,
      );
      return {
        block: block.id,
        generation: block.generation,
        length: block.length!,
        offset,
        replicas: replicas.map(({ node, host: at, rack: on, registration }) => ({
          node,
          host: at,
          rack: on,
          address: registration.address,
        })),
      };
    });
    return { id: file.id, length, blocks: located };
  }

  #safeMode({ action, ...message }: SafeModeRequest): object {
    if (action !== 'get') requireSuperuser(message);
    if (action === 'enter') this.safeMode.enter();
    if (action === 'leave') this.safeMode.leave();
    return { isOn: this.safeMode.isOn };
  }

  #setService({ node, service, ...message }: SetService): object {
    requireSuperuser(message);
    setService(this, node, service);
    return {};
  }

  // ---------------------------------------------------------------------------------------------------------- datanodes

  #register(registration: DatanodeRegistration): RegisterReply {
    const { node, address, store: theirs } = registration;
    const { store } = this.#options;
    if (theirs !== undefined && theirs !== store) {
      throw new StoreError('IOException', `Datanode ${node} holds blocks of store ${theirs}; this is store ${store}`);
    }
    this.datanodes.register(registration);
    this.#options.logger.info({ datanode: node, address }, 'datanode registered');
    return { store, ...this.#reply([{ kind: 'report' }]) };
  }

  #heartbeat(heartbeat: Heartbeat): HeartbeatReply {
    const datanode = this.datanodes.heard(heartbeat);
    Object.assign(datanode, { heartbeat, freeBytes: heartbeat.freeBytes, transfers: heartbeat.transfers });
    const report: DatanodeCommand[] = this.datanodes.owesReport(datanode) ? [{ kind: 'report' }] : [];
    return this.#reply([...report, ...(this.safeMode.isOn ? [] : this.replication.commandsFor(datanode))]);
  }

  readonly #reply = (commands: HeartbeatReply['commands']): HeartbeatReply => ({
    epoch: this.#journal.epoch,
    commands,
  });

  #report(report: BlockReport): object {
    const datanode = this.datanodes.heard(report);
    const { blocks, replication } = this;
    takeReport(report, datanode, { blocks, replication, state: () => this.state });
    this.#hearBlocks();
    return {};
  }

  #hearBlocks(): void {
    if (this.safeMode.isOn) this.safeMode.heard(this.#blocksAtStart, this.blocks.size);
  }

  // --------------------------------------------------------------------------------------------------- work of its own

  #turn(): void {
    for (const datanode of this.datanodes.takeSilent()) this.#lost(datanode);
    if (this.safeMode.isOn) return;
    this.replication.turn();
    this.#inBackground(() => this.#removeAbandoned());
    this.#inBackground(() => this.#reap());
  }

  #lost(datanode: Datanode): void {
    this.#options.logger.warn({ datanode: datanode.node }, 'datanode lost');
    this.replication.nodeLost(datanode.number);
    // It is expected back with what it has.
    if (datanode.service === 'maintenance') return;
    for (const block of this.blocks.blocksOf(datanode.number)) {
      this.blocks.remove(block, datanode.number);
      this.replication.look(block);
    }
  }

  /** Files whose writers are gone: nobody has seen them. */
  async #removeAbandoned(): Promise<void> {
    // Of the newest state: a writer whose first file is not durable yet has spoken already.
    this.#leases.keepOnly((client) => get(this.#journal.tip.leases, client) !== undefined);
    for (const [client, lease] of entries(this.state.leases)) {
      if (!this.#leases.isExpired(client)) continue;
      for (const [file] of entries(lease.files)) {
        if (!fileOf(this.state, file)) continue;
        this.#options.logger.warn({ client, file }, 'a file whose writer is gone was removed');
        await this.#decided((tip) => decideAbandonFile(tip, { file, client, now: this.#wallMs() }));
      }
    }
  }

  /** Frees the blocks that nobody names any more, piece by piece. */
  async #reap(): Promise<void> {
    if (this.#isReaping) return;
    this.#isReaping = true;
    try {
      while (this.#journal.tip.retired.size > 0) {
        const before = this.#journal.tip;
        const freed = await this.#decided((tip) => decideReap(tip));
        for (const id of freed) this.replication.release(id, get(before.blocks, id)?.generation ?? 0);
      }
    } finally {
      this.#isReaping = false;
    }
  }

  #inBackground(work: () => Promise<void>): void {
    work().catch((problem: unknown) => {
      // Refused now, done in a later turn: the disk is full, or somebody was faster.
      this.#options.logger.warn({ problem: String(problem) }, 'background work of the namenode is put off');
    });
  }

  /** Decides on the newest state; resolves when what was decided, and all that it was decided on, is durable. */
  async #decided<Result>(decide: (tip: Namespace) => Decision<Result>): Promise<Result> {
    const { record, result } = this.#append(decide);
    await this.#newest;
    if (record) this.#applied(record);
    return result;
  }

  /** In flight when it returns; nothing else can come in between. */
  #append<Result>(decide: (tip: Namespace) => Decision<Result>): { record?: NamespaceRecord; result: Result } {
    this.safeMode.refuseChanges(this.#blocksAtStart, this.blocks.size);
    const decision = orThrow(decide(this.#journal.tip));
    if (decision.kind === 'change') {
      this.#newest = this.#journal.append(decision.record);
      // Where records follow each other, only the last one is awaited: it is refused with those before it.
      this.#newest.catch(() => undefined);
    }
    return decision;
  }

  /** What a durable record means for the replicas. */
  #applied(record: NamespaceRecord): void {
    if (record.kind !== 'setAttributes' || record.replication === undefined) return;
    for (const { id } of fileOf(this.state, record.inode)?.blocks ?? []) this.replication.look(id);
  }

  #wallMs(): number {
    return Math.round(this.#options.clock.wallMs());
  }

  readonly #now = (message: ClientMessage): object => ({ ...message, now: this.#wallMs() });
}

/** As the network hands it over: the message was checked where it came in. */
const answer =
  <Message>(work: (message: Message) => object | Promise<object>) =>
  async (message: Message) => ({ answer: await work(message) });

export type SafeModeRequest = AdministrationRequest & { readonly action: 'get' | 'enter' | 'leave' };
export type SetService = AdministrationRequest & { readonly node: string; readonly service: Service };

export type Locate = Pick<ClientMessage, 'caller'> & {
  readonly path: string;
  readonly start?: number;
  readonly end?: number;
  readonly host?: string;
  readonly rack?: string;
};

function complete(block: Block | undefined): (Block & { readonly length: number }) | undefined {
  return block?.length === undefined ? undefined : { ...block, length: block.length };
}

function orThrow<Answer extends object>(answer: Answer): Exclude<Answer, { readonly kind: 'refused' }> {
  if ('kind' in answer && answer.kind === 'refused') {
    assert('name' in answer && 'message' in answer, 'a refusal has a name and words');
    throw new StoreError(answer.name as never, String(answer.message));
  }
  return answer as Exclude<Answer, { readonly kind: 'refused' }>;
}
