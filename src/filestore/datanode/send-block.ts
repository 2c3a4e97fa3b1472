/** Bytes of a block on their way to another datanode: given up when that one stands still, however long the block is. */

import type { Clock } from '../../common/clock.ts';
import { NetworkError } from '../network.ts';
import type { Bytes, StoreNetwork } from '../network.ts';
import type { BlockTarget, DatanodeId, WriteBlock, WriteBlockReply } from '../protocol.ts';

export type Sending = {
  readonly network: StoreNetwork;
  readonly clock: Clock;
  /** How long one datanode may take no bytes, or leave the last ones without an answer. */
  readonly stallTimeoutMs: number;
  readonly signal: AbortSignal;
};

type Block = Omit<WriteBlock, 'pipeline'>;

/** To the first target, which passes it on to the others. Rejects with NetworkError or what the target says. */
export async function sendBlock(
  { network, clock, stallTimeoutMs, signal }: Sending,
  block: Block,
  targets: readonly BlockTarget[],
  body: Bytes,
): Promise<WriteBlockReply> {
  const [target, ...pipeline] = targets;
  // Those behind the target may stand still as well; the target then gives them up before we give up the target.
  const timeoutMs = stallTimeoutMs * targets.length;
  const controller = new AbortController();
  let callOff: (() => void) | undefined;
  try {
    return await new Promise<WriteBlockReply>((resolve, reject) => {
      const giveUp = (problem: Error): void => {
        controller.abort(problem);
        reject(problem);
      };
      const watch = (): void => {
        callOff?.();
        callOff = clock.after(timeoutMs, () =>
          giveUp(new NetworkError(`${target!.address} took no bytes of block ${block.block} for ${timeoutMs} ms`)),
        );
      };
      signal.addEventListener('abort', () => giveUp(signal.reason as Error), { signal: controller.signal });
      if (signal.aborted) giveUp(signal.reason as Error);
      watch();
      network
        .call<WriteBlockReply>(
          target!.address,
          'writeBlock',
          { pipeline, ...block },
          {
            body: watched(body, controller.signal, () => callOff?.(), watch),
            signal: controller.signal,
          },
        )
        .then(resolve, reject);
    });
  } finally {
    callOff?.();
    // Nobody listens for our own end any more.
    controller.abort(new NetworkError('the call has ended'));
  }
}

/**
 * `asked` when the taker wants a piece, `given` when it has one: time in between is not the taker's. After the call has ended a taker
 * that still asks gets an error, never what looks like the end of the block.
 */
function watched(body: Bytes, ended: AbortSignal, asked: () => void, given: () => void): Bytes {
  return {
    [Symbol.asyncIterator]: () => {
      const iterator = body[Symbol.asyncIterator]();
      return {
        next: async () => {
          ended.throwIfAborted();
          asked();
          const result = await iterator.next();
          ended.throwIfAborted();
          given();
          return result;
        },
        return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
      };
    },
  };
}

/**
 * A block that is here whole to all targets, in a pipeline; one that fails is left out, and the next one is first. Answers who has it.
 */
export async function sendToAll(
  sending: Sending,
  block: Block & { readonly length: number; readonly crc32c: number },
  targets: readonly BlockTarget[],
  open: () => Promise<Bytes>,
  onProblem: (target: BlockTarget, problem: unknown) => void,
): Promise<readonly DatanodeId[]> {
  const { length, crc32c, ...message } = block;
  for (let left = targets; left.length > 0 && !sending.signal.aborted; left = left.slice(1)) {
    const body = await open();
    try {
      const reply = await sendBlock(sending, message, left, body);
      assertSame(reply, { length, crc32c });
      return reply.stored;
    } catch (error) {
      await body[Symbol.asyncIterator]().return?.();
      onProblem(left[0]!, error);
    }
  }
  return [];
}

/** What a datanode stored is what it was sent. */
export function assertSame(reply: WriteBlockReply, sent: { readonly length: number; readonly crc32c: number }): void {
  if (reply.length === sent.length && reply.crc32c === sent.crc32c) return;
  throw new NetworkError(`${reply.length} bytes were stored that are not the ${sent.length} bytes that were sent`);
}
