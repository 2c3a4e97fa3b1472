/**
 * A network in this process: messages go through JSON, bodies piece by piece. A node that is killed answers nobody any more, and what it
 * had under way breaks off; one that hangs is silent.
 */

import type { Clock } from '../../../src/common/clock.ts';
import { NetworkError } from '../../../src/filestore/network.ts';
import type { Address, Bytes, CallOptions, Operations, StoreNetwork } from '../../../src/filestore/network.ts';

type Node = {
  readonly operations: Operations;
  readonly died: Promise<never>;
  readonly die: () => void;
  hangs: boolean;
};
type Handler = (message: never, body: Bytes) => Promise<{ readonly answer: object; readonly body?: Bytes }>;

export class FakeNetwork {
  readonly #clock: Clock;
  readonly #nodes = new Map<Address, Node>();
  /** Asked before each piece of a body goes on, with how many went before. */
  onPiece: (to: Address, pieces: number) => void | Promise<void> = () => undefined;
  /** Every call, `from → to operation`. */
  readonly calls: string[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  serve(address: Address, operations: Operations): void {
    let die!: () => void;
    const died = new Promise<never>((_, reject) => {
      die = () => reject(new NetworkError(`${address} is gone`));
    });
    died.catch(() => undefined);
    this.#nodes.set(address, { operations, died, die, hangs: false });
  }

  kill(address: Address): void {
    this.#nodes.get(address)?.die();
    this.#nodes.delete(address);
  }

  hang(address: Address): void {
    this.#nodes.get(address)!.hangs = true;
  }

  /** The network as the process at `from` sees it. */
  of(from: Address): StoreNetwork {
    return {
      call: async (to, operation, message, options) =>
        (await this.#call(from, to, operation, message, options)).answer as never,
      fetch: async (to, operation, message, options) => {
        const { answer, body } = await this.#call(from, to, operation, message, options);
        return { answer, body: this.#relay(to, this.#nodes.get(to), body ?? nothing()) };
      },
    };
  }

  async #call(
    from: Address,
    to: Address,
    operation: string,
    message: object,
    { body, timeoutMs, signal }: CallOptions = {},
  ): Promise<{ readonly answer: object; readonly body?: Bytes }> {
    this.calls.push(`${from} → ${to} ${operation}`);
    const [sender, node] = [this.#nodes.get(from), this.#nodes.get(to)];
    const handler = node?.operations[operation] as Handler | undefined;
    await Promise.resolve();
    if (!node || !handler) throw new NetworkError(`nobody is at ${to}`);
    let fail!: (problem: Error) => void;
    const given = new Promise<never>((_, reject) => (fail = reject));
    const giveUp = (): void => fail(new NetworkError(`${to} does not answer`));
    const callOff = timeoutMs === undefined ? undefined : this.#clock.after(timeoutMs, giveUp);
    signal?.addEventListener('abort', giveUp);
    if (signal?.aborted) giveUp();
    const answer = node.hangs
      ? new Promise<never>(() => undefined)
      : handler(json(message), this.#relay(to, sender, body ?? nothing()));
    answer.catch(() => undefined);
    try {
      const result = await Promise.race([answer, node.died, given, ...(sender ? [sender.died] : [])]);
      return { ...result, answer: json(result.answer) };
    } finally {
      callOff?.();
      signal?.removeEventListener('abort', giveUp);
    }
  }

  /** Breaks off, with an error, when the node at the other end dies. */
  async *#relay(to: Address, other: Node | undefined, body: Bytes): AsyncGenerator<Uint8Array, void, void> {
    const iterator = body[Symbol.asyncIterator]();
    let ended = false;
    try {
      for (let pieces = 0; ; pieces++) {
        const result = await Promise.race([iterator.next(), ...(other ? [other.died] : [])]);
        if (result.done) {
          ended = true;
          return;
        }
        await this.onPiece(to, pieces);
        yield Uint8Array.from(result.value);
      }
    } finally {
      if (!ended) void iterator.return?.();
    }
  }
}

const json = (message: object): never => JSON.parse(JSON.stringify(message)) as never;

// oxlint-disable-next-line require-yield
async function* nothing(): AsyncGenerator<Uint8Array, void, void> {}

/** Lets everything run that waits for something else than time. */
export async function settle(turns = 60): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}
