/**
 * A block that is written on its datanode's own machine: the datanode names an empty file, the writer fills it and computes the checksums
 * as the bytes pass, and the datanode takes it over. The bytes cross no connection, and are read by nobody.
 */

import { diskErrorCode } from '../common/disk.ts';
import type { Disk, DiskFile } from '../common/disk.ts';
import type { Checksums } from './datanode/checksum-file.ts';
import { ChunkSummer } from './datanode/chunk-summer.ts';
import { EarlySyncs } from './early-syncs.ts';
import { checkedBytes, readFailure } from './local-blocks.ts';
import { NetworkError, StoreError, type StoreNetwork } from './network.ts';
import type {
  AdoptBlock,
  BlockTarget,
  DropStaged,
  StageBlock,
  StageBlockReply,
  WriteBlock,
  WriteBlockReply,
} from './protocol.ts';
import type { Keeper, WriterSource } from './writer-source.ts';

/** Less is sent in one call as quickly as it is staged and adopted in two. */
export const STAGED_BYTES_MIN = 256 * 1024;

/** Of a piece that comes, at once: others get their turn in between. */
const WRITE_BYTES = 4 * 1024 * 1024;

const ANSWER_MS = 10_000;
const ADOPTION_MS = 30_000;
/** Each datanode behind the first one takes no longer. */
const SENT_BYTES_PER_MS = 10_000;

export type LocalWriter = { readonly network: StoreNetwork; readonly disk: Disk };

/**
 * Takes a block from the source into a file of the target. Undefined: it could not be done so, and the source has been rewound. Throws
 * NetworkError when nobody knows whether the block was adopted; the source can be rewound then.
 */
export async function writeLocally(
  { network, disk }: LocalWriter,
  target: BlockTarget,
  message: WriteBlock,
  source: WriterSource,
): Promise<WriteBlockReply | undefined> {
  const { bytesMax, pipeline, ...block } = message;
  const stage: StageBlock = { bytesMax, ...block };
  const call = <Answer>(operation: string, what: object, timeoutMs = ANSWER_MS): Promise<Answer> =>
    network.call<Answer>(target.address, operation, what, { timeoutMs });
  let staged: StageBlockReply;
  try {
    staged = await call<StageBlockReply>('stageBlock', stage);
  } catch (problem) {
    return unless(problem);
  }
  const file = new StagedFile(staged, message);
  try {
    await file.open(disk);
    source.keepWith(file);
    const checksums = await file.fill(source);
    const { path, chunkBytes } = staged;
    const { length, chunks } = checksums;
    const adopt: AdoptBlock = { pipeline, path, length, chunkBytes, chunks: [...chunks], ...block };
    const timeoutMs = ADOPTION_MS + (length * (1 + pipeline.length)) / SENT_BYTES_PER_MS;
    return await call<WriteBlockReply>('adoptBlock', adopt, timeoutMs);
  } catch (problem) {
    if (!source.hasKeeper) await file.close();
    if (problem instanceof NetworkError) throw problem;
    const drop: DropStaged = { path: staged.path };
    await call('dropStaged', drop).catch(unless);
    source.throwIfFailed();
    if (diskErrorCode(problem) === undefined) unless(problem);
    if (!source.rewind()) throw problem;
    return undefined;
  }
}

/** What the network and the other side may say; anything else is a bug. */
function unless(problem: unknown): undefined {
  if (!(problem instanceof NetworkError || problem instanceof StoreError)) throw problem;
}

class StagedFile implements Keeper {
  readonly #staged: StageBlockReply;
  readonly #block: WriteBlock;
  /** Of what is in the file. */
  #summer: ChunkSummer;
  #file: DiskFile | undefined;

  constructor(staged: StageBlockReply, block: WriteBlock) {
    this.#staged = staged;
    this.#block = block;
    this.#summer = new ChunkSummer(staged.chunkBytes);
  }

  /** Throws when the path is not the file that the datanode made. */
  async open(disk: Disk): Promise<void> {
    const { path, inode } = this.#staged;
    this.#file = await disk.open(path, 'write');
    const found = await disk.stat(path);
    if (found.inode !== inode || found.bytes !== 0) {
      await this.close();
      throw new StoreError('IOException', `${path} is another file here than where the datanode is`);
    }
  }

  /** All that the source has for the block. What did not get into the file is given back. */
  async fill(source: WriterSource): Promise<Checksums> {
    const syncs = new EarlySyncs(this.#file!);
    try {
      for await (const piece of source.block(this.#block.bytesMax)) {
        for (let at = 0; at < piece.length; at += WRITE_BYTES) {
          const part = piece.subarray(at, at + WRITE_BYTES);
          try {
            syncs.throwIfFailed();
            await this.#append(part);
          } catch (problem) {
            source.giveBack(piece.subarray(at));
            throw problem;
          }
          syncs.wrote(part.length);
        }
      }
    } finally {
      await syncs.ended();
    }
    syncs.throwIfFailed();
    return this.#summer.end(this.#block);
  }

  /** The checksum is computed while the disk's cache takes the bytes. */
  async #append(part: Uint8Array): Promise<void> {
    const writing = this.#file!.write(this.#summer.length, part);
    const after = this.#summer.copy();
    after.pass(part);
    await writing;
    this.#summer = after;
  }

  /** It may have lost its name meanwhile. */
  async *bytes(): AsyncGenerator<Uint8Array, void, void> {
    const { path, chunkBytes } = this.#staged;
    const { length, chunks } = this.#summer.copy().end(this.#block);
    try {
      yield* checkedBytes(this.#file!, { path, length, chunkBytes, chunks }, 0, length);
    } catch (problem) {
      throw readFailure(problem);
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }
}
