/** What the lines of CSV files are: their fields, their types, and which line is wrong. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { declared, TextTables } from '../support/text-tables.ts';

let tables: TextTables;

beforeAll(async () => {
  tables = await TextTables.open();
});

afterAll(async () => {
  await tables.close();
});

/** `id,name,city` and `count` lines of them, but for those that are given by their numbers. */
const lines = (count: number, other: Readonly<Record<number, string>>): string =>
  `id,name,city\n${Array.from({ length: count }, (_, i) => `${other[i + 2] ?? `${i},n${i},c${i}`}\n`).join('')}`;

const unquoted = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [3 * i + 5, `${i},Smith, John,c`]));

describe('a line that does not fit is named', () => {
  const columns = declared(['id varchar', 'name varchar', 'city varchar']);

  test.each([
    ['a field too few', lines(100, { 52: '50,n50' }), 'line 52: fewer fields than the table has columns, 3'],
    ['a field too many', lines(100, { 52: '50,n50,c50,x' }), 'line 52: more fields than the table has columns, 3'],
    ['a fifth of the lines', lines(100, unquoted), 'line 5: more fields than the table has columns, 3'],
    ['an unfinished quote', lines(9, { 4: '3,"n3,c3' }), 'line 4: Value with unterminated quote found'],
    ['another escape', lines(9, { 4: String.raw`3,"n\"3",c3` }), 'line 4: Value with unterminated quote found'],
  ])('%s', async (_, text, expected) => {
    await tables.write({ 'lines.csv': text });
    for (const more of [{}, { columns }, { delimiter: ',' }, { delimiter: ',', columns }]) {
      const answer = await tables.rows({ path: 'data/lines.csv', ...more });
      expect(answer).toBe(`FILE_CORRUPT /data/lines.csv, ${expected}. Correct the file`);
    }
  });

  test('the columns are known all the same', async () => {
    await tables.write({ 'known.csv': lines(100, { ...unquoted, 52: '50,n50' }) });
    expect(await tables.columns({ path: 'data/known.csv' })).toEqual(['id bigint', 'name varchar', 'city varchar']);
  });

  test.each([
    ['a,b\n1,2\n3,4,5\n', 'line 3: more fields than the table has columns, 2'],
    ['a,b\n1,2,3\n3,4,5\n', 'line 2: more fields than the table has columns, 2'],
    ['a,b\n1,2,3\n', 'line 2: more fields than the table has columns, 2'],
    ['a\n1,2,3\n3,4,5\n', 'line 2: more fields than the table has columns, 1'],
  ])('%j', async (text, expected) => {
    await tables.write({ 'names.csv': text });
    const answer = await tables.rows({ path: 'data/names.csv' });
    expect(answer).toBe(`FILE_CORRUPT /data/names.csv, ${expected}. Correct the file`);
  });
});

test.each([
  ['a;b\n1,5;x\n2,5;y, z\n', ['a varchar', 'b varchar']],
  ['"last, first",n\n"Smith, John",1\n"a;b;c",2\n', ['last, first varchar', 'n bigint']],
  ['text\nHello, world\nno comma\nnone\n', ['text varchar']],
  [`id,text\n${'1,"one\ntwo\nthree\nfour\nfive"\n'.repeat(9)}`, ['id bigint', 'text varchar']],
  ['a|b\n', ['a varchar', 'b varchar']],
  ['n\n1\n2\n', ['n bigint']],
  ['a|b\n1|2\n', ['a bigint', 'b bigint']],
  ['a\tb\n1,0\t2\n', ['a varchar', 'b bigint']],
])('%j: what separates is what the first line and most others agree on', async (text, columns) => {
  await tables.write({ 'separated.csv': text });
  expect(await tables.columns({ path: 'data/separated.csv' })).toEqual(columns);
  expect(await tables.rows({ path: 'data/separated.csv' })).toBeInstanceOf(Array);
});

test('a quoted empty field is a text, an empty one is NULL, and of numbers both are', async () => {
  await tables.write({ 'empties.csv': 'k,s,n,m\n1,"",5,"NA"\n2,,"",NA\n3,"x",,"1"\n' });
  const columns = ['k bigint', 's varchar', 'n bigint', 'm varchar'];
  const expected = [
    ['1', '', '5', 'NA'],
    ['2', null, null, 'NA'],
    ['3', 'x', null, '1'],
  ];
  const table = { path: 'data/empties.csv' };
  expect(await tables.columns(table)).toEqual(columns);
  for (const more of [{}, { columns: declared(columns) }, { nullText: '' }]) {
    expect(await tables.rows({ ...table, ...more })).toEqual(expected);
  }
  const [first, , third] = expected;
  expect(await tables.rows({ ...table, nullText: 'NA' })).toEqual([first, ['2', null, null, null], third]);
});

test.each(['csv', 'jsonl'])('integers beyond bigint are no doubles in %s', async (extension) => {
  const [least, most, wider] = ['9223372036854775807', '9223372036854775808', '1'.repeat(39)];
  const rows = [
    [least, most, '1.5'],
    [most, wider, '2'],
  ];
  const text =
    extension === 'csv'
      ? ['a,b,c', ...rows.map((row) => row.join(','))]
      : rows.map(([a, b, c]) => `{"a":${a},"b":${b},"c":${c}}`);
  const small = extension === 'csv' ? 'a,b,c\n1,1,1\n' : '{"a":1,"b":1,"c":1}\n';
  await tables.write({
    [`wide_${extension}/1.${extension}`]: text.join('\n'),
    [`wide_${extension}/2.${extension}`]: small,
  });
  const table = { path: `data/wide_${extension}` };
  expect(await tables.columns(table)).toEqual(['a decimal(38,0)', 'b varchar', 'c double']);
  expect(await tables.rows(table)).toEqual([
    [least, most, 1.5],
    [most, wider, 2],
    ['1', '1', 1],
  ]);
});

test('what the kernel would cut to fit the type it found stays text', async () => {
  const values = '2024-01-01 00:00:00.123456789,12:00:00.1234567,2024-01-01,0x10';
  await tables.write({ 'finer.csv': `at,clock,day,hex\n${values}\n2024-01-01 00:00:00,12:00:00,infinity,1\n` });
  const columns = ['at varchar', 'clock varchar', 'day varchar', 'hex varchar'];
  expect(await tables.columns({ path: 'data/finer.csv' })).toEqual(columns);
});
