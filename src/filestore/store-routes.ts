/**
 * The serving side of the store's network: what a process answers, as routes that its server mounts. Bytes go in requests of their own;
 * calls without any share a connection (`serve-calls.ts`).
 */

import type { FastifyInstance } from 'fastify';
import { FRAMES_TYPE, FrameError, FrameWriter } from '../cluster/frames.ts';
import type { FrameReader, FrameTimes } from '../cluster/frames.ts';
import { guardFramedRoutes } from '../cluster/internal-routes.ts';
import { SIGNATURE_HEADERS } from '../cluster/signature.ts';
import type { SignatureVerifier } from '../cluster/signature.ts';
import type { Clock } from '../common/clock.ts';
import { NetworkError } from './network.ts';
import type { Operations } from './network.ts';
import { carryOut, serveCalls, tellBug } from './serve-calls.ts';
import { bytesOf, failureOf, STORE_PATH } from './store-messages.ts';

export type StoreRoutesOptions = {
  readonly verifier: SignatureVerifier;
  readonly clock: Clock;
  /** Told of what should never happen: an operation that throws anything but StoreError and NetworkError. */
  readonly onBug: (problem: unknown, operation: string) => void;
  /** How long a caller that is waited for may do nothing: send nothing of its body, or take nothing of the answer. */
  readonly silenceMs?: number;
};

/** Callers say every few seconds that they live (`IDLE_MS`), but a reader of an answer may well stand still for a while. */
const SILENCE_MS = 120_000;

/**
 * Call inside `app.register(async (routes) => addStoreRoutes(routes, operations, options))`. `operations` is asked for each request: what
 * answers may come into service later than the listener; until then, and when it never does, it rejects with a StoreError.
 */
export function addStoreRoutes(
  app: FastifyInstance,
  operations: () => Promise<Operations>,
  options: StoreRoutesOptions,
): void {
  const { verifier, clock, onBug, silenceMs = SILENCE_MS } = options;
  const times: FrameTimes = { clock, silenceMs };
  serveCalls(app, operations, { ...times, verifier, onBug });
  const routes = guardFramedRoutes(app, verifier, times);
  app.post<{ Params: { operation: string } }>(`${STORE_PATH}:operation`, async (request, reply) => {
    const { nonce, key } = routes.answerOf(request);
    const { operation } = request.params;
    // From here on the answer is ours, and every failure with it.
    reply.hijack();
    const response = reply.raw;
    response.on('error', () => response.destroy());
    // Not written yet: an answer that is known as a whole goes out in one packet with its length.
    response.setHeader('content-type', FRAMES_TYPE);
    response.setHeader(SIGNATURE_HEADERS.nonce, nonce);
    const writer = new FrameWriter(response, key, times);
    const reader = request.body as FrameReader;
    await answer(operations, operation, reader, writer, onBug).catch(() => response.destroy());
  });
}

/** Rejects when the caller is gone, or may not be believed; everything else is an answer. */
async function answer(
  operationsOf: () => Promise<Operations>,
  operation: string,
  request: FrameReader,
  writer: FrameWriter,
  onBug: StoreRoutesOptions['onBug'],
): Promise<void> {
  let body: AsyncIterator<Uint8Array> | undefined;
  try {
    const first = await request.next();
    if (first.kind !== 'message') throw new NetworkError(`${operation}: the request begins without its message`);
    const bytes = bytesOf(request, `The caller of ${operation}`);
    const answered = await carryOut(await operationsOf(), operation, first.value, bytes);
    body = answered.body?.[Symbol.asyncIterator]();
    if (!body) return await writer.whole(answered.answer);
    // Begun before anything is sent: what it holds open, it closes when it is left.
    let piece = await body.next();
    await writer.message(answered.answer);
    for (; !piece.done; piece = await body.next()) await writer.bytes(piece.value);
    await writer.end();
  } catch (problem) {
    if (problem instanceof FrameError) throw problem;
    tellBug(problem, operation, onBug);
    await writer.failure(failureOf(problem));
  } finally {
    await body?.return?.();
  }
}
