/**
 * Bodies of requests and answers between the cluster's processes that are too long to be hashed before they are sent: a message and
 * then pieces of bytes, each a frame with a MAC of its own, and an end that is marked. Nobody without the cluster's secret can alter,
 * repeat, reorder or leave out a frame, nor end a body early; all can be read on the way (docs/decisions/0012-framed-bodies.md).
 *
 *     frame = length (4 bytes, big-endian) · kind (1) · payload · MAC (16)
 *
 * The MAC is GMAC, AES-256-GCM over nothing with the payload as associated data: five times as fast as HMAC-SHA256. Its key belongs to
 * one body; its nonce is the frame's kind and number. The length needs no place in it: the MAC of a longer or shorter payload is another.
 */

import { createCipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { assert } from '../common/assert.ts';
import type { Clock } from '../common/clock.ts';

export const FRAMES_TYPE = 'application/x-tutti-frames';

export type Frame =
  | { readonly kind: 'message' | 'failure'; readonly value: unknown }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** Its sender is alive and has nothing to say yet. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'end' };

const KINDS = ['message', 'failure', 'bytes', 'idle', 'end'] as const;

/** A body is cut off, altered, or silent. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** Larger pieces are sent as several frames: a receiver holds a whole one, before it knows that it is genuine. */
const PIECE_BYTES_MAX = 1024 * 1024;

/** Messages are read by `JSON.parse`: a full report of a million blocks has about 60 MB. */
export const MESSAGE_BYTES_MAX = 128 * 1024 * 1024;

/** Length and kind. */
export const HEADER_BYTES = 5;
export const MAC_BYTES = 16;

/** `nonces`: what is said once, so that no two bodies have the same: of the request, and of the answer too when it is the answer's body. */
export function frameKey(secret: string, ...nonces: readonly string[]): FrameKey {
  return createHmac('sha256', secret)
    .update(`tutti frames ${nonces.length}\n${nonces.join('\n')}`)
    .digest();
}

export type FrameKey = Buffer;

/** `number`: of the frame, counted from 0 under this key. */
export function macOf(key: FrameKey, kind: number, number: number, payload: Uint8Array): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt8(kind, 0);
  nonce.writeUIntBE(number, 6, 6);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(payload);
  cipher.final();
  return cipher.getAuthTag();
}

export type FrameTimes = {
  readonly clock: Clock;
  /** How long the other side may do nothing while it is waited for. */
  readonly silenceMs: number;
};

/** Writes frames to a request or an answer, each once the one before has gone to the network: that is the back-pressure. */
export class FrameWriter {
  readonly #stream: Writable;
  readonly #key: FrameKey;
  readonly #times: FrameTimes;
  #frames = 0;

  constructor(stream: Writable, key: FrameKey, times: FrameTimes) {
    this.#stream = stream;
    this.#key = key;
    this.#times = times;
  }

  message(value: unknown): Promise<void> {
    return this.#write(this.#frame('message', jsonBytes(value)));
  }

  /** The bytes may be used for something else once this is done. */
  async bytes(bytes: Uint8Array): Promise<void> {
    for (const piece of cut(bytes)) await this.#write(this.#frame('bytes', piece));
  }

  idle(): Promise<void> {
    return this.#write(this.#frame('idle', EMPTY));
  }

  /** The body is whole, and with it the request or answer. */
  end(): Promise<void> {
    return this.#end(this.#frame('end', EMPTY));
  }

  /** The body will never be whole, and why. */
  failure(value: unknown): Promise<void> {
    return this.#end(this.#frame('failure', jsonBytes(value)));
  }

  /** A message, the bytes behind it and the end in one packet, instead of one after the other. */
  whole(value: unknown, pieces: readonly Uint8Array[] = []): Promise<void> {
    const frames = [
      this.#frame('message', jsonBytes(value)),
      ...pieces.flatMap(cut).map((piece) => this.#frame('bytes', piece)),
      this.#frame('end', EMPTY),
    ];
    return this.#end(frames.flat());
  }

  /** Header, payload and MAC. */
  #frame(kind: Frame['kind'], payload: Uint8Array): readonly Uint8Array[] {
    const code = KINDS.indexOf(kind);
    assert(payload.length <= bytesMax(kind), 'a frame is not longer than its receiver takes');
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32BE(payload.length, 0);
    header.writeUInt8(code, 4);
    return [header, payload, macOf(this.#key, code, this.#frames++, payload)];
  }

  #write([header, payload, mac]: readonly Uint8Array[]): Promise<void> {
    return this.#flushed((stream, done) => {
      stream.cork();
      stream.write(header);
      if (payload!.length > 0) stream.write(payload);
      stream.write(mac, done);
      stream.uncork();
    });
  }

  #end(parts: readonly Uint8Array[]): Promise<void> {
    return this.#flushed((stream, done) => stream.end(Buffer.concat(parts), done));
  }

  #flushed(write: (stream: Writable, done: (problem?: Error | null) => void) => void): Promise<void> {
    const stream = this.#stream;
    const { clock, silenceMs } = this.#times;
    return new Promise<void>((resolve, reject) => {
      const gone = (): void => settle(new FrameError(stream.errored?.message ?? 'the connection was closed'));
      const stop = clock.after(silenceMs, () =>
        stream.destroy(new FrameError(`nothing was taken for ${silenceMs} ms`)),
      );
      const settle = (problem?: Error | null): void => {
        stop();
        stream.off('close', gone);
        if (!problem) resolve();
        else reject(problem instanceof FrameError ? problem : new FrameError(problem.message, { cause: problem }));
      };
      stream.once('close', gone);
      if (stream.destroyed) gone();
      else write(stream, settle);
    });
  }
}

const jsonBytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

function cut(bytes: Uint8Array): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += PIECE_BYTES_MAX) pieces.push(bytes.subarray(at, at + PIECE_BYTES_MAX));
  return pieces;
}

const EMPTY = new Uint8Array();
const bytesMax = (kind: Frame['kind']): number =>
  kind === 'bytes' ? PIECE_BYTES_MAX : kind === 'message' || kind === 'failure' ? MESSAGE_BYTES_MAX : 0;

/** Reads frames from a request or an answer. Throws FrameError, after which the connection is gone. */
export class FrameReader {
  readonly #stream: Readable;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #key: FrameKey;
  readonly #times: FrameTimes;
  #frames = 0;
  #rest: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(stream: Readable, key: FrameKey, times: FrameTimes) {
    this.#stream = stream;
    this.#chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.#key = key;
    this.#times = times;
  }

  /** The next one; nothing comes behind `end` and `failure`. */
  async next(): Promise<Frame> {
    assert(!this.#ended, 'nothing is read behind the end of a body');
    try {
      const frame = await this.#frame();
      if (frame.kind === 'end' || frame.kind === 'failure') await this.#close();
      return frame;
    } catch (problem) {
      this.destroy();
      if (problem instanceof FrameError) throw problem;
      throw new FrameError((problem as Error).message, { cause: problem });
    }
  }

  /** Nobody reads on: unless the body was read to its end, the connection is given up. */
  destroy(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stream.destroy();
  }

  /** All that counts is here; a connection that ends as it should serves again. */
  async #close(): Promise<void> {
    this.#ended = true;
    try {
      if (this.#rest.length > 0 || (await this.#chunk())) this.#stream.destroy();
    } catch {
      // The connection is gone, and nothing with it.
    }
  }

  async #frame(): Promise<Frame> {
    const header = await this.#take(HEADER_BYTES);
    const length = header.readUInt32BE(0);
    const code = header.readUInt8(4);
    const kind = KINDS[code];
    if (kind === undefined || length > bytesMax(kind)) throw new FrameError('this is no frame');
    const payload = await this.#take(length);
    const mac = await this.#take(MAC_BYTES);
    if (!timingSafeEqual(mac, macOf(this.#key, code, this.#frames++, payload))) {
      throw new FrameError('a frame was altered, or made with another secret');
    }
    if (kind === 'bytes') return { kind, bytes: payload };
    if (kind === 'idle' || kind === 'end') return { kind };
    return { kind, value: JSON.parse(payload.toString('utf8')) as unknown };
  }

  /** Exactly so many bytes. */
  async #take(bytes: number): Promise<Buffer> {
    if (this.#rest.length < bytes) {
      const parts = this.#rest.length > 0 ? [this.#rest] : [];
      let length = this.#rest.length;
      while (length < bytes) {
        const chunk = await this.#chunk();
        if (!chunk) throw new FrameError('it is cut off');
        parts.push(chunk);
        length += chunk.length;
      }
      this.#rest = parts.length === 1 ? parts[0]! : Buffer.concat(parts, length);
    }
    const taken = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(bytes);
    return taken;
  }

  async #chunk(): Promise<Buffer | undefined> {
    const { clock, silenceMs } = this.#times;
    const silent = (): void => {
      this.#stream.destroy(new FrameError(`nothing was heard for ${silenceMs} ms`));
    };
    const stop = clock.after(silenceMs, silent);
    try {
      const next = await this.#chunks.next();
      return next.done ? undefined : next.value;
    } finally {
      stop();
    }
  }
}
