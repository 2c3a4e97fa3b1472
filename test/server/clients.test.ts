/** Clients that others wrote, against a real server. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type Column, type Problem } from 'presto-client';
import { BasicAuth, Trino, type QueryResult } from 'trino-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ workers: 1 });
});

afterAll(() => server.stop());

/** About 7 MB. */
const LARGE = 'SELECT orderkey, linenumber, comment FROM tpch.tiny.lineitem CROSS JOIN (VALUES 1, 2)';
const ENDLESS =
  'SELECT count(*) FROM tpch.sf100.lineitem a CROSS JOIN tpch.sf100.lineitem b WHERE a.comment < b.comment';
const TYPES =
  "SELECT 1 AS i, DECIMAL '1.50' AS d, 2E0 AS f, 'ü' AS v, true AS b, NULL AS n, DATE '2026-11-21' AS t, ARRAY[1, NULL] AS a, MAP(ARRAY[1], ARRAY['x']) AS m, ROW(1, 'r') AS r";
const TYPED_ROW = [1, '1.50', 2, 'ü', true, null, '2026-11-21', [1, null], { 1: 'x' }, [1, 'r']];

async function answers(trino: Trino, sql: string): Promise<readonly QueryResult[]> {
  const found: QueryResult[] = [];
  for await (const answer of await trino.query(sql)) found.push(answer);
  return found;
}

const rowsOf = async (trino: Trino, sql: string): Promise<unknown[][]> =>
  (await answers(trino, sql)).flatMap(({ data }) => data ?? []);

describe('trino-client', () => {
  type Options = Parameters<typeof Trino.create>[0];
  const connect = (options: Options = {}): Trino =>
    Trino.create({ server: server.url, auth: new BasicAuth('ann'), ...options });

  test('rows and types', async () => {
    const [answer] = await answers(connect(), TYPES);
    expect(answer?.columns?.map(({ name, type }) => `${name} ${type}`).join(', ')).toBe(
      'i integer, d decimal(3,2), f double, v varchar(1), b boolean, n unknown, t date, a array(integer), m map(integer, varchar(1)), r row(integer, varchar(1))',
    );
    expect(answer?.data).toEqual([TYPED_ROW]);
    expect(await rowsOf(connect(), 'SELECT 1 WHERE false')).toEqual([]);
  });

  test('several pages', async () => {
    const all = await answers(connect(), LARGE);
    expect(all.filter(({ data }) => data).length).toBeGreaterThan(3);
    const keys = all.flatMap(({ data }) => data ?? []).map(([orderkey, line]) => `${orderkey}.${line}`);
    expect(keys.length).toBe(2 * new Set(keys).size);
  });

  test('errors', async () => {
    const last = (await answers(connect(), 'SELECT nowhere')).at(-1);
    expect(last?.error).toMatchObject({ errorName: 'COLUMN_NOT_FOUND', errorCode: 47, errorType: 'USER_ERROR' });
    expect(last?.error?.failureInfo.message).toBe(last?.error?.message);
  });

  test('its session: catalog, schema, properties, prepared statements', async () => {
    const trino = connect({ catalog: 'tpch', schema: 'sf1', session: { adaptive: 'false' } });
    const adaptive = "SHOW SESSION LIKE 'adaptive'";
    expect(await rowsOf(trino, 'SELECT current_user, current_catalog, current_schema')).toEqual([
      ['ann', 'tpch', 'sf1'],
    ]);
    expect((await rowsOf(trino, adaptive))[0]?.slice(0, 2)).toEqual(['adaptive', 'false']);
    await answers(trino, 'USE tpch.tiny');
    expect(await rowsOf(trino, 'SELECT count(*) FROM region')).toEqual([[5]]);
    await answers(trino, 'SET SESSION hash_partition_count = 5');
    expect((await rowsOf(trino, "SHOW SESSION LIKE 'hash%'"))[0]?.slice(0, 2)).toEqual(['hash_partition_count', '5']);
    await answers(trino, 'RESET SESSION hash_partition_count');
    expect((await rowsOf(trino, "SHOW SESSION LIKE 'hash%'"))[0]?.slice(0, 2)).toEqual(['hash_partition_count', '0']);
    await answers(trino, 'PREPARE one FROM SELECT name FROM nation WHERE nationkey = ?');
    await answers(trino, "PREPARE two FROM SELECT 'a, b' || ?");
    expect(await rowsOf(trino, 'EXECUTE one USING 0')).toEqual([['ALGERIA']]);
    expect(await rowsOf(trino, "EXECUTE two USING '=c'")).toEqual([['a, b=c']]);
  });

  test('cancels, and asks what became of it', async () => {
    const trino = connect();
    const query = await trino.query(ENDLESS);
    // The client hides its first answer: the id is found in the list.
    const find = `SELECT query_id FROM system.runtime.queries WHERE query = '${ENDLESS}' ORDER BY created DESC LIMIT 1`;
    const id = String((await rowsOf(trino, find))[0]?.[0]);
    expect((await trino.queryInfo(id)).state).not.toBe('FAILED');
    expect(await trino.cancel(id)).toEqual({ id });
    const info = await trino.queryInfo(id);
    expect([info.queryId, info.state, info.query, info.failureInfo?.message]).toEqual([
      id,
      'FAILED',
      ENDLESS,
      'Query was canceled',
    ]);
    expect((await query.next()).value.error?.errorName).toBe('USER_CANCELED');
  });
});

describe.each(['presto', 'trino'] as const)('presto-client with the headers of %s', (engine) => {
  const connect = (): Client => {
    const { hostname: host, port } = new URL(server.url);
    return new Client({
      host,
      port: Number(port),
      user: 'ann',
      engine,
      checkInterval: 1,
      catalog: 'tpch',
      schema: 'tiny',
    });
  };

  type Seen = {
    columns: readonly Column[];
    rows: (readonly unknown[])[];
    pages: number;
    states: string[];
    info?: string | undefined;
  };
  type Options = Partial<Parameters<Client['execute']>[0]>;
  const execute = (query: string, options: Options = {}): Promise<Seen> =>
    new Promise((resolve, reject) => {
      const seen: Seen = { columns: [], rows: [], pages: 0, states: [] };
      connect().execute({
        query,
        columns: (_, columns) => void (seen.columns = columns),
        data: (_, rows) => {
          seen.pages += 1;
          for (const row of rows) seen.rows.push(row);
        },
        state: (_, _id, { state }) => void seen.states.push(state),
        success: (_, _stats, info) => resolve({ ...seen, info: info?.state }),
        // Problems are plain objects: what they say is compared.
        error: ({ message, errorName }: Problem) => reject(new Error(`${errorName}: ${message}`)),
        ...options,
      });
    });

  test('rows, types, states', async () => {
    const seen = await execute(TYPES, { info: true });
    expect(seen.rows).toEqual([TYPED_ROW]);
    expect(seen.columns.map(({ type }) => type)).toContain('decimal(3,2)');
    expect([seen.states[0], seen.states.at(-1), seen.info]).toEqual(['QUEUED', 'FINISHED', 'FINISHED']);
    expect((await execute('SELECT 1 WHERE false')).rows).toEqual([]);
  });

  test('several pages', async () => {
    const { rows, pages } = await execute(LARGE);
    expect(pages).toBeGreaterThan(3);
    const keys = rows.map(([orderkey, line]) => `${String(orderkey)}.${String(line)}`);
    expect(keys.length).toBe(2 * new Set(keys).size);
  });

  test('session: catalog, schema, time zone, properties, prepared statements', async () => {
    const user = 'SELECT current_user, current_catalog, current_schema, current_timezone()';
    expect((await execute(user, { timezone: 'Asia/Tokyo', schema: 'sf1' })).rows).toEqual([
      ['ann', 'tpch', 'sf1', 'Asia/Tokyo'],
    ]);
    const adaptive = await execute("SHOW SESSION LIKE 'adaptive'", { session: 'adaptive=false' });
    expect(adaptive.rows[0]?.slice(0, 2)).toEqual(['adaptive', 'false']);
    const prepares = ['SELECT 1', 'SELECT name FROM nation WHERE nationkey = ?'];
    expect((await execute('EXECUTE query1 USING 0', { prepares })).rows).toEqual([['ALGERIA']]);
  });

  test('errors', async () => {
    await expect(execute('SELECT nowhere')).rejects.toThrow(
      "COLUMN_NOT_FOUND: line 1:8: Column 'nowhere' cannot be resolved",
    );
  });

  test('cancels, and kills', async () => {
    let asked = 0;
    await expect(execute(ENDLESS, { cancel: () => (asked += 1) > 0 })).rejects.toThrow(
      'query fetch canceled by operation',
    );
    const killed = execute(ENDLESS, {
      state: (_, id, { state }) => void (state === 'RUNNING' && connect().kill(id, () => {})),
    });
    await expect(killed).rejects.toThrow('USER_CANCELED: Query was canceled');
    const running = async (): Promise<unknown> =>
      (await execute(`SELECT count(*) FROM system.runtime.queries WHERE state = 'RUNNING' AND query = '${ENDLESS}'`))
        .rows[0]?.[0];
    for (let tries = 0; (await running()) !== 0 && tries < 100; tries++) await sleep(50);
    expect(await running()).toBe(0);
  });
});
