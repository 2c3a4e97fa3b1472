/**
 * Signs and checks requests between the cluster's processes: HMAC-SHA256 with the cluster's secret over method, path,
 * time, a nonce and the body's hash. A request is good for a minute around its time and only once.
 */

import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { frameKey } from './frames.ts';
import type { FrameKey } from './frames.ts';

/** How far the clocks of two machines may stand apart, and how long a seen nonce is remembered. */
export const SIGNATURE_WINDOW_MS = 60_000;

export const SIGNATURE_HEADERS = {
  time: 'x-tutti-time',
  nonce: 'x-tutti-nonce',
  bodyHash: 'x-tutti-body',
  signature: 'x-tutti-signature',
} as const;

export type Signable = {
  readonly method: string;
  /** With its query string. */
  readonly path: string;
  readonly body: string | Uint8Array | typeof FRAMED;
};

/** Stands for the hash of a body whose frames carry MACs of their own (`frames.ts`): no body has it as its hash. */
export const FRAMED = Symbol('a body of frames');
const FRAMED_HASH = 'frames';

export function signatureHeaders(secret: string, request: Signable, wallMs: number): Record<string, string> {
  const time = String(Math.round(wallMs));
  const nonce = newNonce();
  const hash = request.body === FRAMED ? FRAMED_HASH : bodyHash(request.body);
  return {
    [SIGNATURE_HEADERS.time]: time,
    [SIGNATURE_HEADERS.nonce]: nonce,
    [SIGNATURE_HEADERS.bodyHash]: hash,
    [SIGNATURE_HEADERS.signature]: signatureOf(secret, request.method, request.path, time, nonce, hash),
  };
}

/** Never given twice. */
export const newNonce = (): string => randomBytes(12).toString('base64url');

export function bodyHash(body: string | Uint8Array): string {
  return body.length === 0 ? EMPTY_BODY_HASH : createHash('sha256').update(body).digest('base64url');
}

const EMPTY_BODY_HASH = createHash('sha256').digest('base64url');

export type SignatureCheck =
  | { readonly ok: true; readonly bodyHash: string; readonly nonce: string; readonly framed: boolean }
  | { readonly ok: false; readonly why: string };

/** Checks requests of one process's server; remembers nonces, so that none is accepted twice. */
export class SignatureVerifier {
  readonly #secret: string;
  readonly #wallMs: () => number;
  /** Two generations: a nonce is kept for at least one window and at most two. */
  #seen = new Set<string>();
  #seenBefore = new Set<string>();
  #turnedMs: number;

  constructor(secret: string, wallMs: () => number) {
    this.#secret = secret;
    this.#wallMs = wallMs;
    this.#turnedMs = wallMs();
  }

  /** Looks at headers alone, so that a stranger's body is never read; the caller compares the hash once it has the body. */
  check(
    method: string,
    path: string,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): SignatureCheck {
    const [time, nonce, hash, signature] = Object.values(SIGNATURE_HEADERS).map((name) => headers[name]);
    if (
      typeof time !== 'string' ||
      typeof nonce !== 'string' ||
      typeof hash !== 'string' ||
      typeof signature !== 'string'
    ) {
      return { ok: false, why: 'not signed with the cluster secret' };
    }
    const expected = Buffer.from(signatureOf(this.#secret, method, path, time, nonce, hash));
    const given = Buffer.from(signature);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      return { ok: false, why: 'signed with another secret, or altered' };
    }
    const now = this.#wallMs();
    if (!(Math.abs(now - Number(time)) <= SIGNATURE_WINDOW_MS)) {
      return {
        ok: false,
        why: `signed ${Math.round((now - Number(time)) / 1000)} s from now: set the machines' clocks alike`,
      };
    }
    this.#turn(now);
    if (this.#seen.has(nonce) || this.#seenBefore.has(nonce)) return { ok: false, why: 'sent before' };
    this.#seen.add(nonce);
    return { ok: true, bodyHash: hash, nonce, framed: hash === FRAMED_HASH };
  }

  /** For the frames of a request's body, or, with a nonce of its own, of its answer's. */
  frameKey(...nonces: readonly string[]): FrameKey {
    return frameKey(this.#secret, ...nonces);
  }

  /** A nonce is forgotten only when its request's time has left the window: that lasts two windows at most. */
  #turn(now: number): void {
    if (Math.abs(now - this.#turnedMs) <= 2 * SIGNATURE_WINDOW_MS) return;
    this.#seenBefore = this.#seen;
    this.#seen = new Set();
    this.#turnedMs = now;
  }
}

function signatureOf(secret: string, ...parts: readonly string[]): string {
  return createHmac('sha256', secret).update(parts.join('\n')).digest('base64url');
}
