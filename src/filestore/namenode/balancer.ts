/**
 * Evens out how full the datanodes are, when an operator asks for it: a replica is copied to where there is room, and trimmed where it was
 * once the copy is there. Repairs go first, and no datanode sends or takes more than it was allowed.
 */

import type { Clock } from '../../common/clock.ts';
import type { BlockId } from '../namespace/state.ts';
import { StoreError } from '../network.ts';
import type { BalanceReply, BalanceRequest, Heartbeat } from '../protocol.ts';
import { requireSuperuser } from './administration.ts';
import { averageOf, mayMove, type Plan, planBalance, utilisation, type Weighed } from './balance-plan.ts';
import type { BlockMap } from './block-map.ts';
import type { Datanode, Datanodes } from './datanodes.ts';
import type { Replication } from './replication.ts';

const THRESHOLD = 10;
const BYTES_PER_SECOND = 100 * 1024 * 1024;
/** Moves that one datanode takes part in at a time: it copies four blocks at once, and repairs come in between. */
const MOVES_PER_NODE = 2;
/** Blocks of one datanode that are looked at in a turn. */
const BLOCKS_PER_TURN = 1_000;

export type BalancerOptions = {
  readonly clock: Clock;
  readonly blocks: BlockMap;
  readonly datanodes: Datanodes;
  readonly replication: Replication;
  /** Undefined: it is being written, or nobody's. */
  readonly lengthOf: (block: BlockId) => number | undefined;
};

/** A datanode as it will be when all that is on its way has arrived. */
type Node = Weighed & { readonly datanode: Datanode };

/** Bytes that came or went and that no heartbeat has counted yet. */
type Uncounted = { readonly node: Datanode; readonly bytes: number; readonly heartbeat: Heartbeat | undefined };

type Walk = {
  readonly blocks: Iterator<BlockId>;
  /** A block was found that may go, now or later. */
  isFruitful: boolean;
};

export class Balancer {
  readonly #options: BalancerOptions;
  #state: BalanceReply['state'] = 'idle';
  #threshold = THRESHOLD;
  #bytesPerSecond = BYTES_PER_SECOND;
  #startedMs = 0;
  #endedMs = 0;
  #movedBlocks = 0;
  #movedBytes = 0;
  readonly #walks = new Map<Datanode, Walk>();
  /** Whole walks that found nothing. */
  readonly #fruitless = new Set<Datanode>();
  /** When what a datanode sent or took so far is paid for. */
  readonly #paidMs = new Map<string, number>();
  #uncounted: Uncounted[] = [];

  constructor(options: BalancerOptions) {
    this.#options = options;
  }

  ask({ action, threshold, bytesPerSecond, ...message }: BalanceRequest): BalanceReply {
    requireSuperuser(message);
    if (action === 'start') this.#start(threshold ?? THRESHOLD, bytesPerSecond ?? BYTES_PER_SECOND);
    if (action === 'stop' && this.#state === 'running') this.#end('stopped');
    return this.#reply();
  }

  turn(): void {
    this.#takeEnded();
    if (this.#state !== 'running') return;
    const nodes = this.#nodes();
    const plan = planBalance(nodes, this.#threshold);
    const { moves, isRepairing } = this.#options.replication;
    if (plan.leftBytes === 0) {
      // What is on its way is counted as if it were there.
      if (moves.size === 0) this.#end('balanced');
      return;
    }
    if (isRepairing) return;
    for (const source of plan.sources) this.#relieve(source, plan, nodes);
    if (moves.size === 0 && plan.sources.every(({ datanode }) => this.#fruitless.has(datanode))) this.#end('stuck');
  }

  #start(threshold: number, bytesPerSecond: number): void {
    if (!(threshold >= 1 && threshold <= 100)) {
      throw new StoreError('IllegalArgumentException', `The threshold is a percentage from 1 to 100, not ${threshold}`);
    }
    if (!(bytesPerSecond >= 1)) {
      throw new StoreError('IllegalArgumentException', `${bytesPerSecond} bytes a second move nothing`);
    }
    [this.#threshold, this.#bytesPerSecond] = [threshold, bytesPerSecond];
    this.#forgetWalks();
    if (this.#state === 'running') return;
    this.#state = 'running';
    this.#startedMs = this.#options.clock.elapsedMs();
    [this.#movedBlocks, this.#movedBytes] = [0, 0];
  }

  /** Moves under way go on. */
  #end(state: 'balanced' | 'stuck' | 'stopped'): void {
    this.#state = state;
    this.#endedMs = this.#options.clock.elapsedMs();
    this.#forgetWalks();
  }

  #forgetWalks(): void {
    this.#walks.clear();
    this.#fruitless.clear();
  }

  #takeEnded(): void {
    for (const { source, target, bytes, arrived, isDone } of this.#options.replication.takeEndedMoves()) {
      if (!isDone) continue;
      this.#movedBlocks += 1;
      this.#movedBytes += bytes;
      this.#uncounted.push({ node: source, bytes: -bytes, heartbeat: source.heartbeat });
      if (arrived) this.#uncounted.push({ node: target, bytes, heartbeat: arrived.heartbeat });
    }
    this.#uncounted = this.#uncounted.filter(({ node, heartbeat }) => node.heartbeat === heartbeat);
  }

  /** Those that take part. */
  #nodes(): readonly Node[] {
    const { datanodes, replication } = this.#options;
    const change = new Map<Datanode, number>();
    const add = (node: Datanode, bytes: number): void => void change.set(node, (change.get(node) ?? 0) + bytes);
    for (const { node, bytes } of this.#uncounted) add(node, bytes);
    for (const { source, target, bytes, arrived } of replication.moves.values()) {
      add(source, -bytes);
      if (!arrived || arrived.heartbeat === target.heartbeat) add(target, bytes);
    }
    return datanodes.writable().map((datanode) => ({
      datanode,
      rack: datanode.rack,
      host: datanode.host,
      capacityBytes: datanode.heartbeat?.capacityBytes ?? 0,
      usedBytes: (datanode.heartbeat?.usedBytes ?? 0) + (change.get(datanode) ?? 0),
    }));
  }

  /** Orders moves away from it while it may have more. */
  #relieve(source: Node, plan: Plan<Node>, nodes: readonly Node[]): void {
    const { datanode } = source;
    if (this.#fruitless.has(datanode) || !this.#isFree(datanode, 'from')) return;
    const walk = this.#walks.get(datanode) ?? {
      blocks: this.#options.blocks.blocksOf(datanode.number),
      isFruitful: false,
    };
    this.#walks.set(datanode, walk);
    for (let looks = 0; looks < BLOCKS_PER_TURN; looks++) {
      const next = walk.blocks.next();
      if (next.done === true) {
        this.#walks.delete(datanode);
        if (!walk.isFruitful) this.#fruitless.add(datanode);
        return;
      }
      const found = this.#move(next.value, source, plan, nodes);
      if (found !== 'none') walk.isFruitful = true;
      // One a turn: the sums have changed.
      if (found === 'moved') return;
    }
  }

  /** `later`: there is a place for it, which is not to be had now. */
  #move(block: BlockId, source: Node, plan: Plan<Node>, nodes: readonly Node[]): 'moved' | 'later' | 'none' {
    const { blocks, replication, lengthOf } = this.#options;
    const bytes = lengthOf(block);
    if (bytes === undefined) return 'none';
    const numbers = blocks.nodesOf(block);
    const holders = nodes.filter(({ datanode }) => numbers.includes(datanode.number));
    const limits = { average: plan.average, threshold: this.#threshold };
    const fit = plan.targets.filter(
      (target) => target !== source && !holders.includes(target) && mayMove(bytes, [source, target], holders, limits),
    );
    for (const { datanode } of fit) {
      if (!this.#isFree(datanode, 'to') || !replication.move(block, source.datanode, datanode)) continue;
      this.#pay(source.datanode, 'from', bytes);
      this.#pay(datanode, 'to', bytes);
      return 'moved';
    }
    return fit.length > 0 ? 'later' : 'none';
  }

  #isFree(node: Datanode, way: 'from' | 'to'): boolean {
    const { replication, clock } = this.#options;
    if ((this.#paidMs.get(`${way} ${node.node}`) ?? -Infinity) > clock.elapsedMs()) return false;
    let moves = 0;
    for (const { source, target } of replication.moves.values()) if (source === node || target === node) moves += 1;
    return moves < MOVES_PER_NODE;
  }

  #pay(node: Datanode, way: 'from' | 'to', bytes: number): void {
    const key = `${way} ${node.node}`;
    const now = this.#options.clock.elapsedMs();
    this.#paidMs.set(key, Math.max(now, this.#paidMs.get(key) ?? now) + (bytes / this.#bytesPerSecond) * 1_000);
  }

  #reply(): BalanceReply {
    const nodes = this.#nodes();
    const isRunning = this.#state === 'running';
    return {
      state: this.#state,
      threshold: this.#threshold,
      bytesPerSecond: this.#bytesPerSecond,
      elapsedMs: Math.round((isRunning ? this.#options.clock.elapsedMs() : this.#endedMs) - this.#startedMs),
      movedBlocks: this.#movedBlocks,
      movedBytes: this.#movedBytes,
      movingBlocks: this.#options.replication.moves.size,
      average: averageOf(nodes),
      datanodes: nodes.map((node) => ({ node: node.datanode.node, utilisation: utilisation(node) })),
      leftBytes: planBalance(nodes, this.#threshold).leftBytes,
    };
  }
}
