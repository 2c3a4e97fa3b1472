/** What operators ask of a namenode: how the store is, what is wrong with it, which nodes are to go. */

import { entries, get } from '../namespace/ordered-map.ts';
import type { Caller } from '../namespace/permissions.ts';
import { blockInUse } from '../namespace/queries.ts';
import { pathOf, resolveLive, targetOf } from '../namespace/resolve.ts';
import type { Assignment, FileNode, Inode } from '../namespace/state.ts';
import { hostAndPort, StoreError } from '../network.ts';
import type { DatanodeId } from '../protocol.ts';
import { type Datanode, isHeld, type KnownService, knownService } from './datanodes.ts';
import type { NameNode } from './namenode.ts';
import { eachSlice, type Steps } from './turns.ts';
import { countedHolders, holdersOf, isAtWork, isNeeded, liveHoldersOf } from './replicas.ts';

export type DatanodeReport = {
  readonly node: string;
  readonly address: string;
  readonly rack: string;
  readonly isAlive: boolean;
  readonly service: KnownService;
  readonly capacityBytes: number;
  readonly usedBytes: number;
  readonly freeBytes: number;
  readonly failedFolders: number;
  /** Of a live one that is `decommissioning` or `entering_maintenance`: what it has to be copied from it before it may go. */
  readonly leaving?: Leaving | undefined;
  /** Since its last word; since the namenode started, when it has not come since. */
  readonly silentMs: number;
};

export type Leaving = {
  /** Blocks of which others have too few replicas, those being written among them. */
  readonly blocks: number;
  /** Those among them that no other datanode could take now. */
  readonly stuck: number;
};

export type StoreReport = {
  readonly files: number;
  readonly folders: number;
  /** Of files, without their replicas. */
  readonly length: number;
  readonly blocks: number;
  readonly safeMode: boolean;
  /** Blocks that wait to be copied, trimmed, or looked at. */
  readonly pending: number;
  readonly datanodes: readonly DatanodeReport[];
  /** Datanodes that are refused: their blocks belong to another store, as after a start with another journal. */
  readonly foreign: readonly { readonly node: string; readonly address: string; readonly store: string }[];
};

export type FsckReport = {
  readonly files: number;
  readonly blocks: number;
  readonly bytes: number;
  readonly healthy: boolean;
  /** Files that miss a block. */
  readonly lostFiles: number;
  /** Of all problems. */
  readonly counts: Readonly<Record<FsckProblem['kind'], number>>;
  /** The first of each kind, PROBLEMS_MAX at most. */
  readonly problems: readonly FsckProblem[];
};

export type FsckProblem = {
  readonly path: string;
  readonly block: number;
  readonly kind: 'missing' | 'corrupt' | 'under-replicated' | 'over-replicated';
  readonly replicas: number;
  readonly wanted: number;
};

/** Files and blocks that `fsck` looks at in one go. */
const LOOKS_PER_STEP = 1_000;

/** Problems of one kind that an answer names. */
const PROBLEMS_MAX = 1000;

/** Letters of an id that stand for it, at least: a slip of the finger is to name no node. */
const PREFIX_MIN = 4;

export function* storeReport(namenode: NameNode, nowMs: number): Steps<StoreReport> {
  const { state, datanodes, replication, safeMode } = namenode;
  const { files, folders, length } = state.root;
  const reports: DatanodeReport[] = [];
  for (const datanode of datanodes.all()) reports.push(yield* reportOf(namenode, datanode, nowMs));
  for (const [node, assignment] of unheardOf(namenode)) reports.push(unheardReport(namenode, node, assignment, nowMs));
  return {
    files,
    folders,
    length,
    blocks: state.blocks.size,
    safeMode: safeMode.isOn,
    pending: replication.pending,
    datanodes: reports,
    foreign: datanodes.foreign().map(({ node, address, store }) => ({ node, address, store: store ?? '' })),
  };
}

function* reportOf(namenode: NameNode, datanode: Datanode, nowMs: number): Steps<DatanodeReport> {
  const { node, rack, registration, isAlive, heartbeat, heardMs } = datanode;
  const service = knownService(datanode);
  return {
    node,
    address: registration.address,
    rack,
    isAlive,
    service,
    capacityBytes: heartbeat?.capacityBytes ?? 0,
    usedBytes: heartbeat?.usedBytes ?? 0,
    freeBytes: heartbeat?.freeBytes ?? 0,
    failedFolders: heartbeat?.failedFolders ?? 0,
    silentMs: Math.round(nowMs - heardMs),
    ...(isAlive && isHeld(service) && { leaving: yield* leavingOf(namenode, datanode) }),
  };
}

function unheardReport(
  { startedMs }: NameNode,
  node: DatanodeId,
  { service, address }: Assignment,
  nowMs: number,
): DatanodeReport {
  const unknown = { rack: '', capacityBytes: 0, usedBytes: 0, freeBytes: 0, failedFolders: 0 };
  return { node, address, isAlive: false, service, silentMs: Math.round(nowMs - startedMs), ...unknown };
}

/** As the replication counts; undefined: what it has is not all known yet. */
function* leavingOf(namenode: NameNode, datanode: Datanode): Steps<Leaving | undefined> {
  if (datanode.reportedTo < Infinity) return undefined;
  const { blocks, datanodes } = namenode;
  const leaving = { blocks: 0, stuck: 0 };
  yield* eachSlice(blocks.slicesOf(datanode.number), (some) => {
    const takers = datanodes.writable();
    for (const id of some) {
      const block = blockInUse(namenode.state, id);
      const holders = holdersOf(namenode, id);
      if (!block || !isNeeded(datanode, block, holders)) continue;
      const { length } = block;
      leaving.blocks += 1;
      if (length === undefined) continue;
      if (!takers.some((taker) => !holders.includes(taker) && taker.freeBytes >= length)) leaving.stuck += 1;
    }
    return true;
  });
  return leaving;
}

/** Every block of the files that are below a path now against who has it when the walk comes there. */
export function* fsck(namenode: NameNode, path: string): Steps<FsckReport> {
  const at = resolveLive(namenode.state, path);
  if (at.kind === 'refused') throw new StoreError(at.name, at.message);
  const root = targetOf(at);
  if (!root) throw new StoreError('FileNotFoundException', `${path}: there is no such file or folder`);
  const counts = { missing: 0, corrupt: 0, 'under-replicated': 0, 'over-replicated': 0 };
  const report = { files: 0, blocks: 0, bytes: 0, healthy: true, lostFiles: 0, counts, problems: [] as FsckProblem[] };
  let [looks, pause] = [0, LOOKS_PER_STEP];
  for (const [names, file] of filesBelow(root, at.names)) {
    looks += 1 + file.blocks.length;
    if (looks >= pause) {
      pause = looks + LOOKS_PER_STEP;
      yield;
    }
    report.files += 1;
    const missingBefore = counts.missing;
    for (const problem of problemsOf(namenode, pathOf(names), file)) {
      if (problem.kind !== 'over-replicated') report.healthy = false;
      counts[problem.kind] += 1;
      if (counts[problem.kind] <= PROBLEMS_MAX) report.problems.push(problem);
    }
    if (counts.missing > missingBefore) report.lostFiles += 1;
    report.blocks += file.blocks.length;
    for (const { length = 0 } of file.blocks) report.bytes += length;
  }
  return report;
}

function* filesBelow(inode: Inode, names: readonly string[]): Generator<readonly [readonly string[], FileNode], void> {
  if (inode.kind === 'folder') {
    for (const [name, child] of entries(inode.children)) yield* filesBelow(child, [...names, name]);
  } else if (inode.client === undefined) yield [names, inode];
}

function* problemsOf(namenode: NameNode, path: string, file: FileNode): Generator<FsckProblem, void> {
  for (const { id } of file.blocks) {
    // The file was deleted since the walk began, and nobody is to have its blocks; or it wants another number of replicas.
    const wanted = get(namenode.state.blocks, id)?.replication;
    if (wanted === undefined) continue;
    const replicas = liveHoldersOf(namenode, id).length;
    const counted = countedHolders(holdersOf(namenode, id), id);
    const atWork = counted.filter(isAtWork).length;
    const corrupt = namenode.replication.corrupt.get(id)?.size ?? 0;
    const common = { path, block: id, replicas, wanted };
    if (corrupt > 0) yield { ...common, kind: 'corrupt' };
    if (replicas === 0) yield { ...common, kind: 'missing' };
    // One that is expected back is not missed, and what was copied for the sake of one that goes is not too much.
    else if (Math.max(replicas, counted.length) < wanted) yield { ...common, kind: 'under-replicated' };
    else if (atWork > wanted) yield { ...common, kind: 'over-replicated' };
  }
}

export type AdministrationRequest = { readonly caller: Caller };

/** Throws AccessControlException for anybody but the superuser. */
export function requireSuperuser({ caller }: AdministrationRequest): void {
  if (caller.superuser) return;
  throw new StoreError(
    'AccessControlException',
    `Access denied for user ${caller.user}. Superuser privilege is required`,
  );
}

/**
 * By its id, by `host:port` of its address as in HDFS, or by how its id begins. Throws FileNotFoundException for a name that means none, or
 * several.
 */
export function datanodeNamed(namenode: NameNode, name: string): Named {
  const all = [...namedOf(namenode)];
  const exact = all.find(({ node }) => node === name);
  if (exact) return exact;
  const there = all.filter(({ address }) => hostAndPort(address) === name);
  // Where one has died, another may have come with empty disks.
  const living = there.filter(({ isAlive }) => isAlive);
  const byAddress = living.length > 0 ? living : there;
  const begun = name.length < PREFIX_MIN ? [] : all.filter(({ node }) => node.startsWith(name));
  const found = byAddress.length > 0 ? byAddress : begun;
  const [datanode] = found;
  if (datanode && found.length === 1) return datanode;
  const listed = (found.length > 0 ? found : all).map(({ node, address }) => `${node} (${hostAndPort(address)})`);
  throw new StoreError(
    'FileNotFoundException',
    found.length > 0
      ? `${name} may be each of the datanodes ${listed.join(', ')}`
      : `There is no datanode ${name}; known are ${listed.join(', ') || 'none'}`,
  );
}

type Named = { readonly node: DatanodeId; readonly address: string; readonly isAlive: boolean };

function* namedOf(namenode: NameNode): Generator<Named, void> {
  for (const { node, registration, isAlive } of namenode.datanodes.all())
    yield { node, address: registration.address, isAlive };
  for (const [node, { address }] of unheardOf(namenode)) yield { node, address, isAlive: false };
}

/** Datanodes that the journal knows, and that have not come since the namenode started. */
const unheardOf = ({ state, datanodes }: NameNode): readonly (readonly [DatanodeId, Assignment])[] =>
  [...entries(state.services)].filter(([node]) => !datanodes.byId(node));
