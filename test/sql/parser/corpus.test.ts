/** A statement for each corner of the grammar: all are read, written back to the same tree, and known to another parser. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { QueryError } from '../../../src/common/errors.ts';
import { formatExpression, formatStatement } from '../../../src/sql/formatter.ts';
import { parseExpression, parseStatement } from '../../../src/sql/parser.ts';
import { DT_CONSTRUCTS, dtAccepts } from './dt-oracle.ts';
import { random, randomExpression } from './random-expressions.ts';
import { withoutPositions } from './tree.ts';

const corpus = readFileSync(path.join(import.meta.dirname, 'corpus.sql'), 'utf8')
  .split(/^--@ /m)
  .slice(1)
  .map((entry): [name: string, sql: string] => {
    const end = entry.indexOf('\n');
    return [entry.slice(0, end), entry.slice(end + 1).trim()];
  });

/** Trino's grammar is younger than the oracle's in these. */
const NEWER: ReadonlySet<string> = new Set(
  (
    'truth-tests between-symmetric row-names brackets case-predicates named-arguments methods overlay at-local ' +
    'json-accessor overlaps match-predicate nearest pivot corresponding with-session'
  ).split(' '),
);

describe('the corpus', () => {
  test.each(corpus)('%s is read and written back', (_, sql) => {
    const tree = parseStatement(sql);
    expect(withoutPositions(parseStatement(formatStatement(tree)))).toEqual(withoutPositions(tree));
  });

  test('dt-sql-parser accepts it too, but for what is newer than its grammar', () => {
    const refused = corpus.filter(([, sql]) => !dtAccepts(sql)).map(([name]) => name);
    expect(new Set(refused)).toEqual(NEWER);
  });

  test('nothing of it can be cut short', () => {
    // All but the last token, the semicolon aside, of statements that need their last one.
    const cut = [
      'SELECT a FROM',
      'SELECT a, b FROM t WHERE a =',
      'VALUES (1',
      'SELECT CASE WHEN a THEN 1',
      'TABLE',
      'USE',
    ];
    const accepted = cut.filter((sql) => reads(() => parseStatement(sql)));
    expect(accepted).toEqual([]);
  });
});

test('2,000 random expressions are written back to the same tree', () => {
  const seed = 7;
  const next = random(seed);
  const changed: string[] = [];
  for (let index = 0; index < 2_000; index++) {
    const text = randomExpression(next, { ...DT_CONSTRUCTS, truthTests: true, symmetricBetween: true }, 2);
    const tree = parseExpression(text);
    const again = parseExpression(formatExpression(tree));
    if (!isDeepStrictEqual(withoutPositions(again), withoutPositions(tree))) changed.push(`${index}: ${text}`);
  }
  expect({ seed, changed }).toEqual({ seed, changed: [] });
});

function reads(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch (problem) {
    if (problem instanceof QueryError) return false;
    throw problem;
  }
}

test('statements are laid out a clause a line, without touching strings', () => {
  const sql = `WITH a AS (SELECT 'x\ny' FROM t), b AS (VALUES 1) SELECT a.*, count(*) c FROM a JOIN b USING (k) WHERE x GROUP BY 1 LIMIT 3`;
  expect(formatStatement(parseStatement(sql))).toBe(
    [
      'WITH a AS (',
      "  SELECT 'x\ny'",
      '  FROM t',
      '),',
      'b AS (',
      '  VALUES 1',
      ')',
      'SELECT a.*, count(*) AS c',
      'FROM a INNER JOIN b USING (k)',
      'WHERE x',
      'GROUP BY 1',
      'LIMIT 3',
    ].join('\n'),
  );
});
