/**
 * What is wrong with a store, by what stands on its disks: nothing, a while after the last trouble. It believes neither the namenode nor
 * the datanodes.
 */

import { fsck } from '../../src/filestore/namenode/administration.ts';
import type { NameNode } from '../../src/filestore/namenode/namenode.ts';
import { entries } from '../../src/filestore/namespace/ordered-map.ts';
import type { Block, FileNode, Inode } from '../../src/filestore/namespace/state.ts';
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
  for (const [path, file] of files(namenode.state.root, '')) {
    if (file.client !== undefined) problems.push(`${path} is still being written`);
    for (const block of file.blocks) {
      const name = `${block.id}_${block.generation}`;
      named.add(name);
      const there = new Set([...(soundAt.get(name) ?? [])].map(({ id }) => id!));
      const said = holders(namenode, block);
      for (const node of said) if (!there.has(node)) problems.push(`${path}: ${node} has no sound replica of ${name}`);
      if (there.size !== block.replication) {
        problems.push(`${path}: ${name} has ${there.size} sound replicas, ${block.replication} are wanted`);
      }
    }
  }
  for (const [name, there] of soundAt) {
    if (!named.has(name))
      problems.push(`${name} is nobody's, and stands on ${[...there].map(({ id }) => id).join(', ')}`);
  }
  return problems;
}

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

export function* files(inode: Inode, path: string): Generator<readonly [string, FileNode], void> {
  if (inode.kind === 'file') yield [path, inode];
  else for (const [name, child] of entries(inode.children)) yield* files(child, `${path}/${name}`);
}
