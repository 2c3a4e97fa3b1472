/** Names that are written are read again as the same names. */
import { expect, test } from 'vitest';
import { quotedName } from '../../src/common/names.ts';
import type * as ast from '../../src/sql/ast.ts';
import { NONRESERVED_KEYWORDS, RESERVED_KEYWORDS } from '../../src/sql/keywords.ts';
import { writtenName } from '../../src/sql/names.ts';
import { parseStatement } from '../../src/sql/parser.ts';

function readAgain(written: string): string {
  const query = parseStatement(`SELECT t.${written} FROM t`) as ast.Query;
  const [item] = (query.body as ast.QuerySpecification).select.items;
  return ((item as ast.SingleColumn).expression as ast.Dereference).field.value;
}

const NAMES = [...RESERVED_KEYWORDS, ...NONRESERVED_KEYWORDS].flatMap((word) => [word, word.toLowerCase()]);

test.each(['plain', 'Mixed', 'with space', 'quo"ted', '1st', 'é', 'a.b', '_x1', ...NAMES])('%s', (name) => {
  expect(readAgain(writtenName(name))).toBe(name);
  expect(readAgain(quotedName(name))).toBe(name);
});

test('quotes stand only where they must', () => {
  expect(['plain', 'order', 'Mixed', 'count'].map(writtenName)).toEqual(['plain', '"order"', '"Mixed"', 'count']);
});
