/** How messages, bytes and failures of the store stand in frames: equal on both sides. */

import type { ChannelKeys } from '../cluster/frame-channel.ts';
import type { FrameKey, FrameReader } from '../cluster/frames.ts';
import { FrameError } from '../cluster/frames.ts';
import { NetworkError, StoreError } from './network.ts';
import type { Bytes, StoreErrorName } from './network.ts';

/** An operation's name stands behind it. */
export const STORE_PATH = '/v1/store/';

/** What the connection for calls is asked of by CONNECT: no host, but the store itself. */
export const CALLS_TARGET = 'tutti-store:1';

/** Calls that are under way on one connection; more wait at the caller. */
export const CALLS_MAX = 1024;

/** `[id, operation, message]`; `[id]` alone: nobody waits for that call any more. */
export type CallEntry = readonly [id: number, operation?: string, message?: object];

/** `[id, answer]`, or why there is none. */
export type AnswerEntry = readonly [id: number, answer: unknown, failure?: Failure];

/** Of one connection: a key for either direction, made of what both sides said once. */
export function channelKeys(keyOf: (direction: string) => FrameKey, side: 'caller' | 'server'): ChannelKeys {
  const [calls, answers] = [keyOf('calls'), keyOf('answers')];
  return side === 'caller' ? { own: calls, theirs: answers } : { own: answers, theirs: calls };
}

type Failure = { readonly name: string; readonly message: string };

/** A failure as the other side should hear it. */
export function failureOf(problem: unknown): Failure {
  if (problem instanceof StoreError || problem instanceof NetworkError) {
    return { name: problem.name, message: problem.message };
  }
  return {
    name: 'IOException',
    message: `an internal error: ${problem instanceof Error ? problem.message : String(problem)}`,
  };
}

/** A failure as it was heard. */
export function errorOf(failure: unknown): StoreError | NetworkError {
  const { name, message } = failure as Failure;
  return name === 'NetworkError' ? new NetworkError(message) : new StoreError(name as StoreErrorName, message);
}

const REFUSAL_CHARACTERS_MAX = 2_000;

/**
 * What says no before the store is asked: the signature, a server that is closing, something else that listens there. Of a process with
 * another secret nothing better can be expected a moment later.
 */
export async function refusalOf(
  status: number | undefined,
  body: Bytes,
  head = '',
): Promise<StoreError | NetworkError> {
  let text = head;
  try {
    for await (const piece of body) {
      text += Buffer.from(piece).toString('utf8');
      if (text.length > REFUSAL_CHARACTERS_MAX) break;
    }
  } catch {
    // The status alone says enough.
  }
  text = text.slice(0, REFUSAL_CHARACTERS_MAX);
  if (status !== 401) return new NetworkError(`status ${status}: ${text}`);
  const said = /"error":"([^"]*)"/.exec(text)?.[1] ?? text;
  const advice = said.includes('secret')
    ? ': both sides need the same one, as TUTTI_SECRET or in the data folder (--data, TUTTI_DATA)'
    : '';
  return new StoreError('AccessControlException', `${said}${advice}`);
}

/** The bytes that follow a message, to the end that its sender marked. */
export async function* bytesOf(reader: FrameReader, from: string): Bytes {
  try {
    for (;;) {
      const frame = await reader.next();
      switch (frame.kind) {
        case 'bytes':
          yield frame.bytes;
          break;
        case 'idle':
          break;
        case 'end':
          return;
        case 'failure':
          throw errorOf(frame.value);
        case 'message':
          throw new NetworkError(`${from}: a message among bytes`);
      }
    }
  } catch (problem) {
    throw problem instanceof FrameError ? new NetworkError(`${from}: ${problem.message}`, { cause: problem }) : problem;
  }
}
