/** WebHDFS on the coordinator, as Hadoop documents it: whoever asks says who it is, as in an HDFS without Kerberos. */

import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../namespace/permissions.ts';
import { STORE_OWNER } from '../namespace/permissions.ts';
import { StoreError } from '../network.ts';
import type { Operations } from '../network.ts';
import { WHOLE_FILES } from '../webhdfs-client.ts';
import { METADATA_OPERATIONS } from './metadata-operations.ts';
import { NamenodeCalls } from '../namenode/namenode-calls.ts';
import type { Answer } from './operation.ts';
import { redirectTo } from './redirects.ts';
import type { RedirectOptions } from './redirects.ts';
import { exception, isBug, remoteException } from './remote-exception.ts';
import type { RemoteException } from './remote-exception.ts';
import { isTransferOp, TRANSFERS } from './transfer-token.ts';
import { invalid, WEBHDFS_PREFIX, WebRequest } from './web-request.ts';

export type NamenodeRoutesOptions = RedirectOptions & {
  /** What the namenode answers, once it is in service; rejects with a StoreError when it never is. */
  readonly operations: () => Promise<Operations>;
  /** Never used by another client of the namenode. */
  readonly client: string;
  /** Told of what should never happen. */
  readonly onBug: (problem: unknown, operation: string) => void;
};

export const WEBHDFS_METHODS = ['GET', 'PUT', 'POST', 'DELETE'];

/** Call inside `app.register(async (routes) => addWebHdfsRoutes(routes, options))`. */
export function addWebHdfsRoutes(app: FastifyInstance, options: NamenodeRoutesOptions): void {
  const { onBug } = options;
  const namenode = new NamenodeCalls(options.operations, options.client);
  takeBodiesAsTheyCome(app);

  async function answer({ method, url, host }: FastifyRequest): Promise<Answer | RemoteException> {
    try {
      const request = new WebRequest(url);
      if (request.text('doas') !== undefined) return impersonation(request);
      const asked = { request, caller: callerOf(request), namenode };
      const name = `${method} ${request.op}`;
      const operation = Object.hasOwn(METADATA_OPERATIONS, name) ? METADATA_OPERATIONS[name] : undefined;
      if (operation) return await operation(asked);
      if (isTransferOp(request.op) && TRANSFERS[request.op] === method) {
        const location = await redirectTo(request.op, asked, host, options);
        const isTold = request.boolean('noredirect') ?? false;
        return isTold ? { kind: 'json', value: { Location: location } } : { kind: 'redirect', location };
      }
      throw notThere(name, request.op);
    } catch (problem) {
      if (isBug(problem)) onBug(problem, `${method} ${url}`);
      return remoteException(problem);
    }
  }

  for (const url of [WEBHDFS_PREFIX, `${WEBHDFS_PREFIX}/*`]) {
    app.route({
      method: WEBHDFS_METHODS,
      url,
      exposeHeadRoute: false,
      handler: async (request, reply) => send(reply, await answer(request)),
    });
  }
}

/** Bodies are whatever they say they are: nobody parses them. */
export function takeBodiesAsTheyCome(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _body, taken) => taken(null));
}

function send(reply: FastifyReply, answer: Answer | RemoteException): FastifyReply {
  // What stands there changes.
  reply.header('cache-control', 'no-cache');
  reply.header(WHOLE_FILES, 'yes');
  if (!('kind' in answer)) return reply.code(answer.status).send(answer.body);
  switch (answer.kind) {
    case 'json':
      return reply.send(answer.value);
    case 'pieces':
      return reply.type('application/json; charset=utf-8').send(Readable.from(answer.pieces));
    case 'redirect':
      return reply
        .code(307)
        .headers({ location: answer.location, 'content-length': 0 })
        .type('application/octet-stream')
        .send();
    case 'done':
      return reply.type('application/octet-stream').header('content-length', 0).send();
  }
}

/** As HDFS checks names by default. */
const USER = /^[A-Za-z_][\w.-]*\$?$/;

/** Who says nothing is whom HDFS takes for nobody. Only the cluster's own user may do everything. */
function callerOf(request: WebRequest): Caller {
  if (request.text('delegation') !== undefined) {
    throw new StoreError('UnsupportedOperationException', 'There are no delegation tokens: say user.name');
  }
  const user = request.text('user.name') ?? 'dr.who';
  if (!USER.test(user)) throw invalid('user.name', `${JSON.stringify(user)} does not match ${USER.source}`);
  return { user, groups: [], superuser: user === STORE_OWNER };
}

function impersonation(request: WebRequest): RemoteException {
  const [user, other] = [request.text('user.name') ?? 'dr.who', request.text('doas')];
  const message = `User: ${user} is not allowed to impersonate ${other}`;
  return exception('org.apache.hadoop.security.authorize.AuthorizationException', 403, message);
}

/** Operations that HDFS has, and the store has not, as files are written once. */
const WRITE_ONCE = new Set(['POST APPEND', 'POST CONCAT', 'POST TRUNCATE']);

function notThere(name: string, op: string): StoreError {
  if (WRITE_ONCE.has(name)) {
    return new StoreError('UnsupportedOperationException', `${op} is not supported: files are written once`);
  }
  if (op === '') return new StoreError('UnsupportedOperationException', 'The parameter op is missing');
  const method = name.slice(0, name.indexOf(' '));
  return new StoreError('UnsupportedOperationException', `${op} is not supported with ${method}`);
}
