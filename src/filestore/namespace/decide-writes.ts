/** Files while they are written: created under a lease, extended block by block, completed, or taken over when the writer is gone. */

import { checkAncestor, checkRemoval, checkTarget, checkTraverse, WRITE } from './permissions.ts';
import type { Caller } from './permissions.ts';
import { change, unchanged } from './decision.ts';
import type { Decision } from './decision.ts';
import { checkQuota } from './quota.ts';
import { refuse } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { pathOf, resolveLive, targetOf } from './resolve.ts';
import type { Block, BlockId, FileNode, InodeId, Namespace, Time } from './state.ts';
import { chainTo, fileOf, namesTo } from './tree.ts';

/** As HDFS limits it. */
export const REPLICATION_MAX = 512;
/** As HDFS limits it: a file's list of blocks stays a small record. */
const BLOCKS_MAX = 10_000;

/** Of names of users, groups and clients. */
const TEXT_CHARACTERS_MAX = 1_000;

export type CreateRequest = {
  readonly path: string;
  readonly caller: Caller;
  readonly client: string;
  readonly mode: number;
  readonly replication: number;
  readonly blockSize: number;
  /** What a file that stands there leads to: a refusal, its replacement in the same step, or nothing (`created: false`). */
  readonly ifExists?: 'refuse' | 'overwrite' | 'keep';
  /** Makes missing folders, as HDFS does; true when left out. */
  readonly createParent?: boolean;
  readonly now: Time;
};

export type Created = { readonly created: boolean; readonly file: InodeId };

export function decideCreate(state: Namespace, request: CreateRequest): Decision<Created> {
  const { path, caller, client, mode, replication, blockSize, now, ifExists = 'refuse', createParent = true } = request;
  const at = resolveLive(state, path);
  if (at.kind === 'refused') return at;
  const denied = checkTraverse(at, caller) ?? checkTexts(caller.user, client) ?? checkSize(replication, blockSize);
  if (denied) return denied;
  const old = targetOf(at);
  if (old?.kind === 'folder') return refuse('FileAlreadyExistsException', `${at.path} already exists as a directory`);
  if (old && ifExists === 'keep') return unchanged({ created: false, file: old.id });
  if (old && ifExists === 'refuse') return existing(old, at.path, client);
  const missing = at.names.slice(at.chain.length - 1);
  const name = at.names.at(-1)!;
  const folders = missing.slice(0, -1);
  if (folders.length > 0 && !createParent) {
    return refuse('FileNotFoundException', `Parent directory doesn't exist: ${pathOf(at.names.slice(0, -1))}`);
  }
  const refused =
    (old ? (checkTarget(at, caller, WRITE) ?? checkRemoval(at, caller)) : undefined) ??
    checkAncestor(at, caller) ??
    checkQuota(at, missing.length, 0);
  if (refused) return refused;
  const parent = at.chain[at.names.length - 1 - folders.length]!;
  const { group } = parent.attributes;
  return change(
    {
      kind: 'create',
      parent: parent.id,
      folders,
      name,
      firstId: state.nextId,
      owner: caller.user,
      group,
      mode: mode & 0o777,
      // As HDFS: made on the way, they take after their parent, and their owner can work in them.
      folderMode: (parent.attributes.mode & 0o777) | 0o300,
      replication,
      blockSize,
      client,
      time: now,
    },
    { created: true, file: state.nextId + folders.length },
  );
}

/** That records and slices of a checkpoint stay small, whoever calls. */
export function checkTexts(...texts: readonly (string | undefined)[]): Refusal | undefined {
  const long = texts.find((text) => text !== undefined && text.length > TEXT_CHARACTERS_MAX);
  if (long === undefined) return undefined;
  return refuse('IllegalArgumentException', `Longer than ${TEXT_CHARACTERS_MAX} characters: ${long.slice(0, 40)}…`);
}

function checkSize(replication: number, blockSize: number): Refusal | undefined {
  if (!Number.isInteger(replication) || replication < 1 || replication > REPLICATION_MAX) {
    return refuse(
      'IOException',
      `Requested replication factor of ${replication} is not within 1 and ${REPLICATION_MAX}`,
    );
  }
  if (!Number.isSafeInteger(blockSize) || blockSize < 1) {
    return refuse('IOException', `Specified block size ${blockSize} is not a positive number of bytes`);
  }
  return undefined;
}

function existing(file: FileNode, path: string, client: string): Refusal {
  if (file.client === undefined) return refuse('FileAlreadyExistsException', `${path} already exists`);
  const who =
    file.client === client ? 'because this client is already creating it' : `because ${file.client} is writing it`;
  return refuse('AlreadyBeingCreatedException', `Failed to create ${path} ${who}`);
}

/** What a client says of the last block it wrote. */
export type Written = { readonly id: BlockId; readonly generation: number; readonly length: number };

export type AddBlockRequest = {
  readonly file: InodeId;
  readonly client: string;
  /** The block before; undefined for the first. */
  readonly previous: Written | undefined;
  readonly now: Time;
};

export function decideAddBlock(state: Namespace, request: AddBlockRequest): Decision<Block> {
  const { client, previous, now } = request;
  const file = writtenBy(state, request.file, client);
  if (file.kind === 'refused') return file;
  const last = file.blocks.at(-1);
  // Asked again because the first answer was lost: the block it got then is the one it gets now.
  if (last && last.length === undefined && file.blocks.at(-2)?.id === previous?.id) return unchanged(last);
  const refused =
    checkLast(file, last, previous) ??
    (file.blocks.length >= BLOCKS_MAX
      ? refuse('IOException', `File has reached the limit on maximum number of blocks: ${BLOCKS_MAX}`)
      : undefined);
  if (refused) return refused;
  const { replication, blockSize } = file.attributes;
  const open = last !== undefined && last.length === undefined;
  const released = open && previous ? (blockSize - previous.length) * replication : 0;
  const names = namesTo(state, file.id)!;
  const over = checkQuota({ chain: chainTo(state, file.id)!, names }, 0, blockSize * replication - released);
  if (over) return over;
  const block: Block = { id: state.nextId, file: file.id, length: undefined, generation: 1, replication };
  return change(
    {
      kind: 'addBlock',
      file: file.id,
      block: block.id,
      previousLength: open ? previous?.length : undefined,
      time: now,
    },
    block,
  );
}

/** That the client and the namespace mean the same last block, and that its length can be. */
function checkLast(file: FileNode, last: Block | undefined, said: Written | undefined): Refusal | undefined {
  if (last?.id !== said?.id || (said && last!.generation !== said.generation)) {
    const known = last ? `block ${last.id} of generation ${last.generation}` : 'no block';
    const told = said ? `block ${said.id} of generation ${said.generation}` : 'no block';
    return refuse('IOException', `The last block of file ${file.id} is ${known}, not ${told}`);
  }
  if (!said) return undefined;
  if (!Number.isSafeInteger(said.length) || said.length < 0 || said.length > file.attributes.blockSize) {
    return refuse('IOException', `Block ${said.id} cannot be ${said.length} bytes long`);
  }
  if (last!.length !== undefined && last!.length !== said.length) {
    return refuse('IOException', `Block ${said.id} is ${last!.length} bytes long, not ${said.length}`);
  }
  return undefined;
}

const writtenBy = (state: Namespace, id: InodeId, client: string): FileNode | Refusal =>
  openedBy(fileOf(state, id), id, client);

function openedBy(file: FileNode | undefined, id: InodeId, client: string): FileNode | Refusal {
  if (!file) return refuse('FileNotFoundException', `File does not exist: inode ${id}, client ${client}`);
  if (file.client === client) return file;
  const writer = file.client === undefined ? 'is not open for writing' : `is written by ${file.client}`;
  return refuse('LeaseExpiredException', `File of inode ${id} ${writer}; ${client} has no lease on it`);
}

export type CompleteRequest = {
  readonly file: InodeId;
  readonly client: string;
  readonly last: Written | undefined;
  readonly now: Time;
};

export function decideComplete(state: Namespace, { file: id, client, last, now }: CompleteRequest): Decision<FileNode> {
  const found = fileOf(state, id);
  const known = found?.blocks.at(-1);
  // Asked again because the first answer was lost.
  if (found && found.client === undefined && known?.id === last?.id && known?.length === last?.length) {
    return unchanged(found);
  }
  const file = openedBy(found, id, client);
  if (file.kind === 'refused') return file;
  const refused = checkLast(file, known, last);
  if (refused) return refused;
  const open = known !== undefined && known.length === undefined;
  return change({ kind: 'complete', file: id, length: open ? last!.length : undefined, time: now }, file);
}

export type BlockRequest = {
  readonly file: InodeId;
  readonly block: BlockId;
  readonly client: string;
  readonly now: Time;
};

/** Gives back a block of which nothing was written, when its pipeline could not be built. */
export function decideAbandonBlock(state: Namespace, request: BlockRequest): Decision<boolean> {
  const file = openBlock(state, request);
  if (file === undefined) return unchanged(false);
  if (file.kind === 'refused') return file;
  return change({ kind: 'abandonBlock', file: file.id, time: request.now }, true);
}

function openBlock(state: Namespace, { file: id, block, client }: BlockRequest): FileNode | Refusal | undefined {
  const file = writtenBy(state, id, client);
  if (file.kind === 'refused') return file;
  const last = file.blocks.at(-1);
  return last?.id === block && last.length === undefined ? file : undefined;
}

/** The writer gives up: the file is gone. */
export function decideAbandonFile(
  state: Namespace,
  { file: id, client, now }: { file: InodeId; client: string; now: Time },
): Decision<boolean> {
  if (!fileOf(state, id)) return unchanged(false);
  const file = writtenBy(state, id, client);
  if (file.kind === 'refused') return file;
  return change({ kind: 'delete', inode: id, time: now }, true);
}
