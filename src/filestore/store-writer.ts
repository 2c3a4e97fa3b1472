/** Writes a file into the store: block by block through pipelines of datanodes, then gives it its name, all at once. */

import { every } from '../common/clock.ts';
import type { Disk } from '../common/disk.ts';
import type { Content } from './file-system.ts';
import type { InodeId } from './namespace/state.ts';
import { writeLocally } from './local-writes.ts';
import { NetworkError, StoreError } from './network.ts';
import type { BlockToWrite, DatanodeId, PublishReply, StoredBlock, WriteBlock, WriteBlockReply } from './protocol.ts';
import type { StoreClient } from './store-client.ts';
import { TEMPORARY_PREFIX } from './store-path.ts';
import { WriterSource } from './writer-source.ts';

export type FileAttributes = { readonly mode: number; readonly replication: number; readonly blockSize: number };

/** Of the writer's machine: a block that has at least so many bytes is written into a file of its datanode. */
export type LocalDisk = { readonly disk: Disk; readonly bytesMin: number };

const TRIES_MAX = 4;
const WRITE_TIMEOUT_MS = 30_000;
/** A quarter of what the namenode grants. */
const RENEWAL_MS = 15_000;

/** Whether the name was free, or could be replaced. What was written is gone otherwise. */
export async function writeFile(
  client: StoreClient,
  names: readonly string[],
  content: Content,
  options: FileAttributes & { readonly overwrite: boolean; readonly local?: LocalDisk | undefined },
): Promise<'created' | 'exists'> {
  const { overwrite, local, ...attributes } = options;
  const folder = names
    .slice(0, -1)
    .map((name) => `/${name}`)
    .join('');
  const temporary = `${folder}/${TEMPORARY_PREFIX}${client.unique()}`;
  // What stands there is this file already: made by a try whose answer was lost, perhaps with the namenode that made it.
  const create = { path: temporary, ...attributes, ifExists: 'keep' };
  const created = await client.change<{ result: { file: InodeId } }>('create', create);
  const { file } = created.result;
  const stopRenewals = every(client.options.clock, RENEWAL_MS, () => void renew(client));
  try {
    const last = await writeBlocks(client, { file, local, bytesMax: attributes.blockSize }, content);
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

type Writing = {
  readonly file: InodeId;
  readonly local: LocalDisk | undefined;
  /** Of each block. */
  readonly bytesMax: number;
};

async function writeBlocks(client: StoreClient, writing: Writing, content: Content): Promise<StoredBlock | undefined> {
  const source = new WriterSource(content);
  const excluded = new Set<DatanodeId>();
  let previous: StoredBlock | undefined;
  try {
    while (!(await source.isAtEnd())) {
      previous = await writeBlock(client, { previous, excluded, ...writing }, source);
    }
    return previous;
  } finally {
    await source.leave();
  }
}

type Place = Writing & {
  readonly previous: StoredBlock | undefined;
  /** Datanodes that failed this file. */
  readonly excluded: Set<DatanodeId>;
};

/** Tries other datanodes while what was sent can be sent again. */
async function writeBlock(client: StoreClient, place: Place, source: WriterSource): Promise<StoredBlock> {
  const { file, previous, excluded, bytesMax } = place;
  for (let tries = 1; ; tries++) {
    const before = previous && { previous };
    const added = { file, bytes: bytesMax, excluded: [...excluded], ...before };
    const to = await client.change<BlockToWrite>('addBlock', added);
    const { block, generation, targets } = to;
    const [first] = targets;
    try {
      const reply = await store(client, place, to, source);
      if (reply.length !== source.sentBytes) {
        throw new NetworkError(`it stored ${reply.length} of ${source.sentBytes} bytes`);
      }
      await source.taken();
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

/** By a file on this machine where the first datanode is here, else over the network. */
async function store(
  client: StoreClient,
  { local, bytesMax }: Place,
  { block, generation, targets }: BlockToWrite,
  source: WriterSource,
): Promise<WriteBlockReply> {
  const { network, host } = client.options;
  const [first, ...pipeline] = targets;
  const message: WriteBlock = { block, generation, bytesMax, pipeline };
  const isHere = local !== undefined && first!.host === host && !source.hasKeeper;
  if (isHere && (await source.has(local.bytesMin))) {
    const reply = await writeLocally({ network, disk: local.disk }, first!, message, source);
    if (reply) return reply;
  }
  const options = { body: source.block(bytesMax), timeoutMs: WRITE_TIMEOUT_MS };
  return network.call<WriteBlockReply>(first!.address, 'writeBlock', message, options);
}

function failed(problem: Error, node: DatanodeId): StoreError {
  if (problem instanceof StoreError && problem.name === 'DiskOutOfSpaceException') return problem;
  return new StoreError('IOException', `Datanode ${node} did not store a block: ${problem.message}`, {
    cause: problem,
  });
}
