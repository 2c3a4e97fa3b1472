/** Datanodes on simulated disks, on a fake network, with a namenode that writes down what it hears. */

import { DataNode } from '../../../src/filestore/datanode/datanode.ts';
import type { DataNodeOptions } from '../../../src/filestore/datanode/datanode.ts';
import { StoreError } from '../../../src/filestore/network.ts';
import type { Bytes, Operations } from '../../../src/filestore/network.ts';
import type {
  BlockReport,
  DatanodeCommand,
  DatanodeRegistration,
  DeletionOrder,
  Heartbeat,
  Replica,
  WriteBlockReply,
} from '../../../src/filestore/protocol.ts';
import { SimulatedClock } from '../../cluster/simulated-clock.ts';
import { Random } from '../../simulation/random.ts';
import { SimulatedDisk } from '../../simulation/simulated-disk.ts';
import { FakeNetwork } from './fake-network.ts';
import { CHUNK_BYTES, contentOf, SILENT } from './stores.ts';

export type TestNode = {
  readonly address: string;
  readonly disk: SimulatedDisk;
  node: DataNode;
  readonly fatal: Error[];
};

export class TestNodes {
  readonly clock = new SimulatedClock();
  readonly network = new FakeNetwork(this.clock);
  readonly random: Random;
  readonly nodes: TestNode[] = [];
  #ids = 0;

  constructor(seed = 1) {
    this.random = new Random(seed);
  }

  async add(options: Partial<DataNodeOptions> & { readonly capacityBytes?: number } = {}): Promise<TestNode> {
    const address = `node-${this.nodes.length + 1}`;
    const disk = new SimulatedDisk({ random: this.random.fork(), capacityBytes: options.capacityBytes ?? 10_000_000 });
    const fatal: Error[] = [];
    const added: TestNode = { address, disk, fatal, node: await this.open(address, disk, fatal, options) };
    this.nodes.push(added);
    return added;
  }

  async three(): Promise<readonly [TestNode, TestNode, TestNode]> {
    return [await this.add(), await this.add(), await this.add()];
  }

  async open(
    address: string,
    disk: SimulatedDisk,
    fatal: Error[] = [],
    options: Partial<DataNodeOptions> = {},
  ): Promise<DataNode> {
    const node = await DataNode.open({
      disk: disk.mount(),
      clock: this.clock,
      network: this.network.of(address),
      logger: SILENT,
      folders: ['/data'],
      chunkBytes: CHUNK_BYTES,
      address,
      rack: '/default-rack',
      host: address,
      namenodes: [],
      newId: () => `${address}#${(this.#ids += 1)}`,
      random: () => 0,
      fatal: (error) => fatal.push(error),
      ...options,
    });
    this.network.serve(address, node.operations);
    return node;
  }

  /** The machine is gone: its process stands still, and nobody hears from it. */
  kill({ address, disk }: TestNode): void {
    disk.kill();
    this.network.kill(address);
  }

  /** A client writes a block through all nodes in their order. */
  write(
    replica: Replica,
    nodes: readonly TestNode[],
    body: Bytes = piecesOf(contentOf(replica)),
  ): Promise<WriteBlockReply> {
    const [first, ...rest] = nodes;
    const pipeline = rest.map(({ address, node }) => ({ node: node.id, address }));
    const message = { block: replica.block, generation: replica.generation, bytesMax: replica.length, pipeline };
    return this.network.of('client').call(first!.address, 'writeBlock', message, { body });
  }

  /** The bytes of a replica as a client reads them. */
  async read(replica: Replica, from: TestNode): Promise<Buffer> {
    const message = { ...replica, offset: 0 };
    const { body } = await this.network.of('client').fetch(from.address, 'readBlock', message);
    const pieces: Uint8Array[] = [];
    for await (const piece of body) pieces.push(piece);
    return Buffer.concat(pieces);
  }
}

export async function* piecesOf(content: Uint8Array, pieceBytes = 700): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < content.length; at += pieceBytes) {
    await Promise.resolve();
    yield content.slice(at, at + pieceBytes);
  }
}

/** A namenode that believes everything. */
export class FakeNamenode {
  readonly heard: string[] = [];
  readonly registrations: DatanodeRegistration[] = [];
  readonly heartbeats: Heartbeat[] = [];
  readonly reports: BlockReport[] = [];
  /** What each reply commands. */
  commands: readonly DatanodeCommand[] = [];
  epoch = 1;
  store = 'store-1';
  known = true;
  /** It takes reports, and answers when this is over. */
  slow: Promise<void> = Promise.resolve();
  readonly operations: Operations = {
    register: (message: DatanodeRegistration) => {
      this.heard.push('register');
      this.registrations.push(message);
      this.known = true;
      const { store, session, epoch, commands } = this;
      return Promise.resolve({ answer: { store, session, epoch, commands } });
    },
    heartbeat: (message: Heartbeat) => {
      this.heard.push('heartbeat');
      this.#assertKnown(message);
      this.heartbeats.push(message);
      return Promise.resolve({ answer: { epoch: this.epoch, commands: this.commands } });
    },
    blockReport: async (message: BlockReport) => {
      this.heard.push(message.change.kind);
      this.#assertKnown(message);
      this.reports.push(message);
      await this.slow;
      this.#assertKnown(message);
      return { answer: {} };
    },
  };

  /** Of the last registration. */
  get session(): string {
    return String(this.registrations.length);
  }

  #assertKnown({ session }: { readonly session: string }): void {
    if (!this.known || session !== this.session) throw new StoreError('UnregisteredNodeException', 'who are you?');
  }

  order({ block, generation }: Omit<Replica, 'length'>): DeletionOrder {
    return { block, generation, knownTo: this.reports.at(-1)?.sequence ?? -1 };
  }

  /** What the datanode has, by its reports: `block_generation` → sound or corrupt. */
  get replicas(): ReadonlyMap<string, 'sound' | 'corrupt'> {
    return applyReports(this.reports);
  }
}

const nameOf = ({ block, generation }: Omit<Replica, 'length'>): string => `${block}_${generation}`;

/** As the protocol says: an older report that comes late says nothing, a slice replaces what is in its range. */
export function applyReports(reports: readonly BlockReport[]): ReadonlyMap<string, 'sound' | 'corrupt'> {
  const known = new Map<string, 'sound' | 'corrupt'>();
  let last = 0;
  for (const { sequence, change } of reports) {
    if (sequence <= last) continue;
    last = sequence;
    if (change.kind === 'full') {
      for (const name of known.keys()) {
        const block = Number(name.split('_')[0]);
        if (block >= change.from && (change.to === undefined || block < change.to)) known.delete(name);
      }
      for (const replica of change.replicas) known.set(nameOf(replica), 'sound');
    } else {
      for (const replica of change.received) known.set(nameOf(replica), 'sound');
      for (const replica of change.deleted) known.delete(nameOf(replica));
    }
    for (const replica of change.corrupt) known.set(nameOf(replica), 'corrupt');
  }
  return known;
}
