/** Frames are read as they were written, in their order, and by nobody else's making. */

import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { FrameError, frameKey, FrameReader, FrameWriter } from '../../src/cluster/frames.ts';
import type { Frame, FrameKey } from '../../src/cluster/frames.ts';
import { systemClock } from '../../src/common/clock.ts';
import { Random } from '../simulation/random.ts';

const KEY = frameKey('a secret of the whole cluster', 'nonce');
const TIMES = { clock: systemClock, silenceMs: 5000 };

/** What stands on the wire for: a message, three pieces, an idle moment, the end. */
async function written(key = KEY): Promise<readonly Buffer[]> {
  const frames: Buffer[] = [];
  const stream = new PassThrough();
  const writer = new FrameWriter(stream, key, TIMES);
  const record = async (writing: Promise<void>): Promise<void> => {
    await writing;
    frames.push(stream.read() as Buffer);
  };
  await record(writer.message({ a: 1 }));
  for (const piece of ['one', 'two', 'six']) await record(writer.bytes(Buffer.from(piece)));
  await record(writer.idle());
  await record(writer.end());
  return frames;
}

/** The frames that are believed, and what came of it. */
async function readAll(wire: Iterable<Buffer>, key: FrameKey = KEY): Promise<readonly unknown[]> {
  const reader = new FrameReader(Readable.from(wire, { objectMode: false }), key, TIMES);
  const found: unknown[] = [];
  try {
    for (let frame: Frame = await reader.next(); ; frame = await reader.next()) {
      found.push(frame.kind === 'bytes' ? Buffer.from(frame.bytes).toString() : frame.kind);
      if (frame.kind === 'end' || frame.kind === 'failure') return found;
    }
  } catch (problem) {
    return [...found, problem instanceof FrameError ? 'FrameError' : problem];
  }
}

const ALL = ['message', 'one', 'two', 'six', 'idle', 'end'];

test('in any chunks', async () => {
  const wire = Buffer.concat(await written());
  expect(await readAll([wire])).toEqual(ALL);
  expect(await readAll([...wire].map((byte) => Buffer.from([byte])))).toEqual(ALL);
  const random = new Random(1);
  for (let run = 0; run < 50; run++) {
    const chunks: Buffer[] = [];
    for (let at = 0; at < wire.length;) {
      const next = at + random.between(1, 60);
      chunks.push(wire.subarray(at, next));
      at = next;
    }
    expect(await readAll(chunks)).toEqual(ALL);
  }
});

test.each([
  ['left out', [0, 2, 3, 4, 5], ['message', 'FrameError']],
  ['swapped', [0, 2, 1, 3, 4, 5], ['message', 'FrameError']],
  ['repeated', [0, 1, 1, 2, 3, 4, 5], ['message', 'one', 'FrameError']],
  ['an end that comes early', [0, 1, 5], ['message', 'one', 'FrameError']],
  ['no end', [0, 1, 2, 3, 4], ['message', 'one', 'two', 'six', 'idle', 'FrameError']],
])('frames %s', async (_name, order, expected) => {
  const frames = await written();
  expect(await readAll(order.map((i) => frames[i]!))).toEqual(expected);
});

test('cut anywhere, flipped anywhere', async () => {
  const wire = Buffer.concat(await written());
  for (let at = 0; at < wire.length; at++) {
    const cut = await readAll([wire.subarray(0, at)]);
    expect(cut.at(-1)).toBe('FrameError');
    expect(ALL.slice(0, cut.length - 1)).toEqual(cut.slice(0, -1));
    for (const bit of [0, 5, 7]) {
      const flipped = Buffer.from(wire);
      flipped[at]! ^= 1 << bit;
      const read = await readAll([flipped]);
      expect(read.at(-1), `byte ${at}`).toBe('FrameError');
      expect(ALL.slice(0, read.length - 1)).toEqual(read.slice(0, -1));
    }
  }
});

test('a whole body at once is the same as its parts', async () => {
  const stream = new PassThrough();
  await new FrameWriter(stream, KEY, TIMES).whole(
    { a: 1 },
    ['one', '', 'two', 'six'].map((piece) => Buffer.from(piece)),
  );
  const parts = (await written()).filter((_frame, i) => i !== 4);
  const whole = await buffer(stream);
  expect(await readAll([whole])).toEqual(ALL.filter((one) => one !== 'idle'));
  // The end alone has another number, as nothing idle stands before it.
  expect(whole.subarray(0, -21)).toEqual(Buffer.concat(parts.slice(0, -1)));
});

test('keys belong to one body', async () => {
  const secret = 'a secret of the whole cluster';
  const keys = [
    frameKey(secret, 'nonce'),
    frameKey(secret, 'other'),
    frameKey(secret, 'nonce', 'answer'),
    frameKey(secret, 'nonce', 'another'),
    frameKey(secret, 'other', 'answer'),
    frameKey(secret, 'answer'),
    frameKey(secret, 'nonce\nanswer'),
    frameKey('another secret of the cluster', 'nonce'),
  ];
  expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(keys.length);
  for (const key of keys.slice(1)) expect(await readAll(await written(), key)).toEqual(['FrameError']);
});

test('what is too long is refused before it is read', async () => {
  const header = Buffer.from([0xff, 0xff, 0xff, 0xff, 0]);
  let pulled = 0;
  const endless = (function* (): Generator<Buffer> {
    yield header;
    for (; pulled < 1000; pulled++) yield Buffer.alloc(100_000);
  })();
  expect(await readAll(endless)).toEqual(['FrameError']);
  expect(pulled).toBeLessThan(10);
});

test('a long piece is cut into frames that a reader takes', async () => {
  const stream = new PassThrough({ highWaterMark: 10_000_000 });
  const writer = new FrameWriter(stream, KEY, TIMES);
  await writer.bytes(Buffer.alloc(2_500_000, 'x'));
  await writer.end();
  const found = await readAll([await buffer(stream)]);
  expect(found.map((one) => (one as string).length)).toEqual([1_048_576, 1_048_576, 402_848, 3]);
});
