/** Scripts and unfinished text: where statements end, and what a prompt can colour. */
import { expect, test } from 'vitest';
import { QueryError } from '../../../src/common/errors.ts';
import { NONRESERVED_KEYWORDS, RESERVED_KEYWORDS } from '../../../src/sql/keywords.ts';
import { scan } from '../../../src/sql/lexer.ts';
import { parseExpression } from '../../../src/sql/parser.ts';
import { splitStatements, tokenize } from '../../../src/sql/script.ts';

const texts = (script: string): string[] =>
  splitStatements(script).map(({ text, terminated }) => (terminated ? text : `${text} …`));

test('a semicolon ends a statement, except inside strings, names and comments', () => {
  expect(texts(`SELECT ';'; SELECT ";" -- ;\n; /* ; */ SELECT 1`)).toEqual([`SELECT ';'`, `SELECT ";"`, 'SELECT 1 …']);
  expect(texts(';; SELECT 1;;')).toEqual(['SELECT 1']);
  expect(texts(' -- nothing\n')).toEqual([]);
  expect(texts(`SELECT U&'\\;', X';', 'it''s;';`)).toEqual([`SELECT U&'\\;', X';', 'it''s;'`]);
});

test('what is cut off is not terminated', () => {
  expect(texts(`SELECT 'abc; `)).toEqual([`SELECT 'abc;  …`]);
  expect(texts(`SELECT "abc;`)).toEqual([`SELECT "abc; …`]);
  expect(texts('SELECT 1 /* ;')).toEqual(['SELECT 1 /* ; …']);
  expect(texts('/* open ;')).toEqual(['/* open ; …']);
});

test('statements know where they begin', () => {
  expect(splitStatements(`SELECT 1;\n -- x\n  SELECT 2`)).toEqual([
    { text: 'SELECT 1', start: 0, location: { line: 1, column: 1 }, terminated: true },
    { text: 'SELECT 2', start: 18, location: { line: 3, column: 3 }, terminated: false },
  ]);
});

test('all text has colours', () => {
  const sql = `SELECT "a", b -- c\n 'd' + 0x1F != 1.5e3 x# 1a \`q\` 'open`;
  const coloured = tokenize(sql).map(
    ({ class: kind, start, end, open }) => `${kind} ${sql.slice(start, end)}${open ? ' …' : ''}`,
  );
  expect(coloured).toEqual([
    'keyword SELECT',
    'quoted identifier "a"',
    'operator ,',
    'identifier b',
    'comment -- c\n',
    "string 'd'",
    'operator +',
    'number 0x1F',
    'operator !=',
    'number 1.5e3',
    'identifier x',
    'error #',
    'error 1a',
    'error `q`',
    "string 'open …",
  ]);
});

test('the longest form of a number wins', () => {
  const sql = '1_0 1_0.5 1.x 1e5 1e5x 0xfg 1..2 .5 1e 12ab';
  expect(scan(sql).map(({ type, start, end }) => `${type} ${sql.slice(start, end)}`)).toEqual([
    'integer 1_0',
    'decimal 1_0.5',
    'decimal 1.',
    'identifier x',
    'double 1e5',
    'digit-identifier 1e5x',
    'digit-identifier 0xfg',
    'decimal 1.',
    'decimal .2',
    'decimal .5',
    'digit-identifier 1e',
    'digit-identifier 12ab',
    'eof ',
  ]);
});

test('lines count through strings and comments', () => {
  const tokens = scan(`'a\nb' /* c\nd */ e\r\n\tf`);
  expect(tokens.map(({ location: { line, column } }) => `${line}:${column}`)).toEqual(['1:1', '3:6', '4:2', '4:3']);
});

test('nonreserved words are names, reserved words are not', () => {
  expect(new Set(NONRESERVED_KEYWORDS.map(kindOf))).toEqual(new Set(['Identifier']));
  expect(RESERVED_KEYWORDS.filter((word) => kindOf(word) === 'Identifier')).toEqual([]);
  const literals = RESERVED_KEYWORDS.filter((word) => kindOf(word) !== 'error');
  expect(literals.join(' ')).toBe(
    'CURRENT_CATALOG CURRENT_DATE CURRENT_PATH CURRENT_SCHEMA CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER FALSE ' +
      'LOCALTIME LOCALTIMESTAMP NULL TRUE',
  );
});

function kindOf(word: string): string {
  try {
    return parseExpression(word).kind;
  } catch (problem) {
    return problem instanceof QueryError ? 'error' : String(problem);
  }
}
