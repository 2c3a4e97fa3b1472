/** What statements change in a client's session, what the session changes in statements: all of it in headers. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';
import { failure, run } from './exchange.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ workers: 1 });
});

afterAll(() => server.stop());

test.each([
  ['USE tpch.tiny', 'USE', { 'x-trino-set-catalog': 'tpch', 'x-trino-set-schema': 'tiny' }],
  ['SET SESSION join_reordering_strategy = "none"', undefined, {}],
  [
    "SET SESSION join_reordering_strategy = 'NONE'",
    'SET SESSION',
    { 'x-trino-set-session': 'join_reordering_strategy=NONE' },
  ],
  ["SET TIME ZONE 'Asia/Kathmandu'", 'SET TIME ZONE', { 'x-trino-set-session': 'time_zone_id=Asia%2FKathmandu' }],
  ['RESET SESSION adaptive', 'RESET SESSION', { 'x-trino-clear-session': 'adaptive' }],
  [
    'PREPARE "a, b=" FROM SELECT \'ü, "=\'',
    'PREPARE',
    { 'x-trino-added-prepare': `a%2C%20b%3D=SELECT%20'%C3%BC%2C%20%22%3D'` },
  ],
])('%s', async (sql, updateType, session) => {
  const answer = await run(server.url, sql);
  expect([answer.updateType, answer.session, answer.rows]).toEqual([updateType, session, []]);
});

test('a session that is carried along', async () => {
  const headers = { 'X-Trino-Catalog': 'tpch', 'X-Trino-Schema': 'tiny' };
  expect((await run(server.url, 'SELECT count(*) FROM nation', headers)).rows).toEqual([[25]]);
  expect((await run(server.url, 'SELECT current_catalog, current_schema, current_user', headers)).rows).toEqual([
    ['tpch', 'tiny', 'test'],
  ]);
  expect((await run(server.url, 'USE sf1', headers)).session).toEqual({ 'x-trino-set-schema': 'sf1' });
  const show = "SHOW SESSION LIKE 'hash_partition_count'";
  const { rows } = await run(server.url, show, { 'X-Trino-Session': 'hash_partition_count=7,adaptive=false' });
  expect(rows[0]?.slice(0, 3)).toEqual(['hash_partition_count', '7', '0']);
});

test.each([
  ['foo=1', "INVALID_SESSION_PROPERTY: Session property 'foo' does not exist; SHOW SESSION lists them"],
  ['hive.foo=1', "INVALID_SESSION_PROPERTY: Session property 'hive.foo' does not exist; SHOW SESSION lists them"],
  ['adaptve=true', "INVALID_SESSION_PROPERTY: Session property 'adaptve' does not exist; did you mean adaptive?"],
  ['adaptive=perhaps', "INVALID_SESSION_PROPERTY: Session property adaptive must be true or false, not 'perhaps'"],
])('X-Trino-Session: %s', async (session, message) => {
  expect(await failure(server.url, 'SELECT 1', { 'X-Trino-Session': session })).toBe(message);
});

test('the time zone is the property, else the header', async () => {
  const zone = async (headers: Record<string, string>): Promise<unknown> => {
    const answer = await run(server.url, 'SELECT current_timezone()', headers);
    return answer.error?.errorName ?? answer.rows[0]?.[0];
  };
  const sql = 'SELECT CAST(from_unixtime(0) AS varchar)';
  expect((await run(server.url, sql, { 'X-Trino-Time-Zone': 'America/New_York' })).rows).toEqual([
    ['1969-12-31 19:00:00.000 America/New_York'],
  ]);
  expect(await zone({ 'X-Trino-Time-Zone': 'Europe/Zurich' })).toBe('Europe/Zurich');
  expect(await zone({ 'X-Trino-Time-Zone': '+05:30' })).toBe('+05:30');
  expect(await zone({ 'X-Trino-Time-Zone': 'Europe/Zurich', 'X-Trino-Session': 'time_zone_id=Asia/Tokyo' })).toBe(
    'Asia/Tokyo',
  );
  expect(await zone({ 'X-Trino-Time-Zone': 'Mars/Olympus' })).toBe('INVALID_FUNCTION_ARGUMENT');
});

/** As clients carry it. */
const prepared = (statements: Readonly<Record<string, string>>): Record<string, string> => ({
  'X-Trino-Prepared-Statement': Object.entries(statements)
    .map(([name, sql]) => `${name}=${encodeURIComponent(sql)}`)
    .join(','),
});

test('a prepared statement: described, executed, deallocated', async () => {
  const sql =
    'SELECT name, regionkey + ? AS next FROM tpch.tiny.nation WHERE name < ? AND nationkey > ? ORDER BY 1 LIMIT ?';
  const headers = prepared({ p: sql, other: 'SHOW SCHEMAS FROM tpch' });
  const input = await run(server.url, 'DESCRIBE INPUT p', headers);
  expect(input.columns?.map(({ name, type }) => `${name} ${type}`)).toEqual(['Position bigint', 'Type varchar']);
  expect(input.rows).toEqual([
    [0, 'bigint'],
    [1, 'varchar(25)'],
    [2, 'bigint'],
    [3, 'bigint'],
  ]);
  const output = await run(server.url, 'DESCRIBE OUTPUT p', headers);
  expect(output.columns?.map(({ name }) => name)).toEqual([
    'Column Name',
    'Catalog',
    'Schema',
    'Table',
    'Type',
    'Type Size',
    'Aliased',
  ]);
  expect(output.rows.map((row) => [row[0], row[4]])).toEqual([
    ['name', 'varchar(25)'],
    ['next', 'bigint'],
  ]);
  expect((await run(server.url, 'DESCRIBE OUTPUT other', headers)).rows.map((row) => row[0])).toEqual(['Schema']);
  expect((await run(server.url, 'DESCRIBE INPUT other', headers)).rows).toEqual([]);
  const rows = [
    ['BRAZIL', 11],
    ['CANADA', 11],
  ];
  expect((await run(server.url, "EXECUTE p USING 10, 'D', 1, 2", headers)).rows).toEqual(rows);
  expect((await run(server.url, 'EXECUTE other', headers)).rows).toContainEqual(['tiny']);
  expect((await run(server.url, 'DEALLOCATE PREPARE p', headers)).session).toEqual({
    'x-trino-deallocated-prepare': 'p',
  });
});

test('what is wrong with prepared statements is said', async () => {
  const headers = prepared({ p: 'SELECT ?', many: 'SELECT 1 LIMIT ?' });
  const said = await Promise.all(
    [
      'EXECUTE q',
      'EXECUTE p',
      'EXECUTE p USING 1, 2',
      'EXECUTE many USING NULL',
      "EXECUTE many USING 'a'",
      'DEALLOCATE PREPARE q',
      'DESCRIBE INPUT manny',
      'SELECT ?',
      'PREPARE p FROM EXECUTE p',
      "EXECUTE IMMEDIATE 'SELECT'",
    ].map((sql) => failure(server.url, sql, headers)),
  );
  expect(said).toMatchInlineSnapshot(`
    [
      "NOT_FOUND: Prepared statement not found: q; did you mean p?",
      "INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters: expected 1 but found 0",
      "INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters: expected 1 but found 2",
      "TYPE_MISMATCH: line 1:16: LIMIT row count must be a constant bigint",
      "TYPE_MISMATCH: line 1:16: LIMIT row count must be a constant bigint",
      "NOT_FOUND: Prepared statement not found: q; did you mean p?",
      "NOT_FOUND: Prepared statement not found: manny; did you mean many?",
      "INVALID_PARAMETER_USAGE: line 1:8: Incorrect number of parameters: there is none for ? number 1; use EXECUTE … USING",
      "NOT_SUPPORTED: line 1:1: PREPARE of EXECUTE is not supported",
      "SYNTAX_ERROR: line 1:7: mismatched input '<EOF>'. Expecting: '*', 'ALL', 'DISTINCT', <expression>",
    ]
  `);
});

test('EXECUTE IMMEDIATE needs no headers, also for a statement beyond what headers carry', async () => {
  expect((await run(server.url, "EXECUTE IMMEDIATE 'SELECT ? || ''!''' USING 'yes'")).rows).toEqual([['yes!']]);
  const long = 'x'.repeat(300_000);
  const answer = await run(server.url, `EXECUTE IMMEDIATE 'SELECT length(''${long}'')'`);
  expect(answer.rows).toEqual([[300_000]]);
});

test('a transaction as tools use it: started, carried along, ended', async () => {
  const started = await run(server.url, 'START TRANSACTION ISOLATION LEVEL READ UNCOMMITTED, READ WRITE', {
    'X-Trino-Transaction-Id': 'NONE',
  });
  expect(started.updateType).toBe('START TRANSACTION');
  const id = started.session['x-trino-started-transaction-id']!;
  const headers = { 'X-Trino-Transaction-Id': id };
  expect((await run(server.url, 'SELECT 1', headers)).rows).toEqual([[1]]);
  expect(await failure(server.url, 'START TRANSACTION', headers)).toMatch(/^NOT_SUPPORTED: .*Nested/);
  expect((await run(server.url, 'COMMIT', headers)).session).toEqual({ 'x-trino-clear-transaction-id': 'true' });
  expect(await failure(server.url, 'SELECT 1', headers)).toMatch(/^UNKNOWN_TRANSACTION: Transaction \S+ is not open/);
  const second = (await run(server.url, 'START TRANSACTION')).session['x-trino-started-transaction-id']!;
  const rollback = await run(server.url, 'ROLLBACK', { 'X-Trino-Transaction-Id': second });
  expect(rollback.session).toEqual({ 'x-trino-clear-transaction-id': 'true' });
  expect(await failure(server.url, 'COMMIT')).toMatch(/^NOT_IN_TRANSACTION: .*No transaction in progress/);
  expect(await failure(server.url, 'START TRANSACTION ISOLATION LEVEL SERIALIZABLE')).toMatch(
    /^NOT_SUPPORTED: .*SERIALIZABLE/,
  );
});

test('who says X-Presto- is answered X-Presto-', async () => {
  const headers = { 'X-Trino-User': '', 'X-Presto-User': 'old', 'X-Presto-Catalog': 'tpch' };
  expect((await run(server.url, 'USE tiny', headers)).session).toEqual({ 'x-presto-set-schema': 'tiny' });
  expect((await run(server.url, 'SELECT current_user, current_catalog', headers)).rows).toEqual([['old', 'tpch']]);
});
