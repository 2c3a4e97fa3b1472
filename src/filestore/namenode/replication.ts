/**
 * Keeps every block at the number of replicas that its file wants: too few are copied, too many deleted, damaged ones replaced before
 * they are deleted. Looks at blocks that something happened to, those with one replica first.
 */

import type { Clock } from '../../common/clock.ts';
import type { Block, BlockId } from '../namespace/state.ts';
import type { DatanodeCommand, FailedCopy, Heartbeat } from '../protocol.ts';
import type { BlockMap, NodeNumber } from './block-map.ts';
import { type Datanode, type Datanodes, orderDeletion } from './datanodes.ts';
import { chooseExcess, placeReplicas, type Random } from './placement.ts';
import { countedHolders, holdersOf, isNeeded } from './replicas.ts';

/** Copies that one datanode is told to make at a time, and their bytes: its disk and network serve readers too. */
const COPIES_PER_NODE_MAX = 64;
const COPY_BYTES_PER_NODE_MAX = 512 * 1024 * 1024;
/** A copy that is not reported within so long is ordered anew, elsewhere perhaps. */
const COPY_TIMEOUT_MS = 60_000;
/** Replicas that one heartbeat's answer names for deletion. */
const DELETIONS_PER_HEARTBEAT = 1_000;
/** Blocks that found no room on another rack are looked at again so often: a walk over all that datanodes have. */
const CROWDED_AGAIN_MS = 300_000;
/** Blocks looked at in one turn, so that others are served in between. */
const BLOCKS_PER_TURN = 2_000;

type Copy = {
  readonly source: NodeNumber;
  readonly target: NodeNumber;
  readonly bytes: number;
  readonly until: number;
};

type Sending = { copies: number; bytes: number };

/** A replica on its way from one datanode to another: copied first, then deleted where it was. */
export type Move = {
  readonly source: Datanode;
  readonly target: Datanode;
  readonly bytes: number;
  /** The copy is there; `heartbeat`: the target's last one before, which has not counted it. */
  arrived: { readonly heartbeat: Heartbeat | undefined } | undefined;
};

export type ReplicationOptions = {
  readonly clock: Clock;
  readonly random: Random;
  readonly blocks: BlockMap;
  readonly datanodes: Datanodes;
  /** Undefined: nobody names the block any more, or it is being written. */
  readonly completeBlock: (id: BlockId) => (Block & { readonly length: number }) | undefined;
};

export class Replication {
  readonly #options: ReplicationOptions;
  /** With one replica or none at work: they come first. */
  readonly #urgent = new Set<BlockId>();
  readonly #doubtful = new Set<BlockId>();
  readonly #copies = new Map<BlockId, Copy[]>();
  /** Of each datanode: copies that it is to make. */
  readonly #sending = new Map<NodeNumber, Sending>();
  /** Replicas that do not hold what they should; readers are not sent there. */
  readonly #corrupt = new Map<BlockId, Set<NodeNumber>>();
  readonly #moves = new Map<BlockId, Move>();
  #endedMoves: (Move & { readonly isDone: boolean })[] = [];
  /** Since when a block has stood on one rack because others had no room for it. */
  #crowdedMs: number | undefined;

  constructor(options: ReplicationOptions) {
    this.#options = options;
  }

  /** Something happened to the block. */
  look(id: BlockId): void {
    const holders = holdersOf(this.#options, id);
    (holders.length <= 1 ? this.#urgent : this.#doubtful).add(id);
    const going = holders.filter(({ service }) => service !== 'normal');
    if (going.length === 0) return;
    const block = this.#options.completeBlock(id);
    // One that is being written is not known to have enough elsewhere.
    for (const datanode of going) if (!block || isNeeded(datanode, block, holders)) datanode.doubts += 1;
  }

  /** Blocks that still have to be looked at, or wait for a copy. */
  get pending(): number {
    return this.#urgent.size + this.#doubtful.size + this.#copies.size;
  }

  /** By block. */
  get moves(): ReadonlyMap<BlockId, Move> {
    return this.#moves;
  }

  /** Blocks wait for a copy that they need. */
  get isRepairing(): boolean {
    for (const block of this.#copies.keys()) if (!this.#moves.has(block)) return true;
    return this.#urgent.size > 0;
  }

  /** Since the last call; those that came to nothing too. */
  takeEndedMoves(): readonly (Move & { readonly isDone: boolean })[] {
    const ended = this.#endedMoves;
    this.#endedMoves = [];
    return ended;
  }

  /** Whether blocks found no room on another rack a while ago, and may find it now. */
  takeCrowded(): boolean {
    const since = this.#crowdedMs ?? Infinity;
    if (this.#options.clock.elapsedMs() - since < CROWDED_AGAIN_MS) return false;
    this.#crowdedMs = undefined;
    return true;
  }

  /** False: not now, since something else is to be done about the block, or the source has enough to do. */
  move(id: BlockId, source: Datanode, target: Datanode): boolean {
    const block = this.#options.completeBlock(id);
    if (!block || this.#copies.has(id) || this.#corrupt.has(id) || this.#moves.has(id)) return false;
    const holders = holdersOf(this.#options, id);
    const atRest = holders.every((node) => node.isAlive && node.service === 'normal' && !node.deletions.has(id));
    if (!atRest || holders.length !== block.replication || !holders.includes(source)) return false;
    if (holders.includes(target) || target.deletions.has(id) || target.freeBytes < block.length) return false;
    if (!this.#canCopy(source, block.length)) return false;
    this.#moves.set(id, { source, target, bytes: block.length, arrived: undefined });
    this.#send(block, source, [target]);
    return true;
  }

  get corrupt(): ReadonlyMap<BlockId, ReadonlySet<NodeNumber>> {
    return this.#corrupt;
  }

  /** A replica that holds other bytes than it should. */
  foundCorrupt(block: BlockId, node: NodeNumber): void {
    const nodes = this.#corrupt.get(block) ?? new Set();
    nodes.add(node);
    this.#corrupt.set(block, nodes);
    this.#options.blocks.deny(block, node);
    this.look(block);
  }

  /** A datanode says that it has a good replica: one was copied, written, or came back. */
  arrived(block: BlockId, node: NodeNumber): void {
    this.#endCopies(block, (copy) => copy.target === node);
    const move = this.#moves.get(block);
    if (move?.target.number === node) move.arrived ??= { heartbeat: move.target.heartbeat };
    this.#noLongerCorrupt(block, node);
    this.look(block);
  }

  /** A datanode says that it has no replica of it, good or bad. */
  gone(block: BlockId, node: NodeNumber): void {
    this.#noLongerCorrupt(block, node);
    const move = this.#moves.get(block);
    if (move?.source.number === node)
      this.#endMove(block, this.#options.blocks.nodesOf(block).includes(move.target.number));
    this.look(block);
  }

  /** Its source says so: the target is full or broken, or cannot be reached from there. */
  copiesFailed({ number }: Datanode, failed: readonly FailedCopy[]): void {
    for (const { block, target } of failed) {
      const node = this.#options.datanodes.byId(target)?.number;
      if (this.#endCopies(block, (copy) => copy.source === number && copy.target === node)) this.look(block);
    }
  }

  /** Nothing that it was to do will be done. */
  nodeLost(node: NodeNumber): void {
    for (const block of this.#copies.keys()) {
      if (this.#endCopies(block, ({ source, target }) => source === node || target === node)) this.look(block);
    }
    for (const block of this.#corrupt.keys()) this.#noLongerCorrupt(block, node);
    for (const [block, { source, target }] of this.#moves) {
      if (source.number === node || target.number === node) this.#endMove(block, false);
    }
  }

  /** Nobody names the block any more: all replicas go. */
  release(block: BlockId, generation: number): void {
    const { blocks, datanodes } = this.#options;
    const corrupt = this.#corrupt.get(block) ?? [];
    for (const node of [...blocks.forget(block), ...corrupt])
      orderDeletion(datanodes.byNumber(node), block, generation);
    this.#corrupt.delete(block);
    this.#endCopies(block, () => true);
    this.#endMove(block, false);
    this.#urgent.delete(block);
    this.#doubtful.delete(block);
  }

  /** Decides about blocks that were to be looked at, and orders what is needed. */
  turn(): void {
    this.#giveUpLateCopies();
    const blocks = [...first(this.#urgent, BLOCKS_PER_TURN)];
    blocks.push(...first(this.#doubtful, BLOCKS_PER_TURN - blocks.length));
    for (const block of blocks) {
      this.#urgent.delete(block);
      this.#doubtful.delete(block);
      // What cannot be had now may be had in the next turn; others come first then.
      if (!this.#decide(block)) this.look(block);
    }
  }

  /** For the answer to a datanode's heartbeat: all that it is to do, until it is reported. It may not have heard it the last time. */
  commandsFor(datanode: Datanode): readonly DatanodeCommand[] {
    const commands: DatanodeCommand[] = [...this.#copyCommands(datanode)];
    if (datanode.deletions.size === 0) return commands;
    const replicas = [...first(datanode.deletions.values(), DELETIONS_PER_HEARTBEAT)];
    return [...commands, { kind: 'delete', replicas }];
  }

  *#copyCommands({ number }: Datanode): Generator<DatanodeCommand, void> {
    const { datanodes, completeBlock } = this.#options;
    for (const [id, copies] of this.#copies) {
      const targets = copies.filter(({ source }) => source === number).map(({ target }) => datanodes.byNumber(target));
      const block = targets.length > 0 ? completeBlock(id) : undefined;
      if (!block) continue;
      const { generation, length } = block;
      const addresses = targets.map(({ node, registration }) => ({ node, address: registration.address }));
      yield { kind: 'copy', replica: { block: id, generation, length }, targets: addresses };
    }
  }

  /** False: more is needed than could be ordered now. */
  #decide(id: BlockId): boolean {
    const block = this.#options.completeBlock(id);
    if (!block) return true;
    const holders = holdersOf(this.#options, id);
    // Nobody has it: whoever comes back with it is heard of.
    if (holders.length === 0) return true;
    const good = holders.filter((node) => !node.deletions.has(id));
    // Perhaps the order to delete has not been carried out yet.
    if (good.length === 0) for (const node of holders) node.deletions.delete(id);
    const counted = countedHolders(good, id);
    this.#endIdleMove(block, counted);
    // A copy that is to replace another replica makes good none that was lost.
    const moving = this.#moves.get(id)?.target.number;
    const promised = this.#copies.get(id)?.filter(({ target }) => target !== moving) ?? [];
    const missing = block.replication - counted.length - promised.length;
    if (missing > 0) return this.#copy(block, good, missing);
    if (counted.length > block.replication) return this.#trim(block, counted);
    if (missing === 0 && this.#couldSpread(block, counted)) return this.#copy(block, good, 1);
    if (counted.length === block.replication) this.#deleteCorrupt(block);
    return true;
  }

  /** All on one rack, and another one has room: the block gets one replica more there, and one of the others is too many then. */
  #couldSpread(block: Block & { readonly length: number }, counted: readonly Datanode[]): boolean {
    const racks = new Set(counted.map(({ rack }) => rack));
    if (block.replication < 2 || racks.size !== 1 || !counted.every(({ isAlive }) => isAlive)) return false;
    const corrupt = this.#corrupt.get(block.id);
    const hasRoom = ({ number, freeBytes, deletions }: Datanode): boolean =>
      freeBytes >= block.length && !deletions.has(block.id) && corrupt?.has(number) !== true;
    const elsewhere = this.#options.datanodes.writable().filter(({ rack }) => !racks.has(rack));
    if (elsewhere.some(hasRoom)) return true;
    // Nothing happens to the block when there is room: it has to be remembered that there are some.
    if (elsewhere.length > 0) this.#crowdedMs ??= this.#options.clock.elapsedMs();
    return false;
  }

  #copy(block: Block & { readonly length: number }, holders: readonly Datanode[], count: number): boolean {
    const { datanodes, random } = this.#options;
    const [source] = holders
      .filter((node) => node.isAlive && this.#canCopy(node, block.length))
      .toSorted((a, b) => this.#sendingOf(a.number).copies - this.#sendingOf(b.number).copies);
    if (!source) return false;
    const promised = (this.#copies.get(block.id) ?? []).map(({ target }) => datanodes.byNumber(target));
    const corrupt = [...(this.#corrupt.get(block.id) ?? [])].map((node) => datanodes.byNumber(node).node);
    const leaving = datanodes.alive().filter(({ deletions }) => deletions.has(block.id));
    const excluded = new Set([...corrupt, ...leaving.map(({ node }) => node)]);
    const existing = [...holders, ...promised];
    const request = { count, bytes: block.length, existing, excluded };
    const targets = placeReplicas(datanodes.writable(), request, random);
    // Where a damaged replica stands no good one can: those give way when there is no other place.
    if (targets.length < count) this.#deleteCorrupt(block);
    if (targets.length === 0) return false;
    this.#send(block, source, targets);
    return targets.length === count;
  }

  #send(block: Block & { readonly length: number }, source: Datanode, targets: readonly Datanode[]): void {
    const until = this.#options.clock.elapsedMs() + COPY_TIMEOUT_MS;
    const copies = targets.map((target) => ({
      source: source.number,
      target: target.number,
      bytes: block.length,
      until,
    }));
    this.#copies.set(block.id, [...(this.#copies.get(block.id) ?? []), ...copies]);
    const sending = this.#sendingOf(source.number);
    sending.copies += copies.length;
    sending.bytes += copies.length * block.length;
  }

  /** Its copy was given up, or the block has lost another replica meanwhile: nothing is to go. */
  #endIdleMove(block: Block, counted: readonly Datanode[]): void {
    const move = this.#moves.get(block.id);
    if (!move || this.#copies.has(block.id)) return;
    const hasArrived = this.#options.blocks.nodesOf(block.id).includes(move.target.number);
    const mayGo = counted.length > block.replication || move.source.deletions.has(block.id);
    if (!hasArrived || !mayGo) this.#endMove(block.id, false);
  }

  #endMove(id: BlockId, isDone: boolean): void {
    const move = this.#moves.get(id);
    if (!move) return;
    this.#moves.delete(id);
    this.#endedMoves.push({ isDone, ...move });
  }

  /** False: somebody who holds it has not said yet what else it deleted or lost. */
  #trim(block: Block, counted: readonly Datanode[]): boolean {
    const { datanodes } = this.#options;
    // What a datanode reported before this namenode led may be what an earlier one told it to delete.
    if (datanodes.alive().some(({ reportedTo }) => reportedTo < Infinity)) return false;
    const working = counted.filter(({ isAlive, service }) => isAlive && service === 'normal');
    const excess = Math.min(counted.length, working.length) - block.replication;
    if (excess <= 0) return true;
    const moved = this.#movedFrom(block.id, working);
    const rest = working.filter((node) => node !== moved);
    const others = chooseExcess(rest, excess - (working.length - rest.length));
    for (const datanode of moved ? [moved, ...others] : others) orderDeletion(datanode, block.id, block.generation);
    return true;
  }

  /** Whose replica gives way to the copy, unless racks are fewer then, since something else has happened meanwhile. */
  #movedFrom(id: BlockId, working: readonly Datanode[]): Datanode | undefined {
    const move = this.#moves.get(id);
    if (!move || !working.includes(move.source)) return undefined;
    const without = (node: Datanode): number =>
      new Set(working.filter((one) => one !== node).map(({ rack }) => rack)).size;
    return without(move.source) >= without(move.target) ? move.source : undefined;
  }

  /** Only when a good replica is there: until then they are the best that anybody has. */
  #deleteCorrupt(block: Block): void {
    for (const node of this.#corrupt.get(block.id) ?? []) {
      orderDeletion(this.#options.datanodes.byNumber(node), block.id, block.generation);
    }
  }

  /** One at least, however large. */
  #canCopy(source: Datanode, bytes: number): boolean {
    const { copies, bytes: sum } = this.#sendingOf(source.number);
    return copies === 0 || (copies < COPIES_PER_NODE_MAX && sum + bytes <= COPY_BYTES_PER_NODE_MAX);
  }

  #sendingOf(node: NodeNumber): Sending {
    const sending = this.#sending.get(node) ?? { copies: 0, bytes: 0 };
    this.#sending.set(node, sending);
    return sending;
  }

  #giveUpLateCopies(): void {
    const now = this.#options.clock.elapsedMs();
    for (const block of this.#copies.keys()) {
      if (this.#endCopies(block, ({ until }) => until < now)) this.look(block);
    }
  }

  /** Whether there were such copies. */
  #endCopies(block: BlockId, isOver: (copy: Copy) => boolean): boolean {
    const copies = this.#copies.get(block);
    if (!copies) return false;
    const over = copies.filter(isOver);
    const rest = copies.filter((copy) => !over.includes(copy));
    for (const { source, bytes } of over) {
      const sending = this.#sendingOf(source);
      sending.copies -= 1;
      sending.bytes -= bytes;
    }
    if (rest.length === 0) this.#copies.delete(block);
    else this.#copies.set(block, rest);
    return rest.length < copies.length;
  }

  #noLongerCorrupt(block: BlockId, node: NodeNumber): void {
    const nodes = this.#corrupt.get(block);
    nodes?.delete(node);
    if (nodes?.size === 0) this.#corrupt.delete(block);
  }
}

function* first<T>(all: Iterable<T>, count: number): Generator<T, void> {
  let left = count;
  for (const one of all) {
    if (left-- <= 0) return;
    yield one;
  }
}
