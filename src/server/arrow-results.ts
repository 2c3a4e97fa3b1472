/** The whole result as one Arrow IPC stream, for clients that ask for it instead of pages. */

import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { type ErrorInfo, errorCategory } from '../common/errors.ts';
import type { Query } from '../coordinator/query.ts';
import { ARROW_STREAM_TYPE } from '../exchange/arrow/framing.ts';
import { errorBody } from './query-results.ts';

/**
 * Answers when the result begins. An error before that is an answer of its own; one after it ends the connection, so that
 * no client takes a part for the whole.
 */
export async function sendArrow(query: Query, reply: FastifyReply): Promise<FastifyReply> {
  // A client that leaves needs no answer.
  reply.raw.on('close', () => query.cancel());
  while (!query.isDone && !query.outcome) {
    query.touch();
    await query.news(1000);
  }
  if (query.error) return reply.code(statusOf(query.error)).send({ id: query.id, error: errorBody(query.error) });
  const stream = query.outcome?.stream;
  if (!stream) {
    query.cancel();
    return reply.code(STATUS_FAILED).send({ id: query.id, error: errorBody(NO_ROWS) });
  }
  return reply.type(ARROW_STREAM_TYPE).send(Readable.from(delivered(query, stream)));
}

/** The statement could not be carried out as asked. */
const STATUS_FAILED = 422;

const NO_ROWS: ErrorInfo = {
  code: 'NOT_SUPPORTED',
  message: 'This statement has no rows to stream as Arrow: ask for JSON',
};

const statusOf = ({ code }: ErrorInfo): number => {
  switch (errorCategory(code)) {
    case 'USER_ERROR':
      return STATUS_FAILED;
    case 'INSUFFICIENT_RESOURCES':
      return 503;
    case 'INTERNAL_ERROR':
    case 'EXTERNAL':
      return 500;
  }
};

async function* delivered(query: Query, stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const chunk of stream) {
      query.touch();
      yield chunk;
    }
    query.enter('FINISHED');
  } catch (problem) {
    query.fail(problem);
    throw problem;
  }
}
