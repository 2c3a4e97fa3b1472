/**
 * A kept connection on which two processes say many small things: texts of JSON, gathered into frames of the sort that `frames.ts` has,
 * each direction under a key of its own. What is said in one turn of the event loop goes out in a few frames, each with one MAC and one
 * write, and each is heard in a turn of its own. A long text is cut into frames of its own, between which short ones pass.
 *
 *     texts  a JSON array of what was said
 *     part   a piece of a long text, which goes on in the next such frame
 *     last   its last piece
 *
 * Nobody without the key can alter, repeat, reorder or leave out a frame; a connection that ends says nothing of what was on its way.
 */

import { timingSafeEqual } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { assert } from '../common/assert.ts';
import { every } from '../common/clock.ts';
import { FrameError, HEADER_BYTES, MAC_BYTES, macOf, MESSAGE_BYTES_MAX } from './frames.ts';
import type { FrameKey, FrameTimes } from './frames.ts';

const [TEXTS, PART, LAST] = [0, 1, 2];

/** Shorter texts share frames, so that one long text does not hold up many short ones. */
const SHORT_CHARACTERS_MAX = 16 * 1024;
/**
 * So much goes out at once, without waiting for what else is said in this turn: the other side begins with some twenty calls while the rest
 * are made, and the disk with their records. Sixty-four callers that wait in step make a third less in a second.
 */
const FRAME_CHARACTERS = 4 * 1024;
const PART_BYTES = 256 * 1024;
/** Whatever is gathered fits: three bytes a character, and a comma for each text. */
const FRAME_BYTES_MAX = 1024 * 1024;

export type ChannelEvents = {
  /** What one frame said, in order. */
  readonly heard: (said: readonly unknown[]) => void;
  /** Nothing more is heard, and nothing sent. */
  readonly closed: (problem: FrameError) => void;
};

export type ChannelKeys = { readonly own: FrameKey; readonly theirs: FrameKey };

export class FrameChannel {
  readonly #socket: Duplex;
  readonly #keys: ChannelKeys;
  readonly #events: ChannelEvents;
  #short: string[] = [];
  #shortCharacters = 0;
  /** The first one may be sent in part. */
  readonly #long: Buffer[] = [];
  #sent = 0;
  #heard = 0;
  #rest: Buffer = Buffer.alloc(0);
  #parts: Buffer[] = [];
  #partBytes = 0;
  #isDue = false;
  #isFull = false;
  #isClosed = false;
  /** Grows with all that is heard, and all that the other side takes. */
  #progress = 0;

  constructor(socket: Duplex, keys: ChannelKeys, events: ChannelEvents) {
    this.#socket = socket;
    this.#keys = keys;
    this.#events = events;
    socket.on('error', (problem) => this.destroy(new FrameError(problem.message, { cause: problem })));
    socket.on('close', () => this.destroy(new FrameError('the connection was closed')));
    socket.on('end', () => this.destroy(new FrameError('the connection was closed')));
    socket.on('drain', () => {
      this.#isFull = false;
      this.#progress += 1;
      this.#flush();
    });
  }

  /** Listens. `head`: bytes that came behind what opened the connection. */
  begin(head: Buffer): void {
    this.#socket.on('data', (chunk: Buffer) => this.#take(chunk));
    if (head.length > 0) this.#take(head);
  }

  /** Frames that came. */
  get heard(): number {
    return this.#heard;
  }

  /** The other side takes nothing of what waits for it. */
  get isFull(): boolean {
    return this.#isFull;
  }

  get progress(): number {
    return this.#progress;
  }

  /** `text` is JSON. What is said together is heard in the same order, but for long texts, which come later. */
  send(text: string): void {
    if (this.#isClosed) return;
    if (text.length <= SHORT_CHARACTERS_MAX) {
      this.#short.push(text);
      this.#shortCharacters += text.length;
    } else {
      const bytes = Buffer.from(text);
      assert(bytes.length <= MESSAGE_BYTES_MAX, 'a message is not longer than its receiver takes');
      this.#long.push(bytes);
    }
    if (this.#shortCharacters >= FRAME_CHARACTERS) return this.#flush();
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.#flush();
    });
  }

  destroy(problem = new FrameError('the connection was closed')): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.destroy();
    this.#events.closed(problem);
  }

  #flush(): void {
    while (!this.#isClosed && !this.#isFull && (this.#short.length > 0 || this.#long.length > 0)) {
      if (this.#short.length > 0) this.#write(TEXTS, Buffer.from(`[${this.#gathered().join(',')}]`));
      const long = this.#long[0];
      if (!long) continue;
      const isLast = long.length <= PART_BYTES;
      this.#write(isLast ? LAST : PART, long.subarray(0, PART_BYTES));
      if (isLast) this.#long.shift();
      else this.#long[0] = long.subarray(PART_BYTES);
    }
  }

  #gathered(): readonly string[] {
    let characters = 0;
    let count = 0;
    while (count < this.#short.length && characters < FRAME_CHARACTERS) characters += this.#short[count++]!.length;
    this.#shortCharacters -= characters;
    const all = this.#short;
    this.#short = all.slice(count);
    return count === all.length ? all : all.slice(0, count);
  }

  #write(kind: number, payload: Buffer): void {
    const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.length + MAC_BYTES);
    frame.writeUInt32BE(payload.length, 0);
    frame.writeUInt8(kind, 4);
    payload.copy(frame, HEADER_BYTES);
    macOf(this.#keys.own, kind, this.#sent++, payload).copy(frame, HEADER_BYTES + payload.length);
    this.#isFull = !this.#socket.write(frame);
  }

  #take(chunk: Buffer): void {
    this.#progress += 1;
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#next();
  }

  /** One frame, and the next one after others had their turn; meanwhile nothing more is read. */
  #next(): void {
    try {
      if (this.#isClosed || !this.#frame()) return void this.#socket.resume();
    } catch (problem) {
      return this.destroy(
        problem instanceof FrameError ? problem : new FrameError(String(problem), { cause: problem }),
      );
    }
    if (this.#rest.length === 0) return void this.#socket.resume();
    this.#socket.pause();
    setImmediate(() => this.#next());
  }

  /** Whether a whole one was there. */
  #frame(): boolean {
    const all = this.#rest;
    if (all.length < HEADER_BYTES) return false;
    const length = all.readUInt32BE(0);
    const kind = all.readUInt8(4);
    if (length > FRAME_BYTES_MAX || kind > LAST) throw new FrameError('this is no frame');
    const end = HEADER_BYTES + length + MAC_BYTES;
    if (all.length < end) return false;
    this.#rest = all.subarray(end);
    const payload = all.subarray(HEADER_BYTES, HEADER_BYTES + length);
    const mac = all.subarray(HEADER_BYTES + length, end);
    if (!timingSafeEqual(mac, macOf(this.#keys.theirs, kind, this.#heard++, payload))) {
      throw new FrameError('a frame was altered, or made with another secret');
    }
    if (kind === TEXTS) {
      this.#events.heard(JSON.parse(payload.toString('utf8')) as readonly unknown[]);
      return true;
    }
    this.#partBytes += length;
    if (this.#partBytes > MESSAGE_BYTES_MAX) throw new FrameError('a message is too long');
    this.#parts.push(payload);
    if (kind === LAST) {
      const whole = Buffer.concat(this.#parts, this.#partBytes);
      [this.#parts, this.#partBytes] = [[], 0];
      this.#events.heard([JSON.parse(whole.toString('utf8'))]);
    }
    return true;
  }
}

/**
 * Ends a channel on which nothing moves for so long: what waits for the other side is not taken, or nothing comes and `isAtWork` says that
 * nobody works for it. Returns what stops the watch.
 */
export function watchSilence(
  channel: FrameChannel,
  { clock, silenceMs }: FrameTimes,
  isAtWork: () => boolean,
): () => void {
  let seen = channel.progress;
  return every(clock, silenceMs, () => {
    const isSilent = channel.progress === seen && (channel.isFull || !isAtWork());
    seen = channel.progress;
    if (isSilent) channel.destroy(new FrameError(`nothing was heard for ${silenceMs} ms`));
  });
}
