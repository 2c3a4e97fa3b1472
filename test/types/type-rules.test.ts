/** Coercions, casts and type texts: the rules that need no kernel. */
import { expect, test } from 'vitest';
import { canCoerce, castAllowed, castIsTotal, commonType } from '../../src/types/coercion.ts';
import { parseType } from '../../src/types/parse-type.ts';
import { typeName } from '../../src/types/type.ts';

const common = (a: string, b: string): string | undefined => {
  const type = commonType(parseType(a), parseType(b));
  return type && typeName(type);
};

test.each([
  ['integer', 'bigint', 'bigint'],
  ['bigint', 'double', 'double'],
  ['decimal(10,2)', 'bigint', 'decimal(21,2)'],
  ['decimal(38,2)', 'decimal(38,5)', 'decimal(38,5)'],
  ['decimal(10,2)', 'real', 'real'],
  ['varchar(3)', 'varchar(5)', 'varchar(5)'],
  ['varchar(3)', 'varchar', 'varchar'],
  ['varchar(3)', 'char(5)', 'varchar(5)'],
  ['unknown', 'date', 'date'],
  ['date', 'timestamp(6)', 'timestamp(6)'],
  ['timestamp(3)', 'timestamp(0) with time zone', 'timestamp(3) with time zone'],
  ['array(integer)', 'array(unknown)', 'array(integer)'],
  ['row(a integer, b varchar)', 'row(a bigint, c varchar)', 'row(a bigint, varchar)'],
  ['varchar', 'bigint', undefined],
  ['boolean', 'integer', undefined],
])('%s and %s share %s', (a, b, expected) => {
  expect(common(a, b)).toBe(expected);
  expect(common(b, a)?.length).toBe(expected?.length);
});

const coerces = (a: string, b: string): boolean => canCoerce(parseType(a), parseType(b));
const casts = (a: string, b: string): boolean => castAllowed(parseType(a), parseType(b));

test('what coerces and what casts', () => {
  expect(coerces('integer', 'decimal(10,0)')).toBe(true);
  expect(coerces('integer', 'decimal(9,0)')).toBe(false);
  expect(coerces('varchar(5)', 'varchar(3)')).toBe(false);
  expect(coerces('char(3)', 'varchar')).toBe(true);
  expect(coerces('varchar(3)', 'char(5)')).toBe(false);
  expect(coerces('unknown', 'map(varchar, bigint)')).toBe(true);
  expect(casts('varchar', 'date')).toBe(true);
  expect(casts('date', 'bigint')).toBe(false);
  expect(casts('array(varchar)', 'array(bigint)')).toBe(true);
  expect(casts('json', 'map(varchar, array(bigint))')).toBe(true);
});

test.each([
  ['integer', 'bigint', true],
  ['bigint', 'integer', false],
  ['bigint', 'real', true],
  ['double', 'real', false],
  ['double', 'decimal(38,0)', false],
  ['integer', 'decimal(12,2)', true],
  ['integer', 'decimal(10,2)', false],
  ['decimal(5,2)', 'decimal(6,3)', true],
  ['decimal(38,0)', 'decimal(38,5)', false],
  ['decimal(5,2)', 'decimal(5,1)', false],
  ['decimal(5,2)', 'double', true],
  ['varchar', 'varchar(3)', true],
  ['char(3)', 'varchar', true],
  ['bigint', 'varchar(3)', false],
  ['varchar', 'bigint', false],
  ['date', 'timestamp(6)', false],
  ['unknown', 'uuid', true],
])('a cast of any %s to %s has a value: %s', (a, b, expected) => {
  expect(castIsTotal(parseType(a), parseType(b))).toBe(expected);
});

test.each([
  'decimal(12,2)',
  'array(bigint)',
  'row(x bigint, y array(varchar(3)))',
  'row("Odd name" double, timestamp(3) with time zone)',
  'map(varchar, timestamp(9))',
  'interval day to second',
  'time(6) with time zone',
])('%s reads back', (text) => {
  expect(typeName(parseType(text))).toBe(text);
});

test.each([
  ['int', 'integer'],
  ['timestamp', 'timestamp(3)'],
  ['decimal', 'decimal(38,0)'],
  ['VARCHAR(2147483647)', 'varchar'],
  ['double precision', 'double'],
])('%s means %s', (text, meaning) => {
  expect(typeName(parseType(text))).toBe(meaning);
});

test.each(['', 'decimal(39)', 'array()', 'bigint)', 'timestamp(10)', 'nosuch', 'char(99999999)', 'row()'])(
  '%s is refused',
  (text) => {
    expect(() => parseType(text)).toThrow(/type|precision|length|supported/i);
  },
);
