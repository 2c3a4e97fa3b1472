/** A store whose datanodes keep their blocks on this machine's disk, all in this process. */

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '../../src/common/clock.ts';
import { type Disk, localDisk } from '../../src/common/disk.ts';
import { DataNode } from '../../src/filestore/datanode/datanode.ts';
import { NameNode } from '../../src/filestore/namenode/namenode.ts';
import { newNamespace } from '../../src/filestore/namespace/state.ts';
import type { StoreNetwork } from '../../src/filestore/network.ts';
import type { Replica } from '../../src/filestore/protocol.ts';
import { StoreFileSystem, type StoreFileSystemOptions } from '../../src/filestore/store-file-system.ts';
import { Random } from '../simulation/random.ts';
import { SimulatedNetwork } from '../simulation/simulated-network.ts';
import { memoryJournal, ROOT } from './namenode/fake-store.ts';

export const HOST = 'this-machine';
export const CHUNK_BYTES = 65_536;
export const BLOCK_BYTES = 300_000;

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

export class LocalNodes {
  readonly network = new SimulatedNetwork(new Random(1), systemClock);
  readonly nodes: DataNode[] = [];
  /** What clients said to datanodes, `client → datanode operation`. */
  readonly calls: string[] = [];
  /** Replicas that datanodes found damaged: `datanode block_generation`. */
  readonly damaged: string[] = [];
  readonly #folder: string;
  readonly #namenode: NameNode;

  static async start(options: { readonly datanodes: number; readonly disk?: Disk }): Promise<LocalNodes> {
    const nodes = new LocalNodes(await mkdtemp(path.join(tmpdir(), 'tutti-local-')));
    for (let i = 1; i <= options.datanodes; i++) await nodes.#add(`dn${i}`, options.disk ?? localDisk);
    return nodes;
  }

  private constructor(folder: string) {
    this.#folder = folder;
    this.#namenode = new NameNode({
      store: 'store',
      journal: memoryJournal(newNamespace({ owner: 'root', group: 'root' })),
      clock: systemClock,
      random: () => 0,
      logger: SILENT,
    });
    this.network.serve('namenode', this.#namenode.operations());
  }

  async #add(name: string, disk: Disk): Promise<void> {
    const node = await DataNode.open({
      disk,
      clock: systemClock,
      network: this.network.from(name),
      logger: {
        ...SILENT,
        error: (fields: Partial<Replica>) => this.damaged.push(`${name} ${fields.block}_${fields.generation}`),
      } as never,
      folders: [path.join(this.#folder, name)],
      chunkBytes: CHUNK_BYTES,
      address: name,
      rack: '/default-rack',
      host: HOST,
      namenodes: ['namenode'],
      newId: () => `${name}-${this.nodes.length}-${Math.random()}`,
      random: Math.random,
      heartbeatMs: 50,
      fatal: (problem) => {
        throw problem;
      },
    });
    this.nodes.push(node);
    this.network.serve(name, node.operations);
    node.start();
    while (this.#namenode.datanodes.writable().length < this.nodes.length) {
      await new Promise((later) => setTimeout(later, 5));
    }
  }

  /** On this machine, unless `options` say otherwise. */
  client(name: string, options: Partial<StoreFileSystemOptions> = {}): StoreFileSystem {
    return new StoreFileSystem({
      network: this.#heard(name),
      clock: systemClock,
      namenode: 'namenode',
      caller: ROOT,
      client: name,
      host: HOST,
      disk: localDisk,
      attributes: { replication: this.nodes.length, blockSize: BLOCK_BYTES },
      ...options,
    });
  }

  #heard(name: string): StoreNetwork {
    const network = this.network.from(name);
    const hear = (to: string, operation: string): void => {
      if (to !== 'namenode') this.calls.push(`${name} → ${to} ${operation}`);
    };
    return {
      call: (to, operation, ...rest) => (hear(to, operation), network.call(to, operation, ...rest)),
      fetch: (to, operation, ...rest) => (hear(to, operation), network.fetch(to, operation, ...rest)),
    };
  }

  /** The operations of datanodes that clients asked for, each once. */
  get asked(): readonly string[] {
    return [...new Set(this.calls.map((call) => call.split(' ').at(-1)!))].toSorted();
  }

  /** The files of all replicas, by the names of their datanodes and blocks. */
  async replicas(): Promise<readonly { readonly node: string; readonly block: string; readonly file: string }[]> {
    const all = await readdir(this.#folder, { recursive: true });
    return all
      .filter((name) => /\/blocks\/.*\/\d+_\d+$/.test(`/${name}`))
      .map((name) => ({ node: name.split('/')[0]!, block: path.basename(name), file: path.join(this.#folder, name) }))
      .toSorted((a, b) => a.file.localeCompare(b.file));
  }

  /** What is being written, or was left behind. */
  async incoming(): Promise<readonly string[]> {
    const all = await readdir(this.#folder, { recursive: true });
    return all.filter((name) => /\/incoming\/./.test(name));
  }

  async close(): Promise<void> {
    for (const node of this.nodes) await node.close();
    this.#namenode.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
