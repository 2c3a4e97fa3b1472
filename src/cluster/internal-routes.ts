/** Closes a fastify context to everyone without the cluster's secret: a user's credentials never open its routes. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { bodyHash, type SignatureVerifier } from './signature.ts';

/** Task requests carry plans and splits; the largest seen are a few hundred kilobytes. */
const INTERNAL_BODY_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Call inside `app.register(async (internal) => { guardInternalRoutes(internal, verifier); internal.post(…) })`: the guard
 * holds for that context alone. Bodies are JSON, parsed here after their hash was compared.
 */
export function guardInternalRoutes(app: FastifyInstance, verifier: SignatureVerifier): void {
  const hashes = new WeakMap<FastifyRequest, string>();

  app.addHook('onRequest', async (request, reply) => {
    const check = verifier.check(request.method, request.url, request.headers);
    if (!check.ok) return refuse(reply, check.why);
    hashes.set(request, check.bodyHash);
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: INTERNAL_BODY_BYTES_MAX },
    async (request: FastifyRequest, body: Buffer): Promise<unknown> => {
      if (bodyHash(body) !== hashes.get(request)) return ALTERED;
      return JSON.parse(body.toString('utf8')) as unknown;
    },
  );
  app.addHook('preHandler', async (request, reply) => {
    const empty = request.body === undefined && hashes.get(request) === bodyHash('');
    if (request.body === ALTERED || (request.body === undefined && !empty))
      return refuse(reply, 'its body was altered');
  });
}

/** Stands for a body whose hash is not the signed one. */
const ALTERED = Symbol('altered');

function refuse(reply: FastifyReply, why: string): FastifyReply {
  return reply.code(401).send({ error: `This route is for the cluster's own processes: the request was ${why}` });
}
