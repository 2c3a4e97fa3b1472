/** The store's network over real sockets: what arrives is what was sent, whole, or an error; whatever happens on the way. */

import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FRAMES_TYPE } from '../../src/cluster/frames.ts';
import { FRAMED, signatureHeaders, SignatureVerifier } from '../../src/cluster/signature.ts';
import { systemClock } from '../../src/common/clock.ts';
import type { Clock } from '../../src/common/clock.ts';
import { HttpNetwork } from '../../src/filestore/http-network.ts';
import { NetworkError, StoreError } from '../../src/filestore/network.ts';
import type { Bytes, Operations } from '../../src/filestore/network.ts';
import { addStoreRoutes } from '../../src/filestore/store-routes.ts';
import { Random } from '../simulation/random.ts';
import { Signal } from './signal.ts';
import { TcpProxy } from './tcp-proxy.ts';

const SECRET = 'a secret of the whole cluster';
const PIECE = 100_000;

let app: FastifyInstance;
let url: string;
let network: HttpNetwork;
let proxies: TcpProxy[] = [];
let heard: Heard[] = [];
let bugs: unknown[] = [];
let sent = 0;
let left = 0;

/** What an operation got of a body. */
type Heard = { hash: string; length: number; /** 'whole', or the name of the error that ended it. */ end: string };

type Sized = { readonly length: number; readonly failAt?: number };

const operations: Operations = {
  echo: async (message: object) => ({ answer: { message } }),
  refuse: async () => {
    throw new StoreError('SafeModeException', 'not yet');
  },
  bug: async () => {
    throw new TypeError('x is not a function');
  },
  silent: () => new Promise(() => undefined),
  upload: async (_message: object, body) => ({ answer: await hear(body) }),
  full: async () => {
    throw new StoreError('DiskOutOfSpaceException', 'no room');
  },
  takeOne: async (_message: object, body) => {
    for await (const piece of body) throw new StoreError('DiskOutOfSpaceException', `no room for ${piece.length}`);
    return { answer: {} };
  },
  download: async ({ length, failAt }: Sized) => ({ answer: { length }, body: made(length, failAt) }),
  stalls: async () => ({ answer: {}, body: stalling() }),
};

async function hear(body: Bytes): Promise<Heard> {
  const hash = createHash('sha256');
  const found: Heard = { hash: '', length: 0, end: '' };
  heard.push(found);
  try {
    for await (const piece of body) {
      hash.update(piece);
      found.length += piece.length;
    }
    found.end = 'whole';
  } catch (problem) {
    found.end = (problem as Error).name;
    throw problem;
  } finally {
    found.hash = hash.digest('hex');
  }
  return found;
}

/** The same bytes for the same length, in one buffer that is used again and again. */
async function* made(length: number, failAt = Infinity): Bytes {
  const buffer = Buffer.alloc(PIECE);
  try {
    for (let at = 0; at < length; at += PIECE) {
      if (at >= failAt) throw new StoreError('ChecksumException', 'a bit was flipped');
      const piece = buffer.subarray(0, Math.min(PIECE, length - at));
      piece.fill(`${at} `);
      sent += piece.length;
      yield piece;
    }
  } finally {
    left += 1;
  }
}

async function* stalling(): Bytes {
  yield Buffer.from('first');
  await new Promise(() => undefined);
}

async function* texts(): AsyncGenerator {
  yield Buffer.alloc(300_000);
  yield 'text';
}

async function* pausing(): Bytes {
  yield Buffer.alloc(300_000);
  await new Promise((resolve) => setTimeout(resolve, 5000));
  yield Buffer.from('x');
}

async function hashOf(length: number): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of made(length)) hash.update(piece);
  return hash.digest('hex');
}

async function read(body: Bytes): Promise<{ readonly hash: string; readonly length: number }> {
  const hash = createHash('sha256');
  let length = 0;
  for await (const piece of body) {
    hash.update(piece);
    length += piece.length;
  }
  return { hash: hash.digest('hex'), length };
}

async function download(length: number, from = url): Promise<{ readonly hash: string; readonly length: number }> {
  const { body } = await network.fetch(from, 'download', { length });
  return read(body);
}

async function serve(clock: Clock = systemClock, silenceMs?: number): Promise<string> {
  app = fastify({ forceCloseConnections: true });
  const verifier = new SignatureVerifier(SECRET, clock.wallMs);
  void app.register(async (routes) => {
    addStoreRoutes(routes, () => Promise.resolve(operations), {
      verifier,
      clock,
      onBug: (problem) => bugs.push(problem),
      ...(silenceMs !== undefined && { silenceMs }),
    });
  });
  return app.listen({ port: 0, host: '127.0.0.1' });
}

async function proxied(): Promise<TcpProxy> {
  const proxy = await TcpProxy.before(url);
  proxies.push(proxy);
  return proxy;
}

const eventually = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
};

beforeEach(async () => {
  [heard, bugs, proxies, sent, left] = [[], [], [], 0, 0];
  url = await serve();
  network = new HttpNetwork(SECRET, systemClock);
});

afterEach(async () => {
  network.close();
  for (const proxy of proxies) await proxy.close();
  await app.close();
});

test('a message is answered', async () => {
  const message = { text: 'Zürich 数据 😀', number: 1, nested: [null, { deep: true }] };
  expect(await network.call(url, 'echo', message)).toEqual({ message });
  expect(await network.call(url, 'echo', { long: 'x'.repeat(3_000_000) })).toEqual({
    message: { long: 'x'.repeat(3_000_000) },
  });
});

test('errors keep their names', async () => {
  await expect(network.call(url, 'refuse', {})).rejects.toMatchObject({
    name: 'SafeModeException',
    message: 'not yet',
  });
  await expect(network.call(url, 'refuse', {})).rejects.toBeInstanceOf(StoreError);
  for (const operation of ['nothing', 'toString', '__proto__', 'a/b', '..']) {
    await expect(network.call(url, operation, {})).rejects.toMatchObject({
      name: expect.stringMatching(/^(UnsupportedOperationException|NetworkError)$/),
    });
  }
  await expect(network.call(url, 'nothing', {})).rejects.toMatchObject({ name: 'UnsupportedOperationException' });
  expect(bugs).toEqual([]);
  await expect(network.call(url, 'bug', {})).rejects.toMatchObject({ name: 'IOException' });
  expect(bugs).toEqual([expect.any(TypeError)]);
});

test.each([0, 1, PIECE, 262_143, 262_144, 262_145, 3_456_789])('%d bytes go there and back', async (length) => {
  const hash = await hashOf(length);
  expect(await network.call(url, 'upload', {}, { body: made(length) })).toEqual({ hash, length, end: 'whole' });
  expect(await download(length)).toEqual({ hash, length });
});

test('a piece longer than a frame', async () => {
  const bytes = new Random(1).bytes(5_000_001);
  const whole = async function* (): Bytes {
    yield bytes;
  };
  const hash = createHash('sha256').update(bytes).digest('hex');
  expect(await network.call(url, 'upload', {}, { body: whole() })).toMatchObject({ hash, length: bytes.length });
});

test('without the secret nothing is done and nothing believed', async () => {
  const stranger = new HttpNetwork('the secret of another house', systemClock);
  const refused = stranger.call(url, 'upload', {}, { body: made(5_000_000) });
  await expect(refused).rejects.toMatchObject({
    name: 'AccessControlException',
    message: expect.stringContaining('another secret'),
  });
  await expect(stranger.call(url, 'echo', {})).rejects.toMatchObject({ name: 'AccessControlException' });
  expect(heard).toEqual([]);
  stranger.close();
  // The other way round: who answers does not know the secret.
  const fake = fastify();
  fake.removeAllContentTypeParsers();
  fake.addContentTypeParser('*', (_request, _payload, done) => done(null));
  fake.post('/v1/store/echo', (_request, reply) =>
    reply
      .header('x-tutti-nonce', 'x')
      .send(Buffer.concat([Buffer.from([0, 0, 0, 2, 0]), Buffer.from('{}'), Buffer.alloc(16)])),
  );
  const fakeUrl = await fake.listen({ port: 0, host: '127.0.0.1' });
  await expect(network.fetch(fakeUrl, 'echo', {})).rejects.toMatchObject({
    name: 'NetworkError',
    message: expect.stringContaining('altered'),
  });
  await fake.close();
});

test('frames go only where their use was signed, and nothing else goes there', async () => {
  const path = '/v1/store/upload';
  const send = (headers: Record<string, string>, body: Uint8Array): Promise<Response> =>
    fetch(url + path, { method: 'POST', headers, body });
  const frames = { 'content-type': FRAMES_TYPE };
  const json = { 'content-type': 'application/json' };
  const body = Buffer.from('{}');
  const whole = signatureHeaders(SECRET, { method: 'POST', path, body }, Date.now());
  expect((await send({ ...whole, ...frames }, body)).status).toBe(401);
  const framed = (): Record<string, string> =>
    signatureHeaders(SECRET, { method: 'POST', path, body: FRAMED }, Date.now());
  expect((await send({ ...framed(), ...json }, body)).status).toBe(415);
  expect((await send({ ...framed() }, new Uint8Array())).status).toBe(401);
  expect(heard).toEqual([]);
});

test('what was recorded cannot be played again, nor put together anew', async () => {
  const proxy = await proxied();
  await network.call(proxy.url, 'upload', {}, { body: made(400_000) });
  const first = Buffer.concat(proxy.requests.splice(0));
  await network.call(proxy.url, 'upload', {}, { body: made(400_000) });
  const second = Buffer.concat(proxy.requests.splice(0));
  heard = [];
  expect(await raw(first)).toMatch(/^HTTP\/1.1 401 .*sent before/s);
  // The headers of a request that did not arrive, with the body of another that did.
  const other = new HttpNetwork(SECRET, systemClock);
  const dead = await proxied();
  dead.spoil = () => ({ direction: 'request', how: 'halt', atByte: 0 });
  other.call(dead.url, 'upload', {}, { body: made(400_000), timeoutMs: 300 }).catch(() => undefined);
  await eventually(() => dead.requests.length > 0);
  const [headers] = splitHead(Buffer.concat(dead.requests));
  const mixed = Buffer.concat([headers, splitHead(second)[1]]);
  expect(await raw(mixed)).not.toMatch(/^HTTP\/1.1 200 .*\r\n\r\n./s);
  expect(heard).toEqual([]);
  other.close();
});

const splitHead = (request: Buffer): readonly [Buffer, Buffer] => {
  const end = request.indexOf('\r\n\r\n') + 4;
  return [request.subarray(0, end), request.subarray(end)];
};

/** What a plain connection answers. */
function raw(request: Buffer): Promise<string> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    let answer = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.on('close', () => resolve(answer));
    socket.end(request);
  });
}

test.each(['request', 'answer'] as const)(
  'a connection that is cut in the %s never makes a part look whole',
  async (direction) => {
    const random = new Random(direction.length);
    const hash = await hashOf(1_000_000);
    const proxy = await proxied();
    const outcomes: string[] = [];
    for (let run = 0; run < 60; run++) {
      // Some behind the end, where nothing is lost.
      const atByte = random.chance(0.3) ? random.below(2000) : random.below(1_002_000);
      proxy.spoil = () => ({ direction, how: 'cut', atByte });
      const exchange =
        direction === 'request'
          ? network.call<Heard>(proxy.url, 'upload', {}, { body: made(1_000_000), timeoutMs: 5000 })
          : download(1_000_000, proxy.url);
      outcomes.push(
        await exchange.then(
          (whole) => whole.hash,
          (problem: Error) => problem.name,
        ),
      );
      proxy.reset();
    }
    expect([...new Set(outcomes)].filter((one) => one !== 'NetworkError' && one !== hash)).toEqual([]);
    expect(outcomes.filter((one) => one === 'NetworkError').length).toBeGreaterThan(30);
    await eventually(() => heard.every(({ end }) => end !== ''));
    const wrong = heard.filter((one) => (one.end === 'whole' ? one.hash !== hash : one.end !== 'NetworkError'));
    expect(wrong).toEqual([]);
  },
);

test.each(['request', 'answer'] as const)('a bit that is flipped in the %s is an error', async (direction) => {
  const random = new Random(direction.length);
  const hash = await hashOf(300_000);
  const proxy = await proxied();
  const outcomes: string[] = [];
  for (let run = 0; run < 60; run++) {
    const atByte = random.chance(0.5) ? random.below(1000) : random.below(300_000);
    proxy.spoil = () => ({ direction, how: 'flip', atByte });
    const exchange =
      direction === 'request'
        ? network.call<Heard>(proxy.url, 'upload', {}, { body: made(300_000), timeoutMs: 300 })
        : network.fetch(proxy.url, 'download', { length: 300_000 }, { timeoutMs: 300 }).then(({ body }) => read(body));
    outcomes.push(
      await exchange.then(
        (whole) => whole.hash,
        (problem: Error) => problem.name,
      ),
    );
    proxy.reset();
  }
  // What is flipped where HTTP does not look changes nothing.
  expect([...new Set(outcomes)].filter((one) => one !== 'NetworkError' && one !== hash)).toEqual([]);
  expect(outcomes.filter((one) => one === 'NetworkError').length).toBeGreaterThan(30);
  expect(heard.filter((one) => one.end === 'whole' && one.hash !== hash)).toEqual([]);
  expect(bugs).toEqual([]);
});

test('a slow reader holds the writer back', async () => {
  const { body } = await network.fetch(url, 'download', { length: 400_000_000 });
  const reader = body[Symbol.asyncIterator]();
  await reader.next();
  let before = -1;
  // The sockets fill, and then nothing moves.
  while (before !== sent) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(sent).toBeLessThan(40_000_000);
  await reader.return?.();
  await eventually(() => left === 1);
});

test('a slow server holds the caller back', async () => {
  const gate = new Signal();
  const slow: Operations = {
    slow: async (_message: object, body) => {
      for await (const piece of body) {
        if (piece.length === 0) break;
        await gate.given;
      }
      return { answer: {} };
    },
  };
  Object.assign(operations, slow);
  const calling = network.call(url, 'slow', {}, { body: made(100_000_000) });
  let before = -1;
  while (before !== sent) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(sent).toBeLessThan(40_000_000);
  gate.give();
  await calling;
  expect(sent).toBe(100_000_000);
});

test('hundreds of megabytes take no memory', async () => {
  const length = 300_000_000;
  let most = 0;
  const watch = setInterval(() => {
    const { arrayBuffers, heapUsed } = process.memoryUsage();
    most = Math.max(most, arrayBuffers + heapUsed);
  }, 5);
  const start = process.memoryUsage();
  try {
    expect(await network.call(url, 'upload', {}, { body: made(length) })).toMatchObject({ length, end: 'whole' });
    expect(await download(length)).toMatchObject({ length });
  } finally {
    clearInterval(watch);
  }
  expect(most - start.arrayBuffers - start.heapUsed).toBeLessThan(100_000_000);
});

test('a refusal comes before all is sent, and the source is told', async () => {
  for (const operation of ['full', 'takeOne']) {
    [sent, left] = [0, 0];
    const calling = network.call(url, operation, {}, { body: made(300_000_000) });
    await expect(calling).rejects.toMatchObject({ name: 'DiskOutOfSpaceException' });
    await eventually(() => left === 1);
    expect(sent).toBeLessThan(100_000_000);
  }
  // What was still on its way does not keep the connections.
  await eventually(async () => (await connectionsOf(app)) === 0);
});

const connectionsOf = ({ server }: FastifyInstance): Promise<number> =>
  new Promise((resolve, reject) => {
    server.getConnections((problem, count) => (problem ? reject(problem) : resolve(count)));
  });

test('a source that fails fails the call, and the other side hears why', async () => {
  for (const length of [200_000, 2_000_000]) {
    heard = [];
    const calling = network.call(url, 'upload', {}, { body: made(length * 2, length) });
    await expect(calling).rejects.toMatchObject({ name: 'ChecksumException', message: 'a bit was flipped' });
    // A short one never left.
    const hearing = length > 262_144 ? ['ChecksumException'] : [];
    await eventually(() => heard.length === hearing.length && heard.every(({ end }) => end !== ''));
    expect(heard.map(({ end }) => end)).toEqual(hearing);
  }
  await expect(
    download(10).then(() => network.fetch(url, 'download', { length: 10, failAt: 0 })),
  ).rejects.toMatchObject({
    name: 'ChecksumException',
  });
  const { body } = await network.fetch(url, 'download', { length: 2_000_000, failAt: 1_000_000 });
  await expect(read(body)).rejects.toMatchObject({ name: 'ChecksumException' });
  expect(bugs).toEqual([]);
});

test('what cannot be sent is the caller’s mistake, and told at once', async () => {
  await expect(network.call(url, 'echo', { id: 1n })).rejects.toBeInstanceOf(TypeError);
  await expect(network.call(url, 'upload', {}, { body: texts() as Bytes })).rejects.toBeInstanceOf(TypeError);
  await eventually(() => heard[0]?.end === 'NetworkError');
});

test('who leaves ends the other side’s work', async () => {
  const { body } = await network.fetch(url, 'download', { length: 100_000_000 });
  await body[Symbol.asyncIterator]().return?.();
  await eventually(() => left === 1);
  const abort = new AbortController();
  const calling = network.call(url, 'upload', {}, { body: made(1_000_000_000), signal: abort.signal });
  await eventually(() => (heard[0]?.length ?? 0) > 1_000_000);
  abort.abort();
  await expect(calling).rejects.toBeInstanceOf(NetworkError);
  await eventually(() => heard[0]?.end === 'NetworkError' && left === 2);
  await expect(network.call(url, 'echo', {}, { signal: abort.signal })).rejects.toBeInstanceOf(NetworkError);
  const stuck = network.call(url, 'upload', {}, { body: stalling(), signal: AbortSignal.timeout(50) });
  await expect(stuck).rejects.toBeInstanceOf(NetworkError);
});

test('a server that dies fails what it was doing', async () => {
  const proxy = await proxied();
  const { body } = await network.fetch(proxy.url, 'download', { length: 100_000_000 });
  const calling = network.call(proxy.url, 'upload', {}, { body: made(1_000_000_000) });
  const waiting = network.call(proxy.url, 'silent', {});
  const outcomes = Promise.allSettled([read(body), calling, waiting]);
  await eventually(() => (heard[0]?.length ?? 0) > 1_000_000);
  proxy.reset();
  for (const outcome of await outcomes)
    expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'NetworkError' } });
  await eventually(() => heard[0]?.end === 'NetworkError' && left === 2);
  const gone = new HttpNetwork(SECRET, systemClock);
  await app.close();
  await expect(gone.call(url, 'echo', {})).rejects.toBeInstanceOf(NetworkError);
});

test('silence is an error, on either side', async () => {
  await expect(network.call(url, 'silent', {}, { timeoutMs: 100 })).rejects.toMatchObject({
    name: 'NetworkError',
    message: expect.stringContaining('100 ms'),
  });
  const { body } = await network.fetch(url, 'stalls', {}, { timeoutMs: 100 });
  await expect(read(body)).rejects.toMatchObject({ name: 'NetworkError', message: expect.stringContaining('100 ms') });
  // A caller whose machine is gone without a word.
  const hasty = app;
  url = await serve(systemClock, 200);
  const proxy = await proxied();
  proxy.spoil = () => ({ direction: 'request', how: 'halt', atByte: 1_000_000 });
  const calling = network.call(proxy.url, 'upload', {}, { body: made(10_000_000), timeoutMs: 1000 });
  await expect(calling).rejects.toBeInstanceOf(NetworkError);
  await eventually(() => heard[0]?.end === 'NetworkError');
  await hasty.close();
});

test('a reader that never goes on is given up', async () => {
  const before = app;
  url = await serve(systemClock, 200);
  const { body } = await network.fetch(url, 'download', { length: 400_000_000 });
  const reader = body[Symbol.asyncIterator]();
  await reader.next();
  await eventually(() => left === 1);
  expect(sent).toBeLessThan(100_000_000);
  await expect(read({ [Symbol.asyncIterator]: () => reader })).rejects.toBeInstanceOf(NetworkError);
  await before.close();
});

test('a source that takes its time is no silence', async () => {
  const hasty = app;
  // Four seconds of the network's time pass in one: its patience ends before the source goes on, but not in a moment of load.
  const fast: Clock = { ...systemClock, after: (ms, work) => systemClock.after(ms / 4, work) };
  url = await serve(fast, 12_000);
  const patient = new HttpNetwork(SECRET, fast);
  expect(await patient.call(url, 'upload', {}, { body: pausing() })).toMatchObject({ length: 300_001, end: 'whole' });
  patient.close();
  await hasty.close();
});

test('connections are kept, and a kept one that was closed is no error', async () => {
  const proxy = await proxied();
  for (let i = 0; i < 50; i++) {
    expect(await network.call(proxy.url, 'echo', { i })).toEqual({ message: { i } });
    expect(await network.call(proxy.url, 'upload', {}, { body: made(1000) })).toMatchObject({ length: 1000 });
    expect(await download(300_000, proxy.url)).toMatchObject({ length: 300_000 });
    await expect(network.call(proxy.url, 'refuse', {})).rejects.toMatchObject({ name: 'SafeModeException' });
  }
  // One for all calls without bytes, and one for those with.
  expect(proxy.connections).toBe(2);
  for (let i = 0; i < 20; i++) {
    // Told at the same moment as the next request goes out.
    proxy.reset();
    expect(await network.call(proxy.url, 'upload', {}, { body: made(200_000) })).toMatchObject({ length: 200_000 });
  }
  expect(proxy.connections).toBe(22);
  // Many may be closed at once.
  for (let i = 0; i < 5; i++) {
    const calls = Array.from({ length: 8 }, () => network.call(proxy.url, 'echo', {}));
    expect(await Promise.all(calls)).toHaveLength(8);
    proxy.reset();
  }
  // What cannot be sent again does not begin on a connection that may be closed.
  for (let i = 0; i < 10; i++) {
    expect(await network.call(proxy.url, 'echo', {})).toEqual({ message: {} });
    proxy.reset();
    expect(await network.call(proxy.url, 'upload', {}, { body: made(1_000_000) })).toMatchObject({ length: 1_000_000 });
  }
});

test('many at once', async () => {
  const hash = await hashOf(1_000_000);
  const outcomes = await Promise.all(
    Array.from({ length: 60 }, (_, i) =>
      i % 2 ? network.call<Heard>(url, 'upload', {}, { body: made(1_000_000) }) : download(1_000_000),
    ),
  );
  expect(outcomes.filter((one) => one.hash === hash)).toHaveLength(60);
});
