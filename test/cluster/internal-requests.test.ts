/** Internal routes open to signed requests alone, each once. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ClusterClient, ClusterError } from '../../src/cluster/cluster-client.ts';
import { guardInternalRoutes } from '../../src/cluster/internal-routes.ts';
import { clusterSecret } from '../../src/cluster/secret.ts';
import { signatureHeaders, SignatureVerifier, SIGNATURE_WINDOW_MS } from '../../src/cluster/signature.ts';
import { systemClock } from '../../src/common/clock.ts';

const SECRET = 'a secret of the whole cluster';
let app: FastifyInstance;
let url: string;
let now = Date.now();

beforeEach(async () => {
  now = Date.now();
  app = fastify();
  const verifier = new SignatureVerifier(SECRET, () => now);
  void app.register(async (internal) => {
    guardInternalRoutes(internal, verifier);
    internal.post('/v1/echo', (request) => request.body);
    internal.get('/v1/echo', async () => ({ fine: true }));
    internal.delete('/v1/echo', async (_request, reply) => reply.code(204).send());
  });
  app.get('/v1/info', async () => ({ open: true }));
  url = await app.listen({ port: 0, host: '127.0.0.1' });
});

afterEach(() => app.close());

test('a signed request is answered, with and without a body', async () => {
  const client = new ClusterClient(SECRET, systemClock);
  expect(await client.json('POST', `${url}/v1/echo`, { rows: 'Zürich' })).toEqual({ rows: 'Zürich' });
  expect(await client.json('GET', `${url}/v1/echo?waitMs=1`)).toEqual({ fine: true });
  expect(await client.json('DELETE', `${url}/v1/echo`)).toBeUndefined();
  client.close();
});

test('strangers are refused: no signature, a user name, another secret', async () => {
  expect((await fetch(`${url}/v1/echo`)).status).toBe(401);
  const user = { 'x-trino-user': 'admin', authorization: 'Basic YWRtaW46YWRtaW4=' };
  expect((await fetch(`${url}/v1/echo`, { headers: user })).status).toBe(401);
  const other = new ClusterClient('the secret of another house', systemClock);
  await expect(other.json('GET', `${url}/v1/echo`)).rejects.toMatchObject({ status: 401 });
  other.close();
  expect((await fetch(`${url}/v1/info`)).status).toBe(200);
});

test.each([
  ['path', { path: '/v1/echo?x=1' }, 200],
  ['another path', { path: '/v1/echo' }, 401],
  ['another method', { method: 'POST', path: '/v1/echo?x=1' }, 401],
  ['a body that was not signed', { path: '/v1/echo?x=1', body: '{}' }, 401],
])('what was signed is what is sent: %s', async (_name, signed, status) => {
  const headers = signatureHeaders(SECRET, { method: 'GET', body: '', ...signed }, now);
  expect((await fetch(`${url}/v1/echo?x=1`, { headers })).status).toBe(status);
});

test('an altered body is refused', async () => {
  const headers = signatureHeaders(SECRET, { method: 'POST', path: '/v1/echo', body: '{"a":1}' }, now);
  const send = (body: string): Promise<Response> =>
    fetch(`${url}/v1/echo`, { method: 'POST', body, headers: { ...headers, 'content-type': 'application/json' } });
  expect((await send('{"a":2}')).status).toBe(401);
});

test('a request is good once, and for a minute', async () => {
  const headers = signatureHeaders(SECRET, { method: 'GET', path: '/v1/echo', body: '' }, now);
  const send = async (): Promise<number> => (await fetch(`${url}/v1/echo`, { headers })).status;
  expect(await send()).toBe(200);
  expect(await send()).toBe(401);
  now += SIGNATURE_WINDOW_MS + 1;
  expect(await send()).toBe(401);
  for (const step of [SIGNATURE_WINDOW_MS, SIGNATURE_WINDOW_MS]) {
    now += step;
    expect(await send()).toBe(401);
  }
});

test('a nonce is not forgotten while its request is in the window', () => {
  let at = 1_000_000;
  const verifier = new SignatureVerifier(SECRET, () => at);
  // Signed by a machine whose clock goes ahead by nearly a window: valid for almost two.
  const headers = signatureHeaders(SECRET, { method: 'GET', path: '/', body: '' }, at + SIGNATURE_WINDOW_MS - 1);
  expect(verifier.check('GET', '/', headers).ok).toBe(true);
  for (; at < 1_000_000 + 5 * SIGNATURE_WINDOW_MS; at += 997)
    expect(verifier.check('GET', '/', headers).ok).toBe(false);
});

test('who does not answer is told apart from who answers badly', async () => {
  const client = new ClusterClient(SECRET, systemClock);
  const missing = client.json('GET', `${url}/v1/nothing`);
  await expect(missing).rejects.toBeInstanceOf(ClusterError);
  await expect(missing).rejects.toMatchObject({ status: 404 });
  await app.close();
  await expect(client.json('GET', `${url}/v1/echo`)).rejects.toMatchObject({ status: undefined, refused: true });
  client.close();
});

test('the secret comes from the environment, else from a file that only its owner reads', () => {
  const dataDirectory = mkdtempSync(path.join(tmpdir(), 'tutti-secret-'));
  try {
    const get = (environment: Record<string, string>, make: boolean): string =>
      clusterSecret({ environment, dataDirectory, make });
    expect(get({ TUTTI_SECRET: SECRET }, false)).toBe(SECRET);
    expect(() => get({ TUTTI_SECRET: 'short' }, false)).toThrow(/TUTTI_SECRET is too short/);
    expect(() => get({}, false)).toThrow(/set TUTTI_SECRET/);
    const made = get({}, true);
    expect(get({}, false)).toBe(made);
    const file = path.join(dataDirectory, 'secret');
    expect(readFileSync(file, 'utf8').trim()).toBe(made);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  } finally {
    rmSync(dataDirectory, { recursive: true });
  }
});
