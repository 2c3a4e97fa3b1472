/** Statements that are wide or long: nothing in them is nested deeply, whatever their rendered text makes of it. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';
import { type Answer, runStatement } from '../support/trino.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ workers: 1 });
});
afterAll(() => server.stop());

const run = (sql: string): Promise<Answer> =>
  runStatement(server.url, sql, { 'X-Trino-Catalog': 'tpch', 'X-Trino-Schema': 'tiny' });

const repeat = <T>(count: number, item: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => item(i));
const columns = repeat(2000, (i) => i);

test('2,000 columns', async () => {
  const { rows } = await run(
    `SELECT ${columns.map((i) => `regionkey + ${i}`).join(', ')} FROM region WHERE regionkey = 3`,
  );
  expect(rows).toEqual([columns.map((i) => i + 3)]);
});

test('columns and fields that are NULL keep their places', async () => {
  const { rows } = await run(`SELECT NULL, ROW(NULL, 1, NULL), CAST(ROW(NULL, 2) AS JSON), '', NULL`);
  expect(rows).toEqual([[null, [null, 1, null], '{"":null,"":2}', '', null]]);
});

test('a row of 2,000 fields, and of 2,000 elements', async () => {
  const list = columns.join(', ');
  expect((await run(`SELECT ROW(${list}), ARRAY[${list}]`)).rows).toEqual([[columns, columns]]);
  const [[json]] = (await run(`SELECT CAST(ROW(${list}) AS JSON)`)).rows as [[string]];
  expect(json.split(',')).toHaveLength(2000);
});

/** Deeper than the parts of a chain that get a name of their own, more than once. */
const DEEP = 400;

test('a long sum, from left to right in the types of its parts', async () => {
  const terms = repeat(DEEP, (i) => i);
  const { rows } = await run(
    `SELECT ${terms.join(' + ')}, ${terms.map((i) => `(regionkey + ${i})`).join(' + ')}, ${terms.map((i) => `${i}.5`).join(' + ')}, ` +
      `${terms.map((i) => `${i}e0`).join(' + ')}, ${terms.map((i) => `CAST(${i} AS double)`).join(' - ')} FROM region WHERE regionkey = 1`,
  );
  expect(rows).toEqual([[79800, 80200, '80000.0', '79800.0', '-79800.0']]);
});

test('a long sum that overflows on its way', async () => {
  const terms = ['2147483647', ...repeat(DEEP, () => '0'), '1', '-1'];
  await expect(run(`SELECT ${terms.join(' + ')}`)).rejects.toThrow('NUMERIC_VALUE_OUT_OF_RANGE');
});

test('a random part of a long sum is computed once', async () => {
  const zeros = repeat(DEEP, () => '0').join(' + ');
  const { rows } = await run(`SELECT count_if(x <> x) FROM (SELECT random() + ${zeros} x FROM orders)`);
  expect(rows).toEqual([[0]]);
});

test('a long sum within a lambda, of its parameter', async () => {
  const sum = repeat(DEEP, () => 'x').join(' + ');
  expect((await run(`SELECT transform(ARRAY[1, NULL, 3], x -> ${sum})`)).rows).toEqual([[[DEEP, null, 3 * DEEP]]]);
});

test('a long concatenation', async () => {
  const letters = repeat(1000, (i) => String.fromCharCode(97 + (i % 26)));
  const { rows } = await run(
    `SELECT ${letters.map((c) => `'${c}'`).join(' || ')}, ${letters.map(() => 'name').join(' || ')} = 'x', ${letters.map(() => `'a'`).join(' || ')} || CAST(NULL AS varchar) FROM region WHERE regionkey = 1`,
  );
  expect(rows).toEqual([[letters.join(''), false, null]]);
});

test('long lists of conditions and values', async () => {
  const numbers = repeat(1000, (i) => i);
  const counted = async (condition: string): Promise<unknown> =>
    (await run(`SELECT count(*) FROM customer WHERE ${condition}`)).rows[0]![0];
  expect(await counted(numbers.map((i) => `custkey <> ${i}`).join(' AND '))).toBe(501);
  expect(await counted(numbers.map((i) => `custkey = ${i} AND name <> 'x${i}'`).join(' OR '))).toBe(999);
  expect(await counted(`custkey IN (${numbers.join(', ')})`)).toBe(999);
  expect(await counted(`CASE ${numbers.map((i) => `WHEN custkey = ${i} THEN ${i}`).join(' ')} END > 10`)).toBe(989);
  expect((await run(`SELECT sum(x) FROM (VALUES ${numbers.join(', ')}) t(x)`)).rows).toEqual([[499500]]);
});
