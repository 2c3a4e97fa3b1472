/** WebHDFS on a worker: a file's bytes for who brings a token of the coordinator, streamed; nothing else is open there. */

import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../common/clock.ts';
import { crc32c } from '../../common/crc32c.ts';
import type { FileSystem } from '../file-system.ts';
import type { Caller } from '../namespace/permissions.ts';
import type { Bytes } from '../network.ts';
import { StoreError } from '../network.ts';
import type { FileAttributes } from '../store-writer.ts';
import { takeBodiesAsTheyCome } from './namenode-routes.ts';
import { outOfRange } from './redirects.ts';
import { exception, isBug, remoteException } from './remote-exception.ts';
import { checkTransferToken, isTransferOp, TRANSFERS } from './transfer-token.ts';
import type { Transfer } from './transfer-token.ts';
import { encodedPath, WEBHDFS_PREFIX, WebRequest } from './web-request.ts';

export type TransferRoutesOptions = {
  /** The cluster's. */
  readonly secret: string;
  readonly clock: Clock;
  /** The store as somebody sees it, who writes files like that. */
  readonly files: (caller: Caller, attributes?: FileAttributes) => FileSystem;
  /** Told of what should never happen. */
  readonly onBug: (problem: unknown, operation: string) => void;
};

/** A caller that neither sends nor takes a byte for so long is gone. */
const SILENCE_MS = 120_000;

/** Bytes that are read before the caller takes them. */
const AHEAD_BYTES = 1024 * 1024;

/** Call inside `app.register(async (routes) => addTransferRoutes(routes, options))`. */
export function addTransferRoutes(app: FastifyInstance, options: TransferRoutesOptions): void {
  const { secret, clock, files, onBug } = options;
  takeBodiesAsTheyCome(app);
  app.route({
    method: ['GET', 'PUT'],
    url: `${WEBHDFS_PREFIX}/*`,
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      try {
        return await serve(request, reply);
      } catch (problem) {
        if (isBug(problem)) onBug(problem, `${request.method} ${WEBHDFS_PREFIX}`);
        const { status, body } = remoteException(problem);
        return reply.code(status).send(body);
      }
    },
  });

  async function serve(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const asked = new WebRequest(request.url);
    const { op, path } = asked;
    if (!isTransferOp(op) || TRANSFERS[op] !== request.method) {
      throw new StoreError('UnsupportedOperationException', `${op} is not supported here: ask the coordinator`);
    }
    const check = checkTransferToken(secret, op, path, asked.text('token'), clock.wallMs());
    if (!check.ok) {
      const { status, body } = exception(INVALID_TOKEN, 403, `The token of this request is refused: ${check.why}`);
      return reply.code(status).send(body);
    }
    const { transfer } = check;
    request.raw.socket.setTimeout(SILENCE_MS);
    const store = files(transfer.caller, transfer.create);
    switch (op) {
      case 'OPEN':
        return sendFile(store, asked, reply);
      case 'GETFILECHECKSUM':
        return reply.send({ FileChecksum: await checksumOf(store, path, reply) });
      case 'CREATE':
        await takeFile(store, path, transfer, request);
        return reply
          .code(201)
          .header('location', `webhdfs://${transfer.namenode}${encodedPath(path)}`)
          .header('content-length', 0)
          .send();
    }
  }
}

const INVALID_TOKEN = 'org.apache.hadoop.security.token.SecretManager$InvalidToken';

async function sendFile(store: FileSystem, request: WebRequest, reply: FastifyReply): Promise<FastifyReply> {
  const file = await store.open(request.path);
  const offset = request.integer('offset', 0) ?? 0;
  if (offset > 0 && offset >= file.length) throw outOfRange(request.path, offset, file.length);
  const length = Math.min(request.integer('length', 0) ?? Infinity, file.length - offset);
  const pieces = file.stream(offset, length)[Symbol.asyncIterator]();
  // Asked for before anything is sent: a block that is gone is an answer of its own.
  const first = await pieces.next();
  return reply.type('application/octet-stream').header('content-length', length).send(readable(first, pieces));
}

/** What is left unread is let go, also when nothing was read. */
function readable(first: IteratorResult<Uint8Array>, pieces: AsyncIterator<Uint8Array>): Readable {
  let next: IteratorResult<Uint8Array> | undefined = first;
  const give = async (to: Readable): Promise<void> => {
    try {
      const { done, value } = next ?? (await pieces.next());
      next = undefined;
      to.push(done === true ? null : value);
    } catch (problem) {
      to.destroy(problem as Error);
    }
  };
  return new Readable({
    highWaterMark: AHEAD_BYTES,
    read() {
      void give(this);
    },
    destroy(problem, destroyed) {
      pieces.return?.().catch(() => undefined);
      destroyed(problem);
    },
  });
}

/**
 * CRC-32C of the whole file, from bytes that were verified on the way: what HDFS composes from its blocks' when asked for
 * COMPOSITE_CRC, and so equal for equal files, whatever their blocks.
 */
async function checksumOf(store: FileSystem, path: string, reply: FastifyReply): Promise<object> {
  const file = await store.open(path);
  let crc = 0;
  for await (const piece of file.stream()) {
    if (reply.raw.destroyed) break;
    crc = crc32c(piece, crc);
  }
  return { algorithm: 'COMPOSITE-CRC32C', bytes: crc.toString(16).padStart(8, '0'), length: 4 };
}

/** Nothing is left of an upload that does not come to its end. */
async function takeFile(store: FileSystem, path: string, { create }: Transfer, { raw }: FastifyRequest): Promise<void> {
  // The connection stays for the answer when the rest is not wanted.
  const pieces = raw.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>;
  try {
    await store.create(path, uploaded(pieces), { overwrite: create?.overwrite ?? false });
  } finally {
    pieces.return?.().catch(() => undefined);
  }
}

async function* uploaded(pieces: AsyncIterator<Uint8Array>): Bytes {
  for (;;) {
    const next = await pieces.next().catch((problem: Error) => {
      throw new StoreError('IOException', `The upload was cut off: ${problem.message}`, { cause: problem });
    });
    if (next.done === true) return;
    yield next.value;
  }
}
