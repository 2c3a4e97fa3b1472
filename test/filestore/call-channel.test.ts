/** Calls that share a connection: each gets its own answer or an error, whatever happens to the others and on the way. */

import { setMaxListeners } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SignatureVerifier } from '../../src/cluster/signature.ts';
import { systemClock } from '../../src/common/clock.ts';
import { HttpNetwork } from '../../src/filestore/http-network.ts';
import { NetworkError, StoreError } from '../../src/filestore/network.ts';
import type { Bytes, Operations } from '../../src/filestore/network.ts';
import { addStoreRoutes } from '../../src/filestore/store-routes.ts';
import { Random } from '../simulation/random.ts';
import { Signal } from './signal.ts';
import { TcpProxy } from './tcp-proxy.ts';

const SECRET = 'a secret of the whole cluster';

let apps: FastifyInstance[] = [];
let url: string;
let network: HttpNetwork;
let proxy: TcpProxy;
let heard: string[] = [];
let bugs: unknown[] = [];
let left = 0;
let gate = new Signal();

type Text = { readonly text: string };

const operations: Operations = {
  echo: async ({ text }: Text) => {
    heard.push(text);
    return { answer: { text } };
  },
  slow: async ({ text }: Text) => {
    heard.push(text);
    await gate.given;
    return { answer: { text } };
  },
  refuse: async () => {
    throw new StoreError('SafeModeException', 'not yet');
  },
  unspeakable: async () => ({ answer: { id: 1n } }),
  download: async () => ({ answer: {}, body: bytes() }),
};

async function* bytes(): Bytes {
  yield Buffer.from('x');
}

/** As a source that holds something open. */
const leaving = (body: Bytes): Bytes => ({
  [Symbol.asyncIterator]: () => {
    const iterator = body[Symbol.asyncIterator]();
    return {
      next: () => iterator.next(),
      return: async () => {
        left += 1;
        return { done: true, value: undefined };
      },
    };
  },
});

async function serve(silenceMs?: number): Promise<string> {
  const app = fastify({ forceCloseConnections: true });
  apps.push(app);
  void app.register(async (routes) => {
    addStoreRoutes(routes, () => Promise.resolve(operations), {
      verifier: new SignatureVerifier(SECRET, systemClock.wallMs),
      clock: systemClock,
      onBug: (problem) => bugs.push(problem),
      ...(silenceMs !== undefined && { silenceMs }),
    });
  });
  return app.listen({ port: 0, host: '127.0.0.1' });
}

const ask = (operation: string, text: string, to = proxy.url, timeoutMs = 10_000): Promise<Text> =>
  network.call<Text>(to, operation, { text }, { timeoutMs });

const eventually = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
};

const plainly = (target: string): string => `CONNECT ${target} HTTP/1.1\r\nhost: x\r\n\r\n`;

const connectionsOf = ({ server }: FastifyInstance): Promise<number> =>
  new Promise((resolve, reject) => {
    server.getConnections((problem, count) => (problem ? reject(problem) : resolve(count)));
  });

/** What a plain connection answers. */
function raw(request: Buffer | string, to: string): Promise<string> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(to);
    const socket = connect({ host: hostname, port: Number(port) });
    let answer = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.on('close', () => resolve(answer));
    socket.write(request);
  });
}

beforeEach(async () => {
  [heard, bugs, apps, left, gate] = [[], [], [], 0, new Signal()];
  url = await serve();
  proxy = await TcpProxy.before(url);
  network = new HttpNetwork(SECRET, systemClock);
});

afterEach(async () => {
  network.close();
  await proxy.close();
  for (const app of apps) await app.close();
});

test('thousands of calls share a connection, and one that is slow holds up no other', async () => {
  const slow = ask('slow', 'slow');
  const texts = Array.from({ length: 5_000 }, (_, i) => `call ${i} 😀`);
  const answers = await Promise.all(texts.map((text) => ask('echo', text)));
  expect(answers.map(({ text }) => text)).toEqual(texts);
  gate.give();
  expect(await slow).toEqual({ text: 'slow' });
  expect(heard).toHaveLength(5_001);
  expect(proxy.connections).toBe(1);
});

test('short calls pass long ones', async () => {
  expect(await ask('echo', 'first')).toEqual({ text: 'first' });
  const long = 'ü'.repeat(20_000_000);
  let isHere = false;
  const longs = Promise.all([ask('echo', long), ask('echo', `${long}x`)]).then((answers) => {
    isHere = true;
    return answers;
  });
  for (let i = 0; i < 5; i++) {
    await ask('echo', `short ${i}`);
    expect(isHere).toBe(false);
  }
  const [one, two] = await longs;
  expect(one.text === long && two.text === `${long}x`).toBe(true);
  expect(proxy.connections).toBe(1);
});

test('of 3,000 calls that wait for each other no more are under way than the connection takes', async () => {
  const calls = Array.from({ length: 3_000 }, (_, i) => ask('slow', String(i)));
  await eventually(() => heard.length === 1_024);
  await ask('echo', 'beside', url);
  expect(heard).toHaveLength(1_025);
  gate.give();
  expect((await Promise.all(calls)).map(({ text }) => Number(text))).toEqual(
    Array.from({ length: 3_000 }, (_, i) => i),
  );
});

test('errors keep their names, and mistakes are told to whom they concern', async () => {
  await expect(ask('refuse', '')).rejects.toMatchObject({ name: 'SafeModeException', message: 'not yet' });
  await expect(ask('toString', '')).rejects.toMatchObject({ name: 'UnsupportedOperationException' });
  await expect(ask('unspeakable', '')).rejects.toMatchObject({ name: 'IOException' });
  expect(bugs).toEqual([expect.any(TypeError)]);
  const body = operations['download']!;
  Object.assign(operations, { download: async () => ({ answer: {}, body: leaving(bytes()) }) });
  await expect(ask('download', '')).rejects.toMatchObject({ name: 'NetworkError' });
  Object.assign(operations, { download: body });
  expect(left).toBe(1);
  expect(proxy.connections).toBe(1);
});

test.each(['request', 'answer'] as const)(
  'bytes that are cut off or altered in the %s harm no call unnoticed',
  async (direction) => {
    const random = new Random(direction.length);
    const outcomes: string[] = [];
    const sent = new Set<string>();
    for (let run = 0; run < 60; run++) {
      const [how, atByte] = [random.pick(['cut', 'flip'] as const), random.below(random.pick([500, 3_000, 300_000]))];
      proxy.spoil = () => ({ direction, how, atByte });
      const texts = Array.from({ length: 20 }, (_, i) => `${run} ${i} ${'x'.repeat(random.pick([10, 100, 50_000]))}`);
      const calls = texts.map(async (text) => {
        sent.add(text);
        try {
          const answer = await ask('echo', text, proxy.url, 500);
          return answer.text === text ? 'right' : 'wrong';
        } catch (problem) {
          return (problem as Error).name;
        }
      });
      outcomes.push(...(await Promise.all(calls)));
      proxy.reset();
    }
    expect(heard.filter((text) => !sent.has(text)).map((text) => text.slice(0, 100))).toEqual([]);
    // A request for a connection that was altered is one that is not signed.
    const refused = direction === 'request' ? ['AccessControlException'] : [];
    expect(new Set(outcomes)).toEqual(new Set(['right', 'NetworkError', ...refused]));
    expect(bugs).toEqual([]);
  },
);

test('without the secret nothing is done and nothing believed', async () => {
  const stranger = new HttpNetwork('the secret of another house', systemClock);
  const refused = stranger.call(url, 'echo', { text: 'x' });
  await expect(refused).rejects.toMatchObject({
    name: 'AccessControlException',
    message: expect.stringMatching(/secret/),
  });
  stranger.close();
  expect(await raw(plainly('tutti-store:1'), url)).toMatch(/^HTTP\/1.1 401 .*not signed/s);
  expect(await raw(plainly('elsewhere:443'), url)).toMatch(/^HTTP\/1.1 404 /);
  expect(heard).toEqual([]);
  // The other way round: who answers does not know the secret.
  const fake = createServer().listen(0, '127.0.0.1');
  fake.on('connect', (_request, socket) => {
    socket.write('HTTP/1.1 200 OK\r\nx-tutti-nonce: x\r\n\r\n');
    socket.write(Buffer.concat([Buffer.from([0, 0, 0, 10, 0]), Buffer.from('[[1,{},0]]'), Buffer.alloc(16)]));
    socket.on('error', () => undefined);
  });
  await eventually(() => fake.listening);
  await expect(ask('echo', 'x', `http://127.0.0.1:${(fake.address() as AddressInfo).port}`)).rejects.toMatchObject({
    name: 'NetworkError',
    message: expect.stringContaining('altered'),
  });
  fake.close();
});

test('what was recorded opens nothing when it is played again, to the same process or another', async () => {
  await ask('echo', 'recorded');
  const recorded = Buffer.concat(proxy.requests);
  expect(heard).toEqual(['recorded']);
  expect(await raw(recorded, url)).toMatch(/^HTTP\/1.1 401 .*sent before/s);
  // It has not seen that nonce, but says another of its own: the frames do not fit.
  expect(await raw(recorded, await serve())).toMatch(/^HTTP\/1.1 200 /);
  expect(heard).toEqual(['recorded']);
});

test('a call that is not answered in time fails alone, and later ones take a connection that lives', async () => {
  const patient = ask('slow', 'patient');
  await expect(ask('slow', 'hasty', proxy.url, 50)).rejects.toMatchObject({
    name: 'NetworkError',
    message: expect.stringContaining('50 ms'),
  });
  // Nothing was heard: perhaps nobody is there.
  expect(await ask('echo', 'next')).toEqual({ text: 'next' });
  expect(proxy.connections).toBe(2);
  gate.give();
  expect(await patient).toEqual({ text: 'patient' });
  // The first connection has no more to do.
  await eventually(async () => (await connectionsOf(apps[0]!)) === 1);
  // Now something is heard meanwhile: the connection is good, and keeps its place.
  gate = new Signal();
  const late = ask('slow', 'late', proxy.url, 200);
  await ask('echo', 'sign of life');
  await expect(late).rejects.toBeInstanceOf(NetworkError);
  gate.give();
  await ask('echo', 'last');
  expect(proxy.connections).toBe(2);
});

test('who gives up frees a place', async () => {
  for (let round = 0; round < 3; round++) {
    const abort = new AbortController();
    setMaxListeners(1_024, abort.signal);
    const calls = Array.from({ length: 1_024 }, () =>
      network.call(proxy.url, 'slow', { text: 'x' }, { signal: abort.signal }),
    );
    const outcomes = Promise.allSettled(calls);
    await eventually(() => heard.length === 1_024 * (round + 1));
    abort.abort();
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: { name: 'NetworkError' } });
    const late = network.call(proxy.url, 'echo', { text: 'x' }, { signal: abort.signal });
    await expect(late).rejects.toBeInstanceOf(NetworkError);
  }
  expect(await ask('echo', 'x')).toEqual({ text: 'x' });
  expect(proxy.connections).toBe(1);
});

test('a connection that breaks fails the calls under way, and the next call makes another', async () => {
  await ask('echo', 'before');
  const calls = [ask('slow', 'one'), ask('slow', 'two')];
  const outcomes = Promise.allSettled(calls);
  await eventually(() => heard.length === 3);
  // Heard since they were sent: it is known that they arrived, and not what became of them.
  await ask('echo', 'sign of life');
  proxy.reset();
  for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: { name: 'NetworkError' } });
  expect(heard).toHaveLength(4);
  for (let i = 0; i < 20; i++) {
    expect(await ask('echo', String(i))).toEqual({ text: String(i) });
    // Told at the same moment as the next call goes out: it is sent once more.
    proxy.reset();
  }
  expect(proxy.connections).toBe(21);
});

test('a peer that is gone without a word is noticed, and a server closes with connections open', async () => {
  const halted = await TcpProxy.before(await serve(100));
  halted.spoil = () => ({ direction: 'request', how: 'halt', atByte: 1_000 });
  await expect(ask('echo', 'x'.repeat(10_000), halted.url, 300)).rejects.toBeInstanceOf(NetworkError);
  await eventually(async () => (await connectionsOf(apps[1]!)) === 0);
  // One that sleeps is closed too, and is not missed.
  halted.spoil = () => undefined;
  await ask('echo', 'awake', halted.url);
  await eventually(async () => (await connectionsOf(apps[1]!)) === 0);
  expect(await ask('echo', 'again', halted.url)).toEqual({ text: 'again' });
  await halted.close();
  // One that takes nothing of its answers.
  const greedy = await TcpProxy.before(await serve(100));
  greedy.spoil = () => ({ direction: 'answer', how: 'halt', atByte: 1_000 });
  await expect(ask('echo', 'x'.repeat(40_000_000), greedy.url, 2_000)).rejects.toBeInstanceOf(NetworkError);
  await eventually(async () => (await connectionsOf(apps[2]!)) === 0);
  await greedy.close();
  const waiting = ask('slow', 'x');
  const outcome = Promise.allSettled([waiting]);
  await eventually(() => heard.at(-1) === 'x');
  await apps[0]!.close();
  expect((await outcome)[0]).toMatchObject({ reason: { name: 'NetworkError' } });
  await expect(ask('echo', 'x', url)).rejects.toBeInstanceOf(NetworkError);
});

test.each(['127.0.0.1', 'localhost'])('a call to %s, where nobody listens, says why once', async (host) => {
  const nobody = `http://${host}:1`;
  const problem = await ask('echo', 'x', nobody).catch((error: unknown) => error as Error);
  expect(problem).toBeInstanceOf(NetworkError);
  const { message, cause } = problem as Error;
  expect(message).toMatch(/^echo at http:\S+:1: .*ECONNREFUSED/);
  // Loggers write the causes' messages after it.
  expect(cause).not.toBeInstanceOf(NetworkError);
});
