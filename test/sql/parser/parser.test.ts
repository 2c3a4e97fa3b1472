/** What statements read as, what they fail with, and that bounds hold. */
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { QueryError } from '../../../src/common/errors.ts';
import { parseExpression, parseStatement, SQL_LENGTH_MAX } from '../../../src/sql/parser.ts';
import { golden } from './golden.ts';
import { printTree } from './tree.ts';

const file = (name: string): string => path.join(import.meta.dirname, name);

function problem(run: () => unknown): QueryError {
  try {
    run();
  } catch (error) {
    if (error instanceof QueryError) return error;
    throw error;
  }
  throw new Error('this was expected to fail');
}

test('trees', () => {
  const { actual, expected } = golden(file('trees.txt'), (sql) => printTree(parseStatement(sql)));
  expect(actual).toBe(expected);
});

test('errors', () => {
  const { actual, expected } = golden(file('errors.txt'), (sql) => {
    const error = problem(() => parseStatement(sql));
    return error.code === 'SYNTAX_ERROR' ? error.message : `${error.code} ${error.message}`;
  });
  expect(actual).toBe(expected);
});

const many = (count: number, text: string, separator: string): string => Array(count).fill(text).join(separator);

test('a statement of nothing but comments', () => {
  expect(problem(() => parseStatement(' /* x */ -- y')).message).toBe('line 1:14: the statement is empty');
});

test('nodes know where they stand', () => {
  const sql = `SELECT (a + 1) * 2 AS x,\n  f(b) FROM t`;
  const query = parseStatement(sql);
  if (query.kind !== 'Query' || query.body.kind !== 'QuerySpecification') throw new Error('no query');
  const [first, second] = query.body.select.items;
  if (first?.kind !== 'SingleColumn' || second?.kind !== 'SingleColumn') throw new Error('no columns');
  expect(sql.slice(first.start, first.end)).toBe('(a + 1) * 2 AS x');
  expect(sql.slice(first.expression.start, first.expression.end)).toBe('(a + 1) * 2');
  expect(first.expression.location).toEqual({ line: 1, column: 16 });
  expect(sql.slice(second.expression.start, second.expression.end)).toBe('f(b)');
  expect(second.expression.location).toEqual({ line: 2, column: 3 });
});

describe('bounds', () => {
  const tooDeep = /nested too deeply/;

  test('long chains of AND, OR, || and UNION, and long lists are read', () => {
    for (const operator of ['AND', 'OR', '||']) {
      const tree = parseExpression(many(100_000, 'a', ` ${operator} `));
      expect('terms' in tree ? tree.terms.length : 'operands' in tree && tree.operands.length).toBe(100_000);
    }
    expect(parseExpression(`x IN (${many(490_000, '1', ',')})`).kind).toBe('InList');
    expect(parseStatement(many(50_000, 'TABLE t', ' UNION ')).kind).toBe('Query');
  });

  test('500 levels are read, more are refused', () => {
    expect(parseExpression('('.repeat(499) + '1' + ')'.repeat(499)).kind).toBe('IntegerLiteral');
    const error = problem(() => parseExpression('('.repeat(500) + '1' + ')'.repeat(500)));
    expect(error.message).toBe(
      'line 1:501: the statement is nested too deeply: more than 500 levels. Split it with WITH',
    );
  });

  test.each([
    ['parentheses', '('.repeat(100_000) + '1' + ')'.repeat(100_000)],
    ['parentheses that stay open', '('.repeat(100_000)],
    ['calls', 'f('.repeat(100_000)],
    ['arrays', '['.repeat(100_000)],
    ['CASE', 'CASE WHEN '.repeat(50_000)],
    ['NOT', `${'NOT '.repeat(100_000)}a`],
    ['signs', `${'- '.repeat(100_000)}a`],
    ['sums', many(100_000, 'a', ' + ')],
    ['subscripts', `a${'[1]'.repeat(100_000)}`],
    ['fields', `a${'.b'.repeat(100_000)}`],
    ['lambdas', 'x -> '.repeat(100_000)],
    ['time zones', `a${" AT TIME ZONE 'x'".repeat(50_000)}`],
    ['types', `CAST(a AS ${'array('.repeat(100_000)}`],
    ['array types', `CAST(a AS int${' array'.repeat(100_000)})`],
    ['subqueries', '(SELECT '.repeat(100_000)],
  ])('%s without end are refused', (_, sql) => {
    expect(problem(() => parseExpression(sql)).message).toMatch(tooDeep);
  });

  test.each([
    ['queries in parentheses', '('.repeat(100_000) + 'SELECT 1' + ')'.repeat(100_000)],
    ['subqueries', 'SELECT * FROM ('.repeat(60_000)],
    ['relations', `SELECT * FROM ${'('.repeat(100_000)}t`],
    ['joins', `SELECT * FROM t${' CROSS JOIN t'.repeat(70_000)}`],
    ['nested joins', `SELECT * FROM t${' JOIN t'.repeat(100_000)}`],
    ['relations between commas', `SELECT * FROM t${', t'.repeat(100_000)}`],
    ['EXCEPT', many(50_000, 'TABLE t', ' EXCEPT ')],
    ['row patterns', `SELECT * FROM t MATCH_RECOGNIZE (PATTERN (${'('.repeat(100_000)}`],
    ['nested JSON columns', `SELECT * FROM JSON_TABLE(a, 'x' COLUMNS (${"NESTED 'a' COLUMNS (".repeat(40_000)}`],
    ['EXPLAIN', 'EXPLAIN '.repeat(100_000)],
  ])('%s without end are refused', (_, sql) => {
    expect(problem(() => parseStatement(sql)).message).toMatch(tooDeep);
  });

  test('text beyond the limit is refused', () => {
    const error = problem(() => parseStatement(`SELECT '${'x'.repeat(SQL_LENGTH_MAX)}'`));
    expect(error.code).toBe('SYNTAX_ERROR');
    expect(error.message).toMatch('1000009 characters; at most 1000000');
  });
});
