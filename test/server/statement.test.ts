/** The conversation about one statement, request by request. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';
import { type Body, failure, pages, request, run, submit } from './exchange.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ workers: 1 });
});

afterAll(() => server.stop());

/** About 7 MB: several pages, and small enough to be copied. */
const LARGE = 'SELECT orderkey, linenumber, comment FROM tpch.tiny.lineitem CROSS JOIN (VALUES 1, 2)';
/** Runs until it is called off. */
const ENDLESS =
  'SELECT count(*) FROM tpch.sf100.lineitem a CROSS JOIN tpch.sf100.lineitem b WHERE a.comment < b.comment';

const stateOf = async (id: string): Promise<unknown> => {
  const { state, errorCode } = (await request(`${server.url}/v1/query/${id}`)).body as unknown as {
    state: string;
    errorCode?: { name: string };
  };
  return errorCode ? `${state} ${errorCode.name}` : state;
};

async function eventually<T>(seen: () => Promise<T>, wanted: T): Promise<void> {
  for (let tries = 0; (await seen()) !== wanted && tries < 200; tries++) await sleep(50);
  expect(await seen()).toBe(wanted);
}

const STATES = ['QUEUED', 'PLANNING', 'STARTING', 'RUNNING', 'FINISHING', 'FINISHED', 'FAILED'];
const COUNTS =
  'nodes totalSplits queuedSplits runningSplits completedSplits cpuTimeMillis wallTimeMillis processedRows processedBytes physicalInputBytes'.split(
    ' ',
  );
const QUERY_COUNTS = [...COUNTS, 'queuedTimeMillis', 'elapsedTimeMillis', 'peakMemoryBytes', 'spilledBytes'];

/** What every answer must have, whatever it says. */
function check(body: Body, id: string): void {
  expect(body.id).toBe(id);
  expect(body.infoUri).toBe(`${server.url}/v1/query/${id}`);
  expect(body.warnings).toEqual([]);
  expect(STATES).toContain(body.stats['state']);
  expect([typeof body.stats['queued'], typeof body.stats['scheduled']]).toEqual(['boolean', 'boolean']);
  expect(QUERY_COUNTS.filter((name) => !Number.isSafeInteger(body.stats[name]))).toEqual([]);
  const progress = body.stats['progressPercentage'] ?? 0;
  expect(progress).toBeGreaterThanOrEqual(0);
  expect(progress).toBeLessThanOrEqual(100);
  if (body.stats['rootStage']) checkStage(body.stats['rootStage'] as Stage);
  // Never rows without columns, never anything after an error.
  expect(body.data !== undefined && body.columns === undefined).toBe(false);
  expect(body.error !== undefined && (body.data !== undefined || body.nextUri !== undefined)).toBe(false);
}

type Stage = Readonly<Record<string, unknown>> & { readonly subStages: readonly Stage[] };

function checkStage(stage: Stage): void {
  expect([...COUNTS, 'failedTasks'].filter((name) => !Number.isSafeInteger(stage[name]))).toEqual([]);
  expect([typeof stage['stageId'], typeof stage['state']]).toEqual(['string', 'string']);
  expect([typeof stage['done'], typeof stage['coordinatorOnly']]).toEqual(['boolean', 'boolean']);
  for (const below of stage.subStages) checkStage(below);
}

test('a result of several pages: every answer whole, every row once', async () => {
  const all = await pages(server.url, LARGE, { 'X-Trino-Session': 'distribution=FORCED' });
  const { id } = all[0].body;
  expect(all.filter(({ body }) => body.data).length).toBeGreaterThan(3);
  for (const page of all) {
    expect([page.status, page.headers['content-type']]).toEqual([200, 'application/json']);
    check(page.body, id);
    expect(page.text.length).toBeLessThan(1.2 * 2 ** 20);
  }
  const rows = all.flatMap(({ body }) => body.data ?? []);
  const keys = new Map<string, number>();
  for (const [orderkey, line] of rows) {
    const key = `${String(orderkey)}.${String(line)}`;
    keys.set(key, (keys.get(key) ?? 0) + 1);
  }
  const [[count] = []] = (await run(server.url, 'SELECT count(*) FROM tpch.tiny.lineitem')).rows;
  expect([keys.size, new Set(keys.values())]).toEqual([count, new Set([2])]);
  expect(all.at(-1)!.body.stats).toMatchObject({ state: 'FINISHED', progressPercentage: 100 });
  expect(await stateOf(id)).toBe('FINISHED');
});

test('the same page is given for the same token; older ones are gone, later ones are not there yet', async () => {
  let page = await submit(server.url, LARGE);
  const links: string[] = [];
  while (links.length < 4) {
    links.push(page.body.nextUri!);
    page = await request(page.body.nextUri!);
    if (!page.body.data) links.pop();
  }
  const [older, current] = links.slice(-2);
  expect((await request(current!)).text).toBe(page.text);
  expect((await Promise.all([request(current!), request(current!)])).map(({ text }) => text)).toEqual([
    page.text,
    page.text,
  ]);
  expect((await request(older!)).status).toBe(410);
  const next = page.body.nextUri!;
  const skipped = next.replace(/\d+$/, (token) => String(Number(token) + 1));
  expect((await request(skipped)).status).toBe(404);
  expect((await request(next, { method: 'HEAD' })).status).toBe(200);
  for (const wrong of ['x', '-1', '1e1', '99999999999999999999']) {
    expect((await request(next.replace(/\d+$/, wrong))).status).toBe(404);
  }
  const { id } = page.body;
  const slug = new RegExp(`${id}/([^/]+)/`).exec(next)![1]!;
  for (const method of ['GET', 'HEAD', 'DELETE']) {
    expect((await request(next.replace(slug, 'f'.repeat(slug.length)), { method })).status).toBe(404);
    expect((await request(next.replace(id, '20200101_000000_00001_aaaaa'), { method })).status).toBe(404);
  }
  expect(await stateOf(id)).not.toMatch('FAILED');
  expect((await request(next, { method: 'DELETE' })).status).toBe(204);
});

test('the last answer is repeated as well', async () => {
  const first = await submit(server.url, 'VALUES 1');
  let [link, page] = [first.body.nextUri!, await request(first.body.nextUri!)];
  while (page.body.nextUri !== undefined) [link, page] = [page.body.nextUri, await request(page.body.nextUri)];
  expect((await request(link)).text).toBe(page.text);
});

test('answers wait for something to say, a second at most', async () => {
  const first = await submit(server.url, ENDLESS);
  let page = first;
  for (let answers = 0; answers < 2; answers++) {
    page = await request(page.body.nextUri!);
    expect(page.body.data).toBeUndefined();
    check(page.body, first.body.id);
  }
  expect(page.body.stats['state']).toBe('RUNNING');
  expect((await request(page.body.nextUri!, { method: 'DELETE' })).status).toBe(204);
});

test.each([
  ['DELETE nextUri', (page: Body) => page.nextUri!],
  ['DELETE /v1/query/{id}', (page: Body) => `${server.url}/v1/query/${page.id}`],
])('%s ends the query and frees the workers', async (_name, link) => {
  const { body } = await submit(server.url, ENDLESS);
  await eventually(() => stateOf(body.id), 'RUNNING');
  const canceled = await request(link(body), { method: 'DELETE' });
  expect([canceled.status, canceled.text]).toEqual([204, '']);
  expect(await stateOf(body.id)).toBe('FAILED USER_CANCELED');
  const { status, body: last } = await request(body.nextUri!);
  expect([status, last.error?.errorName, last.error?.errorCode, last.nextUri]).toEqual([
    200,
    'USER_CANCELED',
    3,
    undefined,
  ]);
  const tasks = async (): Promise<string> =>
    String(
      (await run(server.url, "SELECT sum(running_tasks) FROM system.runtime.nodes WHERE node_id LIKE 'worker%'"))
        .rows[0],
    );
  // The one that asks runs a task itself.
  await eventually(async () => Number(await tasks()) <= 1, true);
  expect((await request(link(body), { method: 'DELETE' })).status).toBe(204);
});

test('a failed query is an answer', async () => {
  const last = (await pages(server.url, 'SELECT *\nFROM nowhere.at.all')).at(-1)!;
  expect([last.status, last.body.stats['state']]).toEqual([200, 'FAILED']);
  expect(last.body.error).toMatchInlineSnapshot(`
    {
      "errorCode": 44,
      "errorLocation": {
        "columnNumber": 6,
        "lineNumber": 2,
      },
      "errorName": "CATALOG_NOT_FOUND",
      "errorType": "USER_ERROR",
      "failureInfo": {
        "errorInfo": {
          "code": 44,
          "name": "CATALOG_NOT_FOUND",
          "type": "USER_ERROR",
        },
        "errorLocation": {
          "columnNumber": 6,
          "lineNumber": 2,
        },
        "message": "line 2:6: Catalog 'nowhere' not found",
        "stack": [],
        "suppressed": [],
        "type": "tutti.CATALOG_NOT_FOUND",
      },
      "message": "line 2:6: Catalog 'nowhere' not found",
    }
  `);
});

test.each([
  ['SELECT form', 'COLUMN_NOT_FOUND', 47, 'USER_ERROR'],
  ['SELECT 1 FROM FROM', 'SYNTAX_ERROR', 1, 'USER_ERROR'],
  ['', 'SYNTAX_ERROR', 1, 'USER_ERROR'],
  ['SELECT 1 / (length(name) * 0) FROM tpch.tiny.nation', 'DIVISION_BY_ZERO', 8, 'USER_ERROR'],
  ['SELECT * FROM tpch.tiny.nations', 'TABLE_NOT_FOUND', 46, 'USER_ERROR'],
  ['SELECT * FROM tpch.small.nation', 'SCHEMA_NOT_FOUND', 45, 'USER_ERROR'],
  ['SELECT 1 + true', 'TYPE_MISMATCH', 58, 'USER_ERROR'],
  ['SELECT lenght(name) FROM tpch.tiny.nation', 'FUNCTION_NOT_FOUND', 6, 'USER_ERROR'],
  ['CREATE TABLE t (x bigint)', 'NOT_SUPPORTED', 13, 'USER_ERROR'],
])('%s: %s', async (sql, errorName, errorCode, errorType) => {
  expect((await run(server.url, sql)).error).toMatchObject({ errorName, errorCode, errorType });
});

test('a query that runs too long', async () => {
  const said = await failure(server.url, ENDLESS, { 'X-Trino-Session': 'query_max_run_time_s=1' });
  expect(said).toBe(
    'EXCEEDED_TIME_LIMIT: Query ran longer than 1 s; SET SESSION query_max_run_time_s raises the limit',
  );
});

test('who asks must say who they are', async () => {
  const ask = (headers: Record<string, string>, method = 'POST'): Promise<Response> =>
    fetch(`${server.url}/v1/statement`, { method, headers, ...(method === 'POST' && { body: 'SELECT 1' }) });
  expect((await ask({})).status).toBe(401);
  expect(await (await ask({})).json()).toEqual({
    error: 'Say who you are: header X-Trino-User, or HTTP Basic authentication',
  });
  expect((await ask({ Authorization: 'Basic !' })).status).toBe(401);
  expect((await ask({ Authorization: `Basic ${btoa('ann:secret')}` })).status).toBe(200);
  expect((await ask({ 'X-Presto-User': 'ann' })).status).toBe(200);
  expect((await ask({ 'X-Trino-User': 'ann' }, 'HEAD')).status).toBe(200);
  expect((await ask({}, 'HEAD')).status).toBe(401);
  const basic = { 'X-Trino-User': '', Authorization: `Basic ${btoa('ann:secret')}` };
  expect((await run(server.url, 'SELECT current_user', basic)).rows).toEqual([['ann']]);
  expect((await run(server.url, 'SELECT current_user', { 'X-Trino-User': 'J%C3%B6rg+a' })).rows).toEqual([['Jörg+a']]);
});

/** A statement of so many bytes. */
const sized = (bytes: number): string => `SELECT 1 /*${'x'.repeat(bytes - 13)}*/`;

test('bodies: encodings, sizes, kinds', async () => {
  const post = (body: string, headers: Record<string, string> = {}): ReturnType<typeof request> =>
    request(`${server.url}/v1/statement`, { method: 'POST', body, headers });
  for (const encoding of ['br', 'gzip', 'deflate', 'br, gzip']) {
    const refused = await post('SELECT 1', { 'Content-Encoding': encoding });
    expect([refused.status, JSON.parse(refused.text)]).toEqual([
      415,
      { error: `Content-Encoding ${encoding} is not supported: send the statement as it is` },
    ]);
  }
  for (const type of ['text/plain; charset=utf-8', 'application/json', 'application/x-www-form-urlencoded']) {
    expect((await post('SELECT 1', { 'Content-Type': type })).status).toBe(200);
  }
  expect((await run(server.url, `SELECT '東京'`)).rows).toEqual([['東京']]);
  expect((await run(server.url, sized(1_000_000))).rows).toEqual([[1]]);
  expect(await failure(server.url, sized(1_100_000))).toMatch(/at most 1000000 are read/);
  const refused = await post(sized(3_000_000));
  expect([refused.status, refused.text]).toEqual([413, expect.stringContaining('1 MB')]);
  expect((await post('SELECT 1')).status).toBe(200);
});
