/** A server that answers the protocol's requests from a script, for tests of the client alone. */
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';

export type FakeAnswer = {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Members of the page; `id` and `stats` are added. A string is sent as it stands. */
  readonly page?: Readonly<Record<string, unknown>> | string;
  /** Breaks the connection instead of answering. */
  readonly hangUp?: boolean;
  /** Answers only when this is fulfilled. */
  readonly after?: Promise<unknown>;
};

export type FakeServer = {
  readonly url: URL;
  /** `POST /v1/statement select 1`, `GET /page/1` … in the order they came. */
  readonly log: string[];
  readonly headers: FastifyRequest['headers'][];
  close(): Promise<void>;
};

/** `answer(what, times)`: what to say to a request, which is asked for the `times`-th time. */
export async function fakeServer(answer: (what: string, times: number) => FakeAnswer): Promise<FakeServer> {
  const server = Fastify();
  const log: string[] = [];
  const headers: FastifyRequest['headers'][] = [];
  const seen = new Map<string, number>();
  let origin = '';

  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  server.all('/*', async (request: FastifyRequest, reply: FastifyReply) => {
    const body = typeof request.body === 'string' ? ` ${request.body}` : '';
    const what = `${request.method} ${request.url}${body}`;
    const times = (seen.get(what) ?? 0) + 1;
    seen.set(what, times);
    log.push(what);
    headers.push(request.headers);
    if (request.method === 'DELETE') return reply.code(204).send();
    const { status = 200, headers: extra = {}, page = {}, hangUp, after } = answer(what, times);
    await after;
    if (hangUp) {
      request.raw.socket.destroy();
      return reply.hijack();
    }
    const text =
      typeof page === 'string'
        ? page
        : JSON.stringify({ id: 'q1', stats: { state: 'RUNNING' }, warnings: [], ...page }).replaceAll('ORIGIN', origin);
    return reply
      .code(status)
      .headers({ 'content-type': 'application/json', ...extra })
      .send(text.replaceAll('ORIGIN', origin));
  });
  origin = await server.listen({ host: '127.0.0.1', port: 0 });
  return { url: new URL(origin), log, headers, close: () => server.close() };
}
