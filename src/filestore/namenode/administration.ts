/** What operators ask of a namenode: how the store is, what is wrong with it, which nodes are to go. */

import { entries } from '../namespace/ordered-map.ts';
import type { Caller } from '../namespace/permissions.ts';
import { pathOf, resolveLive, targetOf } from '../namespace/resolve.ts';
import type { FileNode, Inode } from '../namespace/state.ts';
import { StoreError } from '../network.ts';
import type { Service } from './datanodes.ts';
import type { NameNode } from './namenode.ts';

export type DatanodeReport = {
  readonly node: string;
  readonly address: string;
  readonly rack: string;
  readonly isAlive: boolean;
  readonly service: Service;
  readonly capacityBytes: number;
  readonly usedBytes: number;
  readonly freeBytes: number;
  readonly failedFolders: number;
  /** Since its last word. */
  readonly silentMs: number;
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
  /** Of all problems. */
  readonly counts: Readonly<Record<FsckProblem['kind'], number>>;
  /** The first of each kind. */
  readonly problems: readonly FsckProblem[];
};

export type FsckProblem = {
  readonly path: string;
  readonly block: number;
  readonly kind: 'missing' | 'corrupt' | 'under-replicated' | 'over-replicated';
  readonly replicas: number;
  readonly wanted: number;
};

/** Problems of one kind that an answer names. */
const PROBLEMS_MAX = 1000;

export function storeReport(namenode: NameNode, nowMs: number): StoreReport {
  const { state, datanodes, replication, safeMode } = namenode;
  const { files, folders, length } = state.root;
  return {
    files,
    folders,
    length,
    blocks: state.blocks.size,
    safeMode: safeMode.isOn,
    pending: replication.pending,
    datanodes: datanodes.all().map(({ node, rack, registration, isAlive, service, heartbeat, heardMs }) => ({
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
    })),
    foreign: datanodes.foreign().map(({ node, address, store }) => ({ node, address, store: store ?? '' })),
  };
}

/** Every block of the files below a path against who has it. */
export function fsck(namenode: NameNode, path: string): FsckReport {
  const at = resolveLive(namenode.state, path);
  if (at.kind === 'refused') throw new StoreError(at.name, at.message);
  const root = targetOf(at);
  if (!root) throw new StoreError('FileNotFoundException', `${path}: there is no such file or folder`);
  const counts = { missing: 0, corrupt: 0, 'under-replicated': 0, 'over-replicated': 0 };
  const report = { files: 0, blocks: 0, bytes: 0, healthy: true, counts, problems: [] as FsckProblem[] };
  for (const [names, file] of filesBelow(root, at.names)) {
    report.files += 1;
    for (const problem of problemsOf(namenode, pathOf(names), file)) {
      if (problem.kind !== 'over-replicated') report.healthy = false;
      counts[problem.kind] += 1;
      if (counts[problem.kind] <= PROBLEMS_MAX) report.problems.push(problem);
    }
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
  const wanted = file.attributes.replication;
  for (const { id } of file.blocks) {
    const holders = namenode.blocks.nodesOf(id).map((node) => namenode.datanodes.byNumber(node));
    const replicas = holders.filter(({ isAlive, deletions }) => isAlive && !deletions.has(id)).length;
    const corrupt = namenode.replication.corrupt.get(id)?.size ?? 0;
    const common = { path, block: id, replicas, wanted };
    if (corrupt > 0) yield { ...common, kind: 'corrupt' };
    if (replicas === 0) yield { ...common, kind: 'missing' };
    else if (replicas < wanted) yield { ...common, kind: 'under-replicated' };
    else if (replicas > wanted) yield { ...common, kind: 'over-replicated' };
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

/** `normal` again, or on its way out. Throws FileNotFoundException for a node that nobody knows. */
export function setService(namenode: NameNode, node: string, service: Service): void {
  const datanode = namenode.datanodes.byId(node);
  if (!datanode) {
    const known = namenode.datanodes.all().map((one) => one.node);
    throw new StoreError(
      'FileNotFoundException',
      `There is no datanode ${node}; known are ${known.join(', ') || 'none'}`,
    );
  }
  datanode.service = service;
  for (const block of namenode.blocks.blocksOf(datanode.number)) namenode.replication.look(block);
}
