/** Plain DuckDB on our generated rows gives the recorded answers: data, queries and answers belong together. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { DuckDBInstance } from '@duckdb/node-api';
import { writeFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import {
  answerDifferences,
  answerPath,
  formatAnswer,
  parseAnswer,
  QUERY_NUMBERS,
  querySql,
  readAnswer,
} from './answers.ts';
import { loadTpch, runForAnswer } from './duckdb-tables.ts';

let connection: DuckDBConnection;

beforeAll(async () => {
  connection = await (await DuckDBInstance.create()).connect();
  await loadTpch(connection, 0.01);
});

test.each(QUERY_NUMBERS)('query %i', async (query) => {
  const answer = await runForAnswer(connection, querySql(query));
  if (process.env['UPDATE'] === '1') writeFileSync(answerPath(query), formatAnswer(answer));
  expect(answerDifferences(answer, readAnswer(query))).toEqual([]);
});

test('the comparison notices what differs', () => {
  const expected = parseAnswer('name,n,price\n"a, b",1,10.00\n\\N,2,2000000.00\n');
  expect(expected.rows).toEqual([
    ['a, b', '1', '10.00'],
    [null, '2', '2000000.00'],
  ]);
  expect(parseAnswer(formatAnswer(expected))).toEqual(expected);
  const changed = (row: number, column: number, cell: string | null) => ({
    ...expected,
    rows: expected.rows.map((cells, i) => cells.map((old, j) => (i === row && j === column ? cell : old))),
  });
  expect(answerDifferences(changed(0, 2, '10.009'), expected)).toEqual([]);
  expect(answerDifferences(changed(1, 2, '2000001.5'), expected)).toEqual([]);
  expect(answerDifferences(changed(0, 0, 'a, b  '), expected)).toEqual([]);
  expect(answerDifferences(changed(0, 2, '10.02'), expected)).toEqual(['row 1, price: 10.02 instead of 10.00']);
  expect(answerDifferences(changed(0, 1, '2'), expected)).toEqual(['row 1, n: 2 instead of 1']);
  expect(answerDifferences(changed(1, 0, ''), expected)).toEqual(['row 2, name:  instead of null']);
  expect(answerDifferences({ ...expected, rows: expected.rows.slice(1) }, expected)).toEqual(['1 rows instead of 2']);
});
