/** Writes a file into the store: block by block through pipelines of datanodes, then gives it its name, all at once. */

import { every } from '../common/clock.ts';
import type { Content } from './file-system.ts';
import type { InodeId } from './namespace/state.ts';
import { type Bytes, NetworkError, StoreError } from './network.ts';
import type { BlockToWrite, DatanodeId, PublishReply, StoredBlock, WriteBlock, WriteBlockReply } from './protocol.ts';
import type { StoreClient } from './store-client.ts';
import { TEMPORARY_PREFIX } from './store-path.ts';

export type FileAttributes = { readonly mode: number; readonly replication: number; readonly blockSize: number };

/** A block that was sent so far can be sent again, to other datanodes, while it is not longer. */
const REPLAYED_BYTES_MAX = 8 * 1024 * 1024;
const TRIES_MAX = 4;
const WRITE_TIMEOUT_MS = 30_000;
/** A quarter of what the namenode grants. */
const RENEWAL_MS = 15_000;

/** Whether the name was free, or could be replaced. What was written is gone otherwise. */
export async function writeFile(
  client: StoreClient,
  names: readonly string[],
  content: Content,
  options: FileAttributes & { readonly overwrite: boolean },
): Promise<'created' | 'exists'> {
  const { overwrite, ...attributes } = options;
  const folder = names
    .slice(0, -1)
    .map((name) => `/${name}`)
    .join('');
  const temporary = `${folder}/${TEMPORARY_PREFIX}${client.unique()}`;
  const created = await client.change<{ result: { file: InodeId } }>('create', { path: temporary, ...attributes });
  const { file } = created.result;
  const stopRenewals = every(client.options.clock, RENEWAL_MS, () => void renew(client));
  try {
    const last = await writeBlocks(client, file, content, attributes.blockSize);
    const publish = { file, ...(last && { last }), path: `/${names.join('/')}`, overwrite };
    const { published } = await client.change<PublishReply>('publish', publish).catch(removed);
    return published ? 'created' : 'exists';
  } catch (problem) {
    // Else it goes when its lease is over.
    await client.change('abandonFile', { file }).catch(ignoreStoreError);
    throw problem;
  } finally {
    stopRenewals();
  }
}

/** The next one comes soon; a lease that is over is told by the next change. */
const renew = (client: StoreClient): Promise<unknown> =>
  client.read('renewLease', { client: client.options.client }).catch(ignoreStoreError);

function removed(problem: unknown): never {
  const isGone =
    problem instanceof StoreError &&
    (problem.name === 'FileNotFoundException' || problem.name === 'LeaseExpiredException');
  if (!isGone) throw problem;
  // By the namenode, which heard nothing of the writer; or it was published by a call whose answer was lost.
  throw new StoreError('IOException', `Nobody knows whether the file was written: ${problem.message}`, {
    cause: problem,
  });
}

function ignoreStoreError(problem: unknown): void {
  if (!(problem instanceof StoreError)) throw problem;
}

async function writeBlocks(
  client: StoreClient,
  file: InodeId,
  content: Content,
  blockSize: number,
): Promise<StoredBlock | undefined> {
  const source = new Source(content);
  const excluded = new Set<DatanodeId>();
  let previous: StoredBlock | undefined;
  try {
    while (!(await source.isAtEnd())) {
      previous = await writeBlock(client, { file, previous, excluded }, source, blockSize);
    }
    return previous;
  } finally {
    await source.leave();
  }
}

type Place = {
  readonly file: InodeId;
  readonly previous: StoredBlock | undefined;
  /** Datanodes that failed this file. */
  readonly excluded: Set<DatanodeId>;
};

/** Tries other datanodes while what was sent can be sent again. */
async function writeBlock(client: StoreClient, place: Place, source: Source, bytesMax: number): Promise<StoredBlock> {
  const { file, previous, excluded } = place;
  const { network } = client.options;
  for (let tries = 1; ; tries++) {
    const before = previous && { previous };
    const added = { file, bytes: bytesMax, excluded: [...excluded], ...before };
    const { block, generation, targets } = await client.change<BlockToWrite>('addBlock', added);
    const [first, ...pipeline] = targets;
    const message: WriteBlock = { block, generation, bytesMax, pipeline };
    try {
      const options = { body: source.block(bytesMax), timeoutMs: WRITE_TIMEOUT_MS };
      const reply = await network.call<WriteBlockReply>(first!.address, 'writeBlock', message, options);
      if (reply.length !== source.sentBytes) {
        throw new NetworkError(`it stored ${reply.length} of ${source.sentBytes} bytes`);
      }
      source.taken();
      for (const { node } of targets) if (!reply.stored.includes(node)) excluded.add(node);
      return { id: block, generation, length: reply.length, stored: reply.stored };
    } catch (problem) {
      // Its own error, not the datanode's.
      source.throwIfFailed();
      if (!(problem instanceof NetworkError || problem instanceof StoreError)) throw problem;
      excluded.add(first!.node);
      if (tries === TRIES_MAX || !source.rewind()) throw failed(problem, first!.node);
      await client.change('abandonBlock', { file, block });
    }
  }
}

function failed(problem: Error, node: DatanodeId): StoreError {
  if (problem instanceof StoreError && problem.name === 'DiskOutOfSpaceException') return problem;
  return new StoreError('IOException', `Datanode ${node} did not store a block: ${problem.message}`, {
    cause: problem,
  });
}

/** The content, cut at the ends of blocks. Keeps what a block has taken until it is stored, if that is not too much. */
class Source {
  readonly #pieces: AsyncIterator<Uint8Array>;
  /** Taken from the content, not given to a block yet. */
  #ahead: Uint8Array[] = [];
  #kept: Uint8Array[] | undefined = [];
  #keptBytes = 0;
  #isOver = false;
  #problem: unknown;
  #reading: Promise<void> | undefined;
  /** That are over. What still sends one of them, which nobody awaits, must not take pieces of the next one. */
  #tries = 0;

  constructor(content: Content) {
    this.#pieces = (content instanceof Uint8Array ? once(content) : content)[Symbol.asyncIterator]();
  }

  async isAtEnd(): Promise<boolean> {
    while (this.#ahead.length === 0 && !this.#isOver) await this.#read();
    return this.#ahead.length === 0;
  }

  /** The next bytes, at most so many. */
  async *block(bytesMax: number): Bytes {
    const tries = this.#tries;
    let left = bytesMax;
    while (left > 0 && !(await this.isAtEnd()) && this.#tries === tries) {
      const piece = this.#ahead.shift()!;
      const now = piece.subarray(0, left);
      if (now.length < piece.length) this.#ahead.unshift(piece.subarray(now.length));
      this.#keep(now);
      left -= now.length;
      yield now;
    }
  }

  /** The block is stored. */
  taken(): void {
    this.#tries += 1;
    this.#kept = [];
    this.#keptBytes = 0;
  }

  /** Goes back to the block's beginning; false when that is gone. */
  rewind(): boolean {
    if (!this.#kept) return false;
    this.#ahead = [...this.#kept, ...this.#ahead];
    this.taken();
    return true;
  }

  /** Of the block so far. */
  get sentBytes(): number {
    return this.#keptBytes;
  }

  /** What it holds open is closed, unless it is being waited for: then it ends by itself. */
  async leave(): Promise<void> {
    if (!this.#isOver && !this.#reading && this.#problem === undefined) await this.#pieces.return?.();
  }

  throwIfFailed(): void {
    if (this.#problem !== undefined) throw this.#problem;
  }

  #keep(piece: Uint8Array): void {
    this.#keptBytes += piece.length;
    if (this.#keptBytes > REPLAYED_BYTES_MAX) this.#kept = undefined;
    this.#kept?.push(piece);
  }

  /** One piece at a time, whoever asks. */
  #read(): Promise<void> {
    this.#reading ??= this.#readPiece().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readPiece(): Promise<void> {
    try {
      const { done, value } = await this.#pieces.next();
      // "Pieces stay as they are until the next one is asked for": what is kept must stay longer.
      if (done === true) this.#isOver = true;
      else if (value.length > 0) this.#ahead.push(value.slice());
    } catch (problem) {
      this.#problem = problem;
      throw problem;
    }
  }
}

async function* once(bytes: Uint8Array): Bytes {
  yield bytes;
}
