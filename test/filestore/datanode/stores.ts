/** Block stores for tests: small chunks, a disk that is passed in, and what they told. */

import type { Disk } from '../../../src/common/disk.ts';
import type { Bytes } from '../../../src/filestore/network.ts';
import type { Replica } from '../../../src/filestore/protocol.ts';
import { BlockStore } from '../../../src/filestore/datanode/block-store.ts';
import type { BlockStoreOptions, ReplicaChange } from '../../../src/filestore/datanode/block-store.ts';
import type { StoredReplica } from '../../../src/filestore/datanode/incoming-replica.ts';
import { SimulatedClock } from '../../cluster/simulated-clock.ts';
import { Random } from '../../simulation/random.ts';

export const CHUNK_BYTES = 1_000;

export const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

export type TestStore = {
  readonly store: BlockStore;
  readonly changes: ReplicaChange[];
  readonly clock: SimulatedClock;
};

export async function openStore(disk: Disk, options: Partial<BlockStoreOptions> = {}): Promise<TestStore> {
  const changes: ReplicaChange[] = [];
  const clock = new SimulatedClock();
  const store = await BlockStore.open({
    disk,
    clock,
    logger: SILENT,
    folders: ['/data'],
    newNode: () => 'node-1',
    onChange: (change) => changes.push(change),
    chunkBytes: CHUNK_BYTES,
    ...options,
  });
  return { store, changes, clock };
}

/** The bytes of a block are a function of its id, generation and length, so that any reader can say what is right. */
export function contentOf({ block, generation, length }: Replica): Uint8Array {
  const name = `${block} ${generation} ${length}`;
  const content = contents.get(name) ?? new Random(block * 1_000_003 + generation * 7_919 + length).bytes(length);
  contents.set(name, content);
  return content;
}

const contents = new Map<string, Uint8Array>();

export async function writeReplica(
  store: BlockStore,
  replica: Replica,
  content = contentOf(replica),
): Promise<StoredReplica> {
  const sink = await store.create(replica, content.length);
  try {
    const random = new Random(replica.block);
    for (let at = 0; at < content.length;) {
      const next = Math.min(content.length, at + random.between(1, 1_500));
      await sink.write(content.subarray(at, next));
      at = next;
    }
    return await sink.commit();
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

export async function bytesOf(body: Bytes): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces);
}

export async function readReplica(
  store: BlockStore,
  replica: Omit<Replica, 'length'>,
  offset = 0,
  length = Infinity,
): Promise<Buffer> {
  return bytesOf((await store.read(replica, offset, length)).body);
}

export const sorted = (replicas: readonly Replica[]): readonly Replica[] =>
  replicas.toSorted((a, b) => a.block - b.block || a.generation - b.generation);
