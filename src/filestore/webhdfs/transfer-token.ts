/**
 * What the coordinator gives a caller on its way to a datanode: leave to read or write one file, once asked of the coordinator, for ten
 * minutes. It fits the operation and path for which it was made, since the datanode computes it anew from those of the request.
 */

import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { Caller } from '../namespace/permissions.ts';
import type { FileAttributes } from '../store-writer.ts';

export const TRANSFERS = { OPEN: 'GET', GETFILECHECKSUM: 'GET', CREATE: 'PUT' } as const;
export type TransferOp = keyof typeof TRANSFERS;

export const isTransferOp = (op: string): op is TransferOp => Object.hasOwn(TRANSFERS, op);

/** The caller's permissions are looked at again when the datanode asks the namenode. */
export type Transfer = {
  readonly caller: Caller;
  /** Of a file that is written. */
  readonly create?: FileAttributes & { readonly overwrite: boolean };
  /** What the caller calls the coordinator. */
  readonly namenode: string;
};

const GOOD_FOR_MS = 10 * 60_000;

export function transferToken(
  secret: string,
  op: TransferOp,
  path: string,
  transfer: Transfer,
  wallMs: number,
): string {
  const content: Content = { ...transfer, untilMs: wallMs + GOOD_FOR_MS };
  const text = Buffer.from(JSON.stringify(content)).toString('base64url');
  return `${text}.${macOf(secret, op, path, text)}`;
}

export type TransferCheck =
  | { readonly ok: true; readonly transfer: Transfer }
  | { readonly ok: false; readonly why: string };

export function checkTransferToken(
  secret: string,
  op: TransferOp,
  path: string,
  token: string | undefined,
  wallMs: number,
): TransferCheck {
  if (token === undefined) return { ok: false, why: 'there is none: ask the coordinator, which redirects you' };
  const [text = '', mac = ''] = token.split('.');
  const given = Buffer.from(mac);
  const expected = Buffer.from(macOf(secret, op, path, text));
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    return { ok: false, why: 'it is for another file or operation, or was altered' };
  }
  const { untilMs, ...transfer } = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Content;
  if (wallMs >= untilMs) return { ok: false, why: 'it has expired: ask the coordinator again' };
  return { ok: true, transfer };
}

type Content = Transfer & { readonly untilMs: number };

/** With a key of its own, so that nothing else that the secret signs can be taken for a token. */
function macOf(secret: string, op: TransferOp, path: string, text: string): string {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'tutti webhdfs transfers', 32));
  // As JSON, since a path may hold whatever could stand between the parts.
  return createHmac('sha256', key)
    .update(JSON.stringify([op, path, text]))
    .digest('base64url');
}
