/** No operator binds differently here than in two parsers of others, on thousands of random expressions. */
import { beforeAll, expect, test } from 'vitest';
import type { Expression } from '../../../src/sql/ast.ts';
import { formatExpression } from '../../../src/sql/formatter.ts';
import { parseExpression } from '../../../src/sql/parser.ts';
import { DT_CONSTRUCTS, dtOracle } from './dt-oracle.ts';
import { PG_CONSTRUCTS, pgOracle } from './pg-oracle.ts';
import { random, randomExpression, type Constructs } from './random-expressions.ts';

const SEED = 20_261_121;

let pg: (expression: string) => string;
beforeAll(async () => {
  pg = await pgOracle();
});

test('10,000 random expressions have the trees that PostgreSQL gives them', () => {
  expect(differences(10_000, 2, PG_CONSTRUCTS, pg, asPostgres)).toEqual([]);
});

// Slower by far than the other oracle, so it sees a share.
test('600 random expressions have the trees that dt-sql-parser gives them', () => {
  expect(differences(600, 1, DT_CONSTRUCTS, dtOracle, asBinary)).toEqual([]);
});

test('the comparison notices a difference', () => {
  expect(squeeze(formatExpression(asBinary(parseExpression('(a OR b) AND c'))))).not.toBe(squeeze(pg('a OR b AND c')));
  expect(squeeze(formatExpression(asBinary(parseExpression('a OR b AND c'))))).toBe(squeeze(pg('a OR b AND c')));
  expect(squeeze(formatExpression(asBinary(parseExpression('a || b + c'))))).toBe(squeeze(dtOracle('a || b + c')));
  expect(squeeze(formatExpression(asBinary(parseExpression('(a || b) + c'))))).not.toBe(
    squeeze(dtOracle('a || b + c')),
  );
});

/** The first few expressions that are read in two ways, with their seed and the place of the difference. */
function differences(
  count: number,
  depth: number,
  constructs: Constructs,
  oracle: (expression: string) => string,
  adapt: (tree: Expression) => Expression,
): string[] {
  const found: string[] = [];
  const next = random(SEED);
  for (let index = 0; index < count && found.length < 5; index++) {
    const text = randomExpression(next, constructs, depth);
    const mine = squeeze(formatExpression(adapt(parseExpression(text))));
    const theirs = squeeze(oracle(text));
    if (mine === theirs) continue;
    found.push(`seed ${SEED}, expression ${index}: ${text}\n${around(mine, theirs)}\n${around(theirs, mine)}`);
  }
  return found;
}

/** The part of `text` in which it differs from `other`. */
function around(text: string, other: string): string {
  let at = 0;
  while (text[at] === other[at]) at++;
  return text.slice(Math.max(0, at - 60), at + 60);
}

/** Printers differ in white space, in the names of one operator, and in parentheses around a number after a sign. */
function squeeze(text: string): string {
  const bare = text.replaceAll('!=', '<>').replaceAll(/\s+/g, '');
  const fewer = bare.replaceAll(/([-+])\(([-+]*[0-9.]+(?:E[0-9]+)?)\)/g, '$1$2');
  return fewer === text ? text : squeeze(fewer);
}

/** Chains as nested pairs from the left, which is what they mean and what the others build. */
function asBinary(expression: Expression): Expression {
  return mapTree(expression, (node) => {
    if (node.kind === 'Logical' && node.terms.length > 2) {
      return node.terms.reduce((left, right) => ({ ...node, terms: [left, right] }));
    }
    if (node.kind === 'Concat' && node.operands.length > 2) {
      return node.operands.reduce((left, right) => ({ ...node, operands: [left, right] }));
    }
    // `((SELECT 1))` is a query in a query here, and one query to the others.
    if (node.kind === 'SubqueryExpression' && node.query.body.kind === 'TableSubquery') {
      return { ...node, query: node.query.body.query };
    }
    return node;
  });
}

/** Forms that PostgreSQL's parser does not tell apart: NOT IN a query, SOME, doubles and decimals. */
function asPostgres(expression: Expression): Expression {
  return mapTree(asBinary(expression), (node) => {
    if (node.kind === 'InSubquery' && node.not) return { ...node, kind: 'Not', value: { ...node, not: false } };
    if (node.kind === 'QuantifiedComparison' && node.quantifier === 'SOME') return { ...node, quantifier: 'ANY' };
    return node;
  });
}

function mapTree(expression: Expression, change: (node: Expression) => Expression): Expression {
  const mapValue = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(mapValue);
    if (typeof value !== 'object' || value === null) return value;
    const mapped = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mapValue(inner)]));
    return 'kind' in mapped ? change(mapped as unknown as Expression) : mapped;
  };
  return mapValue(expression) as Expression;
}
