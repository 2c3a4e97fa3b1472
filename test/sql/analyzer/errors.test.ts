/** What is refused, with code, place and words; and what columns a statement has. */

import { expect, it } from 'vitest';
import { QueryError } from '../../../src/common/errors.ts';
import { analyze } from '../../../src/sql/analyzer/analyze.ts';
import { analyzeShow } from '../../../src/sql/analyzer/show.ts';
import { parseStatement } from '../../../src/sql/parser.ts';
import { typeName } from '../../../src/types/type.ts';
import { METADATA, SESSION } from './fake-metadata.ts';
import { golden } from './golden.ts';

async function columnsOf(sql: string): Promise<string> {
  const statement = parseStatement(sql);
  const options = { text: sql };
  const analysis =
    statement.kind === 'Query'
      ? await analyze(statement, SESSION, METADATA, options)
      : await analyzeShow(statement, SESSION, METADATA, options);
  return (analysis?.columns ?? []).map(({ name, symbol }) => `${name} ${typeName(symbol.type)}`).join(', ');
}

async function refusalOf(sql: string): Promise<string> {
  try {
    return `accepted: ${await columnsOf(sql)}`;
  } catch (problem) {
    if (!(problem instanceof QueryError)) throw problem;
    return `${problem.code}: ${problem.message}`;
  }
}

it('refuses what the golden file refuses, in its words', async () => {
  const { expected, actual } = await golden(new URL('errors.txt', import.meta.url), refusalOf);
  expect(actual).toBe(expected);
  expect(actual).not.toContain('accepted');
});

it('names and types columns as the golden file says', async () => {
  const { expected, actual } = await golden(new URL('columns.txt', import.meta.url), columnsOf);
  expect(actual).toBe(expected);
});

it('bounds what WITH may multiply', async () => {
  const queries = ['q0 AS (SELECT 1 AS x)'];
  for (let i = 1; i <= 40; i++) queries.push(`q${i} AS (SELECT a.x FROM q${i - 1} a, q${i - 1} b)`);
  expect(await refusalOf(`WITH ${queries.join(', ')} SELECT * FROM q40`)).toContain('NOT_SUPPORTED');
});

it('takes ten thousand items of IN and four hundred nested calls', async () => {
  const items = Array.from({ length: 10_000 }, (_, i) => String(i)).join(', ');
  expect(await columnsOf(`SELECT x FROM numbers WHERE x IN (${items})`)).toBe('x integer');
  const nested = `${'abs('.repeat(400)}x${')'.repeat(400)}`;
  expect(await columnsOf(`SELECT ${nested} AS y FROM numbers GROUP BY ${nested}`)).toBe('y integer');
});
