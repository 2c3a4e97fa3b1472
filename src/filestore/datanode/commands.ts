/**
 * Does what a namenode commands. It says the same again until a report shows that it was done, so what is under way already is not begun
 * once more, and what there is no hand for now waits for one.
 */

import type { Logger } from '../../observe/logger.ts';
import type { Bytes } from '../network.ts';
import type { DatanodeCommand, DatanodeId, FailedCopy, HeartbeatReply, Replica } from '../protocol.ts';
import type { BlockStore } from './block-store.ts';
import type { NamenodeSession } from './namenode-session.ts';
import { sendToAll } from './send-block.ts';
import type { Sending } from './send-block.ts';
import type { Throttle } from './throttle.ts';

/** Blocks that are copied at a time: they share one bandwidth, and a few hide each other's beginnings and ends. */
const COPIES_MAX = 4;
/** Replicas that are removed at a time. */
const DELETIONS_MAX = 64;
/** As many as a namenode orders at once. */
const WAITING_MAX = 1000;

export type CommandsOptions = Sending & {
  readonly store: BlockStore;
  readonly logger: Pick<Logger, 'warn'>;
  /** For everything that is copied. */
  readonly bandwidth: Throttle;
};

/** The session with the namenode that commands. */
type Commander = Pick<NamenodeSession, 'reportAll' | 'mayDelete'>;

const nameOf = ({ block, generation }: Omit<Replica, 'length'>): string => `${block}_${generation}`;

export class Commands {
  readonly #options: CommandsOptions;
  readonly #copies = new Hands(COPIES_MAX);
  readonly #deletions = new Hands(DELETIONS_MAX);
  #failed: FailedCopy[] = [];
  #epoch = -Infinity;

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  get copies(): number {
    return this.#copies.size;
  }

  /** Since it was asked the last time. */
  takeFailedCopies(): readonly FailedCopy[] {
    const failed = this.#failed;
    this.#failed = [];
    return failed;
  }

  /** Nothing that a namenode says which another has overtaken. */
  obey({ epoch, commands }: HeartbeatReply, namenode: Commander): void {
    if (epoch < this.#epoch) return;
    this.#epoch = epoch;
    for (const command of commands) this.#obey(command, namenode);
  }

  #obey(command: DatanodeCommand, namenode: Commander): void {
    switch (command.kind) {
      case 'copy':
        return this.#begin(this.#copies, command.replica, () => this.#copy(command));
      case 'delete':
        for (const order of command.replicas) {
          this.#begin(this.#deletions, order, () => this.#options.store.delete(order, () => namenode.mayDelete(order)));
        }
        return;
      case 'report':
        return namenode.reportAll();
    }
  }

  #begin(hands: Hands, replica: Omit<Replica, 'length'>, work: () => Promise<void>): void {
    hands.begin(nameOf(replica), () =>
      work().catch((error: unknown) => this.#options.logger.warn({ error, ...replica }, 'a command was not done')),
    );
  }

  async #copy({ replica, targets }: DatanodeCommand & { kind: 'copy' }): Promise<void> {
    const { store, logger } = this.#options;
    let stored: readonly DatanodeId[] = [];
    try {
      const { length, crc32c } = await store.stored(replica);
      const open = async (): Promise<Bytes> => this.#throttled((await store.read(replica, 0, length)).body);
      const block = Object.assign({}, replica, { length, crc32c, bytesMax: length });
      stored = await sendToAll(this.#options, block, targets, open, (target, error) =>
        logger.warn({ error, target, ...replica }, 'a block could not be copied'),
      );
    } finally {
      for (const { node } of targets) {
        if (!stored.includes(node)) this.#failed.push({ block: replica.block, target: node });
      }
    }
  }

  #throttled(body: Bytes): Bytes {
    const { bandwidth, signal } = this.#options;
    return {
      [Symbol.asyncIterator]: () => {
        const iterator = body[Symbol.asyncIterator]();
        return {
          next: async () => {
            const result = await iterator.next();
            if (!result.done) await bandwidth.take(result.value.length, signal);
            return result;
          },
          return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
        };
      },
    };
  }

  /** Everything that was begun has ended. */
  async ended(): Promise<void> {
    await Promise.all([this.#copies.ended(), this.#deletions.ended()]);
  }
}

/** So many pieces of work at a time, each under its name once; the others wait. What there is no room for is said again. */
class Hands {
  readonly #most: number;
  readonly #running = new Map<string, Promise<void>>();
  readonly #waiting = new Map<string, () => Promise<void>>();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#running.size;
  }

  /** `work` does not reject. */
  begin(name: string, work: () => Promise<void>): void {
    if (this.#running.has(name) || this.#waiting.has(name)) return;
    if (this.#running.size < this.#most) return this.#run(name, work);
    if (this.#waiting.size < WAITING_MAX) this.#waiting.set(name, work);
  }

  async ended(): Promise<void> {
    this.#waiting.clear();
    await Promise.all(this.#running.values());
  }

  #run(name: string, work: () => Promise<void>): void {
    const done = work().finally(() => {
      this.#running.delete(name);
      for (const [next, waiting] of this.#waiting) {
        this.#waiting.delete(next);
        this.#run(next, waiting);
        return;
      }
    });
    this.#running.set(name, done);
  }
}
