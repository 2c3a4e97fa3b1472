/**
 * Which datanodes hold which blocks, and which held them when they were last heard of: soft state, rebuilt from block reports. A million
 * blocks of three replicas take some thirty megabytes: datanodes are small numbers, three of them packed in one, and blocks stand in pages by
 * their ids, so that what a datanode has between two ids is found without a walk through all.
 */

import type { BlockId } from '../namespace/state.ts';

/** A datanode by the place in which the namenode keeps it, from 1. */
export type NodeNumber = number;

/** Three numbers of ten bits each fit a small integer, which V8 keeps in place. */
const BITS = 10;
const PACKED_MAX = 2 ** BITS - 1;

type Packed = number | readonly NodeNumber[];

/** Ids of one page: few, so that what is left of old ones takes little; ids are given in turn, so most pages are well filled. */
const PAGE_IDS = 64;

/** Of those that had a block and are gone, the last ones are named: some never come back, and the block outlives many. */
const LOSSES_MAX = 3;

/** Pages that are walked in one go: some two thousand ids. */
const PAGES_PER_SLICE = 32;

/** By the id's place in the page; 0: nobody. */
type Column = Packed[];

/** `blocks` and `losses`: ids with somebody in `nodes`, in `lost`. `lost` takes as much again, where a datanode has gone. */
type Page = { blocks: number; losses: number; readonly nodes: Column; lost: Column | undefined };

const pageOf = (block: BlockId): number => Math.floor(block / PAGE_IDS);

export class BlockMap {
  readonly #pages = new Map<number, Page>();
  #lastPage = -1;
  #size = 0;

  /** Blocks with at least one replica. */
  get size(): number {
    return this.#size;
  }

  nodesOf(block: BlockId): readonly NodeNumber[] {
    return unpack(this.#pages.get(pageOf(block))?.nodes[block % PAGE_IDS] ?? 0);
  }

  /** The last of those that had it and were removed, and have not denied it since: who misses the block asks for them. */
  lostBy(block: BlockId): readonly NodeNumber[] {
    return unpack(this.#pages.get(pageOf(block))?.lost?.[block % PAGE_IDS] ?? 0);
  }

  /** False when it was known. */
  add(block: BlockId, node: NodeNumber): boolean {
    const nodes = this.nodesOf(block);
    if (nodes.includes(node)) return false;
    this.#set(block, [...nodes, node]);
    this.#found(block, node);
    return true;
  }

  /** It cannot be asked for it any more, though it may have it. False when it was not known to. */
  remove(block: BlockId, node: NodeNumber): boolean {
    const nodes = this.nodesOf(block);
    if (!nodes.includes(node)) return false;
    this.#setLost(block, [...this.lostBy(block), node].slice(-LOSSES_MAX));
    this.#set(block, without(nodes, node));
    return true;
  }

  /** It says itself that it has no good replica. */
  deny(block: BlockId, node: NodeNumber): void {
    const nodes = this.nodesOf(block);
    if (nodes.includes(node)) this.#set(block, without(nodes, node));
    this.#found(block, node);
  }

  /** The block is nobody's any more; answers who has it. */
  forget(block: BlockId): readonly NodeNumber[] {
    const nodes = this.nodesOf(block);
    if (nodes.length > 0) this.#set(block, []);
    if (this.lostBy(block).length > 0) this.#setLost(block, []);
    return nodes;
  }

  /** The blocks of one datanode with ids `from ≤ id < to`. Of all of a million: some milliseconds. They may change on the way. */
  blocksOf(node: NodeNumber, from: BlockId = 0, to: BlockId = Infinity): Generator<BlockId, void> {
    return this.#blocksIn('nodes', node, from, to);
  }

  /** The same of those that it had when it was removed. */
  lossesOf(node: NodeNumber, from: BlockId = 0, to: BlockId = Infinity): Generator<BlockId, void> {
    return this.#blocksIn('lost', node, from, to);
  }

  *#blocksIn(column: 'nodes' | 'lost', node: NodeNumber, from: BlockId, to: BlockId): Generator<BlockId, void> {
    for (const number of this.#pageNumbers(pageOf(from), Math.min(this.#lastPage, Math.ceil(to / PAGE_IDS) - 1))) {
      for (const block of this.#ofPage(number, column, node)) if (block >= from && block < to) yield block;
    }
  }

  /** The same, in slices of a millisecond of whoever walks them; some are empty. Between two, blocks may change. */
  *slicesOf(node: NodeNumber, from: BlockId = 0): Generator<readonly BlockId[], void> {
    let slice: BlockId[] = [];
    let pages = 0;
    for (const number of this.#pageNumbers(pageOf(from), this.#lastPage)) {
      for (const block of this.#ofPage(number, 'nodes', node)) if (block >= from) slice.push(block);
      pages += 1;
      if (pages % PAGES_PER_SLICE !== 0) continue;
      yield slice;
      slice = [];
    }
    yield slice;
  }

  *#ofPage(number: number, column: 'nodes' | 'lost', node: NodeNumber): Generator<BlockId, void> {
    for (let at = 0; at < PAGE_IDS; at++) {
      const packed = this.#pages.get(number)?.[column]?.[at] ?? 0;
      if (packed !== 0 && holds(packed, node)) yield number * PAGE_IDS + at;
    }
  }

  /** Those that are there, at most one by one from the first to the last. */
  *#pageNumbers(first: number, last: number): Generator<number, void> {
    if (last - first > 2 * this.#pages.size) {
      for (const number of this.#pages.keys()) if (number >= first && number <= last) yield number;
      return;
    }
    for (let number = first; number <= last; number++) if (this.#pages.has(number)) yield number;
  }

  #set(block: BlockId, nodes: readonly NodeNumber[]): void {
    const number = pageOf(block);
    const page = this.#pages.get(number) ?? this.#newPage(number);
    const place = block % PAGE_IDS;
    const change = (nodes.length > 0 ? 1 : 0) - (page.nodes[place] === 0 ? 0 : 1);
    page.nodes[place] = pack(nodes);
    page.blocks += change;
    this.#size += change;
    this.#dropIfEmpty(number, page);
  }

  #found(block: BlockId, node: NodeNumber): void {
    const lost = this.lostBy(block);
    if (lost.includes(node)) this.#setLost(block, without(lost, node));
  }

  #setLost(block: BlockId, nodes: readonly NodeNumber[]): void {
    const number = pageOf(block);
    const page = this.#pages.get(number)!;
    const place = block % PAGE_IDS;
    page.lost ??= newColumn();
    page.losses += (nodes.length > 0 ? 1 : 0) - (page.lost[place] === 0 ? 0 : 1);
    page.lost[place] = pack(nodes);
    if (page.losses === 0) page.lost = undefined;
    this.#dropIfEmpty(number, page);
  }

  #dropIfEmpty(number: number, { blocks, losses }: Page): void {
    if (blocks + losses === 0) this.#pages.delete(number);
  }

  #newPage(number: number): Page {
    const page: Page = { blocks: 0, losses: 0, nodes: newColumn(), lost: undefined };
    this.#pages.set(number, page);
    this.#lastPage = Math.max(this.#lastPage, number);
    return page;
  }
}

const newColumn = (): Column => Array.from({ length: PAGE_IDS }, () => 0);

const without = (nodes: readonly NodeNumber[], node: NodeNumber): readonly NodeNumber[] =>
  nodes.filter((one) => one !== node);

function pack(nodes: readonly NodeNumber[]): Packed {
  if (nodes.length > 3 || nodes.some((node) => node > PACKED_MAX)) return nodes;
  return nodes.reduce((packed, node) => (packed << BITS) | node, 0);
}

function unpack(packed: Packed): readonly NodeNumber[] {
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
