/** `tutti://` over a namenode in memory and three datanodes that keep blocks in memory. */
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/common/clock.ts';
import { NameNode } from '../../src/filestore/namenode/namenode.ts';
import { newNamespace } from '../../src/filestore/namespace/state.ts';
import {
  type CallOptions,
  NetworkError,
  type Operations,
  StoreError,
  type StoreNetwork,
} from '../../src/filestore/network.ts';
import type { ReadBlock, RegisterReply, WriteBlock, WriteBlockReply } from '../../src/filestore/protocol.ts';
import { StoreFileSystem } from '../../src/filestore/store-file-system.ts';
import { Random } from '../simulation/random.ts';
import { SimulatedNetwork } from '../simulation/simulated-network.ts';
import { fileSystemSuite } from './file-system-suite.ts';
import { memoryJournal, ROOT } from './namenode/fake-store.ts';
import { Signal } from './signal.ts';

type Cluster = {
  readonly network: SimulatedNetwork;
  readonly datanodes: ReadonlyMap<string, Map<number, Buffer>>;
  readonly client: (name: string, blockSize?: number) => StoreFileSystem;
  readonly close: () => void;
};

async function start(): Promise<Cluster> {
  const random = new Random(1);
  const network = new SimulatedNetwork(random, systemClock);
  const namenode = new NameNode({
    store: 'store',
    journal: memoryJournal(newNamespace({ owner: 'root', group: 'root' })),
    clock: systemClock,
    random: () => random.next(),
    logger: { info: () => undefined, warn: () => undefined },
  });
  network.serve('namenode', namenode.operations());
  const datanodes = new Map<string, Map<number, Buffer>>();
  for (const node of ['dn1', 'dn2', 'dn3']) {
    const blocks = new Map<number, Buffer>();
    datanodes.set(node, blocks);
    network.serve(node, datanode(node, blocks, network));
    const talk = network.from(node);
    const registration = { node, incarnation: '1', address: node, rack: '/a', host: node };
    const { session } = await talk.call<RegisterReply>('namenode', 'register', registration);
    const room = {
      capacityBytes: 1e12,
      usedBytes: 0,
      freeBytes: 1e12,
      transfers: 0,
      failedFolders: 0,
      failedCopies: [],
    };
    await talk.call('namenode', 'heartbeat', { node, session, ...room });
  }
  const client = (name: string, blockSize = 1024): StoreFileSystem =>
    new StoreFileSystem({
      network: network.from(name),
      clock: systemClock,
      namenode: 'namenode',
      caller: ROOT,
      client: name,
      attributes: { blockSize, replication: 2 },
    });
  return { network, datanodes, client, close: () => namenode.stop() };
}

function datanode(node: string, blocks: Map<number, Buffer>, network: SimulatedNetwork): Operations {
  return {
    writeBlock: async (message: WriteBlock, body): Promise<{ answer: WriteBlockReply }> => {
      const pieces: Uint8Array[] = [];
      for await (const piece of body) pieces.push(piece);
      const bytes = Buffer.concat(pieces);
      blocks.set(message.block, bytes);
      const stored = [node];
      const [next, ...pipeline] = message.pipeline;
      if (next) {
        const sent = { body: once(bytes) };
        const rest = await network
          .from(node)
          .call<WriteBlockReply>(next.address, 'writeBlock', { ...message, pipeline }, sent)
          .catch((problem: unknown) => {
            if (!(problem instanceof NetworkError)) throw problem;
          });
        stored.push(...(rest?.stored ?? []));
      }
      return { answer: { length: bytes.length, stored, crc32c: 0 } };
    },
    readBlock: async ({ block, offset, length }: ReadBlock) => {
      const bytes = blocks.get(block);
      if (!bytes) throw new StoreError('ReplicaNotFoundException', `no block ${block}`);
      return { answer: { length }, body: once(bytes.subarray(offset, offset + length)) };
    },
  } as Operations;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

describe('tutti://', () => {
  fileSystemSuite(async () => {
    const cluster = await start();
    return {
      fileSystem: cluster.client('one'),
      another: cluster.client('two'),
      readLocal: () => Promise.reject(new Error('blocks are no local files here')),
      close: () => Promise.resolve(cluster.close()),
    };
  });
});

describe('datanodes that fail', () => {
  let cluster: Cluster;
  afterEach(() => cluster.close());

  test('a file of many blocks comes from whoever has them', async () => {
    cluster = await start();
    const fs = cluster.client('one');
    const content = Buffer.from(new Random(2).bytes(10_000));
    await fs.create('/f', content);
    const copies = [...cluster.datanodes.values()].reduce((sum, blocks) => sum + blocks.size, 0);
    expect(copies).toBe(2 * Math.ceil(10_000 / 1024));
    for (const gone of ['dn1', 'dn2', 'dn3']) {
      const operations = datanode(gone, cluster.datanodes.get(gone)!, cluster.network);
      cluster.network.serve(gone, undefined);
      const file = await fs.open('/f');
      expect(Buffer.compare(Buffer.from(await file.read(0, file.length)), content)).toBe(0);
      expect(await file.read(1000, 3000)).toEqual(content.subarray(1000, 4000));
      cluster.network.serve(gone, operations);
    }
  });

  test('a datanode that gives no answer is asked after the others, as long as the file is open', async () => {
    cluster = await start();
    const content = Buffer.from(new Random(2).bytes(1000));
    await cluster.client('one').create('/f', content);
    const asked: string[] = [];
    const network: StoreNetwork = {
      ...cluster.network.from('two'),
      fetch: (to, operation, message, options) => {
        asked.push(to);
        return cluster.network.from('two').fetch(to, operation, message, options);
      },
    };
    const file = await new StoreFileSystem({ ...cluster.client('two').client.options, network }).open('/f');
    await file.read(0, 10);
    const first = asked[0]!;
    cluster.network.serve(first, undefined);
    asked.length = 0;
    for (let i = 0; i < 3; i++) expect(await file.read(0, 1000)).toEqual(content);
    expect(asked[0]).toBe(first);
    expect(new Set(asked.slice(1)).size).toBe(1);
    expect(asked.slice(1)).not.toContain(first);
  });

  test('a datanode that takes no blocks is left out', async () => {
    cluster = await start();
    cluster.network.serve('dn2', undefined);
    const fs = cluster.client('one');
    for (let i = 0; i < 10; i++) await fs.create(`/f${i}`, Buffer.alloc(3000, i));
    for (let i = 0; i < 10; i++) {
      const file = await fs.open(`/f${i}`);
      expect(await file.read(0, 3000)).toEqual(Buffer.alloc(3000, i));
    }
  });

  test('a datanode that ends while the next piece is awaited loses none', async () => {
    cluster = await start();
    const asked = new Signal();
    const sentAgain = new Signal();
    async function* content(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('one ');
      asked.give();
      await sentAgain.given;
      yield Buffer.from('two ');
      yield Buffer.from('three');
    }
    let isFirst = true;
    const network: StoreNetwork = {
      ...cluster.network.from('one'),
      call: async <Answer>(to: string, operation: string, message: object, options?: CallOptions): Promise<Answer> => {
        const isWrite = operation === 'writeBlock';
        if (isWrite && !isFirst) sentAgain.give();
        if (!isWrite || !isFirst) return cluster.network.from('one').call(to, operation, message, options);
        isFirst = false;
        const pieces = options!.body![Symbol.asyncIterator]();
        await pieces.next();
        // As over HTTP: the connection ends, and what the source gives after that goes nowhere.
        void pieces.next();
        await asked.given;
        throw new NetworkError('the connection was closed');
      },
    };
    const fs = new StoreFileSystem({ ...cluster.client('one').client.options, network });
    await fs.create('/f', content());
    const file = await fs.open('/f');
    expect(Buffer.from(await file.read(0, file.length)).toString()).toBe('one two three');
  });

  test('what is sent again is what was given, though its source uses one buffer for all', async () => {
    cluster = await start();
    const lines = ['one ', 'two ', 'three ', 'four'];
    async function* content(): AsyncGenerator<Uint8Array> {
      const buffer = Buffer.alloc(10);
      for (const line of lines) yield buffer.fill(line).subarray(0, line.length);
      buffer.fill('-');
    }
    let tries = 0;
    const network: StoreNetwork = {
      ...cluster.network.from('one'),
      call: async <Answer>(to: string, operation: string, message: object, options?: CallOptions): Promise<Answer> => {
        tries += operation === 'writeBlock' ? 1 : 0;
        if (operation !== 'writeBlock' || tries > 2) {
          return cluster.network.from('one').call(to, operation, message, options);
        }
        const pieces = options!.body![Symbol.asyncIterator]();
        for (let i = 0; i <= tries; i++) await pieces.next();
        throw new NetworkError('the connection was closed');
      },
    };
    const fs = new StoreFileSystem({ ...cluster.client('one').client.options, network });
    await fs.create('/f', content());
    expect(tries).toBe(3);
    const file = await fs.open('/f');
    expect(Buffer.from(await file.read(0, file.length)).toString()).toBe(lines.join(''));
  });

  test('without datanodes nothing is written, and nothing is seen', async () => {
    cluster = await start();
    for (const node of ['dn1', 'dn2', 'dn3']) cluster.network.serve(node, undefined);
    const fs = cluster.client('one');
    await expect(fs.create('/f', Buffer.alloc(10))).rejects.toMatchObject({ constructor: StoreError });
    expect(await fs.list('/')).toEqual({ entries: [], next: undefined });
  });
});
