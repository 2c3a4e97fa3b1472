/** TPC-H's 22 queries at scale 0.01 on real clusters of 1, 2 and 4 workers, planned freely and distributed by force. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer } from '../support/server.ts';
import type { TestServer } from '../support/server.ts';
import { runStatement } from '../support/trino.ts';
import { answerDifferences, QUERY_NUMBERS, querySql, readAnswer } from './answers.ts';

const SESSION = { 'X-Trino-Catalog': 'tpch_standard', 'X-Trino-Schema': 'tiny' };
const MODES = ['AUTOMATIC', 'FORCED'] as const;

let dataDirectory: string;

beforeAll(async () => {
  dataDirectory = await mkdtemp(path.join(tmpdir(), 'tutti-tpch-'));
});

afterAll(() => rm(dataDirectory, { recursive: true, force: true }));

describe.each([1, 2, 4])('%d workers', (workers) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startServer({ workers, dataDirectory });
  });

  afterAll(() => server.stop());

  test.each(MODES)('22 of 22, distribution %s', async (mode) => {
    const headers = { ...SESSION, 'X-Trino-Session': `distribution=${mode}` };
    const wrong: string[] = [];
    for (const query of QUERY_NUMBERS) {
      const found = await runStatement(server.url, querySql(query), headers).then(
        ({ columns, rows }) => {
          const actual = { columns: columns.map((column) => column.name), rows: rows.map((row) => row.map(cellText)) };
          return answerDifferences(actual, readAnswer(query));
        },
        (problem: unknown) => [String(problem)],
      );
      if (found.length > 0) wrong.push(`q${query}: ${found.slice(0, 3).join('; ')}`);
    }
    expect(wrong).toEqual([]);
  });
});

const cellText = (value: unknown): string | null =>
  value === null ? null : typeof value === 'string' ? value : JSON.stringify(value);
