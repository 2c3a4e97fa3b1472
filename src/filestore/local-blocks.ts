/**
 * Blocks of the datanodes on this machine, read from their own files, as HDFS's short-circuit reads are. The datanode names the file and
 * its checksums; every chunk is compared here each time it is read. Whatever fails is a StoreError or a NetworkError, after which the
 * datanode is asked for the bytes themselves.
 */

import { crc32c } from '../common/crc32c.ts';
import { diskErrorCode } from '../common/disk.ts';
import type { Disk, DiskFile } from '../common/disk.ts';
import { LENT_BYTES, type LentBuffers } from './lent-buffers.ts';
import { type Bytes, NetworkError, StoreError, type StoreNetwork } from './network.ts';
import type {
  BlockLocation,
  DatanodeId,
  LocalReplica,
  LocalReplicaReply,
  Replica,
  ReplicaLocation,
} from './protocol.ts';

/** Bytes that are read at once, if chunks are not larger. Another such piece is read ahead. */
const PIECE_BYTES = 1024 * 1024;

const ANSWER_MS = 10_000;
/** A datanode that verifies a block first takes no longer, on a slow disk. */
const VERIFIED_BYTES_PER_MS = 10_000;

export class LocalBlocks {
  readonly #network: StoreNetwork;
  readonly #disk: Disk;
  readonly #host: string;
  /** What datanodes said, by node and block. A block never changes. */
  readonly #files = new Map<string, Promise<LocalReplicaReply>>();
  /** Their files cannot be opened from here: they belong to somebody else, or to another machine that calls itself like this one. */
  readonly #closed = new Set<DatanodeId>();

  constructor(network: StoreNetwork, disk: Disk, host: string) {
    this.#network = network;
    this.#disk = disk;
    this.#host = host;
  }

  isHere({ node, host }: ReplicaLocation): boolean {
    return host === this.#host && !this.#closed.has(node);
  }

  /** With `buffers` the pieces are lent. */
  async *read(at: ReplicaLocation, block: BlockLocation, offset: number, count: number, buffers?: LentBuffers): Bytes {
    const key = `${at.node} ${block.block} ${block.generation}`;
    let asked = this.#files.get(key);
    if (!asked) {
      asked = this.#ask(at, block, 'none');
      this.#files.set(key, asked);
    }
    let file: DiskFile | undefined;
    try {
      const found = await asked;
      file = await this.#open(at, found);
      yield* checkedBytes(file, found, offset, count, buffers);
    } catch (problem) {
      this.#files.delete(key);
      // What it takes for good within its interval, it would send as it is.
      if (problem instanceof ChunkError) await this.#ask(at, block, 'anew');
      throw readFailure(problem);
    } finally {
      await file?.close();
    }
  }

  /** A block's own file after all of it was verified by its datanode, for readers that compare nothing; if there is one here. */
  async verifiedPath(block: BlockLocation): Promise<string | undefined> {
    for (const replica of block.replicas) {
      if (!this.isHere(replica)) continue;
      try {
        const found = await this.#ask(replica, block, 'due');
        await (await this.#open(replica, found)).close();
        return found.path;
      } catch (problem) {
        if (!(problem instanceof NetworkError || problem instanceof StoreError)) throw problem;
      }
    }
    return undefined;
  }

  async #ask(
    { address }: ReplicaLocation,
    { block, generation, length }: Replica,
    verify: LocalReplica['verify'],
  ): Promise<LocalReplicaReply> {
    const message: LocalReplica = { block, generation, verify };
    const timeoutMs = ANSWER_MS + (verify === 'none' ? 0 : length / VERIFIED_BYTES_PER_MS);
    const found = await this.#network.call<LocalReplicaReply>(address, 'localReplica', message, { timeoutMs });
    if (found.length === length) return found;
    throw new StoreError('ReplicaNotFoundException', `${address} has ${found.length} of ${length} bytes`);
  }

  /** The file that the datanode named, if that is what has its path here. */
  async #open({ node }: ReplicaLocation, { path, inode, length }: LocalReplicaReply): Promise<DiskFile> {
    let file: DiskFile | undefined;
    try {
      file = await this.#disk.open(path, 'read');
      const stat = await this.#disk.stat(path);
      if (stat.inode === inode && stat.bytes === length) return file;
    } catch (problem) {
      await file?.close();
      // Replicas go while they are read; the next one is opened again.
      if (diskErrorCode(problem) !== 'ENOENT') this.#closed.add(node);
      throw readFailure(problem);
    }
    await file.close();
    this.#closed.add(node);
    throw new StoreError('IOException', `${path} is another file here than where datanode ${node} is`);
  }
}

class ChunkError extends Error {}

type ChunkedFile = Omit<LocalReplicaReply, 'inode' | 'chunks'> & { readonly chunks: ArrayLike<number> };

/**
 * A range of a file, whose chunks are read as a whole and compared; pieces that are lent stay as they are until the next but one is asked for.
 * Throws what `readFailure` knows.
 */
export async function* checkedBytes(
  file: DiskFile,
  found: ChunkedFile,
  offset: number,
  count: number,
  buffers?: LentBuffers,
): Bytes {
  const { path, length, chunkBytes, chunks } = found;
  const end = Math.min(length, offset + count);
  const lent = chunkBytes <= LENT_BYTES ? buffers : undefined;
  const step = Math.max(1, Math.floor((lent ? LENT_BYTES : PIECE_BYTES) / chunkBytes)) * chunkBytes;
  const wholeEnd = Math.min(length, Math.ceil(end / chunkBytes) * chunkBytes);

  const read = (at: number): Promise<Buffer> => {
    const bytes = Math.min(step, wholeEnd - at);
    const reading = readFully(file, path, at, lent?.next(bytes) ?? Buffer.allocUnsafeSlow(bytes));
    reading.catch(() => undefined);
    return reading;
  };
  let at = Math.floor(offset / chunkBytes) * chunkBytes;
  let ahead = at < end ? read(at) : undefined;
  try {
    for (; ahead; at += step) {
      const bytes: Buffer = await ahead;
      ahead = at + step < end ? read(at + step) : undefined;
      for (let from = 0; from < bytes.length; from += chunkBytes) {
        if (crc32c(bytes.subarray(from, from + chunkBytes)) === chunks[(at + from) / chunkBytes]) continue;
        throw new ChunkError(`bytes from ${at + from} on of ${path} do not fit their checksum`);
      }
      const piece = bytes.subarray(Math.max(0, offset - at), end - at);
      yield lent ? lent.lend(piece) : piece;
    }
  } finally {
    // It may be written to a buffer that is lent anew.
    await ahead?.catch(() => undefined);
  }
}

async function readFully(file: DiskFile, path: string, offset: number, bytes: Buffer): Promise<Buffer> {
  const read = await file.read(offset, bytes);
  if (read < bytes.length) throw new ChunkError(`${path} ends at byte ${offset + read}`);
  return bytes;
}

export function readFailure(problem: unknown): Error {
  if (problem instanceof NetworkError || problem instanceof StoreError) return problem;
  if (problem instanceof ChunkError) return new StoreError('ChecksumException', problem.message, { cause: problem });
  if (diskErrorCode(problem) === undefined) return problem as Error;
  return new StoreError('IOException', (problem as Error).message, { cause: problem });
}
