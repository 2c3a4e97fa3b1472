/**
 * The client protocol: `POST /v1/statement` starts a query, `GET nextUri` brings its pages one by one, `DELETE nextUri`
 * cancels it. An answer once given for a token is given again when it is asked for again, so that a client may repeat a
 * request whose answer it did not get; older tokens are gone.
 */

import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Query } from '../coordinator/query.ts';
import type { QueryManager } from '../coordinator/query-manager.ts';
import { ARROW_STREAM_TYPE } from '../exchange/arrow/framing.ts';
import { baseUrl } from './base-url.ts';
import { resultsBody } from './query-results.ts';
import { type HeaderPrefix, readClientRequest, sessionHeaders } from './request-session.ts';

export type StatementRouteOptions = {
  readonly queries: QueryManager;
  readonly serverTimeZone: string;
  readonly externalUrl?: string;
  /** Answers a client that wants the whole result as one Arrow stream. */
  readonly sendArrow: (query: Query, reply: FastifyReply) => Promise<FastifyReply>;
};

/** A statement of the greatest length, and its frame; longer bodies are refused before they are read. */
const BODY_BYTES_MAX = 1_200_000;
/** How long an answer waits for something to say. */
const WAIT_MS = 1000;
/** An ended query's last answer is kept for so long, for a client that did not get it. */
const REPEAT_MS = 60_000;

/** What the protocol remembers of a query beside the query itself. */
type Conversation = {
  readonly prefix: HeaderPrefix;
  token: number;
  answer: Promise<Answer> | undefined;
};
type Answer = { readonly body: Buffer; readonly headers: Record<string, string[]> };
type Parameters = { readonly id: string; readonly slug: string; readonly token: string };

export function statementRoutes(app: FastifyInstance, options: StatementRouteOptions): void {
  const conversations = new WeakMap<Query, Conversation>();

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string', bodyLimit: BODY_BYTES_MAX }, (_request, body, done) =>
    done(null, body),
  );
  app.addHook('onRequest', async (request, reply) => {
    const encoding = request.headers['content-encoding'];
    if (encoding === undefined || encoding === 'identity') return;
    return reply
      .code(415)
      .send({ error: `Content-Encoding ${encoding} is not supported: send the statement as it is` });
  });

  app.setErrorHandler<FastifyError>((problem, _request, reply) => {
    if (problem.code !== 'FST_ERR_CTP_BODY_TOO_LARGE') return reply.send(problem);
    // The rest of the body is not read, so that nothing can follow on this connection.
    reply.header('connection', 'close');
    return reply.code(413).send({ error: 'The statement is longer than 1 MB' });
  });

  app.head('/v1/statement', (request, reply) => reply.code(userOf(request.headers) === undefined ? 401 : 200).send());

  app.post('/v1/statement', (request, reply) => {
    const { prefix, submission } = readClientRequest(request.headers, options.serverTimeZone);
    if (!submission) return refuseStranger(reply);
    const text = typeof request.body === 'string' ? request.body : '';
    const arrow = request.headers.accept?.includes(ARROW_STREAM_TYPE) ?? false;
    const query = options.queries.submit({ ...submission, text, format: arrow ? 'arrow' : 'json-lines' });
    if (arrow) return options.sendArrow(query, reply);
    conversations.set(query, { prefix, token: 0, answer: undefined });
    const body = resultsBody(query, undefined, links(request, query, 1, 'queued'));
    return send(reply, { body, headers: {} });
  });

  const find = (request: FastifyRequest): { query: Query; conversation: Conversation; token: number } | undefined => {
    const { id, slug, token } = request.params as Parameters;
    const query = options.queries.get(id);
    const conversation = query && conversations.get(query);
    if (!query || !conversation || query.slug !== slug || !/^\d{1,9}$/.test(token)) return undefined;
    query.touch();
    return { query, conversation, token: Number(token) };
  };

  for (const phase of ['queued', 'executing']) {
    app.route({
      method: ['GET', 'HEAD'],
      url: `/v1/statement/${phase}/:id/:slug/:token`,
      handler: (request, reply) => {
        const found = find(request);
        if (!found) return reply.code(404).send({ error: 'Query not found' });
        // A heartbeat of a client that is busy with the last page.
        if (request.method === 'HEAD') return reply.code(200).send();
        return page(request, reply, found.query, found.conversation, found.token);
      },
    });
    app.delete(`/v1/statement/${phase}/:id/:slug/:token`, (request, reply) => {
      const found = find(request);
      if (!found) return reply.code(404).send({ error: 'Query not found' });
      found.query.cancel();
      return reply.code(204).send();
    });
  }

  async function page(
    request: FastifyRequest,
    reply: FastifyReply,
    query: Query,
    conversation: Conversation,
    token: number,
  ): Promise<FastifyReply> {
    const forgotten = query.endedMs !== undefined && query.nowMs() - query.endedMs > REPEAT_MS;
    if (token < conversation.token || forgotten) return reply.code(410).send({ error: 'This page is gone' });
    if (token > conversation.token + 1) return reply.code(404).send({ error: 'No such page' });
    if (token === conversation.token + 1) {
      conversation.token = token;
      conversation.answer = answer(request, query, conversation.prefix, token);
    }
    if (!conversation.answer) return reply.code(410).send({ error: 'This page is gone' });
    const ready = await conversation.answer;
    if (query.isDone) forgetLater(query, conversation);
    return send(reply, ready);
  }

  async function answer(request: FastifyRequest, query: Query, prefix: HeaderPrefix, token: number): Promise<Answer> {
    const next = await nextPage(query);
    const headers = query.state === 'FAILED' ? {} : sessionHeaders(query.outcome?.sessionChanges ?? [], prefix);
    const data = query.error ? undefined : next;
    return { body: resultsBody(query, data, links(request, query, token + 1, 'executing')), headers };
  }

  /** No link when there is nothing more to ask for. */
  function links(
    request: FastifyRequest,
    query: Query,
    token: number,
    phase: string,
  ): { base: string; nextUri?: string } {
    const base = baseUrl({ headers: request.headers, socket: request.socket }, options.externalUrl);
    if (query.isDone) return { base };
    return { base, nextUri: `${base}/v1/statement/${phase}/${query.id}/${query.slug}/${token}` };
  }

  function forgetLater(query: Query, conversation: Conversation): void {
    const timer = setTimeout(() => {
      if (query.isDone) conversation.answer = undefined;
    }, REPEAT_MS);
    timer.unref();
  }
}

/** The next page that has rows, or undefined when there is none within the wait, or none any more. */
async function nextPage(query: Query): ReturnType<Query['nextPage']> {
  const until = query.nowMs() + WAIT_MS;
  while (!query.isDone && !query.outcome && query.nowMs() < until) await query.news(until - query.nowMs());
  if (query.isDone || !query.outcome) return undefined;
  const page = await Promise.race([query.nextPage(), query.news(Math.max(1, until - query.nowMs()))]);
  if (!page) return undefined;
  query.takePage(page);
  // The next one is fetched while the client reads this one; when there is none, this was the last answer.
  await Promise.race([query.nextPage(), new Promise((resolve) => void setImmediate(resolve))]);
  return page;
}

function send(reply: FastifyReply, { body, headers }: Answer): FastifyReply {
  return reply.code(200).headers(headers).type('application/json').send(body);
}

function refuseStranger(reply: FastifyReply): FastifyReply {
  return reply.code(401).send({ error: 'Say who you are: header X-Trino-User, or HTTP Basic authentication' });
}

const userOf = (headers: IncomingHttpHeaders): string | undefined => readClientRequest(headers, 'UTC').submission?.user;
