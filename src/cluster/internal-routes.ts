/** Closes a fastify context to everyone without the cluster's secret: a user's credentials never open its routes. */

import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { FRAMES_TYPE, FrameReader } from './frames.ts';
import type { FrameKey, FrameTimes } from './frames.ts';
import { bodyHash, newNonce } from './signature.ts';
import type { SignatureCheck, SignatureVerifier } from './signature.ts';

/** Task requests carry plans and splits; the largest seen are a few hundred kilobytes. */
const INTERNAL_BODY_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Call inside `app.register(async (internal) => { guardInternalRoutes(internal, verifier); internal.post(…) })`: the guard
 * holds for that context alone. Bodies are JSON, parsed here after their hash was compared.
 */
export function guardInternalRoutes(
  app: FastifyInstance,
  verifier: SignatureVerifier,
  refused: Refused = ignore,
): void {
  const checks = checkSignatures(app, verifier, refused);
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: INTERNAL_BODY_BYTES_MAX },
    async (request: FastifyRequest, body: Buffer): Promise<unknown> => {
      if (bodyHash(body) !== checks.get(request)?.bodyHash) return ALTERED;
      return JSON.parse(body.toString('utf8')) as unknown;
    },
  );
  app.addHook('preHandler', async (request, reply) => {
    const empty = request.body === undefined && checks.get(request)?.bodyHash === bodyHash('');
    if (request.body === ALTERED || (request.body === undefined && !empty))
      return refuse(reply, 'its body was altered');
  });
}

/**
 * The same for routes whose bodies are frames. They are not read here: `request.body` is their FrameReader, and who answers in frames
 * writes them with the key of `answerOf`.
 */
export function guardFramedRoutes(app: FastifyInstance, verifier: SignatureVerifier, times: FrameTimes): FramedRoutes {
  const checks = checkSignatures(app, verifier);
  app.addContentTypeParser(FRAMES_TYPE, async (request: FastifyRequest, stream: IncomingMessage): Promise<unknown> => {
    const check = checks.get(request);
    return check?.framed ? new FrameReader(stream, verifier.frameKey(check.nonce), times) : ALTERED;
  });
  app.addHook('preHandler', async (request, reply) => {
    if (!(request.body instanceof FrameReader)) return refuse(reply, 'not one of frames');
  });
  return {
    answerOf: (request) => {
      const nonce = newNonce();
      return { nonce, key: verifier.frameKey(checks.get(request)!.nonce, nonce) };
    },
  };
}

export type FramedRoutes = {
  /** The nonce goes out in the answer's header, so that no two answers have one key, whatever is sent again. */
  readonly answerOf: (request: FastifyRequest) => { readonly nonce: string; readonly key: FrameKey };
};

type Passed = SignatureCheck & { readonly ok: true };

/** Hears of requests without a good signature, which anyone can send at any rate. */
export type Refused = (address: string, why: string) => void;
const ignore: Refused = () => undefined;

function checkSignatures(
  app: FastifyInstance,
  verifier: SignatureVerifier,
  refused: Refused = ignore,
): WeakMap<FastifyRequest, Passed> {
  const passed = new WeakMap<FastifyRequest, Passed>();
  app.addHook('onRequest', async (request, reply) => {
    const check = verifier.check(request.method, request.url, request.headers);
    if (!check.ok) {
      refused(request.ip, check.why);
      return refuse(reply, check.why);
    }
    passed.set(request, check);
  });
  app.removeAllContentTypeParsers();
  return passed;
}

/** Stands for a body whose hash is not the signed one. */
const ALTERED = Symbol('altered');

function refuse(reply: FastifyReply, why: string): FastifyReply {
  return reply.code(401).send({ error: `This route is for the cluster's own processes: the request was ${why}` });
}
