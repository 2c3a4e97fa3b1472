/**
 * What is wrong with a store, by what stands on its disks: nothing, a while after the last trouble. It believes neither the namenode nor
 * the datanodes.
 */

import { fsck } from '../../src/filestore/namenode/administration.ts';
import type { NameNode } from '../../src/filestore/namenode/namenode.ts';
import { entries, get } from '../../src/filestore/namespace/ordered-map.ts';
import { pathOfInode } from '../../src/filestore/namespace/queries.ts';
import type { Block, FileNode, Inode, Namespace } from '../../src/filestore/namespace/state.ts';
import { atOnce } from '../filestore/namenode/at-once.ts';
import type { DataNodeLife } from './store-processes.ts';

/** Of a replica on a datanode's disk, bytes or checksums: `<block>_<generation>`. */
export const replicaOf = (path: string): string | undefined => /\/blocks\/.*\/(\d+_\d+)(?:\.crc)?$/.exec(path)?.[1];

/** Problems of replicas, by name; none when all is well. */
export function replicaProblems(namenode: NameNode, nodes: readonly DataNodeLife[]): readonly string[] {
  const { problems: told } = atOnce(fsck(namenode, '/'));
  const problems = told.map((problem) => `fsck: ${JSON.stringify(problem)}`);
  const soundAt = soundReplicas(nodes);
  const named = new Set<string>();
  const racks = racksOf(nodes);
  const { state } = namenode;
  for (const [path, file, from] of namedFiles(state)) {
    if (from === 'live' && file.client !== undefined) problems.push(`${path} is still being written`);
    for (const { id } of file.blocks) {
      // As it is now: a snapshot has the block as it was.
      const block = get(state.blocks, id);
      if (!block) {
        problems.push(`${path}: block ${id} is forgotten`);
        continue;
      }
      const name = `${id}_${block.generation}`;
      if (named.has(name)) continue;
      named.add(name);
      // It was given up while it was written; a snapshot still has its name, and nobody can read it.
      if (block.length === undefined) continue;
      const holding = [...(soundAt.get(name) ?? [])];
      const there = new Set(holding.map((node) => node.id!));
      const said = holders(namenode, block);
      for (const node of said) if (!there.has(node)) problems.push(`${path}: ${node} has no sound replica of ${name}`);
      // Also of blocks that only snapshots have, through which fsck does not go: it is on its way out.
      if (namenode.replication.corrupt.has(id)) problems.push(`${path}: a replica of ${name} is known to be damaged`);
      if (there.size !== block.replication) {
        problems.push(`${path}: ${name} has ${there.size} sound replicas, ${block.replication} are wanted`);
      }
      // Each rack has a datanode at work, with room, once all is well.
      if (there.size > 1 && racks.size > 1 && racksOf(holding).size === 1) {
        problems.push(`${path}: all replicas of ${name} are on ${holding[0]!.rack}`);
      }
    }
  }
  for (const [id, { generation }] of entries(state.blocks)) {
    if (!named.has(`${id}_${generation}`)) problems.push(`block ${id} is kept, and nobody names it`);
  }
  for (const [name, there] of soundAt) {
    if (!named.has(name))
      problems.push(`${name} is nobody's, and stands on ${[...there].map(({ id }) => id).join(', ')}`);
  }
  return problems;
}

const racksOf = (nodes: readonly DataNodeLife[]): ReadonlySet<string> => new Set(nodes.map(({ rack }) => rack));

/** Each replica by its name, and where it stands whole: no crash takes it, and nobody turned its bits. */
export function soundReplicas(nodes: readonly DataNodeLife[]): ReadonlyMap<string, ReadonlySet<DataNodeLife>> {
  const found = new Map<string, Set<DataNodeLife>>();
  for (const node of nodes) {
    // Bytes and checksums.
    const halves = new Set<string>();
    for (const path of node.disk.paths()) {
      const name = replicaOf(path);
      if (name === undefined || !node.disk.isSound(path)) continue;
      if (halves.has(name)) found.set(name, (found.get(name) ?? new Set()).add(node));
      halves.add(name);
    }
  }
  return found;
}

/** Every replica by its name: its bytes, each as it stands on a disk. */
export function replicaBytes(nodes: readonly DataNodeLife[]): ReadonlyMap<string, readonly Buffer[]> {
  const found = new Map<string, Buffer[]>();
  for (const { disk } of nodes) {
    for (const path of disk.paths()) {
      const name = replicaOf(path);
      if (name !== undefined && path.endsWith(name)) found.set(name, [...(found.get(name) ?? []), disk.bytesOf(path)]);
    }
  }
  return found;
}

const holders = (namenode: NameNode, { id }: Block): readonly string[] =>
  namenode.blocks.nodesOf(id).map((number) => namenode.datanodes.byNumber(number).node);

/** Every file of the tree, and of each snapshot under its own path. */
export function* namedFiles(state: Namespace): Generator<readonly [string, FileNode, 'live' | 'snapshot'], void> {
  for (const [path, file] of files(state.root, '')) yield [path, file, 'live'];
  for (const [folder, snapshots] of entries(state.snapshots)) {
    const path = pathOfInode(state, folder)!;
    for (const { name, root } of snapshots) {
      for (const [below, file] of files(root, `${path}/.snapshot/${name}`)) yield [below, file, 'snapshot'];
    }
  }
}

function* files(inode: Inode, path: string): Generator<readonly [string, FileNode], void> {
  if (inode.kind === 'file') yield [path, inode];
  else for (const [name, child] of entries(inode.children)) yield* files(child, `${path}/${name}`);
}
