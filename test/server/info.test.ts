/** What a server says about itself and its queries, to people, tools and monitors. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';
import { failure, request, run, submit } from './exchange.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ workers: 1 });
});

afterAll(() => server.stop());

const get = async (path: string): Promise<unknown> => (await fetch(server.url + path)).json();

test('/v1/info, /v1/info/state, /v1/status', async () => {
  expect(await get('/v1/info')).toEqual({
    nodeVersion: { version: expect.stringMatching(/^\d+\.\d+\.\d+/) },
    environment: 'tutti',
    coordinator: true,
    starting: false,
    uptime: expect.stringMatching(/^\d+\.\d\ds$/),
  });
  expect(await get('/v1/info/state')).toBe('ACTIVE');
  const status = (await get('/v1/status')) as Record<string, unknown>;
  expect(status).toMatchObject({ environment: 'tutti', coordinator: true });
  for (const name of ['processors', 'heapUsed', 'heapAvailable', 'nonHeapUsed']) {
    expect(status[name]).toSatisfy((value: number) => Number.isFinite(value) && value > 0);
  }
});

type Info = {
  readonly queryId: string;
  readonly state: string;
  readonly query: string;
  readonly session: Readonly<Record<string, unknown>>;
  readonly queryStats: Readonly<Record<string, unknown>>;
  readonly errorCode?: object;
  readonly failureInfo?: object;
};

test('/v1/query lists queries, running and ended, until they are many', async () => {
  const good = await run(server.url, 'SELECT name FROM tpch.tiny.region', {
    'X-Trino-Source': 'a test',
    'X-Trino-Catalog': 'tpch',
    'X-Trino-Session': 'adaptive=false',
  });
  const bad = await run(server.url, 'SELECT nothing');
  const all = (await get('/v1/query')) as readonly Info[];
  expect(all.map(({ queryId }) => queryId)).toEqual([good.id, bad.id]);
  const info = (await get(`/v1/query/${good.id}`)) as Info;
  expect(info).toMatchObject({
    queryId: good.id,
    state: 'FINISHED',
    query: 'SELECT name FROM tpch.tiny.region',
    session: { user: 'test', source: 'a test', catalog: 'tpch', schema: null, systemProperties: { adaptive: 'false' } },
    queryStats: { state: 'FINISHED', processedRows: 5 },
    stages: [
      {
        stageId: 0,
        state: 'FINISHED',
        tasks: [{ taskId: `${good.id}.0.0`, attempt: 0, state: 'FINISHED', nodeId: 'worker-1' }],
      },
    ],
  });
  expect(Date.parse(String(info.queryStats['endTime']))).toBeGreaterThanOrEqual(
    Date.parse(String(info.queryStats['createTime'])),
  );
  expect(await get(`/v1/query/${bad.id}`)).toMatchObject({
    state: 'FAILED',
    errorType: 'USER_ERROR',
    errorCode: { code: 47, name: 'COLUMN_NOT_FOUND', type: 'USER_ERROR' },
    failureInfo: { message: expect.stringContaining("'nothing'") },
  });
  // Who knows an id must not learn from it where the rows are.
  expect(JSON.stringify(all)).not.toMatch(/[0-9a-f]{32}/);
  const unknown = await fetch(`${server.url}/v1/query/20200101_000000_00001_aaaaa`);
  expect(unknown.status).toBe(404);
  expect((await fetch(unknown.url, { method: 'DELETE' })).status).toBe(204);
  for (let i = 0; i < 210; i++) await run(server.url, 'SELECT nothing');
  expect(((await get('/v1/query')) as readonly Info[]).length).toBe(200);
});

test('/metrics is Prometheus text', async () => {
  await run(server.url, 'SELECT 1');
  const response = await fetch(`${server.url}/metrics`);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const text = await response.text();
  expect(text.endsWith('\n')).toBe(true);
  const types = new Map<string, string>();
  const helped = new Set<string>();
  const samples = new Map<string, number>();
  for (const line of text.trimEnd().split('\n')) {
    const [, help] = /^# HELP ([a-z_:]+) \S.*$/.exec(line) ?? [];
    const [, typed, type] = /^# TYPE ([a-z_:]+) (counter|gauge)$/.exec(line) ?? [];
    const [, name, labels = '', value] =
      /^([a-z_:]+)(\{[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*\})? (\S+)$/.exec(line) ??
      [];
    if (help !== undefined) helped.add(help);
    else if (typed !== undefined) types.set(typed, type!);
    else samples.set(`${name}${labels}`, types.has(name!) && helped.has(name!) ? Number(value) : Number.NaN);
  }
  expect([...samples].filter(([, value]) => !Number.isFinite(value))).toEqual([]);
  expect([...types.keys()].every((name) => name.startsWith('tutti_'))).toBe(true);
  expect([...types].filter(([name, type]) => (type === 'counter') !== name.endsWith('_total'))).toEqual([]);
  expect(samples.get('tutti_workers')).toBe(1);
  expect(samples.get('tutti_queries_live')).toBe(0);
  expect(samples.get('tutti_queries_total{outcome="finished"}')).toBeGreaterThan(0);
  expect(samples.get('tutti_process_resident_bytes')).toBeGreaterThan(2 ** 20);
});

test('/ says what this is and how to ask it', async () => {
  const response = await fetch(`${server.url}/`);
  expect(await response.json()).toEqual({
    name: 'Tutti',
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    protocol: 'Trino',
    info: `${server.url}/v1/info`,
    connect: `tutti --url ${server.url}`,
  });
  const page = await fetch(`${server.url}/`, {
    headers: { accept: 'text/html,*/*', 'x-forwarded-host': 'db.example"<b>', 'x-forwarded-proto': 'https' },
  });
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const text = await page.text();
  expect(text).toContain(`<pre>tutti --url https://${new URL(server.url).host}</pre>`);
  expect(text).not.toContain('<b>');
});

const put = (url: string, state: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(`${url}/v1/info/state`, {
    method: 'PUT',
    body: JSON.stringify(state),
    headers: { 'content-type': 'application/json', ...headers },
  });

test('only this machine may shut the server down, and only so', async () => {
  expect((await put(server.url, 'ACTIVE')).status).toBe(400);
  expect((await put(server.url, 'SHUTTING_DOWN', { 'x-forwarded-for': '10.0.0.1' })).status).toBe(403);
  expect((await put(server.url, 'SHUTTING_DOWN', { via: '1.1 proxy' })).status).toBe(403);
  expect((await put(server.url, 'SHUTTING_DOWN', { origin: 'http://elsewhere.example' })).status).toBe(403);
  expect(await get('/v1/info/state')).toBe('ACTIVE');
  const proxied = await startServer({ workers: 1, arguments: ['--external-url', 'https://db.example'] });
  expect((await put(proxied.url, 'SHUTTING_DOWN')).status).toBe(403);
  await proxied.stop();
});

test('a server that shuts down lets the queries that run be read to their end', async () => {
  const ending = await startServer({ workers: 1 });
  const ended = new Promise<number | null>((resolve) => ending.process.once('exit', resolve));
  const first = await submit(ending.url, 'SELECT comment FROM tpch.tiny.lineitem');
  expect((await put(ending.url, 'SHUTTING_DOWN')).status).toBe(200);
  expect((await put(ending.url, 'SHUTTING_DOWN')).status).toBe(200);
  expect(await (await fetch(`${ending.url}/v1/info/state`)).json()).toBe('SHUTTING_DOWN');
  expect(await failure(ending.url, 'SELECT 1')).toBe('SERVER_SHUTTING_DOWN: The server is shutting down');
  let rows = 0;
  for (let { body } = first; ; { body } = await request(body.nextUri)) {
    rows += body.data?.length ?? 0;
    if (body.nextUri === undefined) break;
  }
  expect(rows).toBe(60_175);
  expect(await ended).toBe(0);
  await ending.stop();
});
