/**
 * The network as a value passed in, so that namenode, datanodes and clients also run on a simulated one that delays, loses, repeats
 * and reorders what they say. Over real machines it is HTTP with signed requests.
 *
 * A call that fails with NetworkError may have happened or not. It may also happen twice, or long after its sender gave up: every
 * operation is idempotent, or carries what tells a repetition from a new wish.
 */

import type { RefusalName } from './namespace/refusal.ts';

/** Base URL, or a name in a simulation. */
export type Address = string;

/** As people know it. */
export const hostAndPort = (address: Address): string => (URL.canParse(address) ? new URL(address).host : address);

/**
 * Pieces belong to whoever took them: nobody writes to them any more. Bytes arrive as they were sent or their reading fails before the
 * end: the network compares checksums, since TCP's own lets changes through and a datanode would bless them with a checksum of its own.
 */
export type Bytes = AsyncIterable<Uint8Array>;

export type StoreNetwork = {
  /**
   * Sends a message, with bytes behind it if `body` is given, and waits for the answer. `message` and the answer are JSON.
   * Rejects with NetworkError, or with StoreError as the other side threw it. When `body` fails, so does the call, and the other side's
   * body fails too: it never takes a part for the whole.
   */
  readonly call: <Answer>(to: Address, operation: string, message: object, options?: CallOptions) => Promise<Answer>;
  /** The same for an answer that is followed by bytes; they end early only with an error. Read them to the end, or `return` them. */
  readonly fetch: (
    to: Address,
    operation: string,
    message: object,
    options?: CallOptions,
  ) => Promise<{ readonly answer: unknown; readonly body: Bytes }>;
};

export type CallOptions = {
  readonly body?: Bytes;
  /** Until the answer, and then between any two pieces of its bytes. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
};

/** What a process answers; undefined operations are refused. Throws StoreError for what the caller should know. */
export type Operations = Readonly<
  Record<string, (message: never, body: Bytes) => Promise<{ readonly answer: object; readonly body?: Bytes }>>
>;

/** No answer: the other side is gone, slow, cut off, or it spoke and was not heard. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError';
}

/** Refusals of the namespace, and what else may be wrong in the store. */
export type StoreErrorName =
  | RefusalName
  /** The namenode has not heard enough of the blocks yet to change anything. */
  | 'SafeModeException'
  /** The same, until an administrator who said so says otherwise: nobody knows when that will be, so who asks does not wait for it. */
  | 'ManualSafeModeException'
  /** This namenode is not the one that leads, or not any more. */
  | 'StandbyException'
  /** No datanode can take another block: too few, or full. */
  | 'NotEnoughReplicasException'
  /** A datanode has not the room. */
  | 'DiskOutOfSpaceException'
  /** The datanode has no such block, or one of another generation or length. */
  | 'ReplicaNotFoundException'
  /** The datanode has other bytes under this block and generation. */
  | 'ReplicaAlreadyExistsException'
  /** Bytes do not fit their checksums. */
  | 'ChecksumException'
  /** Nobody who lives has a good replica of a block. */
  | 'BlockMissingException'
  /** Another namenode has led since the client began: ask for its epoch, and for what became of the call. */
  | 'StaleEpochException'
  /** The datanode is not known: it has to register. */
  | 'UnregisteredNodeException';

/** Refusals after which nothing has happened, and which may not hold a moment later: who asks, asks again. */
export const PASSING_REFUSALS: ReadonlySet<StoreErrorName> = new Set<StoreErrorName>([
  'SafeModeException',
  'StandbyException',
  'NotEnoughReplicasException',
]);

/**
 * Refusals of a namenode that has decided nothing: of what an earlier one may have done, and was not heard, they say nothing, and asked once
 * more it decides. The last is of the journal's disk.
 */
export const UNDECIDED_REFUSALS: ReadonlySet<StoreErrorName> = new Set<StoreErrorName>([
  ...PASSING_REFUSALS,
  'ManualSafeModeException',
  'DiskOutOfSpaceException',
]);

export class StoreError extends Error {
  override readonly name: StoreErrorName;

  constructor(name: StoreErrorName, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = name;
  }
}
