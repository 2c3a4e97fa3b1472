/** The statement protocol as clients meet it: over raw HTTP, and through the npm clients for Trino and Presto. */
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import presto from 'presto-client';
import { BasicAuth, Trino } from 'trino-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ workers: 1 });
});
afterAll(() => server.stop());

type Page = {
  readonly id: string;
  readonly infoUri: string;
  readonly nextUri?: string;
  readonly columns?: readonly { readonly name: string; readonly type: string; readonly typeSignature: unknown }[];
  readonly data?: readonly unknown[][];
  readonly stats: {
    readonly state: string;
    readonly processedRows: number;
    readonly rootStage?: { readonly processedRows: number };
  };
  readonly error?: { readonly errorName: string; readonly errorCode: number; readonly errorLocation?: unknown };
  readonly updateType?: string;
};
type Answer = { readonly status: number; readonly headers: Headers; readonly text: string; readonly page: Page };

const USER = { 'x-trino-user': 'test' };

async function send(
  method: string,
  url: string,
  body?: string,
  headers: Record<string, string> = USER,
): Promise<Answer> {
  const response = await fetch(new URL(url, server.url), { method, headers, ...(body !== undefined && { body }) });
  const text = await response.text();
  const page = (text.startsWith('{') ? JSON.parse(text) : {}) as Page;
  return { status: response.status, headers: response.headers, text, page };
}

/** Every answer to a statement, in order. */
async function statement(sql: string, headers: Record<string, string> = USER): Promise<readonly Answer[]> {
  const answers = [await send('POST', '/v1/statement', sql, headers)];
  for (let next = answers[0]!.page.nextUri; next !== undefined; next = answers.at(-1)!.page.nextUri) {
    answers.push(await send('GET', next, undefined, headers));
  }
  return answers;
}

const rowsOf = (answers: readonly Answer[]): unknown[][] => answers.flatMap(({ page }) => [...(page.data ?? [])]);

test('a statement goes from QUEUED to FINISHED, its columns with every page of data', async () => {
  const answers = await statement('SELECT 1 AS one, CAST(2.5 AS double) d');
  expect(answers[0]!.page.stats.state).toMatch(/QUEUED|PLANNING/);
  expect(answers[0]!.page.data).toBeUndefined();
  const last = answers.at(-1)!.page;
  expect(last.stats.state).toBe('FINISHED');
  expect(last.nextUri).toBeUndefined();
  expect(last.columns).toEqual([
    { name: 'one', type: 'integer', typeSignature: { rawType: 'integer', arguments: [] } },
    { name: 'd', type: 'double', typeSignature: { rawType: 'double', arguments: [] } },
  ]);
  for (const { page } of answers) expect(page.data === undefined || page.columns !== undefined).toBe(true);
  expect(rowsOf(answers)).toEqual([[1, 2.5]]);
});

test('doubles carry a point, bigints all their digits', async () => {
  const [, answer] = await statement('SELECT CAST(1 AS double), 9223372036854775807');
  expect(answer!.text).toContain('"data":[[1.0,9223372036854775807]]');
});

test('no rows, and no columns', async () => {
  const empty = await statement('SELECT 1 AS x WHERE false');
  expect(rowsOf(empty)).toEqual([]);
  expect(empty.at(-1)!.page.columns?.map((column) => column.name)).toEqual(['x']);
  const use = (await statement('USE tpch.tiny')).at(-1)!;
  expect(use.page.updateType).toBe('USE');
  expect(use.page.columns).toBeUndefined();
  expect([use.headers.get('x-trino-set-catalog'), use.headers.get('x-trino-set-schema')]).toEqual(['tpch', 'tiny']);
});

test('a page asked for again is the same page; an older one is gone; a slug is needed', async () => {
  const first = await send('POST', '/v1/statement', 'SELECT n FROM UNNEST(sequence(1, 3)) AS t(n)');
  const uri = first.page.nextUri!;
  const page = await send('GET', uri);
  expect((await send('GET', uri)).text).toBe(page.text);
  const again = (suffix: string): string => uri.replace(/\/\d+$/, suffix);
  expect((await send('GET', again('/0'))).status).toBe(410);
  expect((await send('GET', again('/9'))).status).toBe(404);
  expect((await send('HEAD', uri)).status).toBe(200);
  const [id, slug] = new URL(uri).pathname.split('/').slice(4);
  expect(id).toBe(first.page.id);
  expect((await send('GET', uri.replace(slug!, slug!.replaceAll(/./g, '0')))).status).toBe(404);
});

test('large results come in pages of about a megabyte, whole and in order', async () => {
  const answers = await statement(
    "SELECT n, 'some text to make it long' t FROM UNNEST(sequence(1, 300)) a(m) CROSS JOIN UNNEST(sequence(1, 1000)) b(n)",
  );
  const pages = answers.filter(({ page }) => page.data);
  expect(pages.length).toBeGreaterThan(5);
  for (const { text } of pages) expect(text.length).toBeLessThan(1_200_000);
  expect(rowsOf(answers)).toHaveLength(300_000);
});

test('errors are answers with a code, a name and a place', async () => {
  const { status, page } = (await statement('SELECT\n  nothing')).at(-1)!;
  expect(status).toBe(200);
  expect(page.stats.state).toBe('FAILED');
  expect(page.error).toMatchObject({
    errorName: 'COLUMN_NOT_FOUND',
    errorCode: 47,
    errorType: 'USER_ERROR',
    errorLocation: { lineNumber: 2, columnNumber: 3 },
    failureInfo: { errorInfo: { code: 47 } },
  });
  const division = (await statement('SELECT 1 / n FROM UNNEST(sequence(0, 1)) t(n)')).at(-1)!;
  expect(division.page.error).toMatchObject({ errorName: 'DIVISION_BY_ZERO', errorCode: 8 });
});

test('a cancelled query ends, is told so, and leaves nothing running', async () => {
  const long = 'SELECT count(*) FROM tpch.tiny.lineitem a CROSS JOIN tpch.tiny.lineitem b WHERE a.comment < b.comment';
  const { page } = await send('POST', '/v1/statement', long);
  await send('GET', page.nextUri!);
  const current = page.nextUri!.replace(/\/\d+$/, '/1').replace('/queued/', '/executing/');
  expect((await send('DELETE', current)).status).toBe(204);
  const info = await send('GET', `/v1/query/${page.id}`);
  expect(JSON.parse(info.text)).toMatchObject({ state: 'FAILED', errorCode: { name: 'USER_CANCELED' } });
  const tasks = "SELECT state FROM system.runtime.tasks WHERE state = 'RUNNING'";
  expect(rowsOf(await statement(tasks))).toEqual([]);
});

test('session properties, time zone and prepared statements travel in headers', async () => {
  const set = (await statement('SET SESSION distribution = NONE'.replace('NONE', "'NONE'"))).at(-1)!;
  expect(set.headers.get('x-trino-set-session')).toBe('distribution=NONE');
  const reset = (await statement('RESET SESSION distribution')).at(-1)!;
  expect(reset.headers.get('x-trino-clear-session')).toBe('distribution');
  const bad = (await statement('SELECT 1', { ...USER, 'x-trino-session': 'distribution=SOMETIMES' })).at(-1)!;
  expect(bad.page.error?.errorName).toBe('INVALID_SESSION_PROPERTY');

  const prepared = (await statement('PREPARE p1 FROM SELECT ? + 1')).at(-1)!.headers.get('x-trino-added-prepare')!;
  expect(prepared).toBe('p1=SELECT%20%3F%20%2B%201');
  const headers = { ...USER, 'x-trino-prepared-statement': prepared };
  expect(rowsOf(await statement('EXECUTE p1 USING 41', headers))).toEqual([[42]]);
  expect(rowsOf(await statement("EXECUTE IMMEDIATE 'SELECT ? + 1' USING 41"))).toEqual([[42]]);
  expect((await statement('EXECUTE p2')).at(-1)!.page.error?.errorName).toBe('NOT_FOUND');
  const gone = (await statement('DEALLOCATE PREPARE p1', headers)).at(-1)!;
  expect(gone.headers.get('x-trino-deallocated-prepare')).toBe('p1');

  const zoned = { ...USER, 'x-trino-time-zone': 'Asia/Kolkata', 'x-trino-client-capabilities': 'PARAMETRIC_DATETIME' };
  expect(rowsOf(await statement('SELECT current_timezone()', zoned))).toEqual([['Asia/Kolkata']]);
  expect((await statement('SELECT 1', { ...USER, 'x-trino-time-zone': 'Mars/Base' })).at(-1)!.page.error).toBeDefined();
});

test('datetimes have three digits for clients that do not know others', async () => {
  const sql = "SELECT TIMESTAMP '2020-01-02 03:04:05.123456'";
  const old = (await statement(sql)).at(-1)!.page;
  expect([old.columns![0]!.type, old.data]).toEqual(['timestamp', [['2020-01-02 03:04:05.123']]]);
  const capable = { ...USER, 'x-trino-client-capabilities': 'PARAMETRIC_DATETIME' };
  const exact = (await statement(sql, capable)).at(-1)!.page;
  expect([exact.columns![0]!.type, exact.data]).toEqual(['timestamp(6)', [['2020-01-02 03:04:05.123456']]]);
});

test('who says no name is refused; so are compressed bodies, endless ones, and pages of other sites', async () => {
  expect((await send('POST', '/v1/statement', 'SELECT 1', {})).status).toBe(401);
  expect((await send('HEAD', '/v1/statement', undefined, {})).status).toBe(401);
  expect((await send('HEAD', '/v1/statement')).status).toBe(200);
  expect((await send('POST', '/v1/statement', 'SELECT 1', { ...USER, 'content-encoding': 'br' })).status).toBe(415);
  expect((await send('POST', '/v1/statement', 'x'.repeat(1_300_000))).status).toBe(413);
  const body = await send('POST', '/v1/statement', `SELECT '${'x'.repeat(900_000)}' = ''`);
  expect(body.status).toBe(200);
  const foreign = await rawPost({ ...USER, origin: 'http://evil.example' });
  expect(foreign.status).toBe(403);
});

test('links lead where the client came from, whatever the headers say', async () => {
  const own = new URL(server.url);
  expect(await link({})).toBe(own.origin);
  expect(await link({ host: 'warehouse.example' })).toBe('http://warehouse.example');
  expect(await link({ host: 'evil.example/path?' })).toBe(`http://127.0.0.1:${own.port}`);
  expect(await link({ host: 'evil"><script>' })).toBe(`http://127.0.0.1:${own.port}`);
  const proxied = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'sql.example', 'x-forwarded-port': '8443' };
  expect(await link(proxied)).toBe('https://sql.example:8443');
  expect(await link({ ...proxied, 'x-forwarded-host': 'a b' })).toBe(`https://${own.host}`);
});

async function link(headers: Record<string, string>): Promise<string> {
  const { text } = await rawPost({ ...USER, ...headers });
  return new URL((JSON.parse(text) as Page).nextUri!).origin;
}

/** fetch does not let a test choose its Host. */
function rawPost(headers: Record<string, string>): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(new URL('/v1/statement', server.url), { method: 'POST', headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on('error', reject);
    request.end('SELECT 1');
  });
}

test('internal routes stay closed to users', async () => {
  const announce = await send('POST', '/v1/announce', '{}', { ...USER, 'content-type': 'application/json' });
  expect(announce.status).toBe(401);
});

test('requests that make no sense do no harm', async () => {
  const nonsense = [
    'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
    'POST /v1/statement HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET',
    `GET /v1/info HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(300_000)}\r\n\r\n`,
    '\0\0\0\0\r\n\r\n',
  ];
  for (const text of nonsense) {
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => socket.write(text));
      socket.on('data', (chunk) => {
        resolve(chunk.toString());
        socket.destroy();
      });
      socket.on('error', () => resolve(''));
      socket.on('close', () => resolve(''));
    });
    expect(answer.slice(0, 10)).toMatch(/^$|^HTTP\/1\.1 4/);
  }
  expect(rowsOf(await statement('SELECT 1'))).toEqual([[1]]);
});

test('the server tells about itself', async () => {
  const info = JSON.parse((await send('GET', '/v1/info')).text) as unknown;
  expect(info).toMatchObject({ coordinator: true, starting: false, environment: 'tutti' });
  expect((await send('GET', '/v1/info/state')).text).toBe('"ACTIVE"');
  const metrics = (await send('GET', '/metrics')).text;
  expect(metrics).toMatch(/^tutti_workers 1$/m);
  expect(metrics).toMatch(/^# TYPE tutti_queries_total counter$/m);
  const nodes = await statement('SELECT coordinator, state FROM system.runtime.nodes ORDER BY 1');
  expect(rowsOf(nodes)).toEqual([
    [false, 'active'],
    [true, 'active'],
  ]);
});

test('what a query has read stays known after its end', async () => {
  const { page } = (await statement('SELECT count(*) FROM tpch.tiny.nation')).at(-1)!;
  const scanned = `SELECT state, rows_scanned FROM system.runtime.queries WHERE query_id = '${page.id}'`;
  expect(rowsOf(await statement(scanned))).toEqual([['FINISHED', 25]]);
  const tasks = `SELECT state, splits FROM system.runtime.tasks WHERE query_id = '${page.id}'`;
  expect(rowsOf(await statement(tasks))).toEqual([['FINISHED', 1]]);
});

test('rows are counted where they were read to the end, and not where a LIMIT stopped', async () => {
  const rowsOfQuery = async (sql: string): Promise<unknown> => {
    const { page } = (await statement(sql)).at(-1)!;
    return [page.stats.processedRows, page.stats.rootStage?.processedRows];
  };
  expect(await rowsOfQuery('SELECT * FROM tpch.tiny.nation LIMIT 3')).toEqual([0, 0]);
  expect(await rowsOfQuery('SELECT * FROM tpch.tiny.nation LIMIT 30')).toEqual([25, 25]);
  expect(await rowsOfQuery('SELECT * FROM tpch.tiny.nation ORDER BY name LIMIT 3')).toEqual([25, 25]);
  const analyzed = rowsOf(await statement('EXPLAIN ANALYZE SELECT * FROM tpch.tiny.nation LIMIT 3'))[0]![0];
  expect(analyzed).toMatch(/read 0 rows, .*; cut 1 input short by a LIMIT \(not counted\); wrote 3 rows/);
});

test('EXPLAIN shows fragments, EXPLAIN ANALYZE what they did', async () => {
  const text = async (sql: string): Promise<string> => String(rowsOf(await statement(sql))[0]![0]);
  expect(await text('EXPLAIN SELECT count(*) FROM tpch.tiny.nation')).toMatch(/^Fragment 0 \[SINGLE\]/);
  expect(JSON.parse(await text('EXPLAIN (FORMAT JSON) SELECT 1'))).toMatchObject({ columns: ['_col0'] });
  const analyzed = await text('EXPLAIN ANALYZE SELECT name, count(*) FROM tpch.tiny.nation GROUP BY 1');
  expect(analyzed).toMatch(/1 task in \d+ ms; read 25 rows, [\d.]+ k?B; wrote 25 rows/);
  expect(analyzed).toMatch(/\n {2}\* {5}\w+: 25 rows, [\d.]+ ms/);
  expect(analyzed).not.toMatch(/Cardinality|to_json|Projections/);
  expect(rowsOf(await statement('EXPLAIN (TYPE VALIDATE) SELECT 1'))).toEqual([[true]]);
});

test('the npm client for Trino', async () => {
  const trino = Trino.create({ server: server.url, catalog: 'tpch', schema: 'tiny', auth: new BasicAuth('test') });
  const rows: unknown[] = [];
  for await (const page of await trino.query('SELECT name FROM region ORDER BY 1')) rows.push(...(page.data ?? []));
  expect(rows).toEqual([['AFRICA'], ['AMERICA'], ['ASIA'], ['EUROPE'], ['MIDDLE EAST']]);
  await trino.query('USE tpch.sf1').then((query) => query.next());
  const failed = await trino.query('SELECT nothing').then((query) => query.next().then(() => query.next()));
  expect(JSON.stringify(failed.value)).toContain('COLUMN_NOT_FOUND');
});

test('the npm client for Presto', async () => {
  const { hostname, port } = new URL(server.url);
  const client = new presto.Client({
    host: hostname,
    port: Number(port),
    user: 'test',
    catalog: 'tpch',
    schema: 'tiny',
  });
  const rows = await new Promise<unknown[]>((resolve, reject) => {
    const all: unknown[] = [];
    client.execute({
      query: 'SELECT name, nationkey FROM nation ORDER BY 2 LIMIT 2',
      data: (_error, data) => all.push(...data),
      success: () => resolve(all),
      error: reject,
    });
  });
  expect(rows).toEqual([
    ['ALGERIA', 0],
    ['ARGENTINA', 1],
  ]);
});
