/**
 * Which datanodes hold which blocks: soft state, rebuilt from block reports. A million blocks of three replicas each take some sixty
 * megabytes: datanodes are small numbers, three of them packed in one.
 */

import { assert } from '../../common/assert.ts';
import type { BlockId } from '../namespace/state.ts';

/** A datanode by the place in which the namenode keeps it, from 1. */
export type NodeNumber = number;

/** Three numbers of ten bits each fit a small integer, which V8 keeps in place. */
const BITS = 10;
const PACKED_MAX = 2 ** BITS - 1;

type Packed = number | readonly NodeNumber[];

export class BlockMap {
  readonly #nodes = new Map<BlockId, Packed>();

  /** Blocks with at least one replica. */
  get size(): number {
    return this.#nodes.size;
  }

  nodesOf(block: BlockId): readonly NodeNumber[] {
    return unpack(this.#nodes.get(block));
  }

  /** False when it was known. */
  add(block: BlockId, node: NodeNumber): boolean {
    const nodes = this.nodesOf(block);
    if (nodes.includes(node)) return false;
    this.#nodes.set(block, pack([...nodes, node]));
    return true;
  }

  /** False when it was not known. */
  remove(block: BlockId, node: NodeNumber): boolean {
    const nodes = this.nodesOf(block);
    if (!nodes.includes(node)) return false;
    const rest = nodes.filter((one) => one !== node);
    if (rest.length === 0) this.#nodes.delete(block);
    else this.#nodes.set(block, pack(rest));
    return true;
  }

  /** The block is nobody's any more; answers who has it. */
  forget(block: BlockId): readonly NodeNumber[] {
    const nodes = this.nodesOf(block);
    this.#nodes.delete(block);
    return nodes;
  }

  /** The blocks of one datanode: a walk through all, some thirty milliseconds for a million. */
  *blocksOf(node: NodeNumber): Generator<BlockId, void> {
    for (const [block, packed] of this.#nodes) if (holds(packed, node)) yield block;
  }
}

function pack(nodes: readonly NodeNumber[]): Packed {
  assert(nodes.length > 0, 'a block without replicas is not kept');
  if (nodes.length > 3 || nodes.some((node) => node > PACKED_MAX)) return nodes;
  return nodes.reduce((packed, node) => (packed << BITS) | node, 0);
}

function unpack(packed: Packed | undefined): readonly NodeNumber[] {
  if (packed === undefined) return [];
  if (typeof packed !== 'number') return packed;
  const nodes: NodeNumber[] = [];
  for (let rest = packed; rest > 0; rest >>>= BITS) nodes.unshift(rest & PACKED_MAX);
  return nodes;
}

function holds(packed: Packed, node: NodeNumber): boolean {
  if (typeof packed !== 'number') return packed.includes(node);
  for (let rest = packed; rest > 0; rest >>>= BITS) if ((rest & PACKED_MAX) === node) return true;
  return false;
}
