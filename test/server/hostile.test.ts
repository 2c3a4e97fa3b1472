/** Requests that nobody should send: odd names of hosts, other sites' pages, strangers on internal routes, stalled sockets. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signatureHeaders } from '../../src/cluster/signature.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { type Body, run } from './exchange.ts';

const EXTERNAL = 'https://sql.example.com/tutti';
let server: TestServer;
let behindProxy: TestServer;

beforeAll(async () => {
  [server, behindProxy] = await Promise.all([
    startServer({ workers: 1 }),
    startServer({ workers: 1, arguments: ['--external-url', `${EXTERNAL}/`] }),
  ]);
});

afterAll(() => Promise.all([server.stop(), behindProxy.stop()]));

type Answer = { readonly status: number; readonly text: string };

/** With headers that `fetch` would not send. */
function post(
  url: string,
  headers: Readonly<Record<string, string>>,
  target = '/v1/statement',
  method = 'POST',
): Promise<Answer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const asked = httpRequest(
      { host: hostname, port, path: target, method, headers: { 'X-Trino-User': 'test', ...headers } },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => resolve({ status: response.statusCode!, text: Buffer.concat(parts).toString() }));
      },
    );
    asked.on('error', reject);
    asked.end(method === 'POST' ? 'SELECT 1' : undefined);
  });
}

/** Where the links of an answer point. */
async function linked(url: string, headers: Readonly<Record<string, string>>): Promise<string> {
  const { text } = await post(url, headers);
  const { id, infoUri, nextUri } = JSON.parse(text) as Body;
  const base = infoUri.slice(0, -`/v1/query/${id}`.length);
  expect(infoUri).toBe(`${base}/v1/query/${id}`);
  expect(nextUri!.startsWith(`${base}/v1/statement/queued/${id}/`)).toBe(true);
  return base;
}

test.each([
  ['evil.com/x?'],
  ['evil.com/..'],
  ['evil.com#'],
  ['evil.com\\@good.com'],
  ['user:password@evil.com'],
  ['a b.com'],
  ['evil.com:99999'],
  ['evil.com:0'],
  ['evil.com:80:80'],
  ['[::1'],
  ['"'],
  ['<script>'],
  ['%0d%0aSet-Cookie:a=b'],
  ['-evil.com'],
  [`${'a'.repeat(300)}.com`],
])('links of a request for the host %s lead to our own address', async (host) => {
  expect(await linked(server.url, { Host: host })).toBe(server.url);
  expect(await linked(server.url, { 'X-Forwarded-Host': host, Host: 'good.com' })).toBe('http://good.com');
});

test.each([
  [{ Host: 'sql.example.com' }, 'http://sql.example.com'],
  [{ Host: 'sql.example.com:8443' }, 'http://sql.example.com:8443'],
  [{ Host: '[::1]:8080' }, 'http://[::1]:8080'],
  [{ Host: 'a', 'X-Forwarded-Proto': 'https' }, 'https://a'],
  [{ Host: 'a', 'X-Forwarded-Proto': 'javascript' }, 'http://a'],
  [{ Host: 'a', 'X-Forwarded-Proto': 'HTTPS, http' }, 'https://a'],
  [{ Host: 'a', 'X-Forwarded-Host': 'b' }, 'http://b'],
  [{ Host: 'a', 'X-Forwarded-Host': 'b, c' }, 'http://b'],
  [{ Host: 'a', 'X-Forwarded-Host': 'b', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Port': '443' }, 'https://b'],
  [{ Host: 'a', 'X-Forwarded-Host': 'b', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Port': '8443' }, 'https://b:8443'],
  [{ Host: 'a', 'X-Forwarded-Host': 'b:1', 'X-Forwarded-Port': '8443' }, 'http://b:1'],
  [{ Host: 'a', 'X-Forwarded-Host': 'b', 'X-Forwarded-Port': '80/evil' }, 'http://b'],
])('behind a proxy: %j', async (headers, base) => {
  expect(await linked(server.url, headers)).toBe(base);
});

test('an external URL stands above all that a request says', async () => {
  const headers = { Host: 'a', 'X-Forwarded-Host': 'b', 'X-Forwarded-Proto': 'http' };
  expect(await linked(behindProxy.url, headers)).toBe(EXTERNAL);
});

const status = async (url: string, headers: Record<string, string>): Promise<number> =>
  (await post(url, headers)).status;

test('the texts of queries are told under our own names alone', async () => {
  const { port } = new URL(server.url);
  const read = async (url: string, Host: string, target: string): Promise<number> =>
    (await post(url, { Host }, target, 'GET')).status;
  const { id } = JSON.parse((await post(server.url, {})).text) as Body;
  for (const target of ['/v1/query', `/v1/query/${id}`]) {
    // A page of a name that was let point at this machine sends no Origin when it reads its own site.
    expect(await read(server.url, `evil.com:${port}`, target)).toBe(403);
    expect(await read(server.url, `127.0.0.1.evil.com:${port}`, target)).toBe(403);
    expect(await read(server.url, `localhost:${port}`, target)).toBe(200);
    expect(await read(server.url, `127.0.0.1:${port}`, target)).toBe(200);
  }
  expect(await read(behindProxy.url, 'evil.com', '/v1/query')).toBe(403);
  expect(await read(behindProxy.url, new URL(EXTERNAL).host, '/v1/query')).toBe(200);
  // Whoever looks after the server through a proxy hears that it lives.
  expect(await read(server.url, 'warehouse.example', '/v1/info/state')).toBe(200);
});

test('a browser may run statements for our own pages alone', async () => {
  const { host, port } = new URL(server.url);
  expect(await status(server.url, { Origin: server.url })).toBe(200);
  expect(await status(server.url, { Origin: `http://localhost:${port}`, Host: `localhost:${port}` })).toBe(200);
  for (const origin of ['https://evil.com', 'null', 'file://', `http://${host}.evil.com`, 'http://127.0.0.1:1', '']) {
    expect(await status(server.url, { Origin: origin })).toBe(403);
  }
  // The name leads here, because its owner says so.
  const rebound = {
    Origin: `http://evil.com:${port}`,
    Host: `evil.com:${port}`,
    'X-Forwarded-Host': `evil.com:${port}`,
  };
  expect(await status(server.url, rebound)).toBe(403);
  expect(await status(behindProxy.url, { Origin: 'https://sql.example.com' })).toBe(200);
  const read = await fetch(`${server.url}/v1/query`, { headers: { Origin: 'https://evil.com' } });
  expect([read.status, read.headers.get('access-control-allow-origin')]).toEqual([403, null]);
  const asked = await fetch(`${server.url}/v1/statement`, {
    method: 'OPTIONS',
    headers: { Origin: 'https://evil.com' },
  });
  expect([asked.ok, asked.headers.get('access-control-allow-origin')]).toEqual([false, null]);
});

test('headers: large ones are read, monstrous ones refused', async () => {
  const prepared = `p=${'x'.repeat(60_000)}`;
  expect((await post(server.url, { 'X-Trino-Prepared-Statement': prepared })).status).toBe(200);
  expect((await post(server.url, { 'X-Trino-Prepared-Statement': 'x'.repeat(200_000) })).status).toBe(431);
  expect((await run(server.url, 'SELECT 1')).rows).toEqual([[1]]);
});

test('sockets that say nothing, or little, do not hold up others', async () => {
  const { hostname, port } = new URL(server.url);
  const beginnings = [
    '',
    'POST /v1/statement HTTP/1.1\r\n',
    'POST /v1/statement HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\nSEL',
    '\r\n\r\n\u0016\u0003\u0001',
  ];
  const sockets = Array.from({ length: 100 }, (_, i): Socket => {
    const socket = connect(Number(port), hostname);
    // The server may end them at any time.
    socket.on('error', () => socket.destroy());
    socket.write(beginnings[i % beginnings.length]!);
    return socket;
  });
  expect((await run(server.url, 'SELECT count(*) FROM tpch.tiny.nation')).rows).toEqual([[25]]);
  for (const socket of sockets) socket.destroy();
  expect((await run(server.url, 'SELECT 1')).rows).toEqual([[1]]);
});

test('internal routes are for the cluster alone, each request once', async () => {
  const nodes = await run(server.url, 'SELECT http_uri FROM system.runtime.nodes WHERE NOT coordinator');
  const worker = String(nodes.rows[0]?.[0]);
  const routes: [url: string, method: string, target: string][] = [
    [server.url, 'POST', '/v1/announce'],
    [worker, 'POST', '/v1/task'],
    [worker, 'GET', '/v1/task/q.0.0/0'],
    [worker, 'DELETE', '/v1/task/q.0.0/0'],
    [worker, 'GET', '/v1/exchange/q.0.0/0/0'],
    [worker, 'POST', '/v1/removal'],
    [worker, 'POST', '/v1/kernel'],
  ];
  const secret = (await readFile(path.join(server.dataDirectory, 'secret'), 'utf8')).trim();
  const user = { 'X-Trino-User': 'admin', Authorization: `Basic ${btoa('admin:admin')}` };
  for (const [url, method, target] of routes) {
    const send = async (headers: Record<string, string>, body = '{}'): Promise<number> => {
      const init = {
        method,
        headers: { ...headers, ...(method === 'POST' && { 'Content-Type': 'application/json' }) },
      };
      return (await fetch(url + target, { ...init, ...(method === 'POST' && { body }) })).status;
    };
    const body = method === 'POST' ? '{}' : '';
    const sign = (key: string): Record<string, string> =>
      signatureHeaders(key, { method, path: target, body }, Date.now());
    expect([target, await send({}), await send(user), await send(sign('the secret of another house'))]).toEqual([
      target,
      401,
      401,
      401,
    ]);
    const signed = sign(secret);
    expect(await send(signed)).not.toBe(401);
    expect(await send(signed)).toBe(401);
  }
  expect((await run(server.url, 'SELECT 1')).rows).toEqual([[1]]);
});

test('a public address needs --insecure', async () => {
  const data = await mkdtemp(path.join(tmpdir(), 'tutti-test-'));
  const cli = path.resolve(import.meta.dirname, '../../dist/cli.js');
  const start = (...options: string[]): Promise<unknown> =>
    promisify(execFile)(process.execPath, [cli, 'server', '--port', '0', '--data', data, ...options]);
  try {
    for (const host of ['0.0.0.0', '::', '192.0.2.1']) {
      await expect(start('--host', host)).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringContaining('--insecure'),
      });
    }
  } finally {
    await rm(data, { recursive: true });
  }
  const open = await startServer({ workers: 1, arguments: ['--host', '0.0.0.0', '--insecure'] });
  await open.stop();
  expect(open.url).toMatch(/^http:\/\/\d/);
});
