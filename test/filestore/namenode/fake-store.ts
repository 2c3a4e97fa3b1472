/** A namenode over a journal in memory, and datanodes that are no more than a list of replicas. Everything from one seed. */

import { NameNode } from '../../../src/filestore/namenode/namenode.ts';
import { apply } from '../../../src/filestore/namespace/apply.ts';
import { entries } from '../../../src/filestore/namespace/ordered-map.ts';
import type { NamespaceRecord } from '../../../src/filestore/namespace/records.ts';
import { type BlockId, type Namespace, newNamespace } from '../../../src/filestore/namespace/state.ts';
import { StoreError } from '../../../src/filestore/network.ts';
import type {
  BlockReport,
  BlockToWrite,
  DatanodeCommand,
  HeartbeatReply,
  PublishReply,
  RegisterReply,
  Replica,
} from '../../../src/filestore/protocol.ts';
import { JournalError } from '../../../src/journal/errors.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import { SimulatedClock } from '../../cluster/simulated-clock.ts';
import type { Random } from '../../simulation/random.ts';

export const ROOT = { user: 'root', groups: [], superuser: true };

/** `announced`: the sequence of the last report that named it. */
export type FakeReplica = Replica & { damaged: boolean; announced: number };

export type FakeDatanode = {
  readonly node: string;
  readonly rack: string;
  readonly replicas: Map<BlockId, FakeReplica>;
  isUp: boolean;
  incarnation: number;
  session: string;
  sequence: number;
  speaksMs: number;
  /** Commands that it heard and has not carried out. */
  readonly commands: DatanodeCommand[];
};

export class FakeStore {
  readonly clock = new SimulatedClock();
  readonly journal: MemoryJournal;
  readonly namenode: NameNode;
  readonly nodes: readonly FakeDatanode[];
  readonly #random: Random;
  readonly #operations: Record<string, (message: never, body: never) => Promise<{ readonly answer: object }>>;
  /** What the namenode's operator was warned of. */
  readonly warnings: string[] = [];
  #number = 0;
  /** Of each datanode. */
  capacityBytes = 1e9;

  constructor(
    random: Random,
    racks: readonly string[],
    state: Namespace = newNamespace({ owner: 'root', group: 'root' }),
  ) {
    this.#random = random;
    this.journal = memoryJournal(state);
    this.namenode = new NameNode({
      store: this.journal.id,
      journal: this.journal,
      clock: this.clock,
      random: () => random.next(),
      logger: {
        info: () => undefined,
        warn: (...said: readonly unknown[]) => this.warnings.push(JSON.stringify(said)),
      },
    });
    this.#operations = this.namenode.operations() as never;
    this.nodes = racks.map((rack, i) => ({
      node: `dn${i}`,
      rack,
      replicas: new Map(),
      isUp: true,
      incarnation: 0,
      session: '',
      sequence: 0,
      speaksMs: 0,
      commands: [],
    }));
  }

  async ask<Answer>(operation: string, message: object): Promise<Answer> {
    const { answer } = await this.#operations[operation]!(message as never, undefined as never);
    return answer as Answer;
  }

  /** As a client's call. */
  call<Answer>(operation: string, message: object): Promise<Answer> {
    this.#number += 1;
    return this.ask(operation, { caller: ROOT, client: 'client', number: this.#number, epoch: 1, ...message });
  }

  /** Writes a file of blocks of those lengths; false when no datanode took one of them. */
  async write(path: string, replication: number, lengths: readonly number[]): Promise<boolean> {
    const { result } = await this.call<{ result: { file: number } }>('create', {
      path: `${path}.new`,
      mode: 0o644,
      replication,
      blockSize: 1000,
    });
    let last: object | undefined;
    for (const length of lengths) {
      const previous = last && { previous: last };
      const added = { file: result.file, bytes: length, excluded: [], ...previous };
      const block = await this.call<BlockToWrite>('addBlock', added).catch(refused);
      const stored = block?.targets.filter(({ node }) => this.#store(node, { ...block, length })) ?? [];
      if (!block || stored.length === 0) {
        await this.call('abandonFile', { file: result.file });
        return false;
      }
      last = { id: block.block, generation: block.generation, length, stored: stored.map(({ node }) => node) };
    }
    const publish = { file: result.file, ...(last && { last }), path, overwrite: false };
    return (await this.call<PublishReply>('publish', publish)).published;
  }

  /** Time passes; datanodes speak every second and do what they are told, sooner or later. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 250) {
      this.clock.advance(Math.min(250, left));
      await settled();
      for (const node of this.nodes) {
        if (!node.isUp) continue;
        if (this.clock.elapsedMs() >= node.speaksMs) await this.#speak(node);
        if (this.#random.chance(0.5)) await this.#work(node);
      }
    }
  }

  async start(node: FakeDatanode): Promise<void> {
    node.isUp = true;
    node.incarnation += 1;
    node.sequence = 0;
    node.commands.length = 0;
    await this.#register(node);
  }

  async #register(node: FakeDatanode): Promise<void> {
    const { node: name, rack } = node;
    const incarnation = String(node.incarnation);
    const registration = { node: name, incarnation, store: 'store', rack, host: name, address: name };
    node.session = (await this.ask<RegisterReply>('register', registration)).session;
    await this.#reportAll(node);
  }

  async #speak(node: FakeDatanode): Promise<void> {
    node.speaksMs = this.clock.elapsedMs() + this.#random.between(500, 2_000);
    const { capacityBytes } = this;
    const usedBytes = usedOf(node);
    const room = {
      capacityBytes,
      usedBytes,
      freeBytes: capacityBytes - usedBytes,
      transfers: node.commands.length,
      failedFolders: 0,
      failedCopies: [],
    };
    try {
      const reply = await this.ask<HeartbeatReply>('heartbeat', { ...this.#self(node), ...room });
      // What is said again while it waits is done once.
      const waits = (replica: Replica): boolean =>
        node.commands.some((one) => one.kind === 'copy' && one.replica.block === replica.block);
      node.commands.push(...reply.commands.filter((one) => one.kind !== 'copy' || !waits(one.replica)));
      const received = [...node.replicas.values()].filter(
        ({ announced, damaged }) => announced === Infinity && !damaged,
      );
      if (received.length > 0) await this.#report(node, { kind: 'incremental', received, deleted: [], corrupt: [] });
    } catch (problem) {
      if (!(problem instanceof StoreError && problem.name === 'UnregisteredNodeException')) throw problem;
      await this.#register(node);
    }
  }

  /** In two slices, as if it were long. */
  async #reportAll(node: FakeDatanode): Promise<void> {
    const all = [...node.replicas.values()].toSorted((a, b) => a.block - b.block);
    const middle = all[Math.floor(all.length / 2)]?.block ?? 1;
    for (const [from, to] of [
      [0, middle],
      [middle, undefined],
    ] as const) {
      const part = all.filter(({ block }) => block >= from && block < (to ?? Infinity));
      const [corrupt, replicas] = [part.filter(({ damaged }) => damaged), part.filter(({ damaged }) => !damaged)];
      await this.#report(node, { kind: 'full', from, to, replicas, corrupt });
    }
  }

  #report(node: FakeDatanode, change: BlockReport['change']): Promise<object> {
    node.sequence += 1;
    const named = [...(change.kind === 'full' ? change.replicas : change.received), ...change.corrupt];
    for (const { block } of named) {
      const replica = node.replicas.get(block);
      if (replica) replica.announced = node.sequence;
    }
    return this.ask('blockReport', { ...this.#self(node), sequence: node.sequence, change });
  }

  readonly #self = ({ node, session }: FakeDatanode): object => ({ node, session });

  /** The scrubber found it. */
  async damage(node: FakeDatanode, replica: FakeReplica): Promise<void> {
    replica.damaged = true;
    this.#spoiled.add(replica.block);
    if (node.isUp) await this.#report(node, { kind: 'incremental', received: [], deleted: [], corrupt: [replica] });
  }

  async #work(node: FakeDatanode): Promise<void> {
    const command = node.commands.shift();
    if (command?.kind === 'report') await this.#reportAll(node);
    if (command?.kind === 'delete') {
      const due = command.replicas.filter(
        ({ block, knownTo }) => (node.replicas.get(block)?.announced ?? 0) <= knownTo,
      );
      for (const { block } of due) this.#delete(node, block);
      await this.#report(node, { kind: 'incremental', received: [], deleted: due, corrupt: [] });
    }
    if (command?.kind === 'copy') {
      const { replica, targets } = command;
      const own = node.replicas.get(replica.block);
      if (!own || own.damaged) return;
      for (const target of targets) {
        if (!this.#store(target.node, replica)) continue;
        const to = this.#node(target.node);
        await this.#report(to, { kind: 'incremental', received: [replica], deleted: [], corrupt: [] });
      }
    }
  }

  #delete(node: FakeDatanode, block: BlockId): void {
    const replica = node.replicas.get(block);
    node.replicas.delete(block);
    const others = this.nodes.some(({ replicas }) => replicas.get(block)?.damaged === false);
    if (replica && !replica.damaged && this.isNamed(block) && !others && !this.#spoiled.has(block)) {
      throw new Error(`the last good replica of block ${block} was deleted`);
    }
  }

  /** The disk is lost. */
  wipe(node: FakeDatanode): void {
    for (const block of node.replicas.keys()) this.#spoiled.add(block);
    node.replicas.clear();
  }

  /** Blocks of which the world took a good replica: the others may have been ordered to go before anybody knew. */
  readonly #spoiled = new Set<BlockId>();

  /** A complete file or a snapshot names it. */
  isNamed(block: BlockId): boolean {
    return this.namedBlocks().has(block);
  }

  namedBlocks(): Map<BlockId, number> {
    const named = new Map<BlockId, number>();
    const walk = (inode: Namespace['root']): void => {
      for (const child of children(inode)) {
        if (child.kind === 'folder') walk(child);
        else if (child.client === undefined) {
          for (const { id } of child.blocks) named.set(id, child.attributes.replication);
        }
      }
    };
    walk(this.namenode.state.root);
    return named;
  }

  #node(name: string): FakeDatanode {
    return this.nodes.find(({ node }) => node === name)!;
  }

  /** False when the datanode is down. */
  #store(name: string, { block, generation, length }: Replica): boolean {
    const node = this.#node(name);
    if (!node.isUp) return false;
    node.replicas.set(block, { block, generation, length, damaged: false, announced: Infinity });
    return true;
  }
}

export const usedOf = ({ replicas }: FakeDatanode): number =>
  [...replicas.values()].reduce((sum, { length }) => sum + length, 0);

function refused(problem: unknown): undefined {
  if (!(problem instanceof StoreError)) throw problem;
}

const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

const children = (folder: Namespace['root']) => [...entries(folder.children)].map(([, child]) => child);

export type MemoryJournal = Journal<Namespace, NamespaceRecord> & {
  /** Its disk: records are refused. */
  isFull: boolean;
};

/** Durable a moment after it was appended. */
export function memoryJournal(initial: Namespace): MemoryJournal {
  let [tip, durable] = [initial, initial];
  let sequence = 0;
  return {
    id: 'store',
    epoch: 1,
    get tip() {
      return tip;
    },
    get durable() {
      return durable;
    },
    get sequence() {
      return sequence;
    },
    isFull: false,
    async append(record) {
      tip = apply(tip, record);
      const next = tip;
      await Promise.resolve();
      if (this.isFull) {
        tip = durable;
        throw new JournalError('JOURNAL_FULL', 'the disk is full');
      }
      durable = next;
      sequence += 1;
      return { epoch: 1, sequence };
    },
    replay: async function* () {},
    checkpoint: () => Promise.resolve({ epoch: 1, sequence }),
    close: () => Promise.resolve(),
  };
}
