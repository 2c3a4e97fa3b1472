/** The operations of WebHDFS that move a file's bytes: the coordinator sends the caller on to a datanode. */

import type { Clock } from '../../common/clock.ts';
import type { Address } from '../network.ts';
import { StoreError } from '../network.ts';
import type { BlockLocation, HoldersReply } from '../protocol.ts';
import { newNamesOf } from '../store-path.ts';
import { unreadableBlock } from '../unreadable-block.ts';
import { existing } from './metadata-operations.ts';
import type { Asked } from './operation.ts';
import { transferToken } from './transfer-token.ts';
import type { Transfer, TransferOp } from './transfer-token.ts';
import { encodedPath, WEBHDFS_PREFIX } from './web-request.ts';

export type RedirectOptions = {
  /** The cluster's. */
  readonly secret: string;
  readonly clock: Clock;
  /** Datanodes that take blocks, in no order. */
  readonly datanodes: () => Promise<readonly Address[]>;
  /** At least 0 and below 1. */
  readonly random: () => number;
};

/** Where to ask again. Throws StoreError. `namenode`: what the caller calls this server. */
export async function redirectTo(
  op: TransferOp,
  asked: Asked,
  namenode: string,
  { secret, clock, datanodes, random }: RedirectOptions,
): Promise<string> {
  const { request, caller } = asked;
  const { path } = request;
  const [offset, length] = [request.integer('offset', 0), request.integer('length', 0)];
  const create = op === 'CREATE' ? await attributesOf(asked) : undefined;
  const holder = op === 'CREATE' ? undefined : await holderOf(asked, offset ?? 0);
  const address = holder ?? chosen(await datanodes(), random);
  const transfer: Transfer = { caller, namenode, ...(create && { create }) };
  const parameters = { op, offset, length, token: transferToken(secret, op, path, transfer, clock.wallMs()) };
  const query = Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`);
  return `${address}${WEBHDFS_PREFIX}${encodedPath(path)}?${query.join('&')}`;
}

/** As HDFS has them by default. */
async function attributesOf(asked: Asked): Promise<Transfer['create'] & object> {
  const { request } = asked;
  const names = newNamesOf(request.path);
  if (request.boolean('createparent') === false) await existing(asked, `/${names.slice(0, -1).join('/')}`);
  return {
    overwrite: request.boolean('overwrite') ?? false,
    mode: request.octal('permission') ?? 0o644,
    replication: request.integer('replication', 1) ?? 3,
    blockSize: request.integer('blocksize', 1) ?? 128 * 1024 * 1024,
  };
}

/** A datanode that has the first of the bytes; undefined of an empty file. */
async function holderOf({ namenode, caller, request }: Asked, offset: number): Promise<Address | undefined> {
  const { path } = request;
  type Located = { readonly length: number; readonly blocks: readonly BlockLocation[] };
  const range = { path, start: offset, end: offset + 1 };
  const { length, blocks } = await namenode.read<Located>('locate', caller, range);
  if (length === 0) return undefined;
  if (offset >= length) throw outOfRange(path, offset, length);
  const [nearest] = blocks[0]!.replicas;
  if (nearest) return nearest.address;
  const { block, offset: start } = blocks[0]!;
  throw unreadableBlock(
    path,
    blocks[0]!,
    await namenode.read<HoldersReply>('holders', caller, { path, block, offset: start }),
  );
}

export const outOfRange = (path: string, offset: number, length: number): StoreError =>
  new StoreError('IOException', `Offset=${offset} out of the range [0, ${length}); OPEN, path=${path}`);

function chosen(addresses: readonly Address[], random: () => number): Address {
  const address = addresses[Math.floor(random() * addresses.length)];
  if (address !== undefined) return address;
  throw new StoreError(
    'IOException',
    'Failed to find a datanode: no worker that keeps files is there, or takes blocks; start one with tutti worker',
  );
}
